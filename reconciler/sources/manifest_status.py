"""Sizes and version tokens of the files that a manifest names on a remote storage, for few requests.

The first files below a folder are asked for one by one; then the folder is listed, as that of a source would be. What
was listed lies in a private temporary database.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from collections import Counter

from reconciler.sources.account import MAX_FINDINGS
from reconciler.sources.location import Place
from reconciler.sources.remote import version_token
from reconciler.sources.remote_entries import entries, is_flat

# So many files below a folder are asked for one by one: a manifest may name a few files of a very large folder.
SINGLE = 20
_CACHE_KIB = 8 * 1024

# (size, version token or "", whether it is a file)
Status = tuple[int, str, bool]


class RemoteStatus:
    """Asks a filesystem. place: the folder that paths start from."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._is_flat = is_flat(place)
        self._asked: Counter[str] = Counter()
        self._listed: dict[str, bool] = {}
        self._misses = 0
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._db.execute("CREATE TABLE seen (path BLOB PRIMARY KEY, size INTEGER, token TEXT) WITHOUT ROWID")

    def of(self, path: str) -> Status:
        """The status of one file. Raises what the filesystem raises, FileNotFoundError when it is not there."""
        folder = self._folder(path)
        self._asked[folder] += 1
        if self._asked[folder] <= SINGLE:
            return self._ask(path)
        if folder not in self._listed:
            self._listed[folder] = self._list(folder)
        if not self._listed[folder]:
            return self._ask(path)
        found = self._db.execute("SELECT size, token FROM seen WHERE path = ?", [_encoded(path)]).fetchone()
        return (*found, True) if found else self._ask_missing(path)

    def close(self) -> None:
        """Give the temporary space back."""
        self._db.close()

    def _folder(self, path: str) -> str:
        """The folder to list for a file: where one request lists all that lies below, the topmost one."""
        return path.partition("/")[0] if self._is_flat and "/" in path else path.rpartition("/")[0]

    def _list(self, folder: str) -> bool:
        """Keep what lies in a folder; False when it cannot be listed."""
        prefix = f"{folder}/" if folder else ""
        inner = dataclasses.replace(self._place, path=self._place.below(folder)) if folder else self._place
        found = entries(inner, self._is_flat and bool(folder), lambda _: True, [])
        rows = ((_encoded(prefix + path), int(info.get("size") or 0), version_token(info)) for path, info in found)
        self._db.execute("BEGIN")
        try:
            self._db.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", rows)
        except Exception:  # noqa: BLE001 - every filesystem has an error tree of its own; files are asked for alone then
            return False
        finally:
            self._db.execute("COMMIT")
        return True

    def _ask(self, path: str) -> Status:
        info = self._place.filesystem.info(self._place.below(path))
        return int(info.get("size") or 0), version_token(info), info.get("type") == "file"

    def _ask_missing(self, path: str) -> Status:
        """What no listing showed may be a folder, or a link; once that many were missing, nobody asks any more."""
        self._misses += 1
        if self._misses > MAX_FINDINGS:
            raise FileNotFoundError(2, "It is not there")
        return self._ask(path)


def _encoded(path: str) -> bytes:
    return path.encode("utf-8", "surrogatepass")
