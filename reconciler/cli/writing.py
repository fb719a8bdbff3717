"""Files that commands write beside the documents: whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from reconciler.errors import ReconcilerError


def replace_file(path: Path, text: str) -> None:
    """Give an existing file new content and leave its rights as they are. Raises ReconcilerError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(text.encode())
        shutil.copymode(path, temporary)
        temporary.replace(path)
    except OSError as exc:
        temporary.unlink(missing_ok=True)
        raise _failed(path, exc) from exc


def create_file(path: Path, text: str) -> None:
    """Write a file that must not exist yet, with its folder. Raises ReconcilerError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as exc:
        raise _failed(path, exc) from exc


def _failed(path: Path, exc: OSError) -> ReconcilerError:
    return ReconcilerError(f"cannot write {path}: {exc.strerror}", fix="check the folder's rights and the free space")
