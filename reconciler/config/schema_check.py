"""Validate documents against the schema of their kind.

A compiled validator answers "valid?" first; the one that explains is loaded when something is wrong.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

from reconciler.config.documents import Document
from reconciler.config.kinds import UNSUPPORTED, Unsupported
from reconciler.config.nodes import MapNode, Path, ScalarNode, find, locate, locate_key, to_json
from reconciler.config.schema import load_schema
from reconciler.config.schema_errors import ErrorReport, dotted
from reconciler.errors import Location, Problem


def check_schema(document: Document, unresolved: Collection[Location] = ()) -> list[Problem]:
    """Every way in which a document breaks its schema or asks for what this version does not do.

    unresolved: places whose expression has a problem of its own.
    """
    refused = [(item, problem) for item in UNSUPPORTED if (problem := _refused(document, item))]
    value = to_json(document.node)
    if _fast_validator(document.kind).is_valid(value):
        return [problem for _, problem in refused]
    schema = load_schema(document.kind)
    report = ErrorReport(document.node, schema, [item.path for item, _ in refused], unresolved)
    return [*(problem for _, problem in refused), *report.problems(_explain(schema, value))]


def _refused(document: Document, item: Unsupported) -> Problem | None:
    node = find(document.node, *item.path)
    if item.kind != document.kind or node is None:
        return None
    what = dotted(item.path)
    supported = f"Supported: {item.supported}."
    if not item.values:
        return Problem(
            f"{what} is not supported in this version", _key_place(document, item.path), supported, "remove it"
        )
    if isinstance(node, ScalarNode) and node.value in item.values:
        summary = f"{what}: {node.value} is not supported in this version"
        return Problem(summary, node.at, supported, "choose a supported one")
    return None


def _key_place(document: Document, path: Path) -> Location:
    parent = find(document.node, *path[:-1])
    place = locate_key(parent, str(path[-1])) if isinstance(parent, MapNode) else None
    return place or locate(document.node, path)


@cache
def _fast_validator(kind: str) -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(dict(load_schema(kind)))


def _explain(schema: Any, value: Any) -> list[Any]:
    import jsonschema

    return list(jsonschema.Draft202012Validator(schema).iter_errors(value))
