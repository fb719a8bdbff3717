"""Plan the tasks of task sets: one per unit, with pre-annotations."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from reconciler.diff.desired import desired_fields
from reconciler.engine.annotations import PreAnnotations, read_annotations
from reconciler.engine.context import Planning, Refresh
from reconciler.engine.refresh import refresh_rows
from reconciler.engine.rowplan import Explanation
from reconciler.engine.rowsets import RowSet, add_row_set, is_rebound
from reconciler.model.address import Address
from reconciler.model.body import TaskBody, encode_task
from reconciler.model.json import JSON, digest
from reconciler.model.observed import ObservedTask
from reconciler.model.resource import AssetSet, OnExists, Ref, TaskSet
from reconciler.plan.rows import RowDigests, RowRules, Stray
from reconciler.plan.values import Action, Change, Reason, RowCounts
from reconciler.providers.base import NotModified, Provider, TaskListing
from reconciler.state.differences import RowDifferences, RowSides
from reconciler.state.populations import DesiredRow, Population
from reconciler.state.values import OwnedResource, OwnedRow

NO_PAYLOAD = "none"  # fields digest of a task that we gave no annotations: labelling it is not our business
_FORMAT = 2


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
        content_reason=Reason.UPSTREAM_REPLACED,
    )
    differences = RowDifferences(planning.store, planning.session.cache, planning.store.resource_id(head.address))
    if project is not None and planning.options.refresh is not Refresh.NONE:
        listed = record or OwnedResource(head.address, head.backend, project, {}, parent_id=project)
        look = _Look(
            planning=planning,
            address=head.address,
            assets=assets,
            wanted=planning.session.cache.digests(population),
            adopted=planning.adopted.get(assets, {}),
            project_is_ours=isinstance(task_set.project, Ref),
            differences=differences,
        )
        list_tasks = partial(_listing, provider, listed.parent_id or "")
        refresh_rows(planning.session, planning.store, listed, differences, list_tasks, look.note)
    elif record is not None and project is None and not rules.rebound:
        differences.finish_refresh()
    rows = RowSet(population, differences, rules, _explain, _notes)
    return add_row_set(planning, head, desired_fields(task_set), rows)


def _notes(counts: RowCounts, drift: int) -> tuple[str, ...]:
    notes = []
    if drift:
        notes.append(f"annotated by others since, and left alone unless the unit is replaced: {drift}")
    if counts.replace:
        notes.append(f"tasks that go with their replaced units, and with what people annotated there: {counts.replace}")
    return tuple(notes)


def _population(planning: Planning, task_set: TaskSet, units: Population) -> Population:
    """Desired tasks.

    content: the unit's, so that a replaced unit replaces its task. fields: the payload's digest. files, bytes: of
    payloads.
    """
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
        body = encode_task(TaskBody(unit.key, payload, submit))
        sent = (1, len(body)) if payload is not None else (0, 0)
        yield DesiredRow(unit.key, unit.content, fields, body, *sent)


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at the tasks of a project. wanted: key → desired digests. adopted: remote id → key of units whose
    ownership this plan only records. project_is_ours: what we find in it may be taken into our records."""

    planning: Planning
    address: Address
    assets: Address
    wanted: Mapping[str, RowDigests]
    adopted: Mapping[str, str]
    project_is_ours: bool
    differences: RowDifferences

    def note(self, page: list[ObservedTask]) -> None:
        """Note where a page of tasks differs from what we recorded."""
        store = self.planning.store
        recorded = store.rows_by_remote_id(self.address, [task.remote_id for task in page])
        units = store.rows_by_remote_id(self.assets, [task.unit_id for task in page])
        self.differences.saw(recorded)
        for task in page:
            row = recorded.get(task.remote_id)
            if row is not None:
                self._note_recorded(task, row)
            elif task.unit_id in units or task.unit_id in self.adopted:
                key = units[task.unit_id].key if task.unit_id in units else self.adopted[task.unit_id]
                if key in self.wanted:
                    self._note_unrecorded(task, key)

    def _note_recorded(self, task: ObservedTask, row: OwnedRow) -> None:
        if row.fields not in (NO_PAYLOAD, task.data_digest):
            fields = task.data_digest or NO_PAYLOAD
            self.differences.saw_changed(row.key, RowDigests(row.content, fields, row.remote_id), None)

    def _note_unrecorded(self, task: ObservedTask, key: str) -> None:
        """A task of our own project is ours, whoever annotated it since; elsewhere only one just as we want it."""
        wanted = self.wanted[key]
        fields = task.data_digest or NO_PAYLOAD
        if self.project_is_ours or fields in (NO_PAYLOAD, wanted.fields):
            self.differences.saw_unrecorded(key, RowDigests(wanted.content, fields, task.remote_id), None)
        else:
            self.differences.saw_stranger(wanted.content, task.remote_id)


def _listing(provider: Provider, project_id: str, etag: str | None) -> TaskListing | NotModified:
    return provider.list_tasks(project_id, etag=etag)


def _explain(sides: RowSides, action: Action) -> Explanation:
    if sides.desired and action in (Action.CREATE, Action.REPLACE):
        return Explanation(files=sides.desired.files, bytes=sides.desired.bytes)
    if action is Action.UPDATE and sides.owned and sides.desired:
        detail: tuple[tuple[str, JSON, JSON], ...] = (("annotations", sides.owned.fields, sides.desired.fields),)
        return Explanation(detail, sides.desired.files, sides.desired.bytes)
    if action is Action.ADOPT and sides.desired and isinstance(sides.remote, Stray):
        return Explanation(context={"empty": sides.remote.digests.fields == NO_PAYLOAD})
    return Explanation()
