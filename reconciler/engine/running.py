"""What applying works with, and the loop that carries out batches of rows: journal, bounded pool, isolation."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from reconciler.engine.events import Progress, RowDone, RowFailed
from reconciler.engine.session import Session
from reconciler.errors import Denied, Problem, ReconcilerError, Transient
from reconciler.model.address import Address
from reconciler.model.resource import Resource
from reconciler.plan.values import Action, RowChange
from reconciler.providers.base import RowOutcome
from reconciler.state.planfile import PlanFile
from reconciler.state.store import StateStore
from reconciler.state.values import OwnedRow

BATCH_BYTES = 256 * 1024 * 1024
IN_FLIGHT = 4


@dataclass(slots=True)
class Control:
    """How a run is stopped from outside: after what is in flight."""

    stopping: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """Finish what is in flight, then end."""
        self.stopping.set()

    @property
    def is_stopping(self) -> bool:
        """True once `stop` was called."""
        return self.stopping.is_set()


@dataclass(slots=True)
class Applying:
    """An apply under way."""

    session: Session
    store: StateStore
    plan: PlanFile
    control: Control
    declared: Mapping[Address, Resource]

    def remote_id(self, address: Address) -> str | None:
        """The id an address has now."""
        if address.key is not None:
            return next((row.remote_id for row in self.store.rows(address.resource, [address.key])), None)
        owned = self.store.resource(address)
        return owned.remote_id if owned else None

    def timestamp(self) -> str:
        """Now, RFC 3339 UTC."""
        return self.session.now().isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class Recorded:
    """How finished rows enter the state: rows to own, and (key, remote id) to forget.

    seen: (remote id, token, proof) of rows whose state at the backend is known, see `PopulationCache.confirm`.
    """

    rows: Sequence[OwnedRow] = ()
    drop: Sequence[tuple[str, str]] = ()
    seen: Sequence[tuple[str, str, str]] = ()


Work = Callable[[Sequence[RowChange]], list[RowOutcome]]
Record = Callable[[Sequence[tuple[RowChange, RowOutcome]]], Recorded]


def forgotten(store: StateStore, address: Address, done: Sequence[tuple[RowChange, RowOutcome]]) -> Recorded:
    """Rows that are gone leave the state; a change without remote id means the row that is recorded."""
    owned = {row.key: row.remote_id for row in store.rows(address, [row.key for row, _ in done])}
    return Recorded(drop=[(row.key, row.remote_id or owned.get(row.key, "")) for row, _ in done])


def replace_rows(
    rows: Sequence[RowChange], create: Work, delete: Callable[[Mapping[str, str]], list[RowOutcome]]
) -> list[RowOutcome]:
    """Make the new rows first; an old one goes only when its successor is there."""
    created = {outcome.key: outcome for outcome in create(rows)}
    old = {
        row.key: row.remote_id
        for row in rows
        if row.remote_id and created[row.key].error is None and created[row.key].remote_id != row.remote_id
    }
    failed = {outcome.key: outcome for outcome in delete(old) if outcome.error is not None}
    return [failed.get(row.key, created[row.key]) for row in rows]


@dataclass(slots=True)
class RowRunner:
    """Carries out the rows of one resource, one action after another.

    batch_rows, batch_bytes: what is written in one step; by default the session's number of rows.
    Work happens in a few threads; the journal and the state are written by the calling thread alone: the intent
    before a batch is handed out, its outcome in one transaction after it came back.
    """

    run: Applying
    address: Address
    batch_rows: int | None = None
    batch_bytes: int = BATCH_BYTES
    done: dict[Action, int] = field(default_factory=dict)
    failures: list[Problem] = field(default_factory=list)
    cause: ReconcilerError | None = None
    _failed: set[str] = field(default_factory=set)
    _sent: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sent(self, size: int) -> None:
        """Count bytes on their way; called from any thread."""
        with self._lock:
            self._sent += size
        self._tell()
        self.run.session.pace(size)

    def perform(
        self,
        action: Action,
        work: Work,
        record: Record,
        *,
        chosen: Callable[[RowChange], bool] = lambda _: True,
        ready: Callable[[RowChange], RowChange] = lambda row: row,
    ) -> None:
        """Carry out all rows of one action. Stops early when asked to, or when the backend does not let us in.

        chosen: which of them; rows that failed before are left out. ready: completes a row just before its turn.
        """
        rows = self.run.plan.rows(self.address, [action])
        waiting = (ready(row) for row in rows if chosen(row) and row.key not in self._failed)
        batches = _batches(waiting, self.batch_rows or self.run.session.batch_rows, self.batch_bytes)
        executor = self.run.session.executor
        in_flight = max(IN_FLIGHT, executor.workers) if executor.is_remote else IN_FLIGHT
        with ThreadPoolExecutor(in_flight, thread_name_prefix="apply") as pool:
            flying: dict[Future[list[RowOutcome]], tuple[int, list[RowChange]]] = {}
            for batch in batches:
                if self.run.control.is_stopping or self._is_hopeless:
                    break
                intent = self._begin(action, batch)
                flying[pool.submit(work, batch)] = (intent, batch)
                if len(flying) >= in_flight:
                    self._land(action, flying, record)
            while flying:
                self._land(action, flying, record)

    @property
    def _is_hopeless(self) -> bool:
        return isinstance(self.cause, (Denied, Transient))

    def has_failed(self, key: str) -> bool:
        """Whether a row failed; it may have been carried out all the same."""
        return key in self._failed

    def prepare(self, action: Action, work: Work, record: Record, chosen: Callable[[RowChange], bool]) -> None:
        """Do what must be done to all chosen rows of an action before the first of them is carried out."""
        counted = dict(self.done)
        self.perform(action, work, record, chosen=chosen)
        self.done = counted

    def _begin(self, action: Action, batch: Sequence[RowChange]) -> int:
        return self._announce(action, [row.key for row in batch])

    def _announce(self, action: Action, keys: Sequence[str]) -> int:
        return self.run.store.begin(self.address, action.value, keys, now=self.run.timestamp())

    def _land(
        self, action: Action, flying: dict[Future[list[RowOutcome]], tuple[int, list[RowChange]]], record: Record
    ) -> None:
        finished, _ = wait(flying, return_when=FIRST_COMPLETED)
        for future in finished:
            intent, batch = flying.pop(future)
            outcomes = _outcomes(future, batch)
            by_key = {outcome.key: outcome for outcome in outcomes}
            good = [(row, by_key[row.key]) for row in batch if by_key[row.key].error is None]
            for row in batch:
                self._note_failure(row, by_key[row.key].error)
            recorded = record(good)
            unsure = [outcome.key for outcome in outcomes if isinstance(outcome.error, Transient)]
            # What has no known outcome stays in the journal, and that alone: the next plan looks at the backend for it.
            if unsure and len(unsure) < len(batch):
                self._announce(action, unsure)
            ends = None if len(unsure) == len(batch) else intent
            self.run.store.save_rows(self.address, recorded.rows, drop=recorded.drop, intent=ends)
            if recorded.seen:
                self.run.session.cache.confirm(self.address, recorded.seen)
            self.done[action] = self.done.get(action, 0) + len(good)
            for row, outcome in good:
                done = RowDone(self.address, row.key, row.action, outcome.remote_id or row.remote_id, row.bytes)
                self.run.session.events(done)
            self._tell()

    def _note_failure(self, row: RowChange, error: ReconcilerError | None) -> None:
        if error is None:
            return
        self.cause = self.cause or error
        self._failed.add(row.key)
        problem = Problem(error.message, address=str(self.address.row(row.key)), fix=error.fix)
        self.failures.append(problem)
        self.run.session.events(RowFailed(self.address, problem))

    def _tell(self) -> None:
        self.run.session.events(Progress(self.address, sum(self.done.values()), self._sent))


def _outcomes(future: Future[list[RowOutcome]], batch: Sequence[RowChange]) -> list[RowOutcome]:
    error = future.exception()
    if error is None:
        return future.result()
    if not isinstance(error, ReconcilerError):
        raise error
    return [RowOutcome(row.key, error=error) for row in batch]


def _batches(rows: Iterable[RowChange], most: int, most_bytes: int) -> Iterator[list[RowChange]]:
    batch: list[RowChange] = []
    size = 0
    for row in rows:
        full = len(batch) >= most or size >= most_bytes
        if full or any(other.key == row.key for other in batch[-1:]):  # outcomes are told apart by key
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += row.bytes
    if batch:
        yield batch
