"""Put a whole row set into the plan: its rows, and the change of the set itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconciler.engine.context import Planning
from reconciler.engine.dangers import row_dangers
from reconciler.engine.rowplan import Explain, Explanation, RowTally, row_changes
from reconciler.model.address import Address
from reconciler.model.json import JSON
from reconciler.model.resource import Head
from reconciler.plan.rows import RowRules
from reconciler.plan.values import Action, Change, Reason, RowCounts
from reconciler.providers.base import Provider
from reconciler.state.differences import RowDifferences
from reconciler.state.populations import Population
from reconciler.state.values import OwnedResource


@dataclass(frozen=True, slots=True)
class RowSet:
    """What is known of the rows of a declared set. notes: sentences made of counts and number of drifted rows."""

    population: Population
    differences: RowDifferences
    rules: RowRules
    explain: Explain
    notes: Callable[[RowCounts, int], tuple[str, ...]]


def add_row_set(planning: Planning, head: Head, fields: Mapping[str, JSON], rows: RowSet) -> Change:
    """Decide about every differing row of a declared set and add it all to the plan."""
    record = planning.owned.get(head.address)
    tally = RowTally()
    changes = row_changes(
        rows.differences,
        rows.population,
        rows.rules,
        rows.explain,
        tally,
        only=planning.options.keys_of(head.address),
        protect=head.lifecycle.protect or bool(record and record.protect),
    )
    planning.writer.add_rows(head.address, changes)
    planning.adopted[head.address] = tally.adopted
    counts = tally.counts(rows.differences.counts(rows.population)[0])
    dangers = row_dangers(planning, head.address, head.backend, record.parent_id if record else None, tally.lost)
    left_alone = rows.rules.keeps_foreign_edits
    action, reason = _set_action(record, counts, 0 if left_alone else tally.drift)
    change = Change(
        address=head.address,
        action=action,
        reason=reason,
        backend=head.backend,
        desired=fields,
        remote_id=record.remote_id if record else None,
        rows=counts,
        row_drift=tally.drift,
        protect=head.lifecycle.protect,
        notes=(*rows.notes(counts, tally.drift), *dangers),
    )
    planning.add(change)
    return change


def row_differences(planning: Planning, address: Address, provider: Provider) -> RowDifferences:
    """Where the differences of a row set are collected."""
    store = planning.store
    by_place = provider.capabilities.by_place
    return RowDifferences(store, planning.session.cache, store.resource_id(address), by_place=by_place)


def plan_undeclared_rows(planning: Planning, record: OwnedResource) -> Change:
    """Plan the end of a row set that nobody declares any more."""
    action, reason, notes = _end_of(planning, record)
    tally = RowTally()
    if action is Action.DELETE:
        differences = row_differences(planning, record.address, planning.session.provider(record.backend))
        rows = row_changes(differences, None, RowRules(destroy=True), lambda *_: Explanation(), tally)
        planning.writer.add_rows(record.address, rows)
        notes = (*notes, *row_dangers(planning, record.address, record.backend, record.parent_id, tally.lost))
    change = Change(
        address=record.address,
        action=action,
        reason=reason,
        backend=record.backend,
        remote_id=record.remote_id,
        rows=tally.counts(0),
        protect=record.protect,
        notes=notes,
    )
    planning.add(change)
    return change


def _end_of(planning: Planning, record: OwnedResource) -> tuple[Action, Reason, tuple[str, ...]]:
    if record.protect:
        note = "lifecycle.protect was set when it was last applied; apply protect: false first"
        return Action.BLOCKED, Reason.PROTECTED, (note,)
    if planning.options.destroy:
        return Action.DELETE, Reason.DESTROY, ()
    if record.orphan_on_delete:
        return Action.FORGET, Reason.ORPHANED, ()
    return Action.DELETE, Reason.NOT_DECLARED, ()


def is_rebound(record: OwnedResource | None, parent: str | None, fields: Mapping[str, JSON]) -> bool:
    """Whether the rows of a set must be made again below another parent, while the old ones are still there.

    parent: None when it has no id yet; then the references tell whether it is another one.
    """
    if record is None or record.parent_id is None:
        return False
    return record.parent_id != parent if parent is not None else dict(record.fields) != dict(fields)


def _set_action(record: OwnedResource | None, counts: RowCounts, drift: int) -> tuple[Action, Reason]:
    """What a row set as a whole undergoes."""
    if record is None:
        return Action.CREATE, Reason.NOT_REMOTE
    if not counts.changed:
        return Action.NO_OP, Reason.UNCHANGED
    return Action.UPDATE, Reason.CHANGED_OUTSIDE if drift >= counts.changed else Reason.FIELDS_DIFFER
