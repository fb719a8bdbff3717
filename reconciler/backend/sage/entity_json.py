"""An entity as one flat JSON object, its annotations beside its fields, as JSON schemas see it."""

from __future__ import annotations

import json
from typing import Any, Final

from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import Call, iso, reply, syn
from reconciler.backend.sage.entity_annotations import annotations_of, read_annotations, store_annotations
from reconciler.backend.sage.errors import bad, stale
from reconciler.backend.sage.nodes import Node, entity_wire, find_node, readable_node, require
from reconciler.backend.sage.routes import SageRoute, reads, writes
from reconciler.backend.wire import Response

# Fields of entities of any type: none of them can be an annotation here.
_FIELDS: Final = frozenset(
    {
        "name", "description", "id", "etag", "createdOn", "modifiedOn", "createdBy", "modifiedBy", "parentId",
        "concreteType", "versionNumber", "versionLabel", "versionComment", "isLatestVersion", "dataFileHandleId",
        "fileNameOverride", "alias", "linksTo", "linksToClassName", "columnIds", "scopeIds", "viewTypeMask", "items",
        "definingSQL", "isSearchEnabled", "repositoryName", "isManaged", "size", "checksum", "count",
    }
)  # fmt: skip


def entity_json(node: Node) -> dict[str, Any]:
    """Fields and annotations; an annotation of one value is that value, of several a list."""
    flat = {key: value for key, value in entity_wire(node).items() if value is not None}
    for key, item in annotations_of(node).items():
        values = [_plain(item["type"], text) for text in item["value"]]
        if values and key not in flat:
            flat[key] = values[0] if len(values) == 1 else values
    return flat


def _plain(kind: str, text: str) -> Any:
    """A stored value as JSON has it. Numbers that JSON lacks stay texts."""
    match kind:
        case "LONG":
            return int(text)
        case "DOUBLE":
            number = float(text)
            return number if abs(number) < float("inf") else text
        case "BOOLEAN":
            return text.lower() == "true"
        case "TIMESTAMP_MS":
            return _date(text)
    return text


def _date(text: str) -> str:
    try:
        return iso(int(text) / 1000)
    except (ValueError, OverflowError, OSError):
        return text  # beyond what a calendar holds


def get(call: Call) -> Response:
    """`GET /entity/{id}/json`."""
    return reply(entity_json(readable_node(call)))


def put(call: Call) -> Response:
    """`PUT /entity/{id}/json`: replaces the annotations; the fields stay as they are."""
    node, body = find_node(call.db, call.entity()), call.body
    require(call, node, "UPDATE")
    if body.needed("etag") != node["etag"]:
        raise stale(syn(node["id"]))
    stored = {key: _typed(key, value) for key, value in body.values.items() if key not in _FIELDS and value is not None}
    store_annotations(call, node["id"], read_annotations(Body({"annotations": stored})))
    return reply(entity_json(find_node(call.db, node["id"])))


def _typed(key: str, value: Any) -> dict[str, Any]:
    """The annotation that a JSON value is."""
    values = value if isinstance(value, list) else [value]
    kinds = {type(one) for one in values}
    if kinds == {int}:
        kind = "LONG"
    elif kinds <= {int, float} and kinds:
        kind = "DOUBLE"
    elif kinds == {bool}:
        kind = "BOOLEAN"
    elif kinds <= {str}:
        kind = "STRING"
    else:
        raise bad(f"{key[:256]} must be a text, a number or a truth value, or a list of one kind of these.")
    return {"type": kind, "value": [one if isinstance(one, str) else json.dumps(one) for one in values]}


ROUTES: Final[tuple[SageRoute, ...]] = (
    reads("GET", "/entity/{id}/json", get, anonymous=True),
    writes("PUT", "/entity/{id}/json", put),
)
