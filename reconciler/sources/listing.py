"""What a walk found, kept small: per folder one block of text instead of an object per file.

A block holds the rows "name/size/stamp" of one folder, sorted, joined by NUL; neither sign can occur in a name.
250,000 files take about 12 MiB; larger listings go to a temporary file.
"""

from __future__ import annotations

import hashlib
import struct
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, NamedTuple

from reconciler.sources.account import Tallies

_SPOOL_BYTES = 32 * 1024 * 1024
_HEADER = struct.Struct("<II")


class ListedFile(NamedTuple):
    """One file of a listing. prefix: its folder below the root, "" or ending in "/".

    stamp: text that changes when the content may have changed: "mtime_ns.inode" for a local file, a version token
    for a remote one; "" when the filesystem gives nothing to trust.
    """

    prefix: str
    name: str
    size_bytes: int
    stamp: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """Entries the walk itself left out, by rule; what lies in a left-out folder is not counted."""

    files: Tallies = field(default_factory=Tallies)
    folders: Tallies = field(default_factory=Tallies)


@dataclass(slots=True)
class ListedFolders:
    """What one walk found of a source, to be sent between processes and taken over by a `Listing`.

    folders: (prefix, rows, bytes), in the order they were found.
    """

    folders: list[tuple[str, list[str], int]] = field(default_factory=list)
    skipped: Skipped = field(default_factory=Skipped)
    file_count: int = 0

    def add_folder(self, prefix: str, rows: list[str], size_bytes: int) -> None:
        """Add the rows of one folder."""
        self.folders.append((prefix, rows, size_bytes))
        self.file_count += len(rows)


class Listing:
    """The files of one source, folder by folder, with a digest over all of them. Owns a temporary file."""

    def __init__(self) -> None:
        self.file_count = 0
        self.byte_count = 0
        self.skipped = Skipped()
        self._digest = hashlib.sha256()
        self._spool: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115 - closed with self
        self._closer = weakref.finalize(self, self._spool.close)

    def add_folder(self, prefix: str, rows: list[str], size_bytes: int) -> None:
        """Add the rows of one folder; they are sorted here. Folders must come in a stable order."""
        rows.sort()
        head = prefix.encode("utf-8", "surrogateescape")
        block = "\0".join(rows).encode("utf-8", "surrogateescape")
        self.file_count += len(rows)
        self.byte_count += size_bytes
        header = _HEADER.pack(len(head), len(block))
        self._digest.update(header + head + block)
        self._spool.write(header + head + block)

    def take_over(self, found: ListedFolders) -> None:
        """Add what another walk found; walks must come in a stable order."""
        for prefix, rows, size_bytes in found.folders:
            self.add_folder(prefix, rows, size_bytes)
        self.skipped.files.merge(found.skipped.files)
        self.skipped.folders.merge(found.skipped.folders)

    def hexdigest(self) -> str:
        """Digest over every name, size and stamp, and over what the walk left out."""
        digest = self._digest.copy()
        for tallies in (self.skipped.files, self.skipped.folders):
            digest.update(repr([(tally.label, tally.count) for tally in tallies.freeze()]).encode())
        return digest.hexdigest()

    def skipped_text(self) -> str:
        """What the walk left out, with its samples: equal text means that accounts tell the same of it."""
        return repr([tallies.freeze() for tallies in (self.skipped.files, self.skipped.folders)])

    def blocks(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield (prefix, rows) in the order they were added, as bytes."""
        self._spool.seek(0)
        while header := self._spool.read(_HEADER.size):
            head_bytes, block_bytes = _HEADER.unpack(header)
            yield self._spool.read(head_bytes), self._spool.read(block_bytes)

    def folders(self) -> Iterator[tuple[str, list[str]]]:
        """Yield (prefix, rows) in the order they were added."""
        for prefix, block in self.blocks():
            yield prefix.decode("utf-8", "surrogateescape"), block.decode("utf-8", "surrogateescape").split("\0")

    def files(self) -> Iterator[ListedFile]:
        """Yield every file."""
        for prefix, rows in self.folders():
            for row in rows:
                name, size, stamp = row.split("/", 2)
                yield ListedFile(prefix, name, int(size), stamp)

    def close(self) -> None:
        """Give the temporary space back."""
        self._closer()
