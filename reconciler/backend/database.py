"""Connections to the store's SQLite file: many readers at once, one writer, each request one transaction.

Durability: the write-ahead log with `synchronous=NORMAL` keeps every committed transaction when the process is
killed at any point; `durable` (`synchronous=FULL`) also keeps it when the machine loses power.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

BUSY_TIMEOUT_S: Final = 30.0  # how long a writer waits for the writer of another process


class Database:
    """A pool of connections to one file. Safe to use from several threads, and from several processes at once."""

    def __init__(self, path: Path, *, durable: bool) -> None:
        self._path = path
        self._durable = durable
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._closed = False

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection inside a read transaction: everything read within it is of one moment."""
        db = self._take()
        try:
            db.execute("BEGIN")
            yield db
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")
            self._give_back(db)

    @contextmanager
    def writing(self, *, commit: bool = True) -> Iterator[sqlite3.Connection]:
        """Give a connection inside the write transaction; an exception, or `commit=False`, rolls it back."""
        with self._write_lock:
            db = self._take()
            try:
                db.execute("BEGIN IMMEDIATE")
                yield db
                db.execute("COMMIT" if commit else "ROLLBACK")
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                self._give_back(db)

    def close(self) -> None:
        """Close what is idle now, and what is in use when it comes back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for db in idle:
            db.close()

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _give_back(self, db: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(db)
                return
        db.close()

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(
            self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA cache_size = -8000")
        return db


def one(db: sqlite3.Connection, sql: str, values: Sequence[Any] = ()) -> sqlite3.Row | None:
    """The first row, None when there is none."""
    row: sqlite3.Row | None = db.execute(sql, values).fetchone()
    return row


def scalar(db: sqlite3.Connection, sql: str, values: Sequence[Any] = ()) -> Any:
    """The first column of the first row, None when there is no row."""
    row = db.execute(sql, values).fetchone()
    return None if row is None else row[0]


def next_id(db: sqlite3.Connection, table: str) -> int:
    """The identifier that the next row of a table gets; never one that was used before, even by a deleted row.

    Only within a write transaction. Rows inserted with identifiers from here on keep the counter right by themselves.
    """
    found = scalar(db, "SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))
    return int(found) + 1
