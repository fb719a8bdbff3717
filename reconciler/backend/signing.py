"""Signatures over what the server hands out and wants to recognise: upload keys, presigned URLs, media URLs.

HMAC-SHA-256 with a key that is drawn when the store is made and never leaves it. Nothing has to be remembered for a
URL to be valid, so handing out a thousand of them writes nothing.
"""

from __future__ import annotations

import hmac
from typing import Final

SIGNATURE_HEX: Final = 32  # 128 bits: forging one takes 2^127 tries on average


class Signer:
    """Signs sequences of texts. key: at least 32 random bytes."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, purpose: str, *parts: str | int) -> str:
        """Sign parts for one purpose, so that a signature for one cannot serve another; lower-case hex."""
        # Lengths make the joined text unambiguous: ("ab", "c") and ("a", "bc") sign differently.
        texts = [f"{len(text)}:{text}" for text in (purpose, *map(str, parts))]
        return hmac.digest(self._key, "".join(texts).encode(), "sha256").hex()[:SIGNATURE_HEX]

    def is_valid(self, signature: str, purpose: str, *parts: str | int) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(signature.encode(), self.sign(purpose, *parts).encode())
