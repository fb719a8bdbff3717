"""Changing the columns of a table that has rows: which changes are possible, and what becomes of the cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from reconciler.backend.sage.call import Call
from reconciler.backend.sage.column_types import TYPES, cell_text, read_cell
from reconciler.backend.sage.columns import Column, check_schema, find_columns
from reconciler.backend.sage.errors import bad
from reconciler.backend.sage.table_rows import TableState, rewrite_rows

_ALONE: Final = frozenset({"FILEHANDLEID", "JSON"})

Cells = dict[str, Any]


def set_schema(call: Call, state: TableState, ids: Sequence[int]) -> list[Column]:
    """Give a table these columns; ones that it had keep their cells."""
    kept = {str(one) for one in ids}
    removed = [old for old in state.slots if old not in kept]
    added = [str(one) for one in ids if str(one) not in state.slots]
    return change_schema(call, state, [*((old, None) for old in removed), *((None, new) for new in added)], ids)


def change_schema(
    call: Call, state: TableState, changes: Sequence[tuple[str | None, str | None]], ids: Sequence[int] | None
) -> list[Column]:
    """Replace, remove and add columns. changes: ids of the old and the new column of each change; ids: all columns
    afterwards in their order, None for that of before. Raises `ApiError` 400."""
    slots = dict(state.slots)
    rewrites: list[Callable[[Cells], None]] = []
    for old, new in changes:
        slots = _apply(call, state, slots, old, new, rewrites)
    order = list(slots) if ids is None else [str(one) for one in ids]
    if len(set(order)) < len(order):
        raise bad("A column is named twice.")
    if set(order) != set(slots):
        raise bad("The orderedColumnIds must name all columns of the resulting schema, and no others.")
    state.slots = {column: slots[column] for column in order}
    columns = find_columns(call.db, [int(column) for column in order])
    check_schema(columns)
    if rewrites:
        rewrite_rows(call, state.entity, lambda cells: _rewritten(cells, rewrites))
    return columns


def _rewritten(cells: Cells, rewrites: Sequence[Callable[[Cells], None]]) -> Cells:
    for rewrite in rewrites:
        rewrite(cells)
    return cells


def _apply(
    call: Call,
    state: TableState,
    slots: dict[str, str],
    old: str | None,
    new: str | None,
    rewrites: list[Callable[[Cells], None]],
) -> dict[str, str]:
    if old is not None and old not in slots:
        raise bad(f"The column {old} is not one of this table.")
    if new is not None and new in slots and new != old:
        raise bad(f"The column {new} is one of this table already.")
    if old is None:
        return slots if new is None else slots | {new: _added(call, state, new, rewrites)}
    if new is None:
        return {column: slot for column, slot in slots.items() if column != old}
    slot = _replaced(call, state, (old, slots[old]), new, rewrites)
    return {(new if column == old else column): (slot if column == old else kept) for column, kept in slots.items()}


def _added(call: Call, state: TableState, new: str, rewrites: list[Callable[[Cells], None]]) -> str:
    (column,) = find_columns(call.db, [int(new)])
    slot = state.new_slot()
    default = default_cell(column)
    if default is not None:
        rewrites.append(lambda cells: cells.update({slot: default}))
    return slot


def default_cell(column: Column) -> Any:
    """The cell that a column gives to rows that say nothing about it."""
    return read_cell(column, column["defaultValue"]) if "defaultValue" in column else None


def _replaced(
    call: Call, state: TableState, old: tuple[str, str], new: str, rewrites: list[Callable[[Cells], None]]
) -> str:
    before, after = find_columns(call.db, [int(old[0]), int(new)])
    if _keeps_cells(before, after):
        return old[1]
    _check_change(before, after)
    slot = state.new_slot()
    rewrites.append(lambda cells: _convert(cells, old[1], slot, before, after))
    return slot


def _keeps_cells(before: Column, after: Column) -> bool:
    if before["columnType"] != after["columnType"] or after.get("enumValues"):
        return False
    return all(after.get(key, 0) >= before.get(key, 0) for key in ("maximumSize", "maximumListLength"))


def _check_change(before: Column, after: Column) -> None:
    old, new = before["columnType"], after["columnType"]
    if old == new:
        return
    if _ALONE & {old, new}:
        raise bad(f"Cannot change a column of type {old} to {new}.")
    if TYPES[old].element and not TYPES[new].element and new not in ("STRING", "MEDIUMTEXT", "LARGETEXT"):
        raise bad(f"Cannot change a column of type {old} to {new}.")


def _convert(cells: Cells, slot: str, other: str, before: Column, after: Column) -> None:
    value = cells.get(slot)
    if value is None:
        return
    text = cell_text(before["columnType"], value)
    is_to_list = TYPES[after["columnType"]].element and not TYPES[before["columnType"]].element
    cells[other] = read_cell(after, [text] if is_to_list else text)
