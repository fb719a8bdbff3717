"""What a backend holds, spooled while it is listed: units, the keys they get, and the rows they make.

A private temporary SQLite database, so that memory does not grow with the collection.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.state.populations import DesiredRow

_SCHEMA = """
CREATE TABLE unit (
    remote_id TEXT PRIMARY KEY, key TEXT, rank INTEGER, recorded TEXT,
    content TEXT, seen TEXT, meta TEXT, files TEXT
) WITHOUT ROWID;
CREATE TABLE desired (remote_id TEXT PRIMARY KEY, fields TEXT, body TEXT, count INTEGER, size INTEGER) WITHOUT ROWID;
"""
# All units of one key but the first: recorded ones before marked ones before others, then the oldest.
_REPEATED = """
SELECT remote_id FROM (
    SELECT remote_id, row_number() OVER (PARTITION BY key ORDER BY rank, length(remote_id), remote_id) AS place
    FROM unit WHERE key IN (SELECT key FROM unit GROUP BY key HAVING count(*) > 1)
) WHERE place > 1
"""


@dataclass(frozen=True, slots=True)
class HeldUnit:
    """One unit as listed. key: the wish for one, until `settle_keys` made it unique.

    rank: who keeps a contested key: the lowest. recorded: its key in the state. content: digest of its files. seen:
    fields digest of a recorded unit that is not as recorded. meta, files: JSON texts.
    """

    remote_id: str
    key: str
    rank: int
    recorded: str | None
    content: str
    seen: str | None
    meta: str
    files: str


class Inventory:
    """The units of one collection that belong to one set. Close it to give the space back."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_SCHEMA}")

    def close(self) -> None:
        """Give the temporary space back."""
        self._db.close()

    def add(self, units: Iterable[HeldUnit]) -> None:
        """Add units; one that a shifting listing shows twice counts once."""
        rows = ((u.remote_id, u.key, u.rank, u.recorded, u.content, u.seen, u.meta, u.files) for u in units)
        self._insert("INSERT OR IGNORE INTO unit VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def settle_keys(self) -> None:
        """Make keys unique: of several units the oldest keeps a key, the others get "~" and their id added."""
        sql = f"UPDATE unit SET key = key || '~' || remote_id WHERE remote_id IN ({_REPEATED})"
        while self._db.execute(sql).rowcount:
            pass
        self._db.execute("CREATE UNIQUE INDEX by_key ON unit (key)")

    def units(self) -> Iterator[HeldUnit]:
        """All units in key order."""
        for row in self._db.execute("SELECT * FROM unit ORDER BY key"):
            yield HeldUnit(*row)

    def want(self, rows: Iterable[tuple[str, str, str, int, int]]) -> None:
        """Say what is desired of units: (remote id, fields digest, body, number of files, bytes)."""
        self._insert("INSERT INTO desired VALUES (?, ?, ?, ?, ?)", rows)

    def desired(self) -> Iterator[DesiredRow]:
        """The desired rows, in key order."""
        sql = "SELECT key, content, fields, body, count, size FROM unit JOIN desired USING (remote_id) ORDER BY key"
        for row in self._db.execute(sql):
            yield DesiredRow(*row)

    def news(self) -> Iterator[tuple[HeldUnit, str, str]]:
        """(unit, desired fields digest, body) of units that are not just as recorded under their key, by key."""
        sql = (
            "SELECT unit.*, desired.fields, desired.body FROM unit JOIN desired USING (remote_id)"
            " WHERE recorded IS NOT key OR seen IS NOT NULL ORDER BY key"
        )
        for *unit, fields, body in self._db.execute(sql):
            yield HeldUnit(*unit), fields, body

    def digest(self) -> str:
        """SHA-256 over all desired rows."""
        found = hashlib.sha256()
        for row in self.desired():
            found.update("\0".join((row.key, row.content, row.fields, row.body, "")).encode())
        return found.hexdigest()

    def _insert(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._db.execute("BEGIN")
        self._db.executemany(statement, rows)
        self._db.execute("COMMIT")
