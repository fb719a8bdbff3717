"""Which paths the rows of a manifest named already; kept on disk once they are many."""

from __future__ import annotations

import sqlite3

_CACHE_KIB = 8 * 1024


class SeenPaths:
    """A private temporary database, deleted when it is closed."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._db.execute("CREATE TABLE seen (source INTEGER, path TEXT, line INTEGER, PRIMARY KEY (source, path))")

    def first(self, source: int, path: str, line: int) -> int:
        """The line that named this path first: this one, when none did."""
        row = (source, path.encode("utf-8", "surrogatepass"))
        if self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (*row, line)).rowcount:
            return line
        found: tuple[int] = self._db.execute("SELECT line FROM seen WHERE source = ? AND path = ?", row).fetchone()
        return found[0]

    def close(self) -> None:
        """Give the temporary space back."""
        self._db.close()
