"""Names of file specifications that other documents use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.config.checks.index import Index
from reconciler.config.documents import Document
from reconciler.config.suggestion import did_you_mean, listed
from reconciler.errors import Location, Problem
from reconciler.model.sequence import MARK, members


def unknown_specifications(
    index: Index, collection: Document | None, used: Iterable[tuple[str, Location]]
) -> Iterator[Problem]:
    """Names that the collection does not have; nothing when its specifications are not declared here."""
    known = index.specification_names(collection)
    if known is None or collection is None:
        return
    for name, at in used:
        if MARK in name:
            yield from _sequence(name, known, at)
        elif name not in known:
            detail = f"{collection.label} has {listed(known)}."
            fix = did_you_mean(name, known, "use one of these, or add it to the collection")
            yield Problem(f"unknown file specification '{name}'", at, detail, fix)


def _sequence(pattern: str, known: Iterable[str], at: Location) -> Iterator[Problem]:
    try:
        members(pattern, known)
    except ValueError as error:
        yield Problem(str(error), at, fix="add the specifications to the collection, numbered without a gap")
