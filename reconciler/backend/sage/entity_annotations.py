"""Annotations, version 2: typed lists of values by key, of an entity's current version or of an older one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import Call, reply, syn
from reconciler.backend.sage.errors import bad, stale
from reconciler.backend.sage.nodes import Node, find_node, require, touch
from reconciler.backend.sage.routes import SageRoute, writes
from reconciler.backend.wire import Response

MOST_KEYS: Final = 100
MOST_VALUES: Final = 100
MOST_CHARACTERS: Final = 500
_KEY: Final = re.compile(r"[A-Za-z0-9,_.]{1,256}")
_RESERVED: Final = frozenset({"_accessRequirementIds"})
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,19}")
_REAL: Final = re.compile(
    r"[+-]?(?:(?:[0-9]{1,400}\.?[0-9]{0,400}|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,5})?|nan|inf|infinity)", re.IGNORECASE
)

Annotations = Mapping[str, Mapping[str, Any]]


def _is_whole(text: str) -> bool:
    return _WHOLE.fullmatch(text) is not None and -(1 << 63) <= int(text) < 1 << 63


def _is_text(_text: str) -> bool:
    return True


_TYPES: Final[Mapping[str, Callable[[str], object]]] = {
    "STRING": _is_text,
    "LONG": _is_whole,
    "TIMESTAMP_MS": _is_whole,
    "DOUBLE": _REAL.fullmatch,
    "BOOLEAN": re.compile(r"true|false", re.IGNORECASE).fullmatch,
}


def read_annotations(body: Body) -> dict[str, dict[str, Any]]:
    """The annotations of a body, checked. Raises `ApiError` 400."""
    listed = body.object("annotations")
    found = {} if listed is None else {key: _read_values(key, listed) for key in listed.values}
    check_number(found)
    return found


def check_number(annotations: Annotations) -> None:
    """400 when an entity would have too many annotations."""
    if len(annotations) > MOST_KEYS:
        raise bad(f"Exceeded maximum number of annotations: {MOST_KEYS} per entity.")


def _read_values(key: str, listed: Body) -> dict[str, Any]:
    if not _KEY.fullmatch(key):
        raise bad(
            f"Invalid annotation name: '{key[:256]}'. Annotation names may only contain: letters, numbers,"
            " underscores and periods"
        )
    if key in _RESERVED:
        raise bad(f"The annotation name {key} is reserved.")
    item = listed.object(key)
    if item is None:
        raise bad(f"The annotation {key} must not be null.")
    kind = item.needed("type")
    if kind not in _TYPES:
        raise bad(f"The type of the annotation {key} is one of {', '.join(_TYPES)}.")
    values = item.items("value")
    _check_values(key, kind, values)
    return {"type": kind, "value": values}


def _check_values(key: str, kind: str, values: list[Any]) -> None:
    if len(values) > MOST_VALUES:
        raise bad(f"Exceeded maximum number of values for the annotation {key}: {MOST_VALUES}.")
    is_good = _TYPES[kind]
    for value in values:
        if not isinstance(value, str):
            raise bad(f"Values of the annotation {key} must be strings, and not null.")
        if not is_good(value):
            raise bad(f"Value associated with key={key} is not valid for type={kind}: {value[:100]}")
    if kind == "STRING" and sum(map(len, values)) > MOST_CHARACTERS:
        raise bad(f"The values of the annotation {key} exceed {MOST_CHARACTERS} characters together.")


def annotations_of(node: Node) -> dict[str, Any]:
    """The stored annotations of a version."""
    found: dict[str, Any] = json.loads(node["annotations"])
    return found


def annotations_wire(node: Node) -> dict[str, Any]:
    """A version's annotations as the wire has them, with the entity's etag."""
    return {"id": syn(node["id"]), "etag": node["etag"], "annotations": annotations_of(node)}


def store_annotations(call: Call, entity: int, annotations: Annotations) -> None:
    """Replace the annotations of the current version; the entity gets a fresh etag."""
    call.db.execute(
        "UPDATE sage_versions SET annotations = ? WHERE entity_id = ?"
        " AND number = (SELECT version FROM sage_entities WHERE id = ?)",
        (json.dumps(annotations, sort_keys=True), entity, entity),
    )
    touch(call, entity)


def put(call: Call) -> Response:
    """`PUT /entity/{id}/annotations2`: replaces all; the etag must be the entity's."""
    node = find_node(call.db, call.entity())
    require(call, node, "UPDATE")
    body = call.body
    if body.needed("etag") != node["etag"]:
        raise stale(syn(node["id"]))
    store_annotations(call, node["id"], read_annotations(body))
    return reply(annotations_wire(find_node(call.db, node["id"])))


ROUTES: Final[tuple[SageRoute, ...]] = (writes("PUT", "/entity/{id}/annotations2", put),)
