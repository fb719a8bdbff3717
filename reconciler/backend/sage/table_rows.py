"""Rows of tables, and of snapshots of views: kept from the change that wrote them until the change that ended them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from reconciler.backend.database import IDS, Connection, Row, one, scalar
from reconciler.backend.sage.call import Call, fresh_etag
from reconciler.backend.sage.columns import Column, find_columns
from reconciler.backend.sage.nodes import Node, readable_condition
from reconciler.backend.sage.relations import Record, Relation

FOREVER: Final = 1 << 53
_BATCH: Final = 5000


@dataclass(slots=True)
class TableState:
    """What a table has now. change: number of its last change; slots: column id to the key of its cells in rows."""

    entity: int
    etag: str
    change: int
    next_row: int
    next_slot: int
    slots: dict[str, str]
    changed_on: str

    def new_slot(self) -> str:
        """A key that no column had before."""
        self.next_slot += 1
        return str(self.next_slot - 1)


def find_state(call: Call, entity: int) -> TableState:
    """The state of a table; the one of a new table when it has none."""
    row = one(call.db, "SELECT * FROM sage_tables WHERE entity_id = ?", (entity,))
    if row is None:
        return TableState(entity, fresh_etag(), 0, 1, 1, {}, call.now)
    return TableState(
        entity,
        row["etag"],
        row["change"],
        row["next_row"],
        row["next_slot"],
        json.loads(row["slots"]),
        row["changed_on"],
    )


def save_state(call: Call, state: TableState) -> None:
    """Write the state of a table, with a fresh etag."""
    state.etag, state.changed_on = fresh_etag(), call.now
    values = (
        state.entity,
        state.etag,
        state.change,
        state.next_row,
        state.next_slot,
        json.dumps(state.slots),
        call.now,
    )
    call.db.execute(
        "INSERT INTO sage_tables (entity_id, etag, change, next_row, next_slot, slots, changed_on)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (entity_id) DO UPDATE SET etag = excluded.etag,"
        " change = excluded.change, next_row = excluded.next_row, next_slot = excluded.next_slot,"
        " slots = excluded.slots, changed_on = excluded.changed_on",
        values,
    )


def shown_at(call: Call, node: Node) -> tuple[int, dict[str, str]] | None:
    """The change and the slots of a snapshot; None when the version is none."""
    row = one(
        call.db,
        "SELECT change, slots FROM sage_snapshots WHERE entity_id = ? AND number = ?",
        (node["id"], node["number"]),
    )
    return None if row is None else (row["change"], json.loads(row["slots"]))


def add_snapshot(call: Call, entity: int, number: int, state: TableState) -> None:
    """Let a version show a table as it is now."""
    sql = "INSERT INTO sage_snapshots (entity_id, number, change, slots) VALUES (?, ?, ?, ?)"
    call.db.execute(sql, (entity, number, state.change, json.dumps(state.slots)))


def kept_relation(
    call: Call, entity: int, change: int, slots: dict[str, str], *, window: tuple[int, int] | None = None
) -> Relation:
    """The rows of a table as they were after a change. window: limit and offset, for a part of them."""
    columns = find_columns(call.db, [int(column) for column in slots])
    keys = list(slots.values())
    rows = _window(call.db, entity, change, window) if window else _rows(call.db, entity, change)
    return Relation(entity, columns, _records(rows, keys))


def readable_relation(call: Call, entity: int, change: int, slots: dict[str, str]) -> Relation:
    """The rows of a snapshot of a view that the caller may read."""
    columns = find_columns(call.db, [int(column) for column in slots])
    condition, values = readable_condition(call, "benefactor_id")
    allowed = {
        row["benefactor_id"]
        for row in call.db.execute(
            "SELECT DISTINCT benefactor_id FROM sage_table_rows"
            f" WHERE table_id = ? AND version = ? AND (benefactor_id IS NULL OR {condition})",
            (entity, change, *values),
        )
    }
    rows = (row for row in _rows(call.db, entity, change) if row["benefactor_id"] in allowed)
    return Relation(entity, columns, _records(rows, list(slots.values())), has_etags=True)


def _records(rows: Iterable[Row], keys: Sequence[str]) -> Iterator[Record]:
    for row in rows:
        cells = json.loads(row["cells"])
        version = row["row_version"] or row["version"]
        yield Record(row["row_id"], version, row["etag"], row["benefactor_id"], [cells.get(key) for key in keys])


def _rows(db: Connection, entity: int, change: int) -> Iterator[Row]:
    """Rows in the order of their ids, read in batches so that no driver holds all of them."""
    last = -1
    while True:
        batch = db.execute(
            "SELECT row_id, version, etag, benefactor_id, row_version, cells FROM sage_table_rows"
            " WHERE table_id = ? AND row_id > ? AND version <= ? AND ended > ? ORDER BY row_id LIMIT ?",
            (entity, last, change, change, _BATCH),
        ).fetchall()
        yield from batch
        if len(batch) < _BATCH:
            return
        last = batch[-1]["row_id"]


def _window(db: Connection, entity: int, change: int, window: tuple[int, int]) -> list[Row]:
    rows: list[Row] = db.execute(
        "SELECT row_id, version, etag, benefactor_id, row_version, cells FROM sage_table_rows"
        " WHERE table_id = ? AND version <= ? AND ended > ? ORDER BY row_id LIMIT ? OFFSET ?",
        (entity, change, change, *window),
    ).fetchall()
    return rows


def count_rows(db: Connection, entity: int, change: int) -> int:
    """How many rows a table had after a change."""
    sql = "SELECT count(*) FROM sage_table_rows WHERE table_id = ? AND version <= ? AND ended > ?"
    return int(scalar(db, sql, (entity, change, change)))


def current_rows(db: Connection, entity: int, ids: Sequence[int]) -> dict[int, Row]:
    """Rows that are there now, by id."""
    rows = db.execute(
        f"SELECT row_id, version, cells FROM sage_table_rows WHERE table_id = ? AND ended = ? AND row_id IN {IDS}",
        (entity, FOREVER, json.dumps(list(ids))),
    )
    return {row["row_id"]: row for row in rows}


def end_rows(db: Connection, entity: int, ids: Sequence[int], change: int) -> None:
    """Let rows end with a change. A row that the same change wrote is gone without a trace."""
    listed = json.dumps(list(ids))
    db.execute(
        f"DELETE FROM sage_table_rows WHERE table_id = ? AND ended = ? AND version = ? AND row_id IN {IDS}",
        (entity, FOREVER, change, listed),
    )
    db.execute(
        f"UPDATE sage_table_rows SET ended = ? WHERE table_id = ? AND ended = ? AND row_id IN {IDS}",
        (change, entity, FOREVER, listed),
    )


def add_rows(db: Connection, entity: int, change: int, rows: Iterable[tuple[int, dict[str, Any]]]) -> None:
    """Write rows, by id, that last from a change on."""
    db.executemany(
        "INSERT INTO sage_table_rows (table_id, row_id, version, ended, cells) VALUES (?, ?, ?, ?, ?)",
        ((entity, number, change, FOREVER, _text(cells)) for number, cells in rows),
    )


def _text(cells: dict[str, Any]) -> str:
    kept = {key: value for key, value in cells.items() if value is not None}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))


def rewrite_rows(call: Call, entity: int, change: Any) -> None:
    """Change the cells of all rows that are there now, in place. change: gets the cells and changes them."""
    last = -1
    while True:
        batch = call.db.execute(
            "SELECT row_id, version, cells FROM sage_table_rows"
            " WHERE table_id = ? AND row_id > ? AND ended = ? ORDER BY row_id LIMIT ?",
            (entity, last, FOREVER, _BATCH),
        ).fetchall()
        if not batch:
            return
        last = batch[-1]["row_id"]
        call.db.executemany(
            "UPDATE sage_table_rows SET cells = ? WHERE table_id = ? AND row_id = ? AND version = ?",
            [(_text(change(json.loads(row["cells"]))), entity, row["row_id"], row["version"]) for row in batch],
        )


def keep_records(db: Connection, entity: int, number: int, records: Iterator[Record], keys: Sequence[str]) -> None:
    """Keep the rows of a view for a snapshot, batch by batch, as what gives them reads over the same connection."""
    while batch := list(islice(records, _BATCH)):
        db.executemany(
            "INSERT INTO sage_table_rows (table_id, row_id, version, ended, etag, benefactor_id, row_version, cells)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [_kept(entity, number, record, keys) for record in batch],
        )


def _kept(entity: int, number: int, record: Record, keys: Sequence[str]) -> tuple[Any, ...]:
    cells = _text(dict(zip(keys, record.cells, strict=True)))
    return entity, record.id, number, number + 1, record.etag, record.benefactor, record.version, cells


def columns_of(call: Call, slots: dict[str, str]) -> list[Column]:
    """The columns that a table has."""
    return find_columns(call.db, [int(column) for column in slots])
