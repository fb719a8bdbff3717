"""Source files in memory, for tests of providers."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from typing import BinaryIO

from reconciler.errors import Problem, SourceError
from reconciler.model.checksum import Algorithm, Checksum
from reconciler.model.unit import FileRef


@dataclass(slots=True)
class MemoryContent:
    """Files by path. opened: every path that was opened, in order."""

    algorithm: Algorithm = "sha1"
    files: dict[str, bytes] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)

    def add(self, spec: str, path: str, content: bytes) -> FileRef:
        """Put a file in and give its reference."""
        self.files[path] = content
        checksum = Checksum(self.algorithm, hashlib.new(self.algorithm, content).hexdigest())
        return FileRef(spec, 0, path, len(content), checksum)

    def open(self, file: FileRef) -> BinaryIO:
        """See `Content.open`."""
        self.opened.append(file.path)
        return io.BufferedReader(_Checked(self.files[file.path], file, self.algorithm))


class _Checked(io.RawIOBase):
    """Raises SourceError at its end when the bytes are not the planned ones. Cannot seek, as a checking stream may."""

    def __init__(self, content: bytes, file: FileRef, algorithm: Algorithm) -> None:
        self._stream, self._file = io.BytesIO(content), file
        self._hash = hashlib.new(algorithm)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self._stream.read(len(buffer))
        buffer[: len(chunk)] = chunk
        self._hash.update(chunk)
        planned = self._file.checksum
        if not chunk and planned and self._hash.hexdigest() != planned.hex:
            raise SourceError([Problem(f"{self._file.path} changed since the plan", fix="plan again")])
        return len(chunk)
