"""The rows that a table shall have: a file read against its columns, every cell checked before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.config.suggestion import nearest
from reconciler.engine.context import Planning
from reconciler.errors import ConfigError, Problem
from reconciler.model.body import CellsBody, encode_cells
from reconciler.model.json import JSON, digest
from reconciler.model.resource import RemoteObject, RowsFile
from reconciler.providers.base import Provider
from reconciler.sources.table_rows import RowsSource, find_rows
from reconciler.state.populations import DesiredRow, Population

_FORMAT = 1
_MOST_PROBLEMS = 1000

Column = Mapping[str, JSON]
Fit = Callable[[Column, Any], str | None]


def desired_rows(planning: Planning, resource: RemoteObject, provider: Provider) -> Population | None:
    """The rows that an object shall have, None when that is left alone. A file that did not change is not read again.

    Raises ConfigError, with all that is wrong in the file.
    """
    fit = provider.capabilities.cell
    if resource.rows is None or fit is None:
        return None
    rows, address = resource.rows, resource.head.address
    source = find_rows(rows.url, resource.head.folder, rows.options)
    columns: JSON = resource.fields.get("columns") or ()
    name = digest([_FORMAT, source.fingerprint, list(columns), list(rows.key)])
    population = planning.session.cache.find(address, name)
    if population is not None:
        return population
    reader = _Reader(source, rows, {str(column["name"]): column for column in columns}, fit, str(address))
    return planning.session.cache.build(address, name, reader.rows(), reader.summary)


@dataclass(slots=True)
class _Reader:
    """Reads one file. lines: key → line of the row that has it. summary: what is told of the file, when it is read."""

    source: RowsSource
    settings: RowsFile
    columns: Mapping[str, Column]
    fit: Fit
    address: str
    problems: list[Problem] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    summary: dict[str, JSON] = field(default_factory=dict)

    def rows(self) -> Iterator[DesiredRow]:
        """All rows. Raises ConfigError at the end when any was wrong."""
        lines = self.source.read()
        header = [str(cell).strip() for cell in next(lines, (1, []))[1]]
        self._check_header(header)
        self.summary["columns"] = header
        was = {name: str(column["previousName"]) for name, column in self.columns.items() if column.get("previousName")}
        was = {name: previous for name, previous in was.items() if name in header}
        for line, cells in lines:
            if len(self.problems) >= _MOST_PROBLEMS:
                break
            row = self._row(line, header, cells) if any(cell not in (None, "") for cell in cells) else None
            if row is not None:
                yield _desired(row[0], CellsBody(row[1], was))
        if self.problems:
            raise ConfigError(self.problems)

    def _check_header(self, header: list[str]) -> None:
        """Columns that nobody declared, twice the same, or a key that is not there: then no row can be read."""
        for place, name in enumerate(header, 1):
            if name not in self.columns:
                near = nearest(name, self.columns)
                fix = f"did you mean {near!r}?" if near else "declare it in spec.columns, or remove it from the file"
                self._problem(1, place, f"the table has no column {name!r}", fix)
            elif name in header[: place - 1]:
                self._problem(1, place, f"the column {name!r} is there twice", "remove one")
        for name in self.settings.key:
            if name not in header:
                self._problem(1, 0, f"the file lacks the key column {name!r}", "add it, or change rows.key")
        if self.problems:
            raise ConfigError(self.problems)

    def _row(self, line: int, header: list[str], cells: Sequence[Any]) -> tuple[str, dict[str, str | None]] | None:
        if len(cells) != len(header):
            text = f"the row has {len(cells)} cells, the header {len(header)}"
            self._problem(line, 0, text, "look for a separator or a quotation mark too many")
            return None
        before, found = len(self.problems), dict[str, str | None]()
        for place, (name, cell) in enumerate(zip(header, cells, strict=True), 1):
            try:
                found[name] = self.fit(self.columns[name], cell)
            except ValueError as error:
                self._problem(line, place, f"{name}: {error}", "correct the cell, or the column")
        key = self._key(line, header, found) if len(self.problems) == before else None
        return None if key is None else (key, found)

    def _key(self, line: int, header: list[str], found: Mapping[str, str | None]) -> str | None:
        """What identifies a row. Without key columns: all that it holds, and which of several alike it is."""
        if not self.settings.key:
            whole = digest({name: value for name, value in found.items() if value is not None})
            self.lines[whole] = self.lines.get(whole, 0) + 1
            return row_key_of_content(whole, self.lines[whole])
        if empty := [name for name in self.settings.key if found[name] is None]:
            self._problem(line, header.index(empty[0]) + 1, f"{empty[0]}: the key is empty", "fill it in")
            return None
        key = row_key([found[name] or "" for name in self.settings.key])
        if key in self.lines:
            text = f"the key {key!r} is that of line {self.lines[key]} already"
            self._problem(line, header.index(self.settings.key[0]) + 1, text, "remove one, or add a column to rows.key")
            return None
        self.lines[key] = line
        return key

    def _problem(self, line: int, column: int, text: str, fix: str) -> None:
        self.problems.append(Problem(text, self.source.at(line, column), fix=fix, address=self.address))


def row_key(values: Sequence[str]) -> str:
    """The key of a row by the values of its key columns: one as it is, several joined by "|"."""
    return "|".join(value.replace("\\", "\\\\").replace("|", "\\|") for value in values) if values[1:] else values[0]


def row_key_of_content(whole: str, place: int) -> str:
    """The key of a row that has none. whole: digest of its cells. place: which of several alike it is, from 1."""
    return f"{whole}-{place}"


def _desired(key: str, row: CellsBody) -> DesiredRow:
    """The content of a row is what identifies it, so that no row is taken for another one that moved."""
    body = encode_cells(row)
    return DesiredRow(key, digest(key), row.digest, body, 1, len(body))
