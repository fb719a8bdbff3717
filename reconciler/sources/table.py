"""Metadata tables: opens a file of any format and turns its rows into typed values per key.

Formats: XLSX, XLS, XLSB, ODS, CSV, TSV, JSON, JSON Lines, Parquet, by the extension of the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from reconciler.errors import Location, Problem, Severity, SourceError
from reconciler.model.json import JSON
from reconciler.model.resource import MetadataSource, TableMetadata
from reconciler.sources.cells import Cell, coerce, is_empty
from reconciler.sources.delimited import MAX_JSON_BYTES, read_delimited, read_json_lines, read_json_records
from reconciler.sources.location import Place, locate, translated
from reconciler.sources.parquet import SUFFIXES, read_parquet
from reconciler.sources.table_columns import Column, ColumnPlanner
from reconciler.sources.table_grid import filled, find_header
from reconciler.sources.table_key import position, table_key
from reconciler.sources.table_place import found_table
from reconciler.sources.table_refused import TableRefused, check_columns, check_size, read_limited
from reconciler.sources.workbook import MAX_FILE_BYTES, Sheet, cell_name, read_sheet

_MAX_PROBLEMS = 1000
_OR_RAISE = "or raise table.limits.maxFileSize"
_WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_JSON_LINES = (".jsonl", ".ndjson")
FORMATS = (*_WORKBOOKS, *_DELIMITERS, ".json", *_JSON_LINES, *SUFFIXES)


@dataclass(frozen=True, slots=True)
class Row:
    """One row. key: "" when a key cell is empty. line: row or line number from 1. values: no empty cells."""

    key: str
    line: int
    values: dict[str, JSON]


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
        return row_location(self.shown, self.sheet, line)


def row_location(shown: str, sheet: str, line: int) -> Location:
    """The place of a row: the file, with the sheet in brackets where there is one, and the row."""
    return Location(f"{shown}[{sheet}]" if sheet else shown, line)


def read_metadata(source: MetadataSource, schema_kinds: Mapping[str, str] | None = None) -> MetadataTable:
    """Open the table of a metadata source; rows stream as far as the format allows.

    schema_kinds: field → type that the collection's schema declares; used for columns without a type of their own,
    where it fits, so that text from CSV and numbers from Excel arrive as the schema wants them.

    Raises:
        SourceError: the file is missing, of no known format, protected, broken, beyond the limits, or has no such
            key column.
        MissingExtra: a package is needed to read it.
    """
    source = found_table(source, None)
    origin = source.origin
    if not isinstance(origin, TableMetadata):
        raise TypeError(f"{source.head.address} is not a table")
    place = locate(origin.url, source.head.folder, origin.options)
    reader = _Reader(str(source.head.address), origin, place, schema_kinds or {})
    with reader.refused():
        return reader.open()


class _Reader:
    """Opens one table and builds its row iterator."""

    def __init__(self, address: str, origin: TableMetadata, place: Place, schema_kinds: Mapping[str, str]) -> None:
        self._address = address
        self._origin = origin
        self._place = place
        self._key = table_key(origin)
        self._planner = ColumnPlanner(origin, schema_kinds, self._problem)
        self._sheet: Sheet | None = None
        self.problems: list[Problem] = []

    def open(self) -> MetadataTable:
        suffix = self._suffix()
        with translated(self._place, "cannot be read"):
            stream = self._stream()
        try:
            rows = self._rows(suffix, stream)
        except BaseException:
            stream.close()
            raise
        return MetadataTable(self._place.shown, self._sheet_name, self._guarded(rows, stream), self.problems)

    def _rows(self, suffix: str, stream: IO[bytes]) -> Iterator[Row]:
        limits = self._origin.limits
        if suffix in _WORKBOOKS:
            return self._grid(self._workbook(stream))
        if suffix in _DELIMITERS:
            return self._grid(read_delimited(stream, _DELIMITERS[suffix], limits))
        if suffix in SUFFIXES:
            check_size(stream.seek(0, os.SEEK_END), limits)
            stream.seek(0)
            return self._grid(self._translated(read_parquet(stream)))
        if suffix in _JSON_LINES:
            return self._records(read_json_lines(stream, limits))
        content = read_limited(
            stream, limits.max_file_bytes or MAX_JSON_BYTES, f"save it as JSON Lines (.jsonl), {_OR_RAISE}"
        )
        return self._records(read_json_records(content, self._origin.key))

    @contextmanager
    def refused(self) -> Iterator[None]:
        """Turn TableRefused into a problem about the file."""
        try:
            yield
        except TableRefused as error:
            what = f"{self._place.shown!r} cannot be used as a metadata table"
            where = Location(self._place.shown)
            raise SourceError([Problem(what, where, error.reason, error.fix, address=self._address)]) from error

    def _guarded(self, rows: Iterator[Row], stream: IO[bytes]) -> Iterator[Row]:
        """Rows up to the limit; closes the stream whatever happens."""
        most = self._origin.limits.max_rows
        with closing(stream), self.refused():
            for count, row in enumerate(rows, 1):
                if most is not None and count > most:
                    raise TableRefused(f"It has more than {most:,} rows.", "split it, or raise table.limits.maxRows")
                yield row

    def _translated(self, rows: Iterator[tuple[int, list[Cell]]]) -> Iterator[tuple[int, list[Cell]]]:
        with translated(self._place, "cannot be read"):
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

    # -- workbooks

    def _workbook(self, stream: IO[bytes]) -> Iterator[tuple[int, list[Cell]]]:
        limits = self._origin.limits
        content = read_limited(stream, limits.max_file_bytes or MAX_FILE_BYTES, f"save it as CSV, {_OR_RAISE}")
        self._sheet = read_sheet(content, self._origin.sheet, limits)
        rows = self._sheet.rows()
        return filled(rows, self._sheet.merged) if self._origin.fill_merged else rows

    @property
    def _sheet_name(self) -> str:
        return self._sheet.name if self._sheet else ""

    def _warn_about(self, sheet: Sheet, header: int) -> None:
        self._warn_about_cells(sheet.notes.errors, "show an error and count as empty", "correct the formulas")
        fix = "open the workbook in a spreadsheet program, and save it"
        self._warn_about_cells(sheet.notes.uncalculated, "hold formulas without a result and count as empty", fix)
        for (top, left), (bottom, right) in sheet.merged:
            if bottom > top and bottom >= header and not self._origin.fill_merged:
                what = f"cells {cell_name(top, left)}:{cell_name(bottom, right)} are merged"
                detail = "Their value counts for the first of their rows only."
                fix = "unmerge them and fill every row, or set table.mergedCells: fill"
                self._problem(what, top + 1, detail, fix, Severity.WARNING)

    def _warn_about_cells(self, cells: list[str], what: str, fix: str) -> None:
        if cells:
            self._problem(f"cells {', '.join(cells)} {what}", 0, fix=fix, severity=Severity.WARNING)

    # -- grids: workbooks, CSV, TSV, Parquet

    def _grid(self, rows: Iterator[tuple[int, list[Cell]]]) -> Iterator[Row]:
        line, headers, key = find_header(rows, self._key, self._origin.header)
        check_columns(len(headers), self._origin.limits, f"Row {line}", "delete those that are not needed")
        columns = list(self._planner.of_headers(headers, key, line))
        if self._sheet:
            self._warn_about(self._sheet, line)
        return self._grid_rows(rows, columns, key, len(headers))

    def _grid_rows(
        self, rows: Iterator[tuple[int, list[Cell]]], columns: list[Column], key: tuple[int, ...], width: int
    ) -> Iterator[Row]:
        for line, cells in rows:
            if all(is_empty(cell) for cell in cells):
                continue
            if len(cells) > width and any(not is_empty(cell) for cell in cells[width:]):
                detail = f"The header has {width} columns, this row {len(cells)}."
                self._problem("cells beyond the header", line, detail, "quote cells that contain the delimiter")
            text = self._key.text([cells[place] if place < len(cells) else None for place in key])
            yield Row(text, line, self._values(columns, cells, line))

    # -- records: JSON, JSON Lines

    def _records(self, records: Iterator[tuple[int, dict[str, JSON]]]) -> Iterator[Row]:
        """Rows of records; every field may occur anywhere, so columns are planned per set of names."""
        plans: dict[tuple[str, ...], tuple[list[str], list[Column]]] = {}
        for number, record in records:
            names = tuple(record)
            if names not in plans:
                check_columns(len(names), self._origin.limits, f"Record {number}", "delete what is not needed")
                key = [self._named(names, column) for column in self._key.columns]
                plans[names] = key, list(self._planner.of_names(names, key))
            key, columns = plans[names]
            text = self._key.text([record.get(name) for name in key])
            yield Row(text, number, self._values(columns, record, number))

    def _named(self, names: tuple[str, ...], column: str) -> str:
        place = position(names, column)
        return column if place is None else names[place]

    # -- values

    def _values(self, columns: Iterable[Column], cells: Any, line: int) -> dict[str, JSON]:
        values: dict[str, JSON] = {}
        for column in columns:
            cell = _pick(cells, column.source)
            if is_empty(cell):
                if column.default is not None:
                    values[column.name] = column.default
                continue
            values[column.name] = self._value(column, cell, line)
        return values

    def _value(self, column: Column, cell: Cell, line: int) -> JSON:
        try:
            return coerce(cell, column.kind)
        except (ValueError, OverflowError):
            if not column.soft:
                self._bad_value(column, cell, line, f"of type {column.kind}")
        try:
            return coerce(cell, None)
        except ValueError:
            self._bad_value(column, cell, line, "a value of JSON")
            return None

    def _bad_value(self, column: Column, cell: Cell, line: int, wanted: str) -> None:
        place = f"sheet {self._sheet_name!r}, " if self._sheet else ""
        detail = f"It is the value of {column.name!r} ({place}row {line}, {column.place})."
        self._problem(f"{_shown(cell)} is not {wanted}", line, detail, "correct the cell, or the type in table.columns")

    def _problem(
        self, what: str, line: int, detail: str = "", fix: str = "", severity: Severity = Severity.ERROR
    ) -> None:
        if len(self.problems) < _MAX_PROBLEMS:
            where = row_location(self._place.shown, self._sheet_name, line)
            self.problems.append(Problem(what, where, detail, fix, severity, self._address))


def _shown(cell: Cell) -> str:
    try:
        return repr(coerce(cell, None))
    except ValueError:
        return repr(cell)


def _pick(cells: Any, source: int | str) -> Cell:
    if isinstance(source, int):
        return cells[source] if source < len(cells) else None
    return cells.get(source)
