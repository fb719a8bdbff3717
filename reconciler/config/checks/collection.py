"""Collections: file specifications and the unit metadata schema."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.config.checks.index import Index
from reconciler.config.documents import Document
from reconciler.config.nodes import ListNode, MapNode, Node, ScalarNode, find, list_at, text_at, to_json
from reconciler.errors import Location, Problem
from reconciler.model.json import JSON


def check(index: Index) -> Iterator[Problem]:
    """Every collection."""
    for document in index.of_kind("Collection"):
        yield from _specifications(document)
        yield from _unit_schema(document)


def _specifications(document: Document) -> Iterator[Problem]:
    nodes = list_at(document.node, "spec", "fileSpecifications")
    first: dict[str, Location] = {}
    for node in nodes:
        name = text_at(node, "name")
        if name is None:
            continue
        if name in first:
            detail = f"It stands at {first[name]} too."
            yield Problem(f"the file specification '{name}' is there twice", node.at, detail, "rename one of them")
        first.setdefault(name, node.at)
    yield from _primary(document, nodes)


def _primary(document: Document, nodes: tuple[Node, ...]) -> Iterator[Problem]:
    marked = [node for node in nodes if _is_true(find(node, "primary"))]
    if len(marked) > 1:
        second = find(marked[1], "primary") or marked[1]
        detail = f"'{text_at(marked[0], 'name')}' is primary too."
        yield Problem("two file specifications are primary", second.at, detail, "mark exactly one with primary: true")
    elif not marked and len(nodes) > 1:
        place = find(document.node, "spec", "fileSpecifications") or document.node
        yield Problem(
            "no file specification is primary",
            place.at,
            "The primary file stands for the unit.",
            "mark exactly one with primary: true",
        )


def _is_true(node: Node | None) -> bool:
    return isinstance(node, ScalarNode) and node.value is True


def _unit_schema(document: Document) -> Iterator[Problem]:
    node = find(document.node, "spec", "unitMetaSchema")
    if not isinstance(node, MapNode) or list(node.entries) == ["file"]:
        return
    remote = list(_remote_references(node))
    yield from remote
    if not remote:
        yield from _invalid_schema(node)


def _remote_references(node: Node) -> Iterator[Problem]:
    match node:
        case MapNode():
            target = node.entries.get("$ref")
            if isinstance(target, ScalarNode) and isinstance(target.value, str) and not target.value.startswith("#"):
                fix = "copy what it refers to into $defs"
                yield Problem(f"the schema refers to {target.value!r}, outside of itself", target.at, fix=fix)
            for value in node.entries.values():
                yield from _remote_references(value)
        case ListNode():
            for item in node.items:
                yield from _remote_references(item)
        case _:
            return


def _invalid_schema(node: MapNode) -> Iterator[Problem]:
    """A fast check first; the one that explains is loaded when something is wrong."""
    import jsonschema_rs

    schema = to_json(node)
    try:
        jsonschema_rs.validator_for(schema)
        return
    except ValueError as exc:
        reason = str(exc).partition("\n")[0]
    explained = list(_explained(node, schema))
    yield from explained or [
        Problem(f"unitMetaSchema is not a valid JSON Schema: {reason}", node.at, fix="correct the schema")
    ]


def _explained(node: MapNode, schema: JSON) -> Iterator[Problem]:
    import jsonschema

    meta = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator).META_SCHEMA
    checker = jsonschema.validators.validator_for(meta)
    best: dict[tuple[str | int, ...], str] = {}
    for error in checker(meta).iter_errors(schema):
        leaf = jsonschema.exceptions.best_match([error])
        if leaf is not None:
            best.setdefault(tuple(leaf.absolute_path), leaf.message)
    for path, message in best.items():
        at = (find(node, *path) or node).at
        yield Problem(f"unitMetaSchema is not a valid JSON Schema: {message}", at, fix="correct the schema")
