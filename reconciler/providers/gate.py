"""How many requests one client has under way at once: fewer when the service asks to slow down, more as it recovers."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition
from typing import TypeVar

from reconciler.errors import BackendError

T = TypeVar("T")

_SLOW_DOWN = frozenset({429, 503})


class Gate:
    """Lets at most `limit` calls through; additive increase, multiplicative decrease, as TCP does it (RFC 5681).

    The limit begins at `most`. A 429 or 503 halves it, down to 1; answers to requests that began before that say
    nothing new and do not halve it again. A round of successes, as many as the limit, raises it by one.
    """

    def __init__(self, most: int) -> None:
        self._most = max(1, most)
        self._limit = float(self._most)
        self._active = 0
        self._round = 0
        self._changed = Condition()

    @property
    def limit(self) -> int:
        """Requests that may be under way now."""
        return int(self._limit)

    def run(self, call: Callable[[], T]) -> T:
        """Make a call once there is room. Calls must not wait for other calls of the gate."""
        begun = self._enter()
        try:
            result = call()
        except BackendError as error:
            self._leave(begun, slow_down=error.status in _SLOW_DOWN)
            raise
        except BaseException:
            self._leave(begun, slow_down=None)
            raise
        self._leave(begun, slow_down=False)
        return result

    def _enter(self) -> int:
        with self._changed:
            while self._active >= self.limit:
                self._changed.wait()
            self._active += 1
            return self._round

    def _leave(self, begun: int, *, slow_down: bool | None) -> None:
        """slow_down: what the service said; None when it said nothing."""
        with self._changed:
            self._active -= 1
            if slow_down and begun == self._round:
                self._limit = max(1.0, self.limit / 2)
                self._round += 1
            elif slow_down is False:
                self._limit = min(float(self._most), self._limit + 1 / self._limit)
            self._changed.notify_all()
