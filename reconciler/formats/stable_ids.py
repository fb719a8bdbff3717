"""Ids of imported annotations: as the platform makes them, but the same at every import."""

from __future__ import annotations

import hashlib
from typing import Final

_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def stable_id(*seed: object) -> str:
    """Ten letters or digits, made from what the source calls the annotation."""
    text = "/".join(map(str, seed)).encode(errors="replace")
    number = int.from_bytes(hashlib.sha256(text).digest()[:8])
    letters: list[str] = []
    for _ in range(10):
        number, rest = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[rest])
    return "".join(letters)
