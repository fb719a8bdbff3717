"""Provenance cells of a manifest: their items, and whether the rows that they join make sense together."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from urllib.parse import urlsplit

from reconciler.errors import Location, Problem
from reconciler.formats.manifest_cells import Dialect, is_url
from reconciler.sources.manifest_row import ENTITY, Link, LinkKind, ManifestRow, Paths

# What the server can parse as a URL.
_SCHEMES = ("http", "https", "ftp", "file")

# (what, detail, fix)
Complaint = tuple[str, str, str]


class LinkReader:
    """Reads `used` and `executed` cells of one dialect."""

    __slots__ = ("_dialect", "_paths", "_strict")

    def __init__(self, paths: Paths, dialect: Dialect, strict: bool) -> None:
        self._paths = paths
        self._dialect = dialect
        self._strict = strict

    def read(self, text: str) -> tuple[tuple[Link, ...], list[Complaint]]:
        """The items of a cell that is not blank, and what is wrong with them."""
        links: list[Link] = []
        complaints: list[Complaint] = []
        for item in text.split(";"):
            found = self._item(item.strip(), complaints)
            if found is not None and found in links and self._strict:
                complaints.append((f"{found.text!r} is named twice", "", "remove one of them"))
            elif found is not None:
                links.append(found)
        return tuple(links), complaints

    def _item(self, item: str, complaints: list[Complaint]) -> Link | None:
        if not item:
            complaints.append(("an item is empty", "Items stand between ';'.", "remove the ';' that is too many"))
            return None
        path = "" if is_url(item) else self._paths.absolute(item)
        # The legacy reader looks for a file first; a file called syn123 is a file to it.
        if path and self._dialect is Dialect.TSV and not self._strict and os.path.isfile(path):
            return Link(LinkKind.FILE, path)
        if not path:
            self._check_scheme(item, complaints)
            return Link(LinkKind.URL, item)
        if ENTITY.fullmatch(item):
            return Link(LinkKind.ENTITY, item)
        if ENTITY.fullmatch(item.lower()):
            complaints.append((f"{item!r} is nearly an id", "Ids are in lower case.", f"write {item.lower()!r}"))
            return None
        return Link(LinkKind.FILE, path)

    def _check_scheme(self, item: str, complaints: list[Complaint]) -> None:
        scheme = urlsplit(item).scheme
        if self._strict and scheme not in _SCHEMES:
            fix = f"use one of {', '.join(_SCHEMES)}"
            complaints.append((f"the server knows no {scheme}: URLs", f"The item is {item!r}.", fix))


def check_links(rows: Sequence[ManifestRow], shown: str, strict: bool) -> Iterator[Problem]:
    """Items that name a file must name the file of another row, and nothing may be made from itself."""
    lines = {row.path: row.line for row in rows if not row.is_external}
    needs: dict[str, set[str]] = {}
    for row in rows:
        for link in row.links:
            if link.kind is not LinkKind.FILE:
                continue
            if link.text == row.path:
                what = f"{os.path.basename(row.path)!r} is made from itself"
                yield Problem(what, Location(shown, row.line), "", "remove it from used and executed")
            elif link.text in lines:
                needs.setdefault(row.path, set()).add(link.text)
            else:
                yield _unknown(row, link, shown)
    del strict
    yield from _cycle(needs, lines, shown)


def _unknown(row: ManifestRow, link: Link, shown: str) -> Problem:
    what = f"{link.text!r} is neither an id, a URL, nor the file of a row"
    detail = f"The file {os.path.basename(row.path)!r} is said to be made from it."
    fix = "add a row for that file, or write its id (syn123, or syn123.4 for a version)"
    return Problem(what, Location(shown, row.line), detail, fix)


def _cycle(needs: dict[str, set[str]], lines: dict[str, int], shown: str) -> Iterator[Problem]:
    try:
        for _ in TopologicalSorter({path: sorted(needs[path]) for path in sorted(needs)}).static_order():
            pass
    except CycleError as error:
        members: list[str] = error.args[1]
        path = " ← ".join(f"{os.path.basename(member)} (line {lines[member]})" for member in members)
        first = min(lines[member] for member in members)
        yield Problem("these files are made from each other", Location(shown, first), f"{path}.", "break the circle")
