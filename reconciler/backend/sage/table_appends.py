"""Writing rows of a table: new ones, changed cells of others, and rows that go."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from reconciler.backend.database import Row
from reconciler.backend.sage.call import Call
from reconciler.backend.sage.column_types import Cell
from reconciler.backend.sage.columns import Column
from reconciler.backend.sage.errors import missing, taken
from reconciler.backend.sage.table_files import put_files
from reconciler.backend.sage.table_rows import TableState, add_rows, columns_of, current_rows, end_rows
from reconciler.backend.sage.table_schema import default_cell

_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class RowChange:
    """What is to become of one row. id: None for a new one; version: the one that the caller saw, None to not compare;
    etag: of the entity that a row of a view shows; cells: by column id, None to delete the row."""

    id: int | None
    cells: Mapping[str, Cell] | None
    version: int | None = None
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class RowReference:
    """A row that was written."""

    id: int
    version: int


class Appender:
    """Writes changes of rows as one change of a table."""

    def __init__(self, call: Call, state: TableState) -> None:
        state.change += 1
        self._call = call
        self._db = call.db
        self._state = state
        columns = columns_of(call, state.slots)
        self._defaults = _defaults(columns, state.slots)
        self._file_columns = [column["id"] for column in columns if column["columnType"] == "FILEHANDLEID"]

    def write(self, changes: Iterable[RowChange]) -> Iterator[RowReference]:
        """Write rows, batch by batch; gives a reference to each. Raises `ApiError` 404 or 409."""
        batch: list[RowChange] = []
        for change in changes:
            batch.append(change)
            if len(batch) == _BATCH:
                yield from self._write(batch)
                batch = []
        yield from self._write(batch)

    def _write(self, batch: Sequence[RowChange]) -> list[RowReference]:
        if self._file_columns:
            put_files(self._call, self._state.entity, self._files(batch))
        known = current_rows(self._db, self._state.entity, [one.id for one in batch if one.id is not None])
        cells: dict[int, dict[str, Any]] = {}
        gone: set[int] = set()
        ids = [self._apply(change, known, cells, gone) for change in batch]
        end_rows(self._db, self._state.entity, sorted((known.keys() & cells.keys()) | gone), self._state.change)
        add_rows(self._db, self._state.entity, self._state.change, cells.items())
        return [RowReference(number, self._state.change) for number in ids]

    def _files(self, batch: Sequence[RowChange]) -> set[int]:
        found = {(change.cells or {}).get(column) for change in batch for column in self._file_columns}
        return {one for one in found if isinstance(one, int)}

    def _apply(
        self, change: RowChange, known: Mapping[int, Row], cells: dict[int, dict[str, Any]], gone: set[int]
    ) -> int:
        if change.id is None:
            number = self._state.next_row
            self._state.next_row += 1
            cells[number] = self._defaults | {
                key: value for key, value in self._by_slot(change).items() if value is not None
            }
            return number
        row = known.get(change.id)
        if row is None or change.id in gone:
            raise missing(f"Row not found: the table has no row with ROW_ID {change.id}.")
        if change.version is not None and change.version != row["version"]:
            raise taken(
                f"Row id: {change.id} has been changed since last read. Please get the latest value for this row and"
                " then attempt to update it again."
            )
        if change.cells is None:
            gone.add(change.id)
            cells.pop(change.id, None)
        else:
            before = cells.get(change.id) or json.loads(row["cells"])
            cells[change.id] = before | self._by_slot(change)
        return change.id

    def _by_slot(self, change: RowChange) -> dict[str, Any]:
        return {self._state.slots[column]: value for column, value in (change.cells or {}).items()}


def _defaults(columns: Sequence[Column], slots: Mapping[str, str]) -> dict[str, Any]:
    found = {slots[column["id"]]: default_cell(column) for column in columns}
    return {slot: value for slot, value in found.items() if value is not None}
