"""Temporary tables on disk in which files and metadata rows are sorted by unit; memory stays bounded.

One private SQLite database per assembly, deleted when it is closed. SQLite compares text by code points of UTF-8.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from reconciler.model.json import JSON

_CACHE_KIB = 16 * 1024
# Origins of what the rows of a manifest say; metadata sources count from 0.
MANIFEST_META, MANIFEST_ATTRIBUTES = -1, -2
_SCHEMA = """
CREATE TABLE files (key TEXT, spec INTEGER, path TEXT, source INTEGER, size INTEGER, stamp TEXT,
  position INTEGER);
CREATE TABLE sidecars (path TEXT, source INTEGER, size INTEGER, used INTEGER DEFAULT 0,
  PRIMARY KEY (path, source)) WITHOUT ROWID;
CREATE TABLE rows (origin INTEGER, key TEXT, unit TEXT, line INTEGER, data TEXT);
CREATE TABLE units (key TEXT, files TEXT, meta TEXT, attributes TEXT);
"""


# `json.dumps` with options builds an encoder at every call.
encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class FileRow(NamedTuple):
    """One file of a candidate unit. spec: index; -1 for a link, whose path is a URL. stamp: as in the listing.

    position: line in a manifest, which orders the files of one specification; 0 where their names do.
    """

    key: str
    spec: int
    path: str
    source: int
    size_bytes: int
    stamp: str
    position: int = 0


class TableRow(NamedTuple):
    """One metadata row that belongs to a unit."""

    unit: str
    line: int
    data: str


class Ledger:
    """The temporary database of one assembly."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._db.execute("PRAGMA temp_store = FILE")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Give the temporary space back."""
        self._db.close()

    # -- files

    def add_files(self, rows: Iterable[FileRow]) -> None:
        """Add files of candidate units."""
        self._insert("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def add_sidecar(self, path: str, source: int, size_bytes: int) -> None:
        """Remember a file that may hold metadata of a unit."""
        self._db.execute(
            "INSERT OR IGNORE INTO sidecars (path, source, size) VALUES (?, ?, ?)", (path, source, size_bytes)
        )

    def candidates(self) -> Iterator[tuple[str, list[FileRow]]]:
        """Yield (key, files sorted by specification and path), sorted by key."""
        cursor = self._db.execute("SELECT * FROM files ORDER BY key, spec, path, source")
        for key, rows in groupby(cursor, key=itemgetter(0)):
            yield key, [FileRow(*row) for row in rows]

    def file_count(self) -> int:
        """Number of files of candidate units."""
        return self._count("SELECT count(*) FROM files")

    def take_sidecar(self, path: str, source: int) -> bool:
        """Mark a sidecar as used; False when there is none at that path."""
        query = "UPDATE sidecars SET used = 1 WHERE path = ? AND source = ?"
        return self._db.execute(query, (path, source)).rowcount > 0

    def unused_sidecars(self) -> Iterator[tuple[str, int]]:
        """Yield (path, source) of sidecars that no unit asked for."""
        return iter(self._db.execute("SELECT path, source FROM sidecars WHERE used = 0 ORDER BY path, source"))

    def sidecar_count(self) -> int:
        """Number of sidecars that were used."""
        return self._count("SELECT count(*) FROM sidecars WHERE used = 1")

    # -- metadata rows

    def add_rows(self, origin: int, rows: Iterable[tuple[str, int, dict[str, JSON]]]) -> None:
        """Add (key, line, values) of one metadata source."""
        packed = ((origin, key, line, encode_json(values)) for key, line, values in rows)
        self._insert("INSERT INTO rows (origin, key, line, data) VALUES (?, ?, ?, ?)", packed)

    def hold_manifest_row(self, key: str, line: int, meta: dict[str, JSON], attributes: dict[str, JSON]) -> None:
        """Keep what a row of a manifest says about the unit of that key, until `match_manifest`."""
        held = ((MANIFEST_META, meta), (MANIFEST_ATTRIBUTES, attributes))
        rows = [(origin, key, key, line, encode_json(values)) for origin, values in held if values]
        self._db.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?)", rows)

    def match_manifest(self) -> None:
        """Make the rows of a manifest quick to find by unit."""
        self._db.execute("CREATE INDEX IF NOT EXISTS rows_by_unit ON rows (origin, unit, line)")

    def match_rows(self, origin: int, normalise: Callable[[str], str]) -> None:
        """Give rows to the units they name: by key, else by the name or path of one of the unit's files.

        A file name that files of several units bear matches nothing. normalise: as for the keys of rows.
        """
        self._db.execute("CREATE INDEX IF NOT EXISTS files_by_key ON files (key)")
        query = "UPDATE rows SET unit = key WHERE origin = ? AND key IN (SELECT key FROM files)"
        self._db.execute(query, (origin,))
        self._match_by_file(origin, normalise)
        self._db.execute("CREATE INDEX IF NOT EXISTS rows_by_unit ON rows (origin, unit, line)")

    def _match_by_file(self, origin: int, normalise: Callable[[str], str]) -> None:
        query = "SELECT key FROM rows WHERE origin = ? AND unit IS NULL AND key <> ''"
        owners: dict[str, str | None] = {key: None for (key,) in self._db.execute(query, (origin,))}
        if not owners:
            return
        shared: set[str] = set()
        for unit, path in self._db.execute("SELECT key, path FROM files"):
            text = normalise(path)
            for name in {text, text.rpartition("/")[2]}:
                if name in owners and owners[name] not in (None, unit):
                    shared.add(name)
                elif name in owners:
                    owners[name] = unit
        found = [(unit, origin, name) for name, unit in owners.items() if unit is not None and name not in shared]
        self._insert("UPDATE rows SET unit = ? WHERE origin = ? AND key = ? AND unit IS NULL", found)

    def rows_by_unit(self, origin: int) -> Iterator[TableRow]:
        """Yield the rows that belong to units, sorted by unit, then line."""
        query = "SELECT unit, line, data FROM rows WHERE origin = ? AND unit IS NOT NULL ORDER BY unit, line"
        return (TableRow(*row) for row in self._db.execute(query, (origin,)))

    def unmatched_rows(self, origin: int) -> Iterator[tuple[str, int]]:
        """Yield (key, line) of rows that belong to no unit, in file order."""
        query = "SELECT key, line FROM rows WHERE origin = ? AND unit IS NULL ORDER BY line"
        return iter(self._db.execute(query, (origin,)))

    def repeated_rows(self, origin: int) -> Iterator[tuple[str, list[int]]]:
        """Yield (unit or key, lines) of what several rows of one source describe."""
        query = """
            SELECT coalesce(unit, key) AS name, group_concat(line) FROM rows
            WHERE origin = ? AND key <> '' GROUP BY name HAVING count(*) > 1 ORDER BY min(line)"""
        for name, lines in self._db.execute(query, (origin,)):
            yield name, sorted(map(int, lines.split(",")))

    # -- finished units

    def add_units(self, units: Iterable[tuple[str, str, str, str]]) -> None:
        """Add finished units as (key, then as JSON files, meta and attributes), in order of key."""
        self._insert("INSERT INTO units VALUES (?, ?, ?, ?)", units)

    def drop_files(self) -> None:
        """Forget the candidates once the units are finished."""
        self._db.executescript("DROP TABLE files; DROP TABLE rows;")

    def units(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield finished units in order of key."""
        return iter(self._db.execute("SELECT key, files, meta, attributes FROM units ORDER BY rowid"))

    def _insert(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._db.execute("BEGIN")
        self._db.executemany(statement, rows)
        self._db.execute("COMMIT")

    def _count(self, query: str) -> int:
        return int(self._db.execute(query).fetchone()[0])
