"""What exports remember between runs: the text of every converted item, and what the destination looked like.

A cache beside the state; deleting it costs a conversion of every item and a read of every file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.model.address import Address

_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS fragment (
    export TEXT, key TEXT, content TEXT NOT NULL, split TEXT, value TEXT NOT NULL, file TEXT NOT NULL,
    PRIMARY KEY (export, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stamp (
    export TEXT, path TEXT, value TEXT NOT NULL, PRIMARY KEY (export, path)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class StoredFragment:
    """What an item was converted to. content: digest of all that decided it. file: SHA-256 of its own file, or ""."""

    key: str
    content: str
    split: str | None
    text: str
    file: str = ""


class FragmentCache:
    """Fragments and stamps of exports."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, timeout=60)
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
        if self._db.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            self._db.executescript("DROP TABLE IF EXISTS fragment;")
        self._db.executescript(f"{_SCHEMA} PRAGMA user_version = {_VERSION};")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> FragmentCache:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def own_file(self, export: Address, key: str, content: str) -> str | None:
        """SHA-256 of the own file of an item that was converted from that very content; None when it was not.

        Converted is not published: whoever keeps a published file compares it with this one.
        """
        row = self._db.execute(
            "SELECT file FROM fragment WHERE export = ? AND key = ? AND content = ?", [str(export), key, content]
        ).fetchone()
        return row[0] if row else None

    def save_fragments(self, export: Address, fragments: Iterable[StoredFragment]) -> None:
        """Remember what items were converted to, in one transaction."""
        self._db.execute("BEGIN IMMEDIATE")
        rows = ((str(export), f.key, f.content, f.split, f.text, f.file) for f in fragments)
        self._db.executemany("INSERT OR REPLACE INTO fragment VALUES (?, ?, ?, ?, ?, ?)", rows)
        self._db.execute("COMMIT")

    def fragments(self, export: Address) -> Iterator[tuple[str, str | None, str]]:
        """(key, split, text) of all items, in key order."""
        yield from self._db.execute(
            "SELECT key, split, value FROM fragment WHERE export = ? ORDER BY key", [str(export)]
        )

    def keep_only(self, export: Address, keys: Iterable[str]) -> None:
        """Forget every other item."""
        self._db.execute("CREATE TEMP TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY)")
        self._db.execute("DELETE FROM kept")
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("INSERT OR IGNORE INTO kept VALUES (?)", ((key,) for key in keys))
        self._db.execute("DELETE FROM fragment WHERE export = ? AND key NOT IN (SELECT key FROM kept)", [str(export)])
        self._db.execute("COMMIT")

    def stamps(self, export: Address) -> dict[str, str]:
        """Path → stamp as last seen at the destination."""
        return dict(self._db.execute("SELECT path, value FROM stamp WHERE export = ?", [str(export)]).fetchall())

    def save_stamps(self, export: Address, stamps: Mapping[str, str]) -> None:
        """Remember what the destination looks like now."""
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("DELETE FROM stamp WHERE export = ?", [str(export)])
        self._db.executemany("INSERT INTO stamp VALUES (?, ?, ?)", ((str(export), p, s) for p, s in stamps.items()))
        self._db.execute("COMMIT")
