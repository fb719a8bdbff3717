"""Shared files of an export, made of many fragments: numbers that stay, and pieces worth a system call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Final

_BYTES: Final = 256 * 1024


@dataclass(slots=True)
class Numbers:
    """Gives ids in order: the wanted one to the first that asks, the next free one otherwise.

    reserved: wanted by somebody. given: those of them that somebody has; others are never asked for, and there may be
    millions. first: the lowest that is given to who wants none.
    """

    reserved: set[int]
    given: set[int] = field(default_factory=set)
    first: int = 1
    next_free: Iterator[int] = field(init=False)

    def __post_init__(self) -> None:
        self.next_free = count(self.first)

    def take(self, wanted: str) -> int:
        """The id for the next one. wanted: digits, "" for none."""
        number = int(wanted) if wanted else None
        if number is None or number in self.given:
            return next(n for n in self.next_free if n not in self.reserved)
        self.given.add(number)
        return number


def chunked(texts: Iterable[str]) -> Iterator[bytes]:
    """The same text in pieces worth a system call each."""
    waiting: list[str] = []
    length = 0
    for text in texts:
        waiting.append(text)
        length += len(text)
        if length >= _BYTES:
            yield "".join(waiting).encode()
            waiting, length = [], 0
    if waiting:
        yield "".join(waiting).encode()
