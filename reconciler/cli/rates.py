"""How fast a piece of work goes and how long it will still take. Pure: the caller brings the time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

_WINDOW_S = 15.0  # rates are taken over this long, so that they follow the network without flickering
_MIN_S = 1.0


@dataclass(slots=True)
class Meter:
    """Rows and bytes done of those planned. start_s, now_s: seconds of one clock that only grows."""

    total_rows: int
    total_bytes: int
    start_s: float
    rows: int = 0
    bytes: int = 0
    _history: deque[tuple[float, int, int]] = field(default_factory=deque)

    def update(self, rows: int, size: int, now_s: float) -> None:
        """Note what is done by now, cumulative; what comes late and says less is passed over."""
        self.rows, self.bytes = max(self.rows, rows), max(self.bytes, size)
        if not self._history:
            self._history.append((self.start_s, 0, 0))
        self._history.append((now_s, self.rows, self.bytes))
        while len(self._history) > 2 and now_s - self._history[1][0] > _WINDOW_S:
            self._history.popleft()

    @property
    def bytes_per_s(self) -> float:
        """Recent rate of bytes."""
        return self._rate(2)

    @property
    def rows_per_s(self) -> float:
        """Recent rate of rows."""
        return self._rate(1)

    @property
    def eta_s(self) -> float | None:
        """Seconds that are left: of bytes or of rows, whichever takes longer; None while nothing can be said."""
        left = [
            (self.total_rows - self.rows, self.rows_per_s),
            (self.total_bytes - self.bytes, self.bytes_per_s),
        ]
        times = [rest / rate for rest, rate in left if rest > 0 and rate > 0]
        return max(times) if times else None

    def _rate(self, column: int) -> float:
        if not self._history:
            return 0.0
        first, last = self._history[0], self._history[-1]
        elapsed = last[0] - first[0]
        return float(last[column] - first[column]) / elapsed if elapsed >= _MIN_S else 0.0
