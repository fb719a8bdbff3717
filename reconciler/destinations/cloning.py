"""Copy a local file without its bytes passing through this process: shared blocks where the file system can do that.

Never a hard link: what a reader does to the copy must not reach the original.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from pathlib import Path
from typing import Final

_FICLONE: Final = 0x40049409
_AT_ONCE: Final = 1 << 30
_NOT_HERE: Final = {
    errno.EBADF, errno.EINVAL, errno.ENOSYS, errno.ENOTTY, errno.EOPNOTSUPP, errno.EPERM, errno.ETXTBSY, errno.EXDEV
}  # fmt: skip


def clone(source: Path, target: Path) -> None:
    """Give `target`, which need not exist, the bytes of `source`. Raises OSError.

    Source: ioctl_ficlone(2) (Btrfs, XFS, bcachefs and others), copy_file_range(2).
    """
    with source.open("rb") as old, target.open("wb") as new:
        if _shares(old.fileno(), new.fileno()) or _copies(old.fileno(), new.fileno()):
            return
        shutil.copyfileobj(old, new, 1 << 20)


def _shares(old: int, new: int) -> bool:
    """Let both files use the same blocks until one is written to."""
    if not sys.platform.startswith("linux"):
        return False
    import fcntl

    try:
        fcntl.ioctl(new, _FICLONE, old)
    except OSError as exc:
        if exc.errno in _NOT_HERE:
            return False
        raise
    return True


def _copies(old: int, new: int) -> bool:
    """Let the kernel copy. False before the first byte when it cannot."""
    if not hasattr(os, "copy_file_range"):
        return False
    done = 0
    while True:
        try:
            count = os.copy_file_range(old, new, _AT_ONCE)
        except OSError as exc:
            if exc.errno in _NOT_HERE and not done:
                return False
            raise
        if not count:
            return done > 0
        done += count
