"""Tables that are grids of cells: finds the header, and gives the cells of merged ranges their value."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from reconciler.sources.cells import Cell, header_text, is_empty
from reconciler.sources.table_key import TableKey
from reconciler.sources.table_refused import TableRefused

_HEADER_ROWS = 50
_NAMES_SHOWN = 20
Line = tuple[int, list[Cell]]
Range = tuple[tuple[int, int], tuple[int, int]]


def find_header(rows: Iterator[Line], key: TableKey, chosen: int | None) -> tuple[int, list[str], tuple[int, ...]]:
    """Read up to the header: (its line, the headers, positions of the key columns).

    chosen: the line that was named; None: the first of the first 50 rows that holds the names of the key columns.
    Raises TableRefused: there is no such row, or it lacks a key column.
    """
    line, headers = _chosen_header(rows, chosen) if chosen else _detected_header(rows, key)
    positions = key.positions(headers)
    if positions is None:
        raise TableRefused(*_no_key(headers, key, line))
    return line, headers, positions


def _chosen_header(rows: Iterator[Line], chosen: int) -> tuple[int, list[str]]:
    for line, cells in rows:
        if line >= chosen:
            if line > chosen or all(is_empty(cell) for cell in cells):
                break
            return line, [header_text(cell) for cell in cells]
    raise TableRefused(f"Row {chosen} is to be the header, and is empty.", "correct table.header")


def _detected_header(rows: Iterator[Line], key: TableKey) -> tuple[int, list[str]]:
    first: tuple[int, list[str]] | None = None
    for count, (line, cells) in enumerate(rows):
        if all(is_empty(cell) for cell in cells):
            continue
        headers = [header_text(cell) for cell in cells]
        first = first or (line, headers)
        if key.positions(headers) is not None:
            return line, headers
        if count >= _HEADER_ROWS:
            break
    if first is None:
        raise TableRefused("It is empty: no row holds anything.", "check the file and the sheet")
    return first


def _no_key(headers: Sequence[str], key: TableKey, line: int) -> tuple[str, str]:
    known = [name for name in headers if name]
    missing = [column for column in key.columns if TableKey((column,)).positions(headers) is None]
    near = difflib.get_close_matches(missing[0], known, 1, 0.5)
    have = ", ".join(repr(name) for name in known[:_NAMES_SHOWN])
    reason = f"No column is called {' or '.join(map(repr, missing))}; row {line} has {have}."
    return reason, f"did you mean {near[0]!r}?" if near else "set table.key to the column that holds the unit keys"


def filled(rows: Iterator[Line], merged: Sequence[Range]) -> Iterator[Line]:
    """Rows in which every cell of a merged range has the value of its first one."""
    starting: dict[int, list[Range]] = {}
    for area in merged:
        starting.setdefault(area[0][0], []).append(area)
    held: dict[int, tuple[int, Cell]] = {}
    for line, cells in rows:
        for (_, left), (bottom, right) in starting.get(line - 1, ()):
            if left < len(cells):
                held.update(dict.fromkeys(range(left, min(right + 1, len(cells))), (bottom, cells[left])))
        for column, (bottom, value) in list(held.items()):
            if line - 1 > bottom:
                del held[column]
            elif column < len(cells):
                cells[column] = value
        yield line, cells
