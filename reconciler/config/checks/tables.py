"""Tables and views: columns that cannot be together, and rows that do not fit the columns."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.config.checks.index import Index
from reconciler.config.documents import Document
from reconciler.config.nodes import Node, find, list_at, text_at, texts_at
from reconciler.config.suggestion import did_you_mean
from reconciler.errors import Problem

_SIZED = ("STRING", "LINK", "STRING_LIST")
_UNFACETED = ("JSON", "MEDIUMTEXT", "LARGETEXT", "LINK", "FILEHANDLEID")


def check(index: Index) -> Iterator[Problem]:
    """Every table and view."""
    for kind in ("Table", "EntityView"):
        for document in index.of_kind(kind):
            yield from _columns(list_at(document.node, "spec", "columns"))
            yield from _rows(document)
    for document in index.of_kind("EntityView"):
        yield from _included(document)


def _columns(columns: tuple[Node, ...]) -> Iterator[Problem]:
    first: dict[str, Node] = {}
    for column in columns:
        name = text_at(column, "name") or ""
        if name in first:
            yield Problem(f"the column {name!r} is declared twice", column.at, fix="remove one, or rename it")
        first.setdefault(name, column)
        yield from _limits(column, text_at(column, "type") or "")
    for column in columns:
        previous, at = text_at(column, "previousName"), find(column, "previousName")
        if previous in first and at is not None:
            detail = "A column takes the values of one that is gone."
            yield Problem(f"{previous!r} is a column of its own", at.at, detail, "rename in two steps")


def _limits(column: Node, kind: str) -> Iterator[Problem]:
    """What is said of a column that its type does not know."""
    fits = {
        "maximumSize": not kind or kind in _SIZED,
        "maximumListLength": not kind or kind.endswith("_LIST"),
        "facetType": kind not in _UNFACETED,
    }
    for name, is_known in fits.items():
        node = find(column, name)
        if node is not None and not is_known:
            yield Problem(f"a column of type {kind} has no {name}", node.at, fix="remove it, or change the type")


def _rows(document: Document) -> Iterator[Problem]:
    rows = find(document.node, "spec", "rows")
    if rows is None:
        return
    names = [text_at(column, "name") or "" for column in list_at(document.node, "spec", "columns")]
    if not names:
        yield Problem("rows need columns", rows.at, "Cells are typed by the columns.", "declare spec.columns")
        return
    for name, at in texts_at(rows, "key"):
        if name not in names and "${" not in name:
            fix = did_you_mean(name, names, "name one of spec.columns")
            yield Problem(f"the key column {name!r} is not declared", at, fix=fix)


def _included(document: Document) -> Iterator[Problem]:
    shown = list(texts_at(document.node, "spec", "include"))
    for name, at in shown:
        if name == "projects" and len(shown) > 1:
            yield Problem("projects cannot be shown beside other things", at, fix="declare a view of projects alone")
