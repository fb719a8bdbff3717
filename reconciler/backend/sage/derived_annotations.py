"""Reading annotations, if asked with those that the schema of an entity adds to them."""

from __future__ import annotations

import json
from typing import Any, Final

from reconciler.backend.sage.call import Call, reply
from reconciler.backend.sage.entity_annotations import annotations_wire
from reconciler.backend.sage.nodes import Node, readable_node
from reconciler.backend.sage.routes import SageRoute, reads
from reconciler.backend.sage.schema_bindings import derived_annotations
from reconciler.backend.wire import Response

_TYPES: Final = {str: "STRING", bool: "BOOLEAN", int: "LONG", float: "DOUBLE"}


def get(call: Call) -> Response:
    """`GET /entity/{id}/annotations2?includeDerived=`, also of a version; only the current one has derived ones."""
    node = readable_node(call)
    wire = annotations_wire(node)
    if call.query.boolean("includeDerived") and node["number"] == node["version"]:
        wire["annotations"] = _derived(call, node) | wire["annotations"]
    return reply(wire)


def _derived(call: Call, node: Node) -> dict[str, dict[str, Any]]:
    """What is derived, as annotations. Values that no annotation can have are left out."""
    made = {key: _annotation(value) for key, value in sorted(derived_annotations(call, node).items())}
    return {key: annotation for key, annotation in made.items() if annotation is not None}


def _annotation(value: Any) -> dict[str, Any] | None:
    values = value if isinstance(value, list) else [value]
    kinds = {type(one) for one in values}
    kind = _TYPES.get(kinds.pop()) if len(kinds) == 1 else None
    if kind is None:
        return None
    return {"type": kind, "value": [one if isinstance(one, str) else json.dumps(one) for one in values]}


def get_keys(call: Call) -> Response:
    """`GET /entity/{id}/derivedKeys`."""
    return reply({"keys": sorted(derived_annotations(call, readable_node(call)))})


ROUTES: Final[tuple[SageRoute, ...]] = (
    reads("GET", "/entity/{id}/annotations2", get, anonymous=True),
    reads("GET", "/entity/{id}/version/{version}/annotations2", get, anonymous=True),
    reads("GET", "/entity/{id}/derivedKeys", get_keys, anonymous=True),
)
