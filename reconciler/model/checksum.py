"""Checksums of file bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Algorithm = Literal["md5", "sha1", "sha256"]


@dataclass(frozen=True, slots=True, order=True)
class Checksum:
    """A hash of file bytes: algorithm and lower-case hex. Never compared across algorithms."""

    algorithm: Algorithm
    hex: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"
