"""What transfers remember between runs: bytes that arrived at a backend, and uploads that were cut half-way.

A cache beside the state, for its owner's eyes alone: addresses of unfinished uploads, which are valid for hours, let
whoever has them write these uploads. Deleting it costs sending bytes again, nothing else.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from threading import Lock

from reconciler.model.json import JSON

_VERSION = 1
_KEPT_S = 30 * 86_400
_BATCH = 400
_SCHEMA = """
CREATE TABLE IF NOT EXISTS note (
    scope TEXT, checksum TEXT, value TEXT NOT NULL, noted INTEGER NOT NULL, PRIMARY KEY (scope, checksum)
) WITHOUT ROWID;
"""


class TransferCache:
    """Notes by (scope, checksum). Safe for several threads and processes."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._db = sqlite3.connect(path, isolation_level=None, timeout=60, check_same_thread=False)
        self._lock = Lock()
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
        if self._db.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            self._db.executescript("DROP TABLE IF EXISTS note;")
        self._db.executescript(f"{_SCHEMA} PRAGMA user_version = {_VERSION};")
        self._db.execute("DELETE FROM note WHERE noted < ?", [int(time.time()) - _KEPT_S])

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def recall(self, scope: str, checksums: Collection[str]) -> dict[str, JSON]:
        """What was noted of these."""
        asked, found = sorted(checksums), dict[str, JSON]()
        for start in range(0, len(asked), _BATCH):
            chunk = asked[start : start + _BATCH]
            query = f"SELECT checksum, value FROM note WHERE scope = ? AND checksum IN ({','.join('?' * len(chunk))})"
            with self._lock:
                rows = self._db.execute(query, [scope, *chunk]).fetchall()
            found.update((checksum, json.loads(value)) for checksum, value in rows)
        return found

    def note(self, scope: str, values: Mapping[str, JSON]) -> None:
        """Remember values by checksum, in one transaction; they replace what was noted before."""
        now = int(time.time())
        rows = [(scope, checksum, json.dumps(value), now) for checksum, value in sorted(values.items())]
        self._write("INSERT OR REPLACE INTO note VALUES (?, ?, ?, ?)", rows)

    def forget(self, scope: str, checksums: Collection[str]) -> None:
        """Remember nothing of these."""
        self._write("DELETE FROM note WHERE scope = ? AND checksum = ?", [(scope, hex) for hex in sorted(checksums)])

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if not rows:
            return
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(statement, rows)
            self._db.execute("COMMIT")
