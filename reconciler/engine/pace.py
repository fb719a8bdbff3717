"""Holds what all threads send together to a rate."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock


def unlimited(size_bytes: int) -> None:
    """Let bytes pass."""
    del size_bytes


@dataclass(slots=True)
class Pace:
    """Lets at most `bytes_per_s` pass in the long run; what was not used of it is not saved up.

    now: seconds that only grow.
    """

    bytes_per_s: int
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _free_at: float = float("-inf")
    _lock: Lock = field(default_factory=Lock)

    def __call__(self, size_bytes: int) -> None:
        """Wait until so many bytes, after all that passed before, are due."""
        with self._lock:
            now = self.now()
            self._free_at = max(now, self._free_at) + size_bytes / self.bytes_per_s
            wait_s = self._free_at - now
        self.sleep(wait_s)
