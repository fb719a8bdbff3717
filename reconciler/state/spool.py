"""Where the items of one export lie while it is planned or applied, so that they need not lie in memory.

A private file beside the caches that has no name any more once it is open: it may hold signed addresses, and nothing of
it outlives the process, however that ends.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_SCHEMA = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
CREATE TABLE item (
    key TEXT NOT NULL, name TEXT NOT NULL, record TEXT NOT NULL, content TEXT NOT NULL, head TEXT NOT NULL,
    data TEXT NOT NULL, fault TEXT
);
"""
_COLUMNS = "key, name, record, content, head, data, fault"
_HEADS = "key, name, record, content, head, 'null', fault"


@dataclass(frozen=True, slots=True)
class SpooledItem:
    """One item. name: what the record calls itself, which others may, too.

    head: JSON text of the record but for its payload, data: that of the payload. fault: why there is none.
    """

    key: str
    name: str
    record_id: str
    content: str
    head: str
    data: str = "null"
    fault: str | None = None


class ItemSpool:
    """Items, first filled, then indexed, then read in key order. Used by one thread."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix="spool-", suffix=".db", dir=folder)
        os.close(handle)
        self._path = Path(name)
        self._db = sqlite3.connect(name, isolation_level=None)
        self._db.executescript(_SCHEMA)
        self._unlink()

    def close(self) -> None:
        """Give the space back."""
        self._db.close()
        self._unlink()

    def fill(self, items: Iterable[SpooledItem]) -> None:
        """Add items, in one transaction."""
        self._db.execute("BEGIN")
        self._db.executemany(
            "INSERT INTO item VALUES (?, ?, ?, ?, ?, ?, ?)",
            ((i.key, i.name, i.record_id, i.content, i.head, i.data, i.fault) for i in items),
        )
        self._db.execute("CREATE INDEX item_by_name ON item (name, record)")
        self._db.execute("COMMIT")

    def repeated(self) -> list[SpooledItem]:
        """Items whose name others have, too."""
        sql = f"SELECT {_COLUMNS} FROM item WHERE name IN (SELECT name FROM item GROUP BY name HAVING count(*) > 1)"
        return [SpooledItem(*row) for row in self._db.execute(sql)]

    def rename(self, items: Iterable[SpooledItem]) -> None:
        """Give items another key, and the content that goes with it."""
        self._db.execute("BEGIN")
        sql = "UPDATE item SET key = ?, content = ? WHERE name = ? AND record = ?"
        self._db.executemany(sql, ((i.key, i.content, i.name, i.record_id) for i in items))
        self._db.execute("COMMIT")

    def index(self) -> list[str]:
        """Make items readable by key. Returns the keys that more than one item has."""
        self._db.execute("CREATE INDEX item_by_key ON item (key)")
        return [
            key for (key,) in self._db.execute("SELECT key FROM item GROUP BY key HAVING count(*) > 1 ORDER BY key")
        ]

    def items(self) -> Iterator[SpooledItem]:
        """All items in key order."""
        for row in self._db.execute(f"SELECT {_COLUMNS} FROM item ORDER BY key"):
            yield SpooledItem(*row)

    def item(self, key: str) -> SpooledItem:
        """One item. Raises KeyError when there is none."""
        row = self._db.execute(f"SELECT {_COLUMNS} FROM item WHERE key = ?", [key]).fetchone()
        if row is None:
            raise KeyError(key)
        return SpooledItem(*row)

    def heads(self, *, faulty: bool = False) -> Iterator[SpooledItem]:
        """All items in key order, without their payloads; or those that have none because of a fault."""
        where = "WHERE fault IS NOT NULL" if faulty else ""
        for row in self._db.execute(f"SELECT {_HEADS} FROM item {where} ORDER BY key"):
            yield SpooledItem(*row)

    def contents(self) -> Iterator[tuple[str, str]]:
        """Key and content of all items, in key order."""
        yield from self._db.execute("SELECT key, content FROM item ORDER BY key")

    def names(self) -> Iterator[str]:
        """What records call themselves, each name once, in order."""
        for (name,) in self._db.execute("SELECT DISTINCT name FROM item ORDER BY name"):
            yield name

    def has(self, key: str) -> bool:
        """Whether there is an item of this key."""
        return self._db.execute("SELECT 1 FROM item WHERE key = ?", [key]).fetchone() is not None

    def __len__(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM item").fetchone()[0])

    def _unlink(self) -> None:
        with contextlib.suppress(OSError):  # Windows removes no open file; `close` does it there
            self._path.unlink(missing_ok=True)
