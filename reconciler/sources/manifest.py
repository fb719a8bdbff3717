"""Reads a Sage manifest, legacy TSV or CSV: typed rows, and every problem of the file with its line and column.

`compatible` gives what the official reader of the dialect gives, for a file that reader takes, and warns; `strict`
refuses whatever could be read in two ways. Neither goes on over rows that the official reader would lose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import IO, Any

from reconciler.errors import Location, Problem, Severity, SourceError
from reconciler.formats.manifest_cells import Dialect
from reconciler.formats.manifest_columns import Column, ColumnType, Value, convert, piece_rows
from reconciler.sources.account import MAX_FINDINGS, plural
from reconciler.sources.manifest_columns import Columns, HeaderCheck, dialect_of
from reconciler.sources.manifest_links import check_links
from reconciler.sources.manifest_record import RowReader
from reconciler.sources.manifest_row import ManifestOptions, ManifestRow, Paths
from reconciler.sources.manifest_text import Record, RecordReader, cell_column


@dataclass(slots=True)
class ManifestReading:
    """A read manifest. problems: of the whole file, in file order. rows: in file order; the good ones."""

    dialect: Dialect
    columns: Columns | None
    rows: list[ManifestRow]
    problems: list[Problem]

    @property
    def has_errors(self) -> bool:
        """True when a problem is more than a warning."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)


def read_manifest(open_file: Callable[[], IO[bytes]], shown: str, options: ManifestOptions) -> ManifestReading:
    """Read a manifest completely. open_file: called for every pass over the file. shown: its name, for people.

    Never raises for what the file holds: that becomes problems.
    """
    return _Reader(open_file, shown, options).read()


class _Reader:
    """One reading: header, then (compatible mode) the types of all columns, then the rows, then what joins them."""

    def __init__(self, open_file: Callable[[], IO[bytes]], shown: str, options: ManifestOptions) -> None:
        self._open = open_file
        self._shown = shown
        self._options = options
        self._problems: list[Problem] = []
        self._cut = 0
        self._paths = Paths(str(options.base), options.environ)
        self._columns: Columns | None = None
        self._types: dict[int, Column] = {}
        self._taken: dict[str, dict[Any, int]] = {"path": {}, "name": {}, "id": {}}
        self._skipped: list[int] = []
        self._warned: set[tuple[str, str]] = set()
        self._row_number = 0

    def read(self) -> ManifestReading:
        dialect = Dialect.CSV
        rows: list[ManifestRow] = []
        try:
            with self._open() as stream:
                dialect = dialect_of(stream.readline().decode("utf-8", "replace"))
            if not self._options.strict:
                with suppress(SourceError):  # told in the next pass, after all that comes before it
                    self._infer(dialect)
            with self._open() as stream:
                rows = self._read_rows(stream, dialect)
        except SourceError as error:
            for problem in error.problems:
                self._report(problem)
        self._tell_skipped()
        for problem in check_links(rows, self._shown, self._options.strict):
            self._report(problem)
        if self._cut:
            what = f"{self._cut:,} more problems are not listed"
            self._problems.append(Problem(what, Location(self._shown)))
        return ManifestReading(dialect, self._columns, rows, self._problems)

    # -- passes

    def _infer(self, dialect: Dialect) -> None:
        """Find the type of every column, as the official table reader does before anything else."""
        with self._open() as stream:
            records = RecordReader(stream, dialect.delimiter, self._shown, _ignore, strict=False).records()
            header = next(records, None)
            if header is None:
                return
            rows = piece_rows(len(header.cells))
            columns = [Column(rows) for _ in header.cells]
            for record in records:
                cells = record.cells
                for index, column in enumerate(columns):
                    column.see(cells[index] if index < len(cells) else "")
            self._types = dict(enumerate(columns))

    def _read_rows(self, stream: IO[bytes], dialect: Dialect) -> list[ManifestRow]:
        reader = RecordReader(stream, dialect.delimiter, self._shown, self._report, strict=self._options.strict)
        records = reader.records()
        header = next(records, None)
        if header is None:
            self._report(Problem("the manifest is empty", Location(self._shown), "It has no header.", "add one"))
            return []
        reader.width = len(header.cells)
        check = HeaderCheck(header, dialect, self._options.strict, self._shown, self._report)
        self._columns = check.columns()
        if self._columns is None:
            return []
        self._pieces = {i: column.types() for i, column in self._types.items()}
        self._rows_per_piece = piece_rows(len(header.cells))
        found = (self._row(record, self._columns) for record in self._fitting(records, header))
        return [row for row in found if row is not None]

    def _fitting(self, records: Iterator[Record], header: Record) -> Iterator[Record]:
        width = len(header.cells)
        for number, record in enumerate(records):
            self._row_number = number
            if len(record.cells) <= width:
                yield record
                continue
            what = f"the row has {len(record.cells)} cells, the header {width}"
            detail = "Cells would be read under the wrong headers."
            fix = "quote cells that contain the delimiter, or name the additional columns"
            self._problem(what, record, width, detail, fix)

    # -- rows

    def _row(self, record: Record, columns: Columns) -> ManifestRow | None:
        cells = record.cells
        if columns.error is not None and columns.error < len(cells) and cells[columns.error].strip():
            self._skipped.append(record.line)
            return None
        return RowReader(self, record, columns).row()

    def _tell_skipped(self) -> None:
        if self._skipped:
            lines = ", ".join(map(str, self._skipped[:5])) + (" …" if len(self._skipped) > 5 else "")
            what = f"{plural(len(self._skipped), 'row')} marked as failed downloads left out"
            detail = f"Their cell in column 'error' is not empty: lines {lines}."
            fix = "download these files again, or clear the column"
            self._report(Problem(what, Location(self._shown, self._skipped[0]), detail, fix, Severity.WARNING))

    def value(self, index: int, text: str) -> Value:
        """A cell as the official table reader gives it."""
        types = self._pieces.get(index)
        return convert(text, types[self._row_number // self._rows_per_piece] if types else ColumnType.TEXT)

    @property
    def options(self) -> ManifestOptions:
        """How this manifest is read."""
        return self._options

    @property
    def paths(self) -> Paths:
        """How its paths are read."""
        return self._paths

    # -- problems

    def _report(self, problem: Problem) -> None:
        if len(self._problems) < MAX_FINDINGS:
            self._problems.append(problem)
        else:
            self._cut += 1

    def _problem(self, what: str, record: Record, index: int, detail: str, fix: str) -> None:
        self.tell(what, record, index, detail, fix)

    def tell(
        self, what: str, record: Record, index: int, detail: str, fix: str, severity: Severity = Severity.ERROR
    ) -> None:
        """Report a problem of one cell."""
        delimiter = self._columns.dialect.delimiter if self._columns else ","
        column = cell_column(record, index, delimiter) if index < len(record.cells) else 0
        self._report(Problem(what, Location(self._shown, record.line, column), detail, fix, severity))

    def tell_once(
        self, group: str, name: str, record: Record, index: int, detail: str, fix: str, what: str, severity: Severity
    ) -> None:
        """Report a problem of a whole column once, at its first cell."""
        if (group, name) not in self._warned:
            self._warned.add((group, name))
            self.tell(what, record, index, detail, fix, severity)

    def is_taken(self, kind: str, key: Any, line: int) -> int:
        """Line of the row that has this path, (name, parent) or id already; 0 when this one is the first."""
        first = self._taken[kind].setdefault(key, line)
        return 0 if first == line else first


def _ignore(_problem: Problem) -> None:
    """Problems are told in the pass that reads rows."""


def read_local_manifest(path: Path, options: ManifestOptions) -> ManifestReading:
    """Read a manifest of this machine. Raises SourceError when it cannot be opened."""
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise SourceError(
            [Problem(f"{path.name!r} cannot be read", Location(path.name), f"{error.strerror}.")]
        ) from error
    return read_manifest(lambda: path.open("rb"), str(path), options)


def strict_options(folder: Path) -> ManifestOptions:
    """Strict mode: relative paths start from the manifest's folder."""
    return ManifestOptions(strict=True, base=folder.absolute())


def compatible_options() -> ManifestOptions:
    """Compatible mode: as the official client on this machine, in this working folder, in this zone."""
    from datetime import datetime

    zone = datetime.now().astimezone().tzinfo or UTC
    return ManifestOptions(strict=False, base=Path.cwd(), zone=zone)
