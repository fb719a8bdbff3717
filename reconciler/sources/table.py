"""Metadata tables: finds the header and the key column, and turns rows into typed values per key.

Formats: XLSX, XLS, XLSB, ODS, CSV, TSV, JSON, JSON Lines, by the extension of the file.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from reconciler.errors import Location, Problem, Severity, SourceError
from reconciler.model.json import JSON
from reconciler.model.resource import ColumnRule, MetadataSource, TableMetadata
from reconciler.sources.cells import Cell, coerce, header_text, is_empty, key_text
from reconciler.sources.delimited import read_delimited, read_json_lines, read_json_records
from reconciler.sources.location import Place, locate, translated
from reconciler.sources.workbook import Sheet, TableRefused, cell_name, read_sheet

_HEADER_ROWS = 50
_MAX_PROBLEMS = 1000
_WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
FORMATS = (*_WORKBOOKS, ".csv", ".tsv", ".json", ".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class Row:
    """One row. key: text of its key cell, "" when empty. line: row or line number from 1. values: no empty cells."""

    key: str
    line: int
    values: dict[str, JSON]


@dataclass(frozen=True, slots=True)
class _Column:
    """How one column is read. source: position or field name. kind: declared type. soft: from the schema, may fail."""

    name: str
    source: int | str
    kind: str | None = None
    default: JSON = None
    soft: bool = False


@dataclass(slots=True)
class MetadataTable:
    """An opened table. rows: to be read once. problems: complete when the rows have been read.

    shown: the file as people know it. sheet: name of the sheet, "" for other formats.
    """

    shown: str
    sheet: str
    rows: Iterator[Row]
    problems: list[Problem] = field(default_factory=list)

    def at(self, line: int) -> Location:
        """The place of a row."""
        return Location(self.shown, line)


def read_metadata(source: MetadataSource, schema_kinds: Mapping[str, str] | None = None) -> MetadataTable:
    """Open the table of a metadata source; rows stream as far as the format allows.

    schema_kinds: field → type that the collection's schema declares; used for columns without a type of their own,
    where it fits, so that text from CSV and numbers from Excel arrive as the schema wants them.

    Raises:
        SourceError: the file is missing, of no known format, protected, broken, or has no such key column.
        MissingExtra: a package is needed to read it.
    """
    origin = source.origin
    if not isinstance(origin, TableMetadata):
        raise TypeError(f"{source.head.address} is not a table")
    place = locate(origin.url, source.head.folder, origin.options)
    reader = _Reader(source, origin, place, schema_kinds or {})
    with _refused(place, source):
        return reader.open()


@contextmanager
def _refused(place: Place, source: MetadataSource) -> Iterator[None]:
    try:
        yield
    except TableRefused as error:
        what = f"{place.shown!r} cannot be used as a metadata table"
        where, address = Location(place.shown), str(source.head.address)
        raise SourceError([Problem(what, where, error.reason, error.fix, address=address)]) from error


class _Reader:
    """Opens one table and builds its row iterator."""

    def __init__(
        self, source: MetadataSource, origin: TableMetadata, place: Place, schema_kinds: Mapping[str, str]
    ) -> None:
        self._source = source
        self._origin = origin
        self._place = place
        self._schema_kinds = schema_kinds
        self._address = str(source.head.address)
        self._sheet = ""
        self._opened: Sheet | None = None
        self.problems: list[Problem] = []

    def open(self) -> MetadataTable:
        suffix = self._suffix()
        with translated(self._place, "cannot be read"):
            stream = self._stream()
        if suffix in _WORKBOOKS:
            rows = self._grid(self._workbook(stream))
        elif suffix in (".csv", ".tsv"):
            rows = self._grid(read_delimited(stream, "," if suffix == ".csv" else "\t"))
        elif suffix == ".json":
            rows = self._records(read_json_records(_read_all(stream), self._origin.key))
        else:
            rows = self._records(read_json_lines(stream))
        return MetadataTable(self._place.shown, self._sheet, self._guarded(rows), self.problems)

    def _guarded(self, rows: Iterator[Row]) -> Iterator[Row]:
        with _refused(self._place, self._source):
            yield from rows

    def _suffix(self) -> str:
        suffix = "." + self._place.path.rpartition(".")[2].lower()
        if suffix not in FORMATS:
            raise TableRefused(f"No format is known for {suffix!r} files.", f"use one of {', '.join(FORMATS)}")
        return suffix

    def _stream(self) -> IO[bytes]:
        if self._place.is_local:
            return open(self._place.path, "rb")
        stream: IO[bytes] = self._place.filesystem.open(self._place.path, "rb")
        return stream

    def _workbook(self, stream: IO[bytes]) -> Iterator[tuple[int, list[Cell]]]:
        sheet = read_sheet(_read_all(stream), self._origin.sheet)
        self._sheet = sheet.name
        self._opened = sheet
        return sheet.rows()

    def _warn_about(self, sheet: Sheet, header: int) -> None:
        if sheet.errors:
            what = f"cells {', '.join(sheet.errors)} show an error and count as empty"
            self._problem(what, 0, fix="correct the formulas", severity=Severity.WARNING)
        for (top, left), (bottom, right) in sheet.merged:
            if bottom > top and bottom >= header:
                what = f"cells {cell_name(top, left)}:{cell_name(bottom, right)} are merged"
                detail = "Their value counts for the first of their rows only."
                self._problem(what, top + 1, detail, "unmerge them and fill every row", Severity.WARNING)

    # -- grids: workbooks, CSV, TSV

    def _grid(self, rows: Iterator[tuple[int, list[Cell]]]) -> Iterator[Row]:
        line, cells = self._find_header(rows)
        headers = [header_text(cell) for cell in cells]
        key_column = _position(headers, header_text(self._origin.key))
        if key_column is None:
            raise TableRefused(*self._no_key(headers, line))
        columns = list(self._columns(headers, key_column, line))
        if self._opened:
            self._warn_about(self._opened, line)
        return self._grid_rows(rows, columns, key_column, len(headers))

    def _find_header(self, rows: Iterator[tuple[int, list[Cell]]]) -> tuple[int, list[Cell]]:
        """The first row that holds the key's name; without one, the first row that is not blank."""
        wanted = header_text(self._origin.key)
        first: tuple[int, list[Cell]] | None = None
        for count, (line, cells) in enumerate(rows):
            if all(is_empty(cell) for cell in cells):
                continue
            first = first or (line, cells)
            if _position([header_text(cell) for cell in cells], wanted) is not None:
                return line, cells
            if count >= _HEADER_ROWS:
                break
        if first is None:
            raise TableRefused("It is empty: no row holds anything.", "check the file and the sheet")
        return first

    def _no_key(self, headers: Sequence[str], line: int) -> tuple[str, str]:
        known = [name for name in headers if name]
        near = difflib.get_close_matches(self._origin.key, known, 1, 0.5)
        have = ", ".join(repr(name) for name in known[:20])
        reason = f"No column is called {self._origin.key!r}; row {line} has {have}."
        return reason, f"did you mean {near[0]!r}?" if near else "set table.key to the column that holds the unit keys"

    def _grid_rows(
        self, rows: Iterator[tuple[int, list[Cell]]], columns: list[_Column], key: int, width: int
    ) -> Iterator[Row]:
        for line, cells in rows:
            if all(is_empty(cell) for cell in cells):
                continue
            if any(not is_empty(cell) for cell in cells[width:]):
                detail = f"The header has {width} columns, this row {len(cells)}."
                self._problem("cells beyond the header", line, detail, "quote cells that contain the delimiter")
            text = key_text(cells[key]) if key < len(cells) and not is_empty(cells[key]) else ""
            yield Row(text, line, self._values(columns, cells, line))

    # -- records: JSON, JSON Lines

    def _records(self, records: Iterator[tuple[int, dict[str, JSON]]]) -> Iterator[Row]:
        """Rows of records; every field may occur anywhere, so columns are planned per set of names."""
        plans: dict[tuple[str, ...], list[_Column]] = {}
        key_name = self._origin.key
        for number, record in records:
            names = tuple(record)
            if names not in plans:
                key_name = self._record_key(names)
                plans[names] = list(self._record_columns(names, key_name))
            key = record.get(key_name)
            text = "" if is_empty(key) else key_text(key)
            yield Row(text, number, self._values(plans[names], record, number))

    def _record_key(self, names: tuple[str, ...]) -> str:
        position = _position(names, self._origin.key)
        return self._origin.key if position is None else names[position]

    def _record_columns(self, names: tuple[str, ...], key: str) -> Iterator[_Column]:
        listed = {rule.source for rule in self._origin.columns}
        for rule in self._origin.columns:
            yield self._listed(rule, rule.source)
        if self._origin.unlisted == "keep":
            taken = {rule.name for rule in self._origin.columns}
            for name in names:
                if name != key and name not in listed and name not in taken:
                    yield self._unlisted(name, name)

    # -- columns

    def _columns(self, headers: Sequence[str], key: int, line: int) -> Iterator[_Column]:
        """Plan the columns of a grid; reports repeated headers and listed columns that are not there."""
        self._check_repeated(headers, line)
        used: set[int] = set()
        for rule in self._origin.columns:
            position = _position(headers, header_text(rule.source))
            if position is None:
                self._missing_column(rule, headers, line)
            else:
                used.add(position)
                yield self._listed(rule, position)
        if self._origin.unlisted == "keep":
            taken = {rule.name for rule in self._origin.columns}
            for position, name in enumerate(headers):
                if name and position != key and position not in used and name not in taken:
                    yield self._unlisted(name, position)

    def _listed(self, rule: ColumnRule, source: int | str) -> _Column:
        kind = rule.type or self._schema_kinds.get(rule.name)
        return _Column(rule.name, source, kind, rule.default, soft=rule.type is None)

    def _unlisted(self, name: str, source: int | str) -> _Column:
        return _Column(name, source, self._schema_kinds.get(name), soft=True)

    def _check_repeated(self, headers: Sequence[str], line: int) -> None:
        for name in sorted({name for name in headers if name and headers.count(name) > 1}):
            places = [cell_name(0, i)[:-1] for i, header in enumerate(headers) if header == name]
            what = f"header {name!r} is repeated in columns {', '.join(places)}"
            self._problem(what, line, "A value could come from either.", "rename or delete one of them")

    def _missing_column(self, rule: ColumnRule, headers: Sequence[str], line: int) -> None:
        near = difflib.get_close_matches(rule.source, [name for name in headers if name], 1, 0.5)
        fix = f"did you mean {near[0]!r}?" if near else "set 'from' to a header of the table"
        self._problem(f"no column is called {rule.source!r}", line, f"Column {rule.name!r} is read from it.", fix)

    # -- values

    def _values(self, columns: Iterable[_Column], cells: Any, line: int) -> dict[str, JSON]:
        values: dict[str, JSON] = {}
        for column in columns:
            cell = _pick(cells, column.source)
            if is_empty(cell):
                if column.default is not None:
                    values[column.name] = column.default
                continue
            values[column.name] = self._value(column, cell, line)
        return values

    def _value(self, column: _Column, cell: Cell, line: int) -> JSON:
        try:
            return coerce(cell, column.kind)
        except (ValueError, OverflowError):
            if not column.soft:
                self._bad_value(column, cell, line)
            return coerce(cell, None)

    def _bad_value(self, column: _Column, cell: Cell, line: int) -> None:
        place = f"sheet {self._sheet!r}, " if self._sheet else ""
        header = f"column {cell_name(0, column.source)[:-1]}" if isinstance(column.source, int) else "field"
        what = f"{coerce(cell, None)!r} is not of type {column.kind}"
        detail = f"It is the value of {column.name!r} ({place}row {line}, {header})."
        self._problem(what, line, detail, "correct the cell, or the type in table.columns")

    def _problem(
        self, what: str, line: int, detail: str = "", fix: str = "", severity: Severity = Severity.ERROR
    ) -> None:
        if len(self.problems) < _MAX_PROBLEMS:
            where = Location(self._place.shown, line)
            self.problems.append(Problem(what, where, detail, fix, severity, self._address))


def _read_all(stream: IO[bytes]) -> bytes:
    with stream:
        return stream.read()


def _pick(cells: Any, source: int | str) -> Cell:
    if isinstance(source, int):
        return cells[source] if source < len(cells) else None
    return cells.get(source)


def _position(names: Sequence[str], wanted: str) -> int | None:
    """Index of a name: exact if there is one, else the only one that differs in letter case alone."""
    if wanted in names:
        return names.index(wanted)
    folded = [i for i, name in enumerate(names) if name.casefold() == wanted.casefold()]
    return folded[0] if len(folded) == 1 else None
