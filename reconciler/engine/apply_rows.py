"""Carry out one row set: its record, its rows, a last look."""

from __future__ import annotations

from reconciler.diff.desired import KNOWN_AFTER_APPLY, resolve
from reconciler.engine.apply_objects import owned_resource, owned_without_rows
from reconciler.engine.apply_tasks import TaskWork
from reconciler.engine.apply_units import UnitWork, unit_work
from reconciler.engine.refresh import refresh_units
from reconciler.engine.report import Outcome
from reconciler.engine.running import Applying, RowRunner
from reconciler.errors import Problem
from reconciler.model.address import Address
from reconciler.plan.values import Action, Change, RowCounts
from reconciler.state.differences import RowDifferences


def apply_rows(run: Applying, change: Change, *, only_adopt: bool = False) -> Outcome:
    """Carry out the rows of an asset or task set; with `only_adopt`, just those that exist and are ours."""
    address = change.address
    if change.action is Action.FORGET:
        run.store.drop_resource(address)
        return Outcome(address, change.action)
    parent = _parent_id(run, change)
    if change.desired is not None:
        record = owned_resource(
            run.declared.get(address), address, change.backend, change.desired, None, parent_id=parent
        )
        owned = run.store.resource(address)
        if owned is None or record != owned_without_rows(owned):
            run.store.save_resource(record)
    runner = RowRunner(run, address)
    if change.rows and change.rows.changed:
        work = _work(run, change, runner, parent or "")
        work.adopt_all() if only_adopt else work.perform_all()
    blocked = blocked_rows(run, address)
    whole = not runner.failures and not blocked and not run.control.is_stopping
    if change.action is Action.DELETE and whole:
        run.store.drop_resource(address)
    elif change.rows and change.rows.changed and whole:
        _verify(run, change)
    counts = RowCounts(**{action.value: count for action, count in runner.done.items()})
    skipped = run.control.is_stopping and not runner.failures and counts.changed < (change.rows or counts).changed
    return Outcome(address, change.action, counts, (*runner.failures, *blocked), skipped)


def _work(run: Applying, change: Change, runner: RowRunner, parent: str) -> UnitWork | TaskWork:
    provider = run.session.provider(change.backend)
    if change.address.kind == "AssetSet":
        return unit_work(run, runner, provider, parent)
    owned = run.store.resource(change.address)
    needs = owned.depends if owned else ()
    units = next((address for address in needs if address.kind == "AssetSet"), change.address)
    return TaskWork(run, provider, runner, change.address, parent, units)


def _parent_id(run: Applying, change: Change) -> str | None:
    """The id of the collection or project that rows hang on: as declared now, else as recorded."""
    fields = resolve(change.desired or {}, run.remote_id)
    found = fields.get("collection") or fields.get("project")
    if found not in (None, KNOWN_AFTER_APPLY):
        return str(found)
    owned = run.store.resource(change.address)
    return owned.parent_id if owned else None


def blocked_rows(run: Applying, address: Address) -> list[Problem]:
    """Rows that the plan leaves as they are, as failures."""
    return [
        Problem(f"blocked: {row.reason.value}", address=str(address.row(row.key)), fix="see `reconciler plan`")
        for row in run.plan.rows(address, [Action.BLOCKED])
    ]


def _verify(run: Applying, change: Change) -> None:
    """Look at what is there now. Where the backend versions its listings, the next plan starts from this look."""
    owned = run.store.resource(change.address)
    if owned is None or change.address.kind != "AssetSet" or "existing" in owned.fields:
        return
    provider = run.session.provider(change.backend)
    if provider.capabilities.versioned_listings:
        differences = RowDifferences(run.store, run.session.cache, run.store.resource_id(change.address))
        refresh_units(run.session, provider, run.store, owned, differences)
