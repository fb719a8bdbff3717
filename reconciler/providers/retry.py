"""The one place that repeats failed calls: with a budget, and only what is safe to repeat."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

from reconciler.errors import Throttled, Transient
from reconciler.providers.faults import Unsent

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how long to try. Waits double from `first_wait_s` up to `max_wait_s`, each drawn at random.

    attempts, total_s: for failures. throttled_s: how long to put up with 429, which is no failure of anybody: a quota
    by the minute (600 requests at Sage) refuses many times in a row before it lets calls through again.
    """

    attempts: int = 6
    total_s: float = 60.0
    throttled_s: float = 300.0
    first_wait_s: float = 0.2
    max_wait_s: float = 20.0


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and chance, replaceable in tests. now: monotonic seconds. chance: uniform in [0, 1)."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = field(default=random.random)


def call(attempt: Callable[[], T], *, repeatable: bool, retry: Retry, clock: Clock) -> T:
    """Run `attempt` until it succeeds, fails for good, or the budget is spent; then raise its last error.

    Waiting uses full jitter: uniform in [0, min(max_wait_s, first_wait_s × 2^n)], and at least `Retry-After`, which is
    the backend's word. 429 uses up a time limit of its own. What is not repeatable is tried again only when the backend
    cannot have acted on it: nothing was sent, or it answered 429.

    Source of the formula: "full jitter", M. Brooker, Exponential Backoff And Jitter (AWS Architecture Blog, 2015).
    """
    start, failures, throttled_s = clock.now(), 0, 0.0
    for number in count():
        try:
            return attempt()
        except Transient as error:
            pause_s = wait_s(error, number, retry, clock)
            if _is_throttled(error):
                throttled_s += pause_s
            else:
                failures += 1
            spent_s = clock.now() - start - throttled_s + pause_s
            is_over = failures == retry.attempts or spent_s > retry.total_s or throttled_s > retry.throttled_s
            if is_over or not _may_repeat(error, repeatable):
                raise
        clock.sleep(pause_s)
    raise AssertionError("counting does not end")


def _is_throttled(error: Transient) -> bool:
    return isinstance(error, Throttled) and error.status == 429


def _may_repeat(error: Transient, repeatable: bool) -> bool:
    return repeatable or isinstance(error, Unsent) or _is_throttled(error)


def wait_s(error: Transient, number: int, retry: Retry, clock: Clock) -> float:
    """Seconds to wait after failure `number`, counted from 0."""
    drawn = clock.chance() * min(retry.max_wait_s, retry.first_wait_s * 2**number)
    asked = error.retry_after_s if isinstance(error, Throttled) else None
    return float(max(drawn, asked or 0.0))
