"""Files that documents name as part of an object, read once for their size and MD5."""

from __future__ import annotations

import hashlib
from pathlib import Path

from reconciler.errors import ConfigError, Problem
from reconciler.model.resource import LocalFile


def local_file(path: Path) -> LocalFile:
    """Read a file. Raises ConfigError when that fails."""
    try:
        with open(path, "rb") as stream:
            md5 = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
            return LocalFile(path, stream.tell(), md5)
    except OSError as exc:
        raise ConfigError([Problem(f"the file {path.name} cannot be read: {exc.strerror}", fix="try again")]) from exc
