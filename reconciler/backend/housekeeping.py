"""Keeping a store's folder to its database, and free of blobs that no row names.

A blob goes into place before the database names it, so a process that dies between the two leaves one unnamed. Such
blobs are removed once they are old; never while a blob is being named (`BlobStore.naming`), and never in a folder
that belongs to another database, whose blobs would all seem unnamed.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Final

from reconciler.backend.blobs import STAGING_LIFETIME_S, BlobStore
from reconciler.backend.database import Connection, scalar

SWEEP_INTERVAL_S: Final = 86_400
SAFE_AGE_S: Final = STAGING_LIFETIME_S
# Whatever names a blob; a new table that does belongs here.
NAMING: Final = "SELECT sha256 FROM files UNION SELECT sha256 FROM sage_file_handles WHERE sha256 IS NOT NULL"
_OWNER_FILE: Final = "store-id"
_SWEPT_FILE: Final = "swept"


class ForeignFolder(Exception):
    """The folder belongs to another database."""


def claim(root: Path, db: Connection) -> None:
    """Note in a store's folder which database it belongs to. Raises ForeignFolder when that is another one."""
    key = scalar(db, "SELECT value FROM settings WHERE key = 'signing_key'")
    own = hashlib.sha256(f"store {key}".encode()).hexdigest()[:32]
    path = root / _OWNER_FILE
    if not path.exists():
        temporary = root / f"{_OWNER_FILE}.{secrets.token_hex(4)}"
        temporary.write_text(own + "\n")
        with suppress(FileExistsError):  # another process was faster
            os.link(temporary, path)
        temporary.unlink()
    if path.read_text().strip() != own:
        raise ForeignFolder("its files belong to another database")


def is_sweep_due(root: Path, *, now: float) -> bool:
    """Whether nobody looked for unnamed blobs for a day; the caller is then the one who does."""
    path = root / _SWEPT_FILE
    with suppress(FileNotFoundError):
        if path.stat().st_mtime > now - SWEEP_INTERVAL_S:
            return False
    path.touch(mode=0o600)
    os.utime(path, (now, now))
    return True


def sweep(blobs: BlobStore, reading: Callable[[], AbstractContextManager[Connection]], *, now: float) -> int:
    """Remove old blobs that no row names; returns how many. reading: opens a read transaction."""
    old = blobs.older_than(now - SAFE_AGE_S)
    unnamed = _unnamed(reading, old) if old else set()
    if not unnamed:
        return 0
    with blobs.alone() as is_alone:
        # What was named since then stays, and nothing more is named until we are done.
        return sum(blobs.remove(one) for one in _unnamed(reading, unnamed)) if is_alone else 0


def _unnamed(reading: Callable[[], AbstractContextManager[Connection]], blobs: set[str]) -> set[str]:
    with reading() as db:
        return blobs.difference(row[0] for row in db.execute(NAMING))
