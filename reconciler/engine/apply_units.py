"""Carry out the unit changes of asset sets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.engine.running import Applying, Recorded, RowRunner, forgotten, replace_rows
from reconciler.errors import SourceError
from reconciler.model.address import Address
from reconciler.model.body import composition, decode_unit
from reconciler.model.resource import AssetSet, OnExists
from reconciler.model.unit import Unit, content_digest, fields_digest
from reconciler.plan.values import Action, RowChange
from reconciler.providers.base import Content, Provider, RowOutcome, UnitDraft, UnitEdit
from reconciler.state.values import OwnedRow, Shape


@dataclass(frozen=True, slots=True)
class UnitWork:
    """How the units of one set are written.

    content: None when nothing of the set is sent. found: the set holds what the collection held already.
    """

    run: Applying
    provider: Provider
    runner: RowRunner
    address: Address
    collection_id: str
    content: Content | None
    adopt: bool
    found: bool = False

    def adopt_all(self, *, mark: bool = False) -> None:
        """Record units that carry our marker (or may be taken over), writing only what differs.

        mark: write our marker also where nothing else is to be written.
        """
        work, record = (self._edit, self._record_written) if mark else (self._edit_differing, self._record_adopted)
        self.runner.perform(Action.ADOPT, work, record)

    def perform_all(self) -> None:
        """Carry out everything, what is gained before what is lost."""
        self.adopt_all(mark=True)
        perform = self.runner.perform
        perform(Action.MOVE, self._edit, self._record_moved)
        perform(Action.CREATE, self._create, self._record_written)
        perform(Action.UPDATE, self._edit, self._record_written)
        perform(Action.REPLACE, self._replace, self._record_written)
        perform(Action.FORGET, lambda rows: [RowOutcome(row.key) for row in rows], self._record_forgotten)
        perform(Action.DELETE, self._delete, self._record_forgotten)

    def _create(self, rows: Sequence[RowChange]) -> list[RowOutcome]:
        if self.content is None:
            raise SourceError([], f"{self.address} is not declared, so its files cannot be read")
        drafts = [self._draft(row) for row in rows]
        return self.provider.create_units(self.collection_id, drafts, self.content, self.runner.sent)

    def _replace(self, rows: Sequence[RowChange]) -> list[RowOutcome]:
        return replace_rows(rows, self._create, self.provider.delete_units)

    def _edit(self, rows: Sequence[RowChange]) -> list[RowOutcome]:
        edits, outcomes = [], []
        for row in rows:
            body = json.loads(row.body or "null")
            if "record" in body or row.context.get("edit") is False:
                outcomes.append(RowOutcome(row.key, row.remote_id))
            else:
                edits.append(self._edit_of(row, self._unit(row)))
        return outcomes + (self.provider.update_units(self.collection_id, edits) if edits else [])

    def _edit_differing(self, rows: Sequence[RowChange]) -> list[RowOutcome]:
        agreeing = [RowOutcome(row.key, row.remote_id) for row in rows if row.context.get("agrees")]
        return agreeing + self._edit([row for row in rows if not row.context.get("agrees")])

    def _delete(self, rows: Sequence[RowChange]) -> list[RowOutcome]:
        return self.provider.delete_units({row.key: row.remote_id or "" for row in rows})

    def _unit(self, row: RowChange) -> Unit:
        return decode_unit(row.key, json.loads(row.body or "null"), self.provider.capabilities.checksum)

    def _draft(self, row: RowChange) -> UnitDraft:
        unit = self._unit(row)
        held = frozenset(row.context.get("held", ()))
        return UnitDraft(self.address.row(row.key), unit.files, unit.meta, unit.groups, self.adopt, held)

    def _edit_of(self, row: RowChange, unit: Unit) -> UnitEdit:
        drop = tuple(key for key in row.context.get("keys", ()) if key not in unit.meta)
        there_first = self.found or row.action is Action.ADOPT  # so their groups are not ours to take away
        groups = unit.groups or (None if there_first else ())
        return UnitEdit(row.remote_id or "", self.address.row(row.key), unit.meta, drop, groups)

    def _record_written(self, done: Sequence[tuple[RowChange, RowOutcome]]) -> Recorded:
        return Recorded([self._owned_row(row, outcome.remote_id or row.remote_id or "") for row, outcome in done])

    def _record_adopted(self, done: Sequence[tuple[RowChange, RowOutcome]]) -> Recorded:
        recorded = self._record_written(done).rows
        changes = {row.key: row for row, _ in done}
        return Recorded(
            [
                replace(row, shape=replace(row.shape, marked=False)) if _is_unmarked(changes[row.key]) else row
                for row in recorded
            ]
        )

    def _record_moved(self, done: Sequence[tuple[RowChange, RowOutcome]]) -> Recorded:
        rows = [self._owned_row(row, row.remote_id or "") for row, _ in done]
        return Recorded(rows, [(row.previous_key or "", row.remote_id or "") for row, _ in done])

    def _record_forgotten(self, done: Sequence[tuple[RowChange, RowOutcome]]) -> Recorded:
        return forgotten(self.run.store, self.address, done)

    def _owned_row(self, row: RowChange, remote_id: str) -> OwnedRow:
        body = json.loads(row.body or "null")
        if "record" in body:
            found = body["record"]
            return OwnedRow(row.key, remote_id, found["content"], found["fields"], Shape(tuple(found["keys"])), {})
        unit = decode_unit(row.key, body, self.provider.capabilities.checksum)
        files = composition(unit)
        shape = Shape(tuple(sorted(unit.meta)), unit.groups, marked=not self.found)
        fields = fields_digest(unit.meta, unit.groups)
        return OwnedRow(row.key, remote_id, content_digest(files), fields, shape, files)


def _is_unmarked(row: RowChange) -> bool:
    """Whether a row was taken over without writing our marker."""
    return bool(row.context.get("agrees") and row.context.get("edit"))


def unit_work(run: Applying, runner: RowRunner, provider: Provider, collection_id: str) -> UnitWork:
    """Prepare the unit changes of one asset set."""
    declared = run.declared.get(runner.address)
    content: Content | None = None
    adopt = found = False
    if isinstance(declared, AssetSet) and declared.existing is not None:
        found = True
    elif isinstance(declared, AssetSet):
        from reconciler.sources import SourceContent

        content = SourceContent(declared)
        adopt = declared.head.lifecycle.on_exists is OnExists.ADOPT
    return UnitWork(run, provider, runner, runner.address, collection_id, content, adopt, found)
