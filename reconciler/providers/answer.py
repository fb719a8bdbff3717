"""What a server said to a PUT of bytes, whatever carried them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer read to its end."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
