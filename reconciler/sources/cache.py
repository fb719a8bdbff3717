"""Remembers digests of files and verdicts on their content by place and stamp, in a SQLite file to be shared."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import Location, Problem, SourceError
from reconciler.model.checksum import Algorithm

_VERSION = 1
_BATCH = 400
_BUSY_MS = 30_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS places (id INTEGER PRIMARY KEY, place TEXT UNIQUE);
CREATE TABLE IF NOT EXISTS digests (place INTEGER, algorithm TEXT, path TEXT, stamp TEXT, hex TEXT, flaw TEXT,
  PRIMARY KEY (place, algorithm, path)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS verdicts (place INTEGER, rules TEXT, path TEXT, stamp TEXT, verdict TEXT,
  PRIMARY KEY (place, rules, path)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Digested:
    """What is known of a file's content. flaw: what is wrong with it ("" when nothing), such as "not JSON: …"."""

    hex: str
    flaw: str = ""


class DigestCache:
    """Digests by (place, path), valid while the stamp stays the same.

    A cache may be lost at any time: it only saves reading. Safe for several processes and threads.
    """

    def __init__(self, path: Path | None) -> None:
        """Open or create the file. path: None keeps it in memory.

        Raises:
            SourceError: the file exists and is not a digest cache, or cannot be written.
        """
        self._path = path
        try:
            self._db = _open(path)
        except (sqlite3.Error, OSError) as error:
            what, shown = "the digest cache cannot be opened", path.name if path else "memory"
            raise SourceError(
                [Problem(what, Location(shown), f"{error}.", "delete the file; it only saves time")]
            ) from error

        self._closer = weakref.finalize(self, self._db.close)

    def look_up(self, place: str, algorithm: Algorithm, stamps: Sequence[tuple[str, str]]) -> dict[str, Digested]:
        """Return path → digest of those (path, stamp) that are known with exactly this stamp."""
        number = self._place(place)
        found: dict[str, Digested] = {}
        for chunk in _chunks(stamps):
            known = dict(chunk)
            query = (
                "SELECT path, stamp, hex, flaw FROM digests WHERE place = ? AND algorithm = ? "
                f"AND path IN ({','.join('?' * len(chunk))})"
            )
            for path, stamp, value, flaw in self._db.execute(query, (number, algorithm, *known)):
                if known[path] == stamp:
                    found[path] = Digested(value, flaw)
        return found

    def store(self, place: str, algorithm: Algorithm, digests: Mapping[str, tuple[str, Digested]]) -> None:
        """Remember path → (stamp, digest)."""
        number = self._place(place)
        rows = [(number, algorithm, path, stamp, d.hex, d.flaw) for path, (stamp, d) in sorted(digests.items())]
        self._write("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?, ?)", rows)

    def look_up_verdicts(self, place: str, rules: str, stamps: Sequence[tuple[str, str]]) -> dict[str, str]:
        """Return path → verdict of those (path, stamp) that were judged by these rules with exactly this stamp."""
        number = self._place(place)
        found: dict[str, str] = {}
        for chunk in _chunks(stamps):
            known = dict(chunk)
            query = (
                "SELECT path, stamp, verdict FROM verdicts WHERE place = ? AND rules = ? "
                f"AND path IN ({','.join('?' * len(chunk))})"
            )
            rows = self._db.execute(query, (number, rules, *known))
            found |= {path: verdict for path, stamp, verdict in rows if known[path] == stamp}
        return found

    def store_verdicts(self, place: str, rules: str, verdicts: Mapping[str, tuple[str, str]]) -> None:
        """Remember path → (stamp, verdict)."""
        number = self._place(place)
        rows = [(number, rules, path, stamp, verdict) for path, (stamp, verdict) in sorted(verdicts.items())]
        self._write("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?)", rows)

    def close(self) -> None:
        """Close the file."""
        self._closer()

    def _place(self, place: str) -> int:
        query = "SELECT id FROM places WHERE place = ?"
        found = self._db.execute(query, (place,)).fetchone()
        if found is None:
            self._write("INSERT OR IGNORE INTO places (place) VALUES (?)", [(place,)])
            found = self._db.execute(query, (place,)).fetchone()
        return int(found[0])

    def _write(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany(statement, rows)
        except sqlite3.Error:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _open(path: Path | None) -> sqlite3.Connection:
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path or ":memory:", timeout=_BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = OFF")
        if db.execute("PRAGMA user_version").fetchone()[0] not in (0, _VERSION):
            db.executescript("DROP TABLE IF EXISTS digests; DROP TABLE IF EXISTS places;")
        db.executescript(_SCHEMA)
        db.execute(f"PRAGMA user_version = {_VERSION}")
    except sqlite3.Error:
        db.close()
        raise
    return db


def _chunks(stamps: Sequence[tuple[str, str]]) -> Iterable[Sequence[tuple[str, str]]]:
    return (stamps[start : start + _BATCH] for start in range(0, len(stamps), _BATCH))
