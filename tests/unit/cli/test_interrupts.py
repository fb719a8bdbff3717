import os
import signal

import pytest

from reconciler.cli.interrupts import FIRST, SECOND, interruptible, stop_on_signal


class Watch:
    """Notes what happens, in order."""

    def __init__(self) -> None:
        self.stops = 0
        self.told: list[str] = []
        self.codes: list[int] = []

    def stop(self) -> None:
        self.stops += 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_stops_gently(number: int) -> None:
    watch = Watch()
    with stop_on_signal(watch.stop, watch.told.append, leave=watch.codes.append):
        os.kill(os.getpid(), number)
    assert (watch.stops, watch.codes) == (1, [])


def test_second_signal_leaves_at_once_with_130() -> None:
    watch = Watch()
    with stop_on_signal(watch.stop, watch.told.append, leave=watch.codes.append):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    assert (watch.stops, watch.codes) == (1, [130])
    assert set(watch.told) == {FIRST, SECOND}


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stop_on_signal(lambda: None, print), interruptible():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_interruptible_turns_sigterm_into_an_interrupt() -> None:
    with interruptible() as came, pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)
    assert came == [signal.SIGTERM]
