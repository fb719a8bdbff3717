"""Why a table is not read, and how much of one is read at most."""

from __future__ import annotations

from typing import IO

from reconciler.model.resource import TableLimits

MAX_COLUMNS = 16_384


class TableRefused(Exception):
    """A table cannot be read. reason: a sentence. fix: what to do."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix


def read_limited(stream: IO[bytes], limit: int, fix: str) -> bytes:
    """Read a whole stream of at most so many bytes and close it. Raises TableRefused."""
    with stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise TableRefused(f"It has more than {limit:,} bytes.", fix)
    return content


def check_columns(count: int, limits: TableLimits, what: str, fix: str) -> None:
    """Raises TableRefused for more columns than allowed."""
    most = limits.max_columns or MAX_COLUMNS
    if count > most:
        raise TableRefused(f"{what} has {count:,} columns; at most {most:,} are read.", fix)


def check_size(size: int, limits: TableLimits) -> None:
    """Of a file, or of what was read of it so far. Raises TableRefused."""
    if limits.max_file_bytes is not None and size > limits.max_file_bytes:
        reason = f"It has more than {limits.max_file_bytes:,} bytes."
        raise TableRefused(reason, "split it, or raise table.limits.maxFileSize")
