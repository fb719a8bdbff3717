"""Names are unique per kind."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.config.checks.index import Index
from reconciler.config.nodes import find
from reconciler.errors import Location, Problem


def check(index: Index) -> Iterator[Problem]:
    """One document per kind and name."""
    first: dict[str, Location] = {}
    for document in index.documents:
        node = find(document.node, "metadata", "name")
        if node is None or not document.name:
            continue
        if document.label in first:
            detail = f"It is declared at {first[document.label]} too."
            yield Problem(f"{document.label} is declared twice", node.at, detail, "rename or remove one of them")
        first.setdefault(document.label, node.at)
