"""Collections on the wire (`/v2/data-collections/`). Pure: fields in our vocabulary ↔ the service's JSON.

`meta` of the service holds three things that are apart here: the user's own free JSON (`meta`), the unit meta schema
(`data_unit_meta_schema`) and our marker, whose `widened` says that the schema was made to admit unit markers.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model.address import Address
from reconciler.model.json import JSON, digest
from reconciler.model.observed import Found
from reconciler.plan.refusals import Fixed
from reconciler.providers.datamaker import specifications, visibility
from reconciler.providers.datamaker.groups import UnitGroups
from reconciler.providers.datamaker.marker import MARKER, object_marker, object_owner
from reconciler.providers.datamaker.parts import Part
from reconciler.providers.datamaker.schema_widening import narrow, widen
from reconciler.providers.http import Params

PATH = "/v2/data-collections/"
KIND = "Collection"
NAME = "name"
KEYED = {"fileSpecifications": "name"}
FIXED: tuple[Fixed, ...] = ()
PARTS: tuple[Part, ...] = (UnitGroups(),)
REMARKS = visibility.REMARKS

_SCHEMA = "data_unit_meta_schema"
_BLOCK = ("category", "access_level", "caution")

Wire = Mapping[str, JSON]


def rows(remote_id: str) -> tuple[str, Params]:
    """What tells whether it holds anything."""
    return "/v2/data-units/", {"data_collection": remote_id}


def from_wire(wire: Wire) -> Found:
    """Read the detail of a collection."""
    meta = wire.get("meta")
    free = dict(meta) if isinstance(meta, Mapping) else {}
    marker = free.pop(MARKER, None)
    schema = free.pop(_SCHEMA, None)
    fields: dict[str, JSON] = {
        "title": wire.get("name"),
        "description": wire.get("description"),
        "fileSpecifications": specifications.from_wire(wire.get("file_specifications") or []),
        "meta": free,
        "datamaker": {key: wire[key] for key in _BLOCK if key in wire},
    }
    if schema is not None:
        widened = isinstance(marker, Mapping) and marker.get("widened") is True
        fields["unitMetaSchema"] = narrow(schema) if widened else schema
    owner = object_owner(meta)
    return Found(str(wire["id"]), fields, etag=digest([fields, owner]), owner=owner)


def to_wire(fields: Mapping[str, JSON], address: Address, observed: Wire | None = None) -> dict[str, JSON]:
    """Give the body that creates a collection, or its full writable state beside what is `observed`.

    A collection without a declared category takes the type of its primary specification.
    """
    there = observed or {}
    specs = fields.get("fileSpecifications") or []
    block = fields.get("datamaker") or {}
    wire: dict[str, JSON] = {
        "name": fields["title"],
        "category": block.get("category") or there.get("category") or _category(specs),
        "description": fields.get("description") or "",
        "meta": _meta(fields, address, there.get("meta")),
        "file_specifications": specifications.to_wire(specs, there.get("file_specifications") or []),
    }
    return wire | {key: value for key, value in block.items() if key != "category"}


def _meta(fields: Mapping[str, JSON], address: Address, there: JSON) -> dict[str, JSON]:
    """Our part of `meta`; when it is no object, it is somebody's and is kept under "value"."""
    old = there.get(MARKER) if isinstance(there, Mapping) else None
    marker = {**(old if isinstance(old, Mapping) else {}), **object_marker(address)}
    marker.pop("widened", None)
    meta = dict(fields.get("meta") or {})
    if there is not None and not isinstance(there, Mapping):
        meta = {"value": there, **meta}
    schema = fields.get("unitMetaSchema")
    if schema is not None:
        meta[_SCHEMA] = widen(schema)
        if meta[_SCHEMA] != schema:
            marker["widened"] = True
    return meta | {MARKER: marker}


def _category(specs: JSON) -> str:
    primary = next((spec for spec in specs if spec.get("primary")), specs[0] if specs else None)
    return specifications.wire_type(primary["type"]) if primary else "data"
