"""Read-only SQL over the state."""

from __future__ import annotations

import sqlite3

from reconciler.errors import StateError


def query_state(db: sqlite3.Connection, sql: str) -> tuple[list[str], list[tuple[object, ...]]]:
    """Columns and rows of a query. Raises StateError with SQLite's message."""
    try:
        db.execute("PRAGMA query_only = ON")
        cursor = db.execute(sql)
        return [column[0] for column in cursor.description or ()], [tuple(row) for row in cursor.fetchall()]
    except sqlite3.Error as exc:
        raise StateError(f"the query failed: {exc}", fix="tables: resource, row, shape, intent, header") from exc
