"""Gives the bytes of source files and proves, while they are read, that they are the planned ones."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import IO, BinaryIO, cast

from reconciler.errors import Location, Problem, SourceError
from reconciler.model.checksum import Checksum
from reconciler.model.resource import AssetSet
from reconciler.model.unit import FileRef
from reconciler.sources.location import Place, failure, locate


class SourceContent:
    """The files of one asset set, opened by reference. Safe to use from several threads."""

    def __init__(self, asset_set: AssetSet) -> None:
        folder = asset_set.head.folder
        self._address = str(asset_set.head.address)
        self._places = tuple(locate(source.url, folder, source.options) for source in asset_set.sources)

    def open(self, file: FileRef) -> BinaryIO:
        """Open a file for reading from the start.

        Reading verifies: the last byte is given out only when size and checksum are the planned ones. Without a
        checksum in the reference only the size is verified.

        Raises:
            SourceError: the file cannot be opened; later, from `read`, that its bytes are not the planned ones.
        """
        place = self._places[file.source]
        return cast(BinaryIO, VerifiedReader(open_file(place, file.path), file, place.show(file.path)))

    def local_path(self, file: FileRef) -> Path | None:
        """The path of a file on this machine; None when it is remote."""
        place = self._places[file.source]
        return Path(place.below(file.path)) if place.is_local else None


def open_file(place: Place, path: str) -> IO[bytes]:
    """Open a file below a place. Raises SourceError."""
    full = place.below(path)
    try:
        if place.is_local:
            return open(full, "rb", buffering=0)
        stream: IO[bytes] = place.filesystem.open(full, "rb")
    except Exception as error:  # every remote filesystem has an error tree of its own
        what = "is gone" if isinstance(error, FileNotFoundError) else "cannot be read"
        raise SourceError([failure(place, path, what, error)]) from error
    return stream


class VerifiedReader(io.RawIOBase):
    """A stream that hashes what passes and withholds the last bytes when they are not the planned ones."""

    def __init__(self, stream: IO[bytes], file: FileRef, shown: str) -> None:
        super().__init__()
        self._stream = stream
        self._size = file.size_bytes
        self._planned: Checksum | None = file.checksum
        self._hash = hashlib.new(file.checksum.algorithm, usedforsecurity=False) if file.checksum else None
        self._passed = 0
        self._shown = shown

    def readable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """Number of bytes given out."""
        return self._passed

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to `size` bytes; everything when it is negative. Raises SourceError when the bytes are not right."""
        if size is None or size < 0:
            return b"".join(iter(lambda: self._next(1024 * 1024), b""))
        return self._next(size)

    def readall(self) -> bytes:
        """Read everything."""
        return self.read()

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Read into a buffer."""
        chunk = self._next(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        super().close()

    def _next(self, size: int) -> bytes:
        if size == 0:
            return b""
        try:
            chunk = self._stream.read(size)
        except OSError as error:
            raise self._changed(f"Reading failed: {error.strerror or error}.") from error
        before, self._passed = self._passed, self._passed + len(chunk)
        if self._hash:
            self._hash.update(chunk)
        self._verify(chunk, before)
        return chunk

    def _verify(self, chunk: bytes, before: int) -> None:
        if self._passed > self._size or (not chunk and self._passed < self._size):
            raise self._changed(f"It should have {self._size:,} bytes.")
        if self._passed == self._size and (before < self._size or not self._size):
            actual = self._hash.hexdigest() if self._hash else ""
            if self._planned and actual != self._planned.hex:
                raise self._changed(f"Its checksum should be {self._planned} and is {actual}.")

    def _changed(self, detail: str) -> SourceError:
        what = "the file changed since it was planned"
        return SourceError([Problem(what, Location(self._shown), detail, "plan again")])
