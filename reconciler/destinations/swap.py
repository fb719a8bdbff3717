"""Replace one folder by another in a single step, where the system can; Linux's exchange through ctypes."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

_AT_FDCWD: Final = -100
_RENAME_EXCHANGE: Final = 2
_NOT_HERE: Final = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM}


@cache
def _libc() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    try:
        return ctypes.CDLL(None, use_errno=True)
    except OSError:
        return None


def exchange(first: Path, second: Path) -> bool:
    """Swap two existing paths atomically. False when system or file system cannot; nothing happened then.

    Raises OSError for any other failure. Source: renameat2(2), RENAME_EXCHANGE, Linux 3.15.
    """
    libc = _libc()
    if libc is None or not hasattr(libc, "renameat2"):
        return False
    done = libc.renameat2(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE)
    if done == 0:
        return True
    code = ctypes.get_errno()
    if code in _NOT_HERE:
        return False
    raise OSError(code, os.strerror(code), str(first))


def flush_filesystem(folder: Path) -> None:
    """Bring everything written to the folder's file system to the disk: one call for any number of files."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        libc = _libc()
        if libc is None or not hasattr(libc, "syncfs") or libc.syncfs(handle) != 0:
            os.sync()
    finally:
        os.close(handle)


def flush_folder(folder: Path) -> None:
    """Bring the folder's entries to the disk, after a rename."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
