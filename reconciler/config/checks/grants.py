"""Access grants: who gets access to what is said once."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.config.checks.index import Index
from reconciler.config.documents import Document
from reconciler.config.nodes import find, to_json
from reconciler.errors import Problem
from reconciler.model.json import canonical_json


def check(index: Index) -> Iterator[Problem]:
    """No two grants for the same target and grantee: each would take the roles of the other for its own."""
    first: dict[str, Document] = {}
    for document in index.of_kind("AccessGrant"):
        place = _place(index, document)
        if place in first:
            detail = f"{first[place].label} at {first[place].node.at} gives access to the same, for the same."
            fix = "put the roles of both into one document"
            yield Problem(f"{document.label} repeats a grant", document.node.at, detail, fix)
        first.setdefault(place, document)


def _place(index: Index, document: Document) -> str:
    named = {
        name: to_json(node)
        for name in ("collection", "project", "group", "user")
        if (node := find(document.node, "spec", name)) is not None
    }
    return canonical_json([index.backend_name(document), named])
