"""Connections to the store's database: many readers at once, one writer, each request one transaction.

The database is a SQLite file in the store's folder, or one in PostgreSQL (see `postgres`) that several servers share.
The SQL of this package is one text for both: standard SQL, and what is named here.

Durability of the file: the write-ahead log with `synchronous=NORMAL` keeps every committed transaction when the
process is killed at any point; `durable` (`synchronous=FULL`) also keeps it when the machine loses power.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar

BUSY_TIMEOUT_S: Final = 30.0  # how long a writer waits for the writer of another process

IntegrityError = sqlite3.IntegrityError  # a row is refused: it exists already, or what it names does not
OperationalError = sqlite3.OperationalError  # the database cannot answer now; says "busy" or "locked" if it may later
DataError = sqlite3.DataError  # a value that the database cannot hold
DatabaseError = sqlite3.DatabaseError  # all of these

# For `column IN …`, with a JSON array as the value of its one parameter: of ids, or of texts.
IDS: Final = "(SELECT CAST(value AS BIGINT) AS id FROM json_each(?))"
TEXTS: Final = "(SELECT value FROM json_each(?))"

Values = Sequence[Any] | Mapping[str, Any]


class Row(Protocol):
    """A row that was read; columns by name or by number."""

    def __getitem__(self, key: int | str, /) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...

    def __len__(self) -> int: ...

    def keys(self) -> Iterable[str]:
        """The names of the columns."""


class Cursor(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int:
        """How many rows an INSERT, UPDATE or DELETE wrote."""

    def fetchone(self) -> Any:
        """The next row, None at the end."""

    def fetchmany(self, size: int, /) -> list[Any]:
        """So many of the next rows."""

    def fetchall(self) -> list[Any]:
        """The rows that are left."""

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A connection. Parameters are written `?`, or `:name` when their values are a mapping."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""

    def execute(self, sql: str, values: Values = ..., /) -> Cursor:
        """Run one statement."""

    def executemany(self, sql: str, values: Iterable[Sequence[Any]], /) -> object:
        """Run one statement that writes, with each of these values."""

    def define(self, sql: str) -> None:
        """Run one statement of the schema, written as SQLite has it."""

    def format(self) -> int:
        """How many steps of the schema were done."""

    def set_format(self, number: int) -> None:
        """Note that so many steps of the schema are done."""

    def counters(self) -> Mapping[str, int]:
        """Table → the last identifier it gave out, 0 for none, of every table that gives out identifiers."""

    def set_counter(self, table: str, last: int) -> None:
        """Let the identifiers of a table continue after `last`."""

    def next_id(self, table: str) -> int:
        """See the function of this name."""

    def close(self) -> None:
        """Close it."""


AnyConnection = TypeVar("AnyConnection", bound=Connection)


class Database(Generic[AnyConnection]):
    """A pool of connections. Safe to use from several threads, and from several processes at once."""

    def __init__(self) -> None:
        self._idle: list[AnyConnection] = []
        self._lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._closed = False

    @contextmanager
    def reading(self) -> Iterator[AnyConnection]:
        """Give a connection inside a read transaction: everything read within it is of one moment."""
        db = self._begin(is_write=False)
        try:
            yield db
        finally:
            self._end(db)

    @contextmanager
    def writing(self, *, commit: bool = True) -> Iterator[AnyConnection]:
        """Give a connection inside the write transaction; an exception, or `commit=False`, rolls it back."""
        with self._write_lock:
            db = self._begin(is_write=True)
            try:
                yield db
                db.execute("COMMIT" if commit else "ROLLBACK")
            finally:
                self._end(db)

    def close(self) -> None:
        """Close what is idle now, and what is in use when it comes back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for db in idle:
            db.close()

    def _begin(self, *, is_write: bool) -> AnyConnection:
        db = self._take()
        try:
            self._start(db, is_write=is_write)
        except BaseException:
            self._end(db)
            raise
        return db

    def _end(self, db: AnyConnection) -> None:
        try:
            if db.in_transaction:
                db.execute("ROLLBACK")
        except BaseException:
            db.close()
            raise
        self._give_back(db)

    def _take(self) -> AnyConnection:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._connect()

    def _give_back(self, db: AnyConnection) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(db)
                return
        db.close()

    def _connect(self) -> AnyConnection:
        raise NotImplementedError

    def _start(self, db: AnyConnection, *, is_write: bool) -> None:
        raise NotImplementedError


class SqliteConnection(sqlite3.Connection):
    """A connection to a SQLite file."""

    def define(self, sql: str) -> None:
        """Run one statement of the schema."""
        self.execute(sql)

    def format(self) -> int:
        """How many steps of the schema were done."""
        return int(scalar(self, "PRAGMA user_version"))

    def set_format(self, number: int) -> None:
        """Note that so many steps of the schema are done."""
        self.execute(f"PRAGMA user_version = {number}")

    def counters(self) -> Mapping[str, int]:
        """Table → the last identifier it gave out, 0 for none."""
        sql = (
            "SELECT m.name, coalesce(s.seq, 0) FROM sqlite_master m LEFT JOIN sqlite_sequence s ON s.name = m.name"
            " WHERE m.type = 'table' AND m.sql LIKE '%AUTOINCREMENT%'"
        )
        return dict(self.execute(sql).fetchall())

    def set_counter(self, table: str, last: int) -> None:
        """Let the identifiers of a table continue after `last`."""
        self.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
        self.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, last))

    def next_id(self, table: str) -> int:
        """The identifier that the next row of a table gets."""
        return int(scalar(self, "SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))) + 1


class SqliteDatabase(Database[SqliteConnection]):
    """A database in one file."""

    def __init__(self, path: Path, *, durable: bool) -> None:
        super().__init__()
        self._path = path
        self._durable = durable

    def _start(self, db: SqliteConnection, *, is_write: bool) -> None:
        db.execute("BEGIN IMMEDIATE" if is_write else "BEGIN")

    def _connect(self) -> SqliteConnection:
        db = sqlite3.connect(
            self._path,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
            factory=SqliteConnection,
        )
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA cache_size = -8000")
        return db


def one(db: Connection, sql: str, values: Values = ()) -> Row | None:
    """The first row, None when there is none."""
    row: Row | None = db.execute(sql, values).fetchone()
    return row


def scalar(db: Connection, sql: str, values: Values = ()) -> Any:
    """The first column of the first row, None when there is no row."""
    row = db.execute(sql, values).fetchone()
    return None if row is None else row[0]


def insert(db: Connection, table: str, values: Mapping[str, Any]) -> int:
    """Insert a row; returns its identifier. The names of table and columns are ours, never input."""
    return int(scalar(db, f"{insert_sql(table, values)} RETURNING id", values))


def insert_sql(table: str, values: Mapping[str, Any]) -> str:
    """INSERT with named parameters. The names are columns of ours, never input."""
    return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(f':{name}' for name in values)})"


def update_sql(table: str, values: Mapping[str, Any]) -> str:
    """UPDATE of one row by :id, with named parameters."""
    return f"UPDATE {table} SET {', '.join(f'{name} = :{name}' for name in values)} WHERE id = :id"


def containing(text: str) -> str:
    """The pattern for `lower(column) LIKE lower(?) ESCAPE '!'` that finds a text anywhere."""
    escaped = text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"


def next_id(db: Connection, table: str) -> int:
    """The identifier that the next row of a table gets; never one that was used before, even by a deleted row.

    Only within a write transaction. Rows inserted with identifiers from here on keep the counter right by themselves.
    """
    return db.next_id(table)
