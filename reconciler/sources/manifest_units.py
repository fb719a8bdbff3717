"""Manifests of units: a table with the columns unit, specification and path, and metadata in all others.

CSV, TSV, JSON Lines, workbooks. Values are those of a metadata table; what the collection's schema declares is their
type.
"""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import IO, Any

from reconciler.errors import Location, Problem, SourceError
from reconciler.model.resource import ManifestFile
from reconciler.sources.account import MAX_FINDINGS
from reconciler.sources.cells import Cell, coerce, header_text, is_empty, key_text
from reconciler.sources.delimited import read_json_lines
from reconciler.sources.location import Place
from reconciler.sources.manifest_entries import Entry, ManifestListing
from reconciler.sources.manifest_row import Paths
from reconciler.sources.manifest_seen import SeenPaths
from reconciler.sources.manifest_status import RemoteStatus
from reconciler.sources.manifest_text import RecordReader, cell_column
from reconciler.sources.names import nfc
from reconciler.sources.table_refused import read_limited
from reconciler.sources.workbook import MAX_FILE_BYTES, TableRefused, read_sheet

STANDARD = ("unit", "specification", "path")
_WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
FORMATS = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", *_WORKBOOKS)


@dataclass(frozen=True, slots=True)
class _Line:
    """One row before it is understood. columns: where its cells begin, by header; empty when unknown."""

    number: int
    cells: dict[str, Cell]
    columns: Callable[[str], int]


@dataclass(slots=True)
class UnitManifest:
    """Reads one manifest of units. folder, root: the two sources of its asset set. names: the specifications."""

    manifest: ManifestFile
    place: Place
    folder: Place
    paths: Paths
    names: Sequence[str]
    kinds: dict[str, str]
    open_file: Callable[[], IO[bytes]]
    problems: list[Problem] = field(default_factory=list)
    _cut: int = 0
    _seen: SeenPaths = field(default_factory=SeenPaths)
    _sheet: str = ""
    _remote: RemoteStatus | None = None

    def listing(self) -> ManifestListing:
        """Read all rows. Raises SourceError with every problem of the file."""
        listing = ManifestListing(self.place.shown)
        try:
            for line in self._lines():
                self._add(line, listing)
        except TableRefused as error:
            self._report(Problem(f"{self.place.shown!r} cannot be read", self._at(0), error.reason, error.fix))
        except SourceError as error:
            self.problems += error.problems
        finally:
            self._seen.close()
            if self._remote is not None:
                self._remote.close()
        if not listing.file_count and not self.problems:
            fix = "add a row for every file; to delete everything on purpose, remove the document"
            self._report(Problem("the manifest names no file", self._at(0), "It has no rows.", fix))
        if self._cut:
            self.problems.append(Problem(f"{self._cut:,} more problems are not listed", self._at(0)))
        if self.problems:
            listing.close()
            raise SourceError(self.problems)
        return listing

    # -- rows

    def _add(self, line: _Line, listing: ManifestListing) -> None:
        path = self._standard(line, "path")
        specification = self._standard(line, "specification")
        if not path:
            self._tell("the path is missing", line, "path", "Every row is one file.", "fill it in or delete the row")
            return
        if specification and specification not in self.names:
            near = difflib.get_close_matches(specification, self.names, 1, 0.5)
            detail = f"The collection has {', '.join(self.names) or 'no specifications'}."
            fix = f"did you mean {near[0]!r}?" if near else "use one of the collection's file specifications"
            self._tell(f"unknown file specification {specification!r}", line, "specification", detail, fix)
        source, below = self._located(path)
        first = self._seen.first(source, nfc(below), line.number)
        if first != line.number:
            self._tell(f"{path!r} is named in line {first} too", line, "path", "", "delete one of the rows")
            return
        found = self._status(line, path, source, below)
        if found is None:
            return
        key = nfc(self._standard(line, "unit"))
        listing.add(Entry(line.number, key, specification, source, below, *found, self._meta(line), {}))

    def _located(self, text: str) -> tuple[int, str]:
        """(source, path below it): below the manifest's folder, else below the root of this machine."""
        if not self.place.is_local:
            return 0, text.removeprefix("./")
        full = self.paths.absolute(text)
        root = self.folder.path.rstrip("/") + "/"
        return (0, full[len(root) :]) if full.startswith(root) else (1, full.lstrip("/"))

    def _status(self, line: _Line, shown: str, source: int, below: str) -> tuple[int, str] | None:
        if "://" in shown:
            fix = "name files below the manifest's own folder, or place the manifest beside them"
            self._tell(f"{shown!r} is a URL", line, "path", "Paths start from the folder of the manifest.", fix)
            return None
        try:
            size, stamp, is_file = self._stat(source, below)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "It is not there"
            detail = f"{why}; relative paths start from the folder of the manifest."
            self._tell(f"{shown!r} cannot be read", line, "path", detail, "correct the path")
            return None
        if not is_file:
            self._tell(f"{shown!r} is not a file", line, "path", "Rows are files.", "name the files in it")
            return None
        return size, stamp

    def _stat(self, source: int, below: str) -> tuple[int, str, bool]:
        if source == 1 or self.place.is_local:
            found = os.stat(("/" + below) if source == 1 else self.folder.below(below))
            return found.st_size, f"{found.st_mtime_ns}.{found.st_ino}", stat.S_ISREG(found.st_mode)
        if self._remote is None:
            self._remote = RemoteStatus(self.folder)
        return self._remote.of(below)

    def _meta(self, line: _Line) -> dict[str, Any]:
        taken = {self._header(name) for name in STANDARD}
        values: dict[str, Any] = {}
        for name, cell in line.cells.items():
            if name in taken or is_empty(cell):
                continue
            try:
                values[name] = coerce(cell, self.kinds.get(name))
            except (ValueError, OverflowError):
                values[name] = coerce(cell, None)
        return values

    def _standard(self, line: _Line, name: str) -> str:
        cell = line.cells.get(self._header(name))
        return "" if is_empty(cell) else key_text(cell)

    def _header(self, name: str) -> str:
        return self.manifest.columns.get(name, name)

    # -- tables

    def _lines(self) -> Iterator[_Line]:
        suffix = "." + self.place.path.rpartition(".")[2].lower()
        if suffix not in FORMATS:
            raise TableRefused(f"No format is known for {suffix!r} files.", f"use one of {', '.join(FORMATS)}")
        with self.open_file() as stream:
            if suffix in _WORKBOOKS:
                sheet = read_sheet(read_limited(stream, MAX_FILE_BYTES, "save it as CSV"), self.manifest.sheet)
                self._sheet = sheet.name
                yield from self._grid(sheet.rows())
            elif suffix in (".jsonl", ".ndjson"):
                for number, record in read_json_lines(stream):
                    self._check_header(list(record), number)
                    yield _Line(number, {header_text(name): cell for name, cell in record.items()}, lambda _: 0)
            else:
                yield from self._delimited(stream, "," if suffix == ".csv" else "\t")

    def _delimited(self, stream: IO[bytes], delimiter: str) -> Iterator[_Line]:
        reader = RecordReader(stream, delimiter, self.place.shown, self._report)
        records = reader.records()
        first = next(records, None)
        if first is None:
            return
        reader.width = len(first.cells)
        headers = self._headers(first.cells, first.line)
        for record in records:
            if len(record.cells) > len(headers):
                what = f"the row has {len(record.cells)} cells, the header {len(headers)}"
                fix = "quote cells that contain the delimiter, or name the additional columns"
                at = self._at(record.line, cell_column(record, len(headers), delimiter))
                self._report(Problem(what, at, "Cells would be read under the wrong headers.", fix))
                continue

            def column(name: str, record: Any = record) -> int:
                return cell_column(record, headers.index(name), delimiter) if name in headers else 0

            yield _Line(record.line, dict(zip(headers, record.cells, strict=False)), column)

    def _grid(self, rows: Iterator[tuple[int, list[Cell]]]) -> Iterator[_Line]:
        headers: list[str] | None = None
        for number, cells in rows:
            if all(is_empty(cell) for cell in cells):
                continue
            if headers is None:
                headers = self._headers([header_text(cell) for cell in cells], number)
                continue
            yield _Line(number, dict(zip(headers, cells, strict=False)), partial(_column, headers))

    def _headers(self, cells: Sequence[str], line: int) -> list[str]:
        headers = [header_text(cell) for cell in cells]
        for name in sorted({name for name in headers if name and headers.count(name) > 1}):
            places = ", ".join(str(i + 1) for i, header in enumerate(headers) if header == name)
            what = f"header {name!r} is repeated in columns {places}"
            self._report(Problem(what, self._at(line), "A value could come from either.", "rename one of them"))
        for index, name in enumerate(headers):
            if not name and index < len(headers) - 1:
                what = f"column {index + 1} has no name"
                self._report(Problem(what, self._at(line), "Its cells would be lost.", "name it, or delete it"))
        self._check_header(headers, line)
        return headers

    def _check_header(self, headers: Sequence[str], line: int) -> None:
        """The path is needed; the others may be worked out by rules, unless they were named in `columns`."""
        for name in STANDARD:
            wanted = self._header(name)
            if wanted in headers or (name != "path" and name not in self.manifest.columns):
                near = [h for h in headers if h != wanted and h.casefold().strip() == wanted.casefold()]
                if near and wanted not in headers:
                    what, fix = f"header {near[0]!r} is nearly {wanted!r}", f"write {wanted!r}"
                    self._report(Problem(what, self._at(line), "It would become metadata.", fix))
                continue
            near = difflib.get_close_matches(wanted, headers, 1, 0.5)
            fix = f"did you mean {near[0]!r}? Rename it, or set columns" if near else "add it, or name it in columns"
            have = ", ".join(repr(h) for h in headers[:12])
            raise SourceError(
                [*self._taken(), Problem(f"no column is called {wanted!r}", self._at(line), f"There are {have}.", fix)]
            )

    def _taken(self) -> list[Problem]:
        found, self.problems[:] = list(self.problems), []
        return found

    # -- problems

    def _at(self, line: int, column: int = 0) -> Location:
        sheet = f" [{self._sheet}]" if self._sheet else ""
        return Location(self.place.shown + sheet, line, column)

    def _tell(self, what: str, line: _Line, name: str, detail: str, fix: str) -> None:
        self._report(Problem(what, self._at(line.number, line.columns(self._header(name))), detail, fix))

    def _report(self, problem: Problem) -> None:
        if len(self.problems) < MAX_FINDINGS:
            self.problems.append(problem)
        else:
            self._cut += 1


def _column(headers: Sequence[str], name: str) -> int:
    return headers.index(name) + 1 if name in headers else 0
