"""What a backend holds, for comparison with what a source has: a temporary database, so that memory stays bounded."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

_SCHEMA = """
CREATE TABLE unit (remote_id TEXT PRIMARY KEY, content TEXT) WITHOUT ROWID;
CREATE INDEX unit_content ON unit (content);
CREATE TABLE file (name TEXT, size INTEGER, spec TEXT, PRIMARY KEY (name, size, spec)) WITHOUT ROWID;
CREATE TABLE here (key TEXT PRIMARY KEY, content TEXT) WITHOUT ROWID;
"""
_SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Overlap:
    """Units of equal files on both sides, and how many are on one side only. samples: first keys of `only_here`."""

    common: int
    only_here: int
    only_there: int
    samples: tuple[str, ...]

    @property
    def is_exact(self) -> bool:
        """Both sides have the same units."""
        return bool(self.common) and not self.only_here and not self.only_there


class Holdings:
    """Units and files of one collection. Close it to give the space back."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_SCHEMA}")

    def close(self) -> None:
        """Give the temporary space back."""
        self._db.close()

    def add_units(self, units: Iterable[tuple[str, str]]) -> None:
        """Add (remote id, content digest) of units."""
        self._db.executemany("INSERT OR IGNORE INTO unit VALUES (?, ?)", units)

    def add_files(self, files: Iterable[tuple[str, int, str]]) -> None:
        """Add (name, bytes, specification) of files; -1 bytes when that is not known."""
        self._db.executemany("INSERT OR IGNORE INTO file VALUES (?, ?, ?)", files)

    def specifications_of(self, name: str, size_bytes: int) -> frozenset[str]:
        """The specifications that files of that name and size have."""
        sql = "SELECT spec FROM file WHERE name = ? AND size IN (?, -1)"
        return frozenset(row[0] for row in self._db.execute(sql, [name, size_bytes]))

    def overlap(self, units: Iterable[tuple[str, str]]) -> Overlap:
        """Compare with (key, content digest) of other units."""
        db = self._db
        db.execute("DELETE FROM here")
        db.executemany("INSERT INTO here VALUES (?, ?)", units)
        missing = "FROM here WHERE content NOT IN (SELECT content FROM unit)"
        there = self._count("SELECT count(*) FROM unit")
        common = self._count("SELECT count(*) FROM unit WHERE content IN (SELECT content FROM here)")
        samples = db.execute(f"SELECT key {missing} ORDER BY key LIMIT {_SAMPLES}").fetchall()
        return Overlap(common, self._count(f"SELECT count(*) {missing}"), there - common, tuple(s[0] for s in samples))

    def _count(self, sql: str) -> int:
        return int(self._db.execute(sql).fetchone()[0])
