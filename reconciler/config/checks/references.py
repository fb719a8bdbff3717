"""References name documents that exist, have the right kind and live on the same backend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from reconciler.config.checks.index import Index
from reconciler.config.documents import Document
from reconciler.config.kinds import RESOURCE_KINDS
from reconciler.config.nodes import MapNode, Node, find, list_at, text_at, texts_at
from reconciler.config.suggestion import did_you_mean, listed, nearest
from reconciler.errors import Location, Problem
from reconciler.model.kinds import OBJECT_KINDS, ObjectKind


@dataclass(frozen=True, slots=True)
class ReferenceField:
    """A field that names documents. path: "*" stands for any item of a list. many: a list of names. shared: both ends
    must be on one backend. others: kinds that it names as {kind, name} besides."""

    kind: str
    path: tuple[str, ...]
    target: str
    many: bool = False
    shared: bool = True
    others: tuple[str, ...] = ()


def _others(kind: ObjectKind, name: str) -> tuple[str, ...]:
    return (*kind.others.get(name, ()), *(("AssetSet",) if name in kind.rows else ()))


REFERENCES = (
    ReferenceField("Collection", ("spec", "sage", "parent"), "Collection"),
    ReferenceField("AssetSet", ("spec", "collection"), "Collection"),
    ReferenceField("AssetSet", ("spec", "metadata"), "MetadataSource", many=True, shared=False),
    ReferenceField("AnnotationProject", ("spec", "collection"), "Collection"),
    ReferenceField("TaskSet", ("spec", "project"), "AnnotationProject"),
    ReferenceField("TaskSet", ("spec", "assets"), "AssetSet"),
    ReferenceField("Export", ("spec", "project"), "AnnotationProject"),
    ReferenceField("Export", ("spec", "collection"), "Collection"),
    ReferenceField("Export", ("spec", "groundTruth", "dataset"), "GroundTruthDataset"),
    ReferenceField("Export", ("spec", "table"), "Table", others=("EntityView",)),
    *(
        ReferenceField(kind.name, ("spec", *name.split(".")), target, others=_others(kind, name))
        for kind in OBJECT_KINDS.values()
        for name, target in kind.references.items()
    ),
)


def check(index: Index) -> Iterator[Problem]:
    """Every reference of every document."""
    for document in index.documents:
        for field in REFERENCES:
            if field.kind == document.kind:
                for kind, name, at in _names(document, field):
                    yield from _check(index, document, replace(field, target=kind), name, at)


def _names(document: Document, field: ReferenceField) -> Iterator[tuple[str, str, Location]]:
    """Kind, name and place of every document that the field names."""
    if field.many:
        yield from ((field.target, name, at) for name, at in texts_at(document.node, *field.path))
        return
    for node in _nodes(document.node, field.path):
        kind, name = field.target, text_at(node)
        if isinstance(node, MapNode):
            assets = text_at(node, "assets")
            kind, name = ("AssetSet", assets) if assets else (text_at(node, "kind") or kind, text_at(node, "name"))
        if name is not None and "${" not in name and kind in (field.target, *field.others):
            yield kind, name, node.at


def _nodes(node: Node, path: tuple[str, ...]) -> Iterator[Node]:
    """The nodes at a path; "*" stands for any item of a list."""
    if not path:
        yield node
    elif path[0] == "*":
        for item in list_at(node):
            yield from _nodes(item, path[1:])
    elif (inner := find(node, path[0])) is not None:
        yield from _nodes(inner, path[1:])


def _check(index: Index, document: Document, field: ReferenceField, name: str, at: Location) -> Iterator[Problem]:
    target = index.by_name.get((field.target, name))
    if target is None:
        yield _undeclared(index, field, name, at)
        return
    here, there = index.backend_name(document), index.backend_name(target)
    if field.shared and here != there:
        detail = f"{document.label} is on the backend '{here}', {target.label} on '{there}'."
        yield Problem(f"{target.label} is on another backend", at, detail, "give both the same spec.backend")


def _undeclared(index: Index, field: ReferenceField, name: str, at: Location) -> Problem:
    known = index.names(field.target)
    others = [kind for kind in RESOURCE_KINDS if kind != field.target and (kind, name) in index.by_name]
    summary = f"{field.target} '{name}' is not declared"
    detail = f"Declared: {listed(known)}." if known else f"No {field.target} is declared."
    if others and nearest(name, known) is None:
        detail = f"'{name}' is {_article(others[0])}; {_article(field.target)} is needed here. {detail}"
    by_name_only = field.target in ("MetadataSource", "AssetSet")
    otherwise = "declare it" if by_name_only else "declare it, or write {id: ...} for one that exists already"
    return Problem(summary, at, detail, did_you_mean(name, known, otherwise))


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'AEIOU' else 'a'} {kind}"
