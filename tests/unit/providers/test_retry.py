import contextlib

import pytest

from reconciler.errors import Invalid, Throttled, Transient
from reconciler.providers.faults import Unsent
from reconciler.providers.retry import Clock, Retry, call


class Scene:
    """A clock that only sleeping moves, and an attempt that fails as told."""

    def __init__(self, *failures):
        self.failures, self.now, self.slept, self.attempts = list(failures), 0.0, [], 0
        self.clock = Clock(now=lambda: self.now, sleep=self._sleep, chance=lambda: 0.5)

    def _sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

    def attempt(self):
        self.attempts += 1
        if self.failures:
            raise self.failures.pop(0)
        return "done"

    def run(self, *, repeatable=True, **budget):
        return call(self.attempt, repeatable=repeatable, retry=Retry(**budget), clock=self.clock)


def test_call_after_transient_failures_succeeds_with_growing_waits():
    scene = Scene(*[Transient("x")] * 3)
    assert scene.run(first_wait_s=1.0) == "done"
    assert scene.slept == [0.5, 1.0, 2.0]


def test_call_waits_at_most_the_limit():
    scene = Scene(*[Transient("x")] * 4)
    scene.run(first_wait_s=10.0, max_wait_s=12.0, total_s=100.0)
    assert scene.slept == [5.0, 6.0, 6.0, 6.0]


def test_call_waits_as_long_as_the_backend_asks():
    scene = Scene(Throttled("x", retry_after_s=7.0))
    scene.run(first_wait_s=1.0)
    assert scene.slept == [7.0]


def test_call_gives_up_after_the_attempts():
    scene = Scene(*[Transient(str(n)) for n in range(9)])
    with pytest.raises(Transient, match="2"):
        scene.run(attempts=3)
    assert scene.attempts == 3


def test_call_gives_up_when_the_next_wait_exceeds_the_time():
    scene = Scene(*[Throttled("x", retry_after_s=25.0)] * 9)
    with pytest.raises(Throttled):
        scene.run(throttled_s=60.0)
    assert (scene.attempts, scene.now) == (3, 50.0)


def test_failures_give_up_when_the_next_wait_exceeds_their_time():
    scene = Scene(*[Transient("x")] * 9)
    with pytest.raises(Transient):
        scene.run(first_wait_s=40.0, max_wait_s=40.0, total_s=50.0)
    assert (scene.attempts, scene.now) == (3, 40.0)


def test_being_throttled_uses_up_neither_attempts_nor_time_of_failures():
    scene = Scene(*[Throttled("x", retry_after_s=25.0)] * 9, Transient("x"))
    assert scene.run(attempts=2) == "done"


def test_calls_beyond_a_quota_by_the_minute_all_succeed():
    scene, served = Scene(), []

    def attempt():
        if len([at for at in served if at > scene.now - 60]) >= 600:
            raise Throttled("x")
        served.append(scene.now)

    for _ in range(2000):
        call(attempt, repeatable=False, retry=Retry(), clock=scene.clock)
    assert len(served) == 2000


@pytest.mark.parametrize(
    ("error", "attempts", "reason"),
    [
        (Transient("lost"), 1, "it may have been carried out"),
        (Transient("500", status=500), 1, "it may have been carried out in part"),
        (Throttled("503", status=503, retry_after_s=1.0), 1, "a proxy may say so after the fact"),
        (Unsent("refused"), 2, "nothing was sent"),
        (Throttled("429", status=429), 2, "it was turned away"),
    ],
)
def test_call_that_is_not_repeatable_repeats_only_what_was_not_done(error, attempts, reason):
    scene = Scene(error)
    with contextlib.suppress(Transient):
        scene.run(repeatable=False)
    assert scene.attempts == attempts, reason


def test_call_never_repeats_a_refusal():
    scene = Scene(Invalid("no"))
    with pytest.raises(Invalid):
        scene.run()
    assert scene.attempts == 1
