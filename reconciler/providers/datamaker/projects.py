"""Annotation projects on the wire (`/v2/projects/`). Pure: fields in our vocabulary ↔ the service's JSON."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model.address import Address
from reconciler.model.json import JSON, digest
from reconciler.model.observed import Found
from reconciler.plan.refusals import Fixed
from reconciler.providers.datamaker import visibility, workshops
from reconciler.providers.datamaker.classification import expand, names_of
from reconciler.providers.datamaker.marker import MARKER, object_marker, object_owner
from reconciler.providers.datamaker.parts import Part
from reconciler.providers.datamaker.tags import ReviewTags, TaskTags
from reconciler.providers.http import Params

PATH = "/v2/projects/"
KIND = "AnnotationProject"
NAME = "title"
KEYED: Mapping[str, str] = {}
FIXED: tuple[Fixed, ...] = workshops.FIXED
REMARKS = visibility.REMARKS
PARTS: tuple[Part, ...] = (TaskTags(), ReviewTags(), workshops.Workshops())

_BLOCK = ("count_max_assignments_per_task", "can_discard", "enable_workforce", "access_level", "caution")

Wire = Mapping[str, JSON]


def rows(remote_id: str) -> tuple[str, Params]:
    """What tells whether it holds anything."""
    return "/v2/tasks/", {"project": remote_id}


def from_wire(wire: Wire) -> Found:
    """Read the detail of a project."""
    configuration = wire.get("configuration")
    classification = configuration.get("classification") if isinstance(configuration, Mapping) else None
    fields: dict[str, JSON] = {
        "title": wire.get("title"),
        "description": wire.get("description"),
        "category": wire.get("category"),
        "classes": names_of(classification),
        "datamaker": {key: wire[key] for key in _BLOCK if key in wire},
    }
    collection = wire.get("data_collection_id")
    if collection:  # 0 stands for none where a client cannot take null
        fields["collection"] = str(collection)
    owner = object_owner(configuration)
    return Found(str(wire["id"]), fields, etag=digest([fields, owner]), owner=owner)


def to_wire(fields: Mapping[str, JSON], address: Address, observed: Wire | None = None) -> dict[str, JSON]:
    """Give the body that creates a project, or its full writable state beside what is `observed`."""
    there = (observed or {}).get("configuration")
    configuration = dict(there) if isinstance(there, Mapping) else {"schema_type": "dm_schema"}
    classes = fields.get("classes")
    if classes is not None and classes != names_of(configuration.get("classification")):
        configuration["classification"] = expand(classes, address, configuration.get("classification"))
    old = configuration.get(MARKER)
    configuration[MARKER] = {**(old if isinstance(old, Mapping) else {}), **object_marker(address)}
    wire: dict[str, JSON] = {
        "title": fields["title"],
        "category": fields["category"],
        "description": fields.get("description") or "",
        "configuration": configuration,
    }
    if "collection" in fields:
        collection = fields["collection"]
        wire["data_collection"] = int(collection) if str(collection or "").isdigit() else collection
    return wire | dict(fields.get("datamaker") or {})
