"""Signals. In general they end the run; during an apply the first one stops after what is in flight, the second at
once.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from reconciler.errors import ExitCode

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
FIRST = (
    "Interrupted: finishing what is in flight; the rest is kept for the next apply."
    " Interrupt again to end at once, without recording what is in flight."
)
SECOND = "Ended at once. What was in flight may be done or not; the next plan looks at the backend to find out."


@contextmanager
def interruptible() -> Iterator[list[int]]:
    """Raise KeyboardInterrupt on SIGINT and SIGTERM; gives the list of the signals that came.

    Outside of the main thread, where signals cannot be caught, nothing is changed.
    """
    came: list[int] = []

    def caught(number: int, frame: FrameType | None) -> None:
        del frame
        came.append(number)
        raise KeyboardInterrupt

    with _handling(caught):
        yield came


@contextmanager
def stop_on_signal(
    stop: Callable[[], None], tell: Callable[[str], None], *, leave: Callable[[int], None] = os._exit
) -> Iterator[None]:
    """Call `stop` on the first signal and `leave` with exit code 130 on the second.

    tell: shows a line.
    """
    count = 0

    def caught(number: int, frame: FrameType | None) -> None:
        nonlocal count
        del number, frame
        count += 1
        # A handler must not wait for a lock that the interrupted code holds, so another thread writes.
        text = FIRST if count == 1 else SECOND
        writer = threading.Thread(target=tell, args=(text,), daemon=True)
        writer.start()
        if count == 1:
            stop()
        else:
            writer.join(0.5)
            leave(int(ExitCode.INTERRUPTED))

    with _handling(caught):
        yield


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, old in former.items():
            signal.signal(number, old)
