"""Desired rows of every row set, kept in a cache beside the state: indexed SQLite tables, compared by set operations.

A population is immutable and named by a digest of all that went into it, so two plans never disturb each other and an
unchanged source need not be read again. Everything here can be deleted; it only costs time.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.model.address import Address
from reconciler.model.json import JSON
from reconciler.plan.rows import RowDigests

_SCHEMA = """
CREATE TABLE IF NOT EXISTS population (
    id INTEGER PRIMARY KEY, address TEXT NOT NULL, name TEXT NOT NULL, summary TEXT, UNIQUE (address, name)
);
CREATE TABLE IF NOT EXISTS desired (
    population INTEGER NOT NULL REFERENCES population(id) ON DELETE CASCADE,
    key TEXT NOT NULL, content TEXT NOT NULL, fields TEXT NOT NULL,
    body TEXT NOT NULL, files INTEGER NOT NULL, bytes INTEGER NOT NULL,
    PRIMARY KEY (population, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS confirmed (
    address TEXT NOT NULL, remote_id TEXT NOT NULL, token TEXT NOT NULL, proof TEXT NOT NULL,
    PRIMARY KEY (address, remote_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS listing (
    address TEXT PRIMARY KEY, lineage TEXT NOT NULL, revision INTEGER NOT NULL, etag TEXT NOT NULL
) WITHOUT ROWID;
"""
_DUPLICATES = """
SELECT f.key, d.key FROM desired d
JOIN (SELECT content, min(key) AS key FROM desired WHERE population = ?1 GROUP BY content HAVING count(*) > 1) f
  ON f.content = d.content
WHERE d.population = ?1 AND d.key <> f.key ORDER BY d.key
"""
_TWINS = """
SELECT 1 FROM desired WHERE population = ? AND content IN (SELECT content FROM temp.fresh)
GROUP BY content HAVING count(*) > 1 LIMIT 1
"""
_COPY = """
INSERT INTO desired SELECT ?, key, content, fields, body, files, bytes FROM desired WHERE population = ? ORDER BY key
"""
_VERSION = 1
_KEEP = 3  # populations per row set: the current one, the one before (for "before" values), and another environment's


@dataclass(frozen=True, slots=True)
class DesiredRow:
    """One row as desired. body: JSON text of its kind (`reconciler.model.body`). files, bytes: of its content."""

    key: str
    content: str
    fields: str
    body: str
    files: int = 0
    bytes: int = 0

    @property
    def digests(self) -> RowDigests:
        """The digests that decide."""
        return RowDigests(self.content, self.fields)


@dataclass(frozen=True, slots=True)
class Population:
    """All desired rows of one row set. summary: what its source said of it (accounts, problems), as JSON."""

    id: int
    address: Address
    name: str
    summary: JSON


class PopulationCache:
    """Stores populations; one writer at a time, readers undisturbed."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._db = sqlite3.connect(path, isolation_level=None, timeout=300)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._prepare()

    @property
    def connection(self) -> sqlite3.Connection:
        """The database, for what lies in the same file."""
        return self._db

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def find(self, address: Address, name: str) -> Population | None:
        """The population of that name, if it was completed."""
        row = self._db.execute(
            "SELECT id, summary FROM population WHERE address = ? AND name = ? AND summary IS NOT NULL",
            [str(address), name],
        ).fetchone()
        return Population(row[0], address, name, json.loads(row[1])) if row else None

    def build(
        self,
        address: Address,
        name: str,
        rows: Iterable[DesiredRow],
        summary: Mapping[str, JSON],
        *,
        one_per_content: bool = False,
    ) -> Population:
        """Write a population in one transaction. `summary` is read after the last row was taken from `rows`.

        Rows of equal content are listed in the summary under "duplicates" as [first key, other key]; with
        `one_per_content` only the first of them stays. Raises sqlite3.IntegrityError when two rows have one key.
        """
        db = self._db
        with db:
            db.execute("BEGIN IMMEDIATE")
            number = self._begin(address, name)
            self._insert(number, rows)
            duplicates = db.execute(_DUPLICATES, [number]).fetchall()
            if one_per_content:
                self._delete(number, (key for _, key in duplicates))
            return self._complete(number, address, name, {**summary, "duplicates": duplicates})

    def derive(
        self, base: Population, name: str, gone: Collection[str], rows: Sequence[DesiredRow], summary: JSON
    ) -> Population | None:
        """Write a population that has the rows of `base` but for those of the keys `gone`, and these rows.

        None, and nothing written, when two rows would have equal content, or `base` is not there any more. No two rows
        of `base` may have.
        """
        db = self._db
        with db:
            db.execute("BEGIN IMMEDIATE")
            if not db.execute("SELECT 1 FROM population WHERE id = ?", [base.id]).fetchone():
                return None
            number = self._begin(base.address, name)
            db.execute(_COPY, [number, base.id])
            self._delete(number, gone)
            self._insert(number, rows)
            if self._has_twins(number, rows):
                db.execute("ROLLBACK")
                return None
            return self._complete(number, base.address, name, summary)

    def _begin(self, address: Address, name: str) -> int:
        self._db.execute("DELETE FROM population WHERE address = ? AND name = ?", [str(address), name])
        cursor = self._db.execute("INSERT INTO population (address, name) VALUES (?, ?)", [str(address), name])
        return int(cursor.lastrowid or 0)

    def _insert(self, number: int, rows: Iterable[DesiredRow]) -> None:
        self._db.executemany(
            "INSERT INTO desired VALUES (?, ?, ?, ?, ?, ?, ?)",
            ((number, r.key, r.content, r.fields, r.body, r.files, r.bytes) for r in rows),
        )

    def _delete(self, number: int, keys: Iterable[str]) -> None:
        sql = "DELETE FROM desired WHERE population = ? AND key = ?"
        self._db.executemany(sql, ((number, key) for key in keys))

    def _has_twins(self, number: int, rows: Sequence[DesiredRow]) -> bool:
        """Whether any of these rows has the content of another row."""
        self._db.execute("CREATE TEMP TABLE IF NOT EXISTS fresh (content TEXT PRIMARY KEY) WITHOUT ROWID")
        self._db.execute("DELETE FROM temp.fresh")
        self._db.executemany("INSERT OR IGNORE INTO temp.fresh VALUES (?)", ((row.content,) for row in rows))
        return self._db.execute(_TWINS, [number]).fetchone() is not None

    def _complete(self, number: int, address: Address, name: str, summary: JSON) -> Population:
        text = json.dumps(summary, ensure_ascii=False)
        self._db.execute("UPDATE population SET summary = ? WHERE id = ?", [text, number])
        self._db.execute(
            "DELETE FROM population WHERE address = ? AND id NOT IN"
            " (SELECT id FROM population WHERE address = ? ORDER BY id DESC LIMIT ?)",
            [str(address), str(address), _KEEP],
        )
        return Population(number, address, name, json.loads(text))

    def before(self, population: Population) -> int:
        """The newest other population of the same row set, or 0."""
        row = self._db.execute(
            "SELECT id FROM population WHERE address = ? AND id <> ? ORDER BY id DESC LIMIT 1",
            [str(population.address), population.id],
        ).fetchone()
        return row[0] if row else 0

    def rows(self, population: Population) -> Iterator[DesiredRow]:
        """All rows in key order."""
        sql = "SELECT key, content, fields, body, files, bytes FROM desired WHERE population = ? ORDER BY key"
        for row in self._db.execute(sql, [population.id]):
            yield DesiredRow(*row)

    def digests(self, population: Population) -> dict[str, RowDigests]:
        """The digests of all rows by key."""
        sql = "SELECT key, content, fields FROM desired WHERE population = ?"
        return {key: RowDigests(*rest) for key, *rest in self._db.execute(sql, [population.id])}

    def clean_listing(self, address: Address, lineage: str, revision: int) -> str | None:
        """The version of the backend's listing at which it was seen to equal the state's rows of that revision."""
        row = self._db.execute(
            "SELECT etag FROM listing WHERE address = ? AND lineage = ? AND revision = ?",
            [str(address), lineage, revision],
        ).fetchone()
        return row[0] if row else None

    def record_clean_listing(self, address: Address, lineage: str, revision: int, etag: str) -> None:
        """Remember that the listing of version `etag` equals the state's rows of that revision."""
        self._db.execute("INSERT OR REPLACE INTO listing VALUES (?, ?, ?, ?)", [str(address), lineage, revision, etag])

    def confirmed(self, address: Address, remote_ids: Collection[str]) -> dict[str, tuple[str, str]]:
        """Remote id → (token, proof) of remote rows that were seen to equal a row of the state; see `confirm`."""
        marks = ",".join("?" * len(remote_ids))
        rows = self._db.execute(
            f"SELECT remote_id, token, proof FROM confirmed WHERE address = ? AND remote_id IN ({marks})",
            [str(address), *remote_ids],
        )
        return {remote_id: (token, proof) for remote_id, token, proof in rows}

    def confirm(self, address: Address, rows: Iterable[tuple[str, str, str]]) -> None:
        """Remember (remote id, token, proof): at that token the remote row equalled the state's row of that proof."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                "INSERT OR REPLACE INTO confirmed VALUES (?, ?, ?, ?)", ((str(address), *row) for row in rows)
            )

    def _prepare(self) -> None:
        if self._db.execute("PRAGMA user_version").fetchone()[0] not in (0, _VERSION):
            self._db.executescript("DROP TABLE IF EXISTS desired; DROP TABLE IF EXISTS population;")
        self._db.executescript(f"{_SCHEMA} PRAGMA user_version = {_VERSION};")
