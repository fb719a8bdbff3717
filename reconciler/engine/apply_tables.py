"""Carry out an object that holds rows: the object, then its rows, then what is made of both (snapshots)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.diff.desired import resolve
from reconciler.diff.fields import diff_fields
from reconciler.diff.rules import RULES
from reconciler.engine.apply_objects import apply_object, owned_resource
from reconciler.engine.apply_rows import blocked_rows
from reconciler.engine.report import Outcome
from reconciler.engine.running import Applying, Recorded, RowRunner, forgotten
from reconciler.engine.settling import desired_object, settled
from reconciler.engine.tables import TableLook, owned_row
from reconciler.errors import NotFound
from reconciler.model.address import Address
from reconciler.model.body import decode_cells
from reconciler.model.json import JSON
from reconciler.model.kinds import OBJECT_KINDS
from reconciler.model.observed import Found
from reconciler.model.resource import RemoteObject
from reconciler.plan.values import Action, Change, RowChange, RowCounts
from reconciler.providers.base import HasTables, RowOutcome, TableRow
from reconciler.state.differences import RowDifferences

# What one transaction takes.
BATCH_ROWS = 2000
BATCH_BYTES = 1024 * 1024
_ONLY_OBJECT = (Action.DELETE, Action.FORGET, Action.MOVE, Action.BLOCKED)


def holds_rows(address: Address) -> bool:
    """Whether objects of a kind hold rows."""
    kind = OBJECT_KINDS.get(address.kind)
    return kind is not None and kind.holds is not None


def apply_holder(run: Applying, change: Change, *, only_adopt: bool = False) -> Outcome:
    """Carry out an object and its rows; with `only_adopt`, just the rows that are there already."""
    if change.action in _ONLY_OBJECT or change.rows is None or not (change.rows.changed or change.rows.blocked):
        apply_object(run, change)
        return Outcome(change.address, change.action)
    later = OBJECT_KINDS[change.address.kind].after_rows
    first = _without(run, change, later)
    if first.action is Action.UPDATE and not first.fields:
        first = replace(first, action=Action.NO_OP)
    apply_object(run, first)
    runner = RowRunner(run, change.address, batch_rows=BATCH_ROWS, batch_bytes=BATCH_BYTES)
    _rows(run, change, runner, only_adopt=only_adopt)
    blocked = blocked_rows(run, change.address)
    whole = not runner.failures and not blocked and not run.control.is_stopping and not only_adopt
    if whole:
        if any(name in (change.desired or {}) for name in later):
            _write_later(run, change, later)
        _look_again(run, change)
    counts = RowCounts(**{action.value: count for action, count in runner.done.items()})
    skipped = run.control.is_stopping and not runner.failures and counts.changed < change.rows.changed
    return Outcome(change.address, change.action, counts, (*runner.failures, *blocked), skipped)


def _without(run: Applying, change: Change, later: frozenset[str]) -> Change:
    """The change of the object alone: of what comes later, only what was there before."""
    owned = run.store.resource(change.address)
    known = owned.fields if owned else {}
    desired = dict(change.desired or {})
    for name in later & desired.keys():
        there: Mapping[str, JSON] = known.get(name) or {}
        desired[name] = {key: value for key, value in desired[name].items() if key in there}
    fields = tuple(one for one in change.fields if one.path[0] not in later)
    return replace(change, desired=desired, fields=fields)


def _rows(run: Applying, change: Change, runner: RowRunner, *, only_adopt: bool) -> None:
    provider, owned = run.session.provider(change.backend), run.store.resource(change.address)
    assert isinstance(provider, HasTables)
    assert owned is not None
    writer = _Writer(provider, owned.remote_id or "")
    runner.perform(Action.ADOPT, writer.adopt, _recorded)
    if only_adopt:
        return
    forget = _forgotten(run, change.address)
    runner.perform(Action.DELETE, writer.delete, forget)
    runner.perform(Action.FORGET, lambda rows: [RowOutcome(row.key) for row in rows], forget)
    runner.perform(Action.UPDATE, writer.write, _recorded)
    runner.perform(Action.CREATE, writer.create, _recorded)


@dataclass(frozen=True, slots=True)
class _Writer:
    """The calls, made from worker threads; touches no state."""

    provider: HasTables
    table_id: str

    def create(self, rows: Sequence[RowChange]) -> list[RowOutcome]:
        return self.provider.write_rows(self.table_id, [_row(row, None) for row in rows])

    def write(self, rows: Sequence[RowChange]) -> list[RowOutcome]:
        return self.provider.write_rows(self.table_id, [_row(row, row.remote_id) for row in rows])

    def adopt(self, rows: Sequence[RowChange]) -> list[RowOutcome]:
        """Rows that are there already; those that are not as wanted are changed."""
        same = [RowOutcome(row.key, row.remote_id, adopted=True) for row in rows if row.context.get("same")]
        others = [row for row in rows if not row.context.get("same")]
        return same + (self.write(others) if others else [])

    def delete(self, rows: Sequence[RowChange]) -> list[RowOutcome]:
        return self.provider.delete_rows(self.table_id, {row.key: row.remote_id or "" for row in rows})


def _row(row: RowChange, remote_id: str | None) -> TableRow:
    return TableRow(row.key, decode_cells(json.loads(row.body or "null")).cells, remote_id)


def _recorded(done: Sequence[tuple[RowChange, RowOutcome]]) -> Recorded:
    return Recorded(
        [
            owned_row(row.key, outcome.remote_id or row.remote_id or "", json.loads(row.body or "null"))
            for row, outcome in done
        ]
    )


def _forgotten(run: Applying, address: Address) -> Callable[[Sequence[tuple[RowChange, RowOutcome]]], Recorded]:
    return lambda done: forgotten(run.store, address, done)


def _write_later(run: Applying, change: Change, later: frozenset[str]) -> None:
    """What is made of the object and its rows together."""
    provider, owned = run.session.provider(change.backend), run.store.resource(change.address)
    remote_id = owned.remote_id if owned else None
    observed = provider.read(change.address, remote_id or "")
    if not isinstance(observed, Found):
        raise NotFound(f"{change.address} is gone since its rows were written", fix="plan again")
    declared = run.declared.get(change.address)
    desired = desired_object(declared, change.address, resolve(change.desired or {}, run.remote_id))
    desired = settled(provider, desired, observed)
    changes = diff_fields(desired.fields, observed.fields, RULES[change.address.kind])
    changes = tuple(one for one in changes if one.path[0] in later)
    intent = run.store.begin(change.address, Action.UPDATE.value, (), now=run.timestamp())
    found = provider.update(desired, observed, changes) if changes else observed
    fields = change.desired or {}
    record = owned_resource(declared, change.address, change.backend, fields, found.remote_id, found.etag)
    run.store.save_resource(record, intent=intent)


def _look_again(run: Applying, change: Change) -> None:
    """See that the rows are as they were written; the next plan starts from this look."""
    declared, owned = run.declared.get(change.address), run.store.resource(change.address)
    if owned is None or not isinstance(declared, RemoteObject) or declared.rows is None:
        return
    provider = run.session.provider(change.backend)
    differences = RowDifferences(run.store, run.session.cache, run.store.resource_id(change.address))
    TableLook(run.store, declared, differences).read(run.session, provider, owned)
