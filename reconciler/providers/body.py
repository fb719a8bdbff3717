"""The bytes of one file on their way to a backend: read forward, once where possible, opened again for a retry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

from reconciler.errors import Problem, SourceError

CHUNK_BYTES = 256 * 1024


class Body:
    """A file of a known size. Not for several threads at once.

    open: gives a stream at the start of the file; reading that stream to its end raises `SourceError` when the bytes
    are not the planned ones. The last bytes are handed out only after that check.
    """

    def __init__(self, open: Callable[[], BinaryIO], size_bytes: int, name: str = "") -> None:
        self.size_bytes = size_bytes
        self._open, self._name = open, name
        self._stream: BinaryIO | None = None
        self._position = 0

    def part(self, offset: int, size_bytes: int, count: Callable[[int], None]) -> Iterator[bytes]:
        """Yield `size_bytes` bytes from `offset` on; `count` is told about each chunk after it was taken."""
        stream = self._at(offset)
        left = size_bytes
        while left:
            chunk = self._read(stream, left)
            left -= len(chunk)
            if self._position == self.size_bytes:
                self._expect_end(stream)
            yield chunk
            count(len(chunk))

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _at(self, offset: int) -> BinaryIO:
        """A stream at `offset`. Skips by reading, for a checking stream must see every byte."""
        if self._stream is None or self._position != offset:
            self.close()
            self._stream, self._position = self._open(), 0
            while self._position < offset:
                self._read(self._stream, offset - self._position)
        return self._stream

    def _read(self, stream: BinaryIO, at_most: int) -> bytes:
        chunk = stream.read(min(at_most, CHUNK_BYTES))
        if not chunk:
            raise self._changed("is shorter than when it was scanned")
        self._position += len(chunk)
        return chunk

    def _expect_end(self, stream: BinaryIO) -> None:
        if stream.read(1):
            raise self._changed("is longer than when it was scanned")

    def _changed(self, how: str) -> SourceError:
        return SourceError([Problem(f"{self._name or 'the file'} {how}", fix="plan again")])
