"""Asset sets: specifications named by sources and rules, key rules, URLs."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.config.checks.index import Index
from reconciler.config.checks.patterns import compiled, template_problems
from reconciler.config.checks.specifications import unknown_specifications
from reconciler.config.checks.storages import storage_problems
from reconciler.config.documents import Document
from reconciler.config.nodes import MapNode, Node, find, list_at, text_at, texts_at
from reconciler.errors import Location, Problem

_NO_FILES = "The units are taken as the collection holds them; no file is read."


def check(index: Index) -> Iterator[Problem]:
    """Every asset set."""
    for document in index.of_kind("AssetSet"):
        yield from unknown_specifications(index, index.collection_of(document), _used(document))
        yield from _units(document)
        for source in _sources(document):
            yield from storage_problems(source, "source")
        if find(document.node, "spec", "existing") is not None:
            yield from _existing(index, document)


def _sources(document: Document) -> Iterator[Node]:
    one, several = find(document.node, "spec", "source"), find(document.node, "spec", "sources")
    if one is not None:
        yield one
    if isinstance(several, MapNode):
        yield from (node for name in several.keys if (node := find(several, name)) is not None)


def _existing(index: Index, document: Document) -> Iterator[Problem]:
    """Units that are there already have no files to arrange or to delete."""
    for name in ("units", "files", "incomplete", "unmatched", "duplicates", "limits", "content", "prune", "provenance"):
        node = find(document.node, "spec", name)
        if node is not None:
            yield Problem(f"'{name}' does not go with existing", node.at, _NO_FILES, fix=f"remove '{name}'")
    for name, at in texts_at(document.node, "spec", "metadata"):
        source = index.by_name.get(("MetadataSource", name))
        if source is not None and find(source.node, "spec", "sidecar") is not None:
            detail = f"{source.label} reads a file beside the data. {_NO_FILES}"
            yield Problem("sidecar metadata does not go with existing", at, detail, fix="use a table or a constant")
    yield from _key_rule(find(document.node, "spec", "existing", "key"))


def _used(document: Document) -> Iterator[tuple[str, Location]]:
    sources = find(document.node, "spec", "sources")
    if isinstance(sources, MapNode):
        yield from sources.keys.items()
    for rule in list_at(document.node, "spec", "files"):
        name, node = text_at(rule, "specification"), find(rule, "specification")
        if name is not None and node is not None:
            yield name, node.at


def _units(document: Document) -> Iterator[Problem]:
    units = find(document.node, "spec", "units")
    key, layout = find(units, "key"), find(units, "layout")
    if key is not None and layout is not None:
        yield Problem("layout and key exclude each other", layout.at, fix="keep one of them")
    yield from _key_rule(key)


def _key_rule(key: Node | None) -> Iterator[Problem]:
    regex, place = compiled(find(key, "regex")), find(key, "regex")
    if isinstance(regex, Problem):
        yield regex
    elif regex is not None and place is not None:
        yield from template_problems(regex, find(key, "template"), place)
