"""Holding uploads to a rate."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.engine.pace import Pace


@dataclass
class Clock:
    """Time that passes only while somebody sleeps."""

    seconds: float = 0.0

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def test_pace_many_chunks_take_as_long_as_the_rate_says():
    clock = Clock()
    pace = Pace(1000, now=lambda: clock.seconds, sleep=clock.sleep)
    for _ in range(40):
        pace(250)
    assert clock.seconds == 10.0


def test_pace_idle_time_is_not_saved_up():
    clock = Clock()
    pace = Pace(1000, now=lambda: clock.seconds, sleep=clock.sleep)
    pace(1000)
    clock.seconds += 100
    pace(1000)
    assert clock.seconds == 102.0
