"""Writes Sage manifests that read back without a change, in strict mode and by the official readers."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

from reconciler.errors import ConfigError, Location, Problem
from reconciler.formats.manifest_cells import Dialect, Wire
from reconciler.formats.manifest_writing import Unwritable, check_text_column, write_column
from reconciler.sources.manifest_columns import ERROR, IDENTITY, IGNORED, PARENT, reserved
from reconciler.sources.manifest_row import Link, ManifestRow

_TRUTH = ("synapseStore", "forceVersion")


def manifest_text(rows: Sequence[ManifestRow], dialect: Dialect, shown: str) -> str:
    """The manifest of these rows, sorted by parent and name. shown: its name, for problems.

    Raises:
        ConfigError: with every value that the dialect, its official reader or the server cannot hold.
    """
    return _Writer(sorted(rows, key=lambda row: (row.parent, row.name, row.path)), dialect, shown).text()


class _Writer:
    """Builds the columns of one manifest."""

    def __init__(self, rows: Sequence[ManifestRow], dialect: Dialect, shown: str) -> None:
        self._rows = rows
        self._dialect = dialect
        self._shown = shown
        self._problems: list[Problem] = []

    def text(self) -> str:
        keys = sorted({key for row in self._rows for key in row.annotations})
        standard = [(name, cells) for name, cells in self._standard() if any(cells) or name == "path"]
        width = len(standard) + len(keys)
        columns = [(name, self._checked(name, cells, width)) for name, cells in standard]
        columns += [(key, self._annotation(key, width)) for key in keys]
        self._check_content_types()
        if self._problems:
            raise ConfigError(self._problems)
        out = io.StringIO()
        if self._dialect is Dialect.CSV:
            writer = csv.writer(out, lineterminator="\n")
        else:
            writer = csv.writer(out, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None, lineterminator="\n")
        writer.writerow([name for name, _ in columns])
        writer.writerows(zip(*(cells for _, cells in columns), strict=True))
        return out.getvalue()

    def _standard(self) -> list[tuple[str, list[str]]]:
        wanted: dict[str, Callable[[ManifestRow], str]] = {
            "path": lambda row: row.path,
            PARENT[self._dialect]: lambda row: row.parent,
            "name": lambda row: row.name,
            IDENTITY[self._dialect]: lambda row: row.id,
            "contentType": lambda row: row.content_type,
            "used": lambda row: _linked(row.used),
            "executed": lambda row: _linked(row.executed),
            "activityName": lambda row: row.activity_name,
            "activityDescription": lambda row: row.activity_description,
        }
        if any(not row.store and not row.is_external for row in self._rows):
            wanted["synapseStore"] = lambda row: str(row.store)
        if not all(row.force_version for row in self._rows):
            wanted["forceVersion"] = lambda row: str(row.force_version)
        return [(n, [wanted[n](row) for row in self._rows]) for n in reserved(self._dialect) if n in wanted]

    def _checked(self, name: str, cells: list[str], width: int) -> list[str]:
        """A standard column; every cell is verbatim, so nothing can be escaped in it."""
        for row, cell in zip(self._rows, cells, strict=True):
            if self._dialect is Dialect.TSV and (set(cell) & set("\t\r\n") or cell.startswith('"')):
                what = f"{name} of {row.name!r} cannot be written: {cell[:40]!r}"
                detail = "The TSV dialect has no quotes for tabs, line ends, and quotes at the beginning of a cell."
                self._problem(what, detail, "write --dialect csv")
        links = [link for row in self._rows for link in row.links] if name in ("used", "executed") else []
        for link in links:
            if ";" in link.text:
                what = f"{link.text!r} cannot be written in {name}"
                self._problem(what, "Items end at ';'.", "write ';' as %3B in a URL")
        if name not in _TRUTH:
            try:
                check_text_column(cells, width)
            except Unwritable as error:
                self._problem(f"column {name!r} cannot be written: {error}", "", "rename one of the files")
        return cells

    def _annotation(self, key: str, width: int) -> list[str]:
        taken = {*reserved(self._dialect), *IGNORED[self._dialect], *([ERROR] if self._dialect is Dialect.CSV else [])}
        if key in taken:
            detail = f"It is the name of a column of the {self._dialect.upper()} dialect."
            self._problem(f"annotation {key!r} cannot be written", detail, "rename the annotation")
        values: list[Wire | str | None] = [row.annotations.get(key, "") for row in self._rows]
        try:
            return write_column(values, width)
        except Unwritable as error:
            self._problem(f"annotation {key!r} cannot be written: {error}", "", "change the value, or leave it out")
            return [""] * len(values)

    def _check_content_types(self) -> None:
        given = [row for row in self._rows if row.content_type]
        if given and len(given) < len(self._rows):
            bare = next(row for row in self._rows if not row.content_type)
            what = f"{len(given)} of {len(self._rows)} files have a content type, {bare.name!r} has none"
            detail = "The official client would take the type of the others away, and make a new version at every run."
            self._problem(what, detail, "give all of them one, or write two manifests")

    def _problem(self, what: str, detail: str, fix: str) -> None:
        self._problems.append(Problem(what, Location(self._shown), detail, fix))


def _linked(links: Sequence[Link]) -> str:
    return ";".join(link.text for link in links)


def write_whole(path: Path, text: str) -> None:
    """Put a file in place at once."""
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(text, encoding="utf-8", newline="")
    temporary.replace(path)
