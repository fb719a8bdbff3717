"""Progress for people on the error stream: one line refreshed in place on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from reconciler.cli.console import Console
from reconciler.cli.rates import Meter
from reconciler.engine.events import (
    Event,
    Failed,
    Finished,
    Progress,
    Refreshing,
    RowDone,
    RowFailed,
    Scanning,
    Started,
)
from reconciler.model.address import Address
from reconciler.plan.values import Action, RowCounts
from reconciler.render.amounts import count_text, duration_text, size_text
from reconciler.render.words import row_noun

_LIVE_S = 0.1  # between two refreshes in place
_PLAIN_S = 10.0  # between two plain lines
_SHOWN_FAILURES = 10
_DOING = {
    Action.CREATE: ("Creating", "Creation"),
    Action.UPDATE: ("Modifying", "Modification"),
    Action.REPLACE: ("Replacing", "Replacement"),
    Action.DELETE: ("Destroying", "Destruction"),
    Action.MOVE: ("Moving", "Move"),
    Action.ADOPT: ("Taking over", "Takeover"),
    Action.FORGET: ("Forgetting", "Forgetting"),
    Action.NO_OP: ("Settling", "Settling"),
    Action.BLOCKED: ("Checking", "Check"),
}


@dataclass(slots=True)
class ProgressDisplay:
    """An event sink; called from several threads.

    clock: seconds that only grow.
    """

    console: Console
    clock: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _meters: dict[Address, Meter] = field(default_factory=dict)
    _told_at: float = float("-inf")
    _phase: tuple[type[Event], Address] | None = None
    _failures: int = 0

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._show(event)

    def close(self) -> None:
        """Take the refreshed line away."""
        if self.console.is_live:
            self.console.show_live("")

    def _show(self, event: Event) -> None:
        match event:
            case Scanning():
                self._passing(event, partial(_scanning, event))
            case Refreshing():
                self._passing(event, partial(_refreshing, event))
            case Started():
                self._meters[event.address] = Meter(event.rows, event.total_bytes, self.clock())
                self._line(f"{event.address}: {_DOING[event.action][0]}...")
            case Progress():
                self._moving(event)
            case RowDone():
                pass  # counted in Progress
            case RowFailed():
                self._failed_row(event)
            case Finished():
                self._line(_finished(event))
            case Failed():
                verb = "Skipped" if event.skipped else "Failed"
                self._line(f"{event.address}: {verb}: {event.problem.summary}")

    def _moving(self, event: Progress) -> None:
        meter = self._meters.setdefault(event.address, Meter(0, 0, self.clock()))
        meter.update(event.rows, event.bytes, self.clock())
        self._passing(event, lambda: f"{event.address}: {_metered(meter, event.address.kind)}")

    def _failed_row(self, event: RowFailed) -> None:
        self._failures += 1
        if self._failures <= _SHOWN_FAILURES:
            self._line(f"{event.problem.address}: Failed: {event.problem.summary}")
        elif self._failures == _SHOWN_FAILURES + 1:
            self._line("More failures are listed at the end.")

    def _passing(self, event: Event, text: Callable[[], str]) -> None:
        """Show a line that the next one replaces; leave it out, unmade, when the last one is fresh."""
        now, phase = self.clock(), (type(event), event.address)
        is_new = phase != self._phase
        wait_s = _LIVE_S if self.console.is_live else _PLAIN_S
        if not is_new and now - self._told_at < wait_s:
            return
        if is_new and not self.console.is_live:
            self._phase, self._told_at = phase, now  # quick phases stay silent
            return
        self._phase, self._told_at = phase, now
        if self.console.is_live:
            self.console.show_live(text())
        else:
            self.console.tell(text())

    def _line(self, text: str) -> None:
        self.console.tell(text)


def _scanning(event: Scanning) -> str:
    if not event.total_bytes:
        return f"{event.address}: Reading the source"
    share = f"{size_text(event.hashed_bytes)} of {size_text(event.total_bytes)}"
    return f"{event.address}: Checksums of {count_text(event.files)} files: {share}"


def _refreshing(event: Refreshing) -> str:
    noun = row_noun(event.address.kind, event.rows)
    return f"{event.address}: Reading the backend: {count_text(event.rows)} {noun}"


def _metered(meter: Meter, kind: str) -> str:
    done = f"{count_text(meter.rows)} of {count_text(max(meter.total_rows, meter.rows))} {row_noun(kind, 2)}"
    if not meter.total_bytes:
        return done + _eta(meter)
    sent = f"{size_text(meter.bytes)} of {size_text(meter.total_bytes)}, {size_text(meter.bytes_per_s)}/s"
    return f"{done}, {sent}{_eta(meter)}"


def _eta(meter: Meter) -> str:
    return "" if meter.eta_s is None else f", {duration_text(meter.eta_s)} left"


def _finished(event: Finished) -> str:
    identity = f" [id={event.remote_id}]" if event.remote_id else ""
    rows = _rows(event.address, event.counts)
    note = f"; {event.note}" if event.note else ""
    after = f"complete after {duration_text(event.elapsed_s)}{rows}{note}{identity}"
    return f"{event.address}: {_DOING[event.action][1]} {after}"


def _rows(address: Address, counts: RowCounts) -> str:
    return f", {count_text(counts.changed)} {row_noun(address.kind, counts.changed)}" if counts.changed else ""
