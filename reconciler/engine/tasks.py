"""Plan the tasks of task sets: one per unit, with pre-annotations."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from reconciler.diff.desired import desired_fields
from reconciler.engine.annotations import PreAnnotations, read_annotations
from reconciler.engine.context import Planning, Refresh
from reconciler.engine.events import Refreshing
from reconciler.engine.rowplan import Explanation
from reconciler.engine.rowsets import RowSet, add_row_set, is_rebound
from reconciler.model.address import Address
from reconciler.model.body import TaskBody, encode_task
from reconciler.model.json import JSON, digest
from reconciler.model.observed import ObservedTask
from reconciler.model.resource import AssetSet, OnExists, TaskSet
from reconciler.plan.rows import RowDigests, RowRules, Stray
from reconciler.plan.values import Action, Change, RowCounts
from reconciler.providers.base import NotModified, Provider
from reconciler.state.differences import RowDifferences, RowSides
from reconciler.state.populations import DesiredRow, Population
from reconciler.state.store import StateStore
from reconciler.state.values import OwnedResource

NO_PAYLOAD = "none"  # fields digest of a task that we gave no annotations: labelling it is not our business
_FORMAT = 1


def plan_tasks(planning: Planning, task_set: TaskSet) -> Change | None:
    """Compare the tasks of a set with the state and the backend, and add the decision.

    None when the asset set it is for could not be planned; its problems are reported there.
    """
    head, assets = task_set.head, task_set.assets.address
    units = planning.populations.get(assets)
    if units is None:
        return None
    provider = planning.session.provider(head.backend)
    population = _population(planning, task_set, units)
    record = planning.owned.get(head.address)
    project = planning.resolve(task_set.project)
    asset_set = planning.declared[assets]
    rules = RowRules(
        prune=isinstance(asset_set, AssetSet) and asset_set.prune,
        adopt=head.lifecycle.on_exists is OnExists.ADOPT,
        rebound=is_rebound(record, project, desired_fields(task_set)),
        keeps_foreign_edits=True,
    )
    differences = RowDifferences(planning.store, planning.session.cache, planning.store.resource_id(head.address))
    if project is not None and planning.options.refresh is not Refresh.NONE:
        listed = record or OwnedResource(head.address, head.backend, project, {}, parent_id=project)
        wanted = planning.session.cache.digests(population)
        _refresh(planning, provider, listed, assets, wanted, differences)
    elif record is not None and project is None and not rules.rebound:
        differences.finish_refresh()
    rows = RowSet(population, differences, rules, _explain, _notes)
    return add_row_set(planning, head, desired_fields(task_set), rows)


def _notes(counts: RowCounts, drift: int) -> tuple[str, ...]:
    del counts
    return (f"{drift} tasks were annotated by others since and are left alone",) if drift else ()


def _population(planning: Planning, task_set: TaskSet, units: Population) -> Population:
    """Desired tasks. content: the unit's, so that a replaced unit replaces its task; fields: the payload's digest."""
    cache, address = planning.session.cache, task_set.head.address
    annotations = read_annotations(task_set) if task_set.annotations else None
    name = digest([_FORMAT, units.name, annotations.fingerprint if annotations else None])
    population = cache.find(address, name)
    if population is None:
        rows = _rows(cache.rows(units), annotations)
        population = cache.build(address, name, list(rows), {})
    if annotations:
        planning.problems.extend(annotations.problems(cache.rows(units)))
    return population


def _rows(units: Iterator[DesiredRow], annotations: PreAnnotations | None) -> Iterator[DesiredRow]:
    for unit in units:
        payload = annotations.payload(unit.key, json.loads(unit.body)) if annotations else None
        fields = NO_PAYLOAD if payload is None else digest(payload)
        submit = annotations.submit if annotations else True
        yield DesiredRow(unit.key, unit.content, fields, encode_task(TaskBody(unit.key, payload, submit)))


def _refresh(
    planning: Planning,
    provider: Provider,
    owned: OwnedResource,
    assets: Address,
    wanted: Mapping[str, RowDigests],
    differences: RowDifferences,
) -> None:
    store, cache = planning.store, planning.session.cache
    version = store.version
    known = cache.clean_listing(owned.address, version.lineage, owned.revision)
    listing = provider.list_tasks(owned.parent_id or "", etag=known)
    if isinstance(listing, NotModified):
        return
    seen = 0
    for page in listing.pages:
        _note_page(page, owned.address, assets, wanted, store, differences)
        seen += len(page)
        planning.session.events(Refreshing(owned.address, seen))
    differences.finish_refresh()
    # Without a record there is nothing that the listing could equal: what it holds must be looked at again.
    if listing.etag and store.resource(owned.address) and not differences.found_any:
        cache.record_clean_listing(owned.address, version.lineage, owned.revision, listing.etag)


def _note_page(
    page: list[ObservedTask],
    address: Address,
    assets: Address,
    wanted: Mapping[str, RowDigests],
    store: StateStore,
    differences: RowDifferences,
) -> None:
    recorded = store.rows_by_remote_id(address, [task.remote_id for task in page])
    units = store.rows_by_remote_id(assets, [task.unit_id for task in page])
    differences.saw(recorded)
    for task in page:
        row, unit = recorded.get(task.remote_id), units.get(task.unit_id)
        if row is not None:
            if row.fields not in (NO_PAYLOAD, task.data_digest):
                fields = task.data_digest or NO_PAYLOAD
                differences.saw_changed(row.key, RowDigests(row.content, fields, row.remote_id), None)
        elif unit is not None and unit.key in wanted:
            fields = task.data_digest or NO_PAYLOAD
            if fields in (NO_PAYLOAD, wanted[unit.key].fields):  # just what we make: a cut apply, or nobody's work yet
                differences.saw_unrecorded(unit.key, RowDigests(unit.content, fields, task.remote_id), None)
            else:
                differences.saw_stranger(unit.content, task.remote_id)


def _explain(sides: RowSides, action: Action) -> Explanation:
    if action is Action.UPDATE and sides.owned and sides.desired:
        detail: tuple[tuple[str, JSON, JSON], ...] = (("annotations", sides.owned.fields, sides.desired.fields),)
        return Explanation(detail)
    if action is Action.ADOPT and sides.desired and isinstance(sides.remote, Stray):
        return Explanation(context={"empty": sides.remote.digests.fields == NO_PAYLOAD})
    return Explanation()
