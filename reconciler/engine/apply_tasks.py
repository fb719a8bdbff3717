"""Carry out the task changes of task sets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.engine.running import Applying, Recorded, RowRunner, forgotten, replace_rows
from reconciler.engine.tasks import NO_PAYLOAD
from reconciler.errors import NotFound, ReconcilerError
from reconciler.model.address import Address
from reconciler.model.body import TaskBody, decode_task
from reconciler.model.json import digest
from reconciler.plan.values import Action, RowChange
from reconciler.providers.base import Provider, RowOutcome
from reconciler.state.values import OwnedRow, Shape


@dataclass(slots=True)
class TaskWork:
    """How the tasks of one set are written. units: the asset set whose units they are for."""

    run: Applying
    provider: Provider
    runner: RowRunner
    address: Address
    project_id: str
    units: Address

    _contents: Mapping[str, str] = field(default_factory=dict)

    def adopt_all(self) -> None:
        """Record tasks that exist and are ours (or may be taken over); only empty ones get our annotations."""
        self.runner.perform(Action.ADOPT, self._writer().adopt, self._record)

    def perform_all(self) -> None:
        """Carry out everything, what is gained before what is lost."""
        work, perform = self._writer(), self.runner.perform
        perform(Action.ADOPT, work.adopt, self._record)
        perform(Action.MOVE, lambda rows: [RowOutcome(row.key, row.remote_id) for row in rows], self._record_moved)
        perform(Action.CREATE, work.create, self._record)
        perform(Action.UPDATE, work.annotate, self._record)
        perform(Action.REPLACE, work.replace, self._record)
        perform(Action.FORGET, lambda rows: [RowOutcome(row.key) for row in rows], self._record_gone)
        perform(Action.DELETE, work.delete, self._record_gone)

    def _writer(self) -> _Writer:
        """The calls; ids of the units are read now, before threads start."""
        rows = list(self.run.store.rows(self.units))
        self._contents = {row.key: row.content for row in rows}
        return _Writer(self.provider, self.project_id, {row.key: row.remote_id for row in rows})

    def _record(self, done: Sequence[tuple[RowChange, RowOutcome]]) -> Recorded:
        return Recorded([_owned_row(row, outcome, self._contents) for row, outcome in done])

    def _record_moved(self, done: Sequence[tuple[RowChange, RowOutcome]]) -> Recorded:
        drop = [(row.previous_key or "", row.remote_id or "") for row, _ in done]
        return Recorded(self._record(done).rows, drop)

    def _record_gone(self, done: Sequence[tuple[RowChange, RowOutcome]]) -> Recorded:
        return forgotten(self.run.store, self.address, done)


@dataclass(frozen=True, slots=True)
class _Writer:
    """The calls, made from worker threads; touches no state."""

    provider: Provider
    project_id: str
    unit_ids: Mapping[str, str]

    def create(self, rows: Sequence[RowChange]) -> list[RowOutcome]:
        outcomes = []
        ready = {row.key: self.unit_ids[row.key] for row in rows if row.key in self.unit_ids}
        tasks = self.provider.create_tasks(self.project_id, list(ready.values())) if ready else {}
        for row in rows:
            task_id = tasks.get(ready.get(row.key, ""))
            if task_id is None:
                why = "its data unit is not there" if row.key not in ready else "the backend made no task for it"
                outcomes.append(RowOutcome(row.key, error=NotFound(why, fix="apply again once the unit exists")))
            else:
                outcomes.append(self._annotated(row.key, task_id, _body(row)))
        return outcomes

    def annotate(self, rows: Sequence[RowChange]) -> list[RowOutcome]:
        return [self._annotated(row.key, row.remote_id or "", _body(row)) for row in rows]

    def adopt(self, rows: Sequence[RowChange]) -> list[RowOutcome]:
        """Take over existing tasks; only those without annotations get ours."""
        return [
            self._annotated(row.key, row.remote_id or "", _body(row))
            if row.context.get("empty")
            else RowOutcome(row.key, row.remote_id, adopted=True)
            for row in rows
        ]

    def replace(self, rows: Sequence[RowChange]) -> list[RowOutcome]:
        return replace_rows(rows, self.create, self.provider.delete_tasks)

    def delete(self, rows: Sequence[RowChange]) -> list[RowOutcome]:
        return self.provider.delete_tasks({row.key: row.remote_id or "" for row in rows})

    def _annotated(self, key: str, task_id: str, task: TaskBody) -> RowOutcome:
        try:
            if task.payload is not None:
                self.provider.annotate(task_id, task.payload, submit=task.submit)
        except ReconcilerError as error:
            return RowOutcome(key, task_id, error=error)
        return RowOutcome(key, task_id)


def _body(row: RowChange) -> TaskBody:
    return decode_task(json.loads(row.body or "null"))


def _owned_row(row: RowChange, outcome: RowOutcome, contents: Mapping[str, str]) -> OwnedRow:
    value = json.loads(row.body or "null")
    remote_id = outcome.remote_id or row.remote_id or ""
    if "record" in value:
        found = value["record"]
        return OwnedRow(row.key, remote_id, found["content"], found["fields"], Shape(), {})
    payload = decode_task(value).payload
    fields = NO_PAYLOAD if payload is None else digest(payload)
    return OwnedRow(row.key, remote_id, contents.get(row.key, ""), fields, Shape(), {})
