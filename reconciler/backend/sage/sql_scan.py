"""Running a rendered query: copies of what it reads in a database of its own, which spills to disk and dies with it.

The copies are apart from the store, so no query can reach what it was not given. Time is bounded; so is memory, by the
cache of the copy.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Final

from reconciler.backend.sage.column_types import TYPES, scan_value
from reconciler.backend.sage.errors import bad
from reconciler.backend.sage.relations import Record, Relation
from reconciler.backend.sage.sql_render import Statement

LONGEST_S: Final = 60.0
_STEPS_BETWEEN_LOOKS: Final = 100_000
_CACHE_KIB: Final = 16_384
_LONGEST_VALUE: Final = 32 << 20
_LARGEST_PAGES: Final = 2_000_000  # of 4 KiB: what a copy may take on disk


class Scan:
    """The database of one query; made by `scanning`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._tables = 0

    def add(self, relation: Relation) -> str:
        """Copy a relation; returns the name of its table."""
        name = self._new_table(relation)
        kinds = [column["columnType"] for column in relation.columns]
        marks = ", ".join("?" * (4 + len(kinds)))
        with _refusing():
            self._db.executemany(f"INSERT INTO {name} VALUES ({marks})", _tuples(relation.records, kinds))
        return name

    def add_result(self, relation: Relation, statement: Statement, limit: str) -> str:
        """Keep the result of a statement as a table of its own, whose rows stay in their order."""
        name = self._new_table(relation, key="")
        columns = ", ".join(f"c{place}" for place in range(len(relation.columns)))
        head = "row_id, row_version, row_etag, " if statement.rows else ""
        with _refusing():
            self._db.execute(f"INSERT INTO {name} ({head}{columns}) {statement.sql}{limit}", statement.values)
            self._db.execute(f"UPDATE {name} SET row_id = rowid, row_version = 1 WHERE row_id IS NULL")
        return name

    def run(self, sql: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """The rows of a statement, one by one."""
        with _refusing():
            yield from self._db.execute(sql, values)

    def _new_table(self, relation: Relation, *, key: str = " PRIMARY KEY") -> str:
        name = f"r{self._tables}"
        self._tables += 1
        columns = "".join(
            f", c{place} {TYPES[column['columnType']].affinity}" for place, column in enumerate(relation.columns)
        )
        head = f"row_id INTEGER{key}, row_version INTEGER, row_etag TEXT, row_benefactor TEXT"
        self._db.execute(f"CREATE TABLE {name} ({head}{columns})")
        return name


@contextmanager
def scanning() -> Iterator[Scan]:
    """Give a scan. Its database is gone at the end."""
    with closing(sqlite3.connect("", isolation_level=None)) as db:  # a temporary file, made when memory is short
        db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA journal_mode = OFF")
        db.execute(f"PRAGMA max_page_count = {_LARGEST_PAGES}")
        db.execute("PRAGMA trusted_schema = OFF")
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
        db.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        ends = time.monotonic() + LONGEST_S
        db.set_progress_handler(lambda: time.monotonic() > ends, _STEPS_BETWEEN_LOOKS)
        yield Scan(db)


@contextmanager
def _refusing() -> Iterator[None]:
    """Whatever SQLite refuses here is for the caller of the query to know: the store is not involved."""
    try:
        yield
    except sqlite3.OperationalError as exc:
        if "interrupted" in str(exc):
            raise bad(f"The query takes longer than {LONGEST_S:.0f} seconds.") from exc
        if "full" in str(exc):
            raise bad("The query needs too much room.") from exc
        raise bad(f"The query cannot be run: {exc}") from exc
    except (sqlite3.Error, OverflowError) as exc:
        raise bad(f"The query cannot be run: {exc}") from exc


def _tuples(records: Iterator[Record], kinds: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    special = [place for place, kind in enumerate(kinds) if kind == "DOUBLE" or TYPES[kind].element or kind == "JSON"]
    for record in records:
        cells = list(record.cells)
        for place in special:
            if cells[place] is not None:
                cells[place] = scan_value(kinds[place], cells[place])
        benefactor = None if record.benefactor is None else f"syn{record.benefactor}"
        yield (record.id, record.version, record.etag, benefactor, *cells)
