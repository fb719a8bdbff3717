"""What the engine tells while it works. Values; whoever shows them is elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.errors import Problem
from reconciler.model.address import Address
from reconciler.plan.values import Action, RowCounts


@dataclass(frozen=True, slots=True)
class Scanning:
    """A source is being read. files: seen so far; hashed_bytes: checksummed so far; total_bytes: 0 while unknown."""

    address: Address
    files: int = 0
    hashed_bytes: int = 0
    total_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Refreshing:
    """Remote rows are being listed. rows: seen so far."""

    address: Address
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Started:
    """Work on a resource begins. rows, total_bytes: what is planned."""

    address: Address
    action: Action
    rows: int = 0
    total_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """Work on a resource goes on: rows done, bytes sent, cumulative."""

    address: Address
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class RowDone:
    """One row is done, and recorded. remote_id: None when it has none any more. bytes: of its files, as planned."""

    address: Address
    key: str
    action: Action
    remote_id: str | None
    bytes: int


@dataclass(frozen=True, slots=True)
class RowFailed:
    """One row failed; the others go on."""

    address: Address
    problem: Problem


@dataclass(frozen=True, slots=True)
class Finished:
    """Work on a resource ended well. remote_id: of the resource. counts: rows done. note: as in its outcome."""

    address: Address
    action: Action
    remote_id: str | None
    counts: RowCounts
    elapsed_s: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """Work on a resource failed, or was skipped since what it needs failed."""

    address: Address
    action: Action
    problem: Problem
    skipped: bool = False


Event = Scanning | Refreshing | Started | Progress | RowDone | RowFailed | Finished | Failed
EventSink = Callable[[Event], None]


def ignore_events(event: Event) -> None:
    """An event sink that shows nothing."""
    del event
