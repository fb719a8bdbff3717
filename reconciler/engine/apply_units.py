"""Carry out the unit changes of asset sets."""

from __future__ import annotations

import json
from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from reconciler.engine.origins import resolved
from reconciler.engine.places import proof_of
from reconciler.engine.running import Applying, Recorded, RowRunner, forgotten, replace_rows
from reconciler.engine.source_places import located
from reconciler.engine.spreading import CreateUnits, unit_creator
from reconciler.errors import Invalid, SourceError
from reconciler.model.address import Address
from reconciler.model.body import composition, decode_unit
from reconciler.model.json import JSONObject, canonical_json
from reconciler.model.resource import AssetSet, OnExists
from reconciler.model.unit import Unit, attributes_digest, content_digest, fields_digest
from reconciler.plan.values import Action, RowChange
from reconciler.providers.base import Content, Provider, RowOutcome, UnitDraft, UnitEdit
from reconciler.state.values import OwnedRow, Shape


@dataclass(frozen=True, slots=True)
class UnitWork:
    """How the units of one set are written.

    creator: what creates units: the provider, or workers in its place. content: None when nothing of the set is sent.
    found: the set holds what the collection held already. moved: key → remote id of the units that the plan moves,
    where units can name each other.
    """

    run: Applying
    provider: Provider
    runner: RowRunner
    address: Address
    collection_id: str
    creator: CreateUnits
    content: Content | None
    adopt: bool
    found: bool = False
    moved: dict[str, str] = field(default_factory=dict)

    def adopt_all(self, *, mark: bool = False) -> None:
        """Record units that carry our marker (or may be taken over), writing only what differs.

        mark: write our marker also where nothing else is to be written. Without it, and where places tell what is
        ours, nothing is written at all.
        """
        if not mark and self.provider.capabilities.by_place:
            self.runner.perform(Action.ADOPT, self._edit, self._record_written, ready=_as_found)
            return
        work, record = (self._edit, self._record_written) if mark else (self._edit_differing, self._record_adopted)
        self.runner.perform(Action.ADOPT, work, record, ready=self._ready)

    def perform_all(self) -> None:
        """Carry out everything, what is gained before what is lost."""
        self.adopt_all(mark=True)
        perform = self.runner.perform
        self.runner.prepare(Action.MOVE, self._park, self._record_parked, lambda row: bool(row.context.get("park")))
        # Where a row may still stand that should have moved, none is put: it would take that row's place in the state.
        held = self._left_behind()
        perform(Action.MOVE, self._edit, self._record_moved, chosen=lambda row: row.key not in held, ready=self._ready)
        held = self._left_behind()
        for level in self._levels():
            turn = partial(_is_at, level, held)
            perform(Action.CREATE, self._create, self._record_written, chosen=turn, ready=self._ready)
            perform(Action.UPDATE, self._edit, self._record_written, chosen=turn, ready=self._ready)
        perform(Action.REPLACE, self._replace, self._record_written)
        perform(Action.FORGET, lambda rows: [RowOutcome(row.key) for row in rows], self._record_forgotten)
        perform(Action.DELETE, self._delete, self._record_forgotten)
        self.provider.tidy_units(self.collection_id)

    def _left_behind(self) -> set[str]:
        """The former keys of rows that failed to move."""
        if not self.runner.failures:
            return set()
        rows = self.run.plan.rows(self.address, [Action.MOVE])
        return {row.previous_key or "" for row in rows if self.runner.has_failed(row.key)}

    def _levels(self) -> list[int]:
        """The steps to take: what a unit was made from comes before it."""
        if self.provider.capabilities.is_outside is None:
            return [0]
        rows = self.run.plan.rows(self.address, [Action.CREATE, Action.UPDATE])
        return sorted({0, *(int(row.context.get("level", 0)) for row in rows)})

    def _ready(self, row: RowChange) -> RowChange:
        is_outside = self.provider.capabilities.is_outside
        return row if is_outside is None else resolved(row, self.run.store, self.address, is_outside, self.moved)

    def _create(self, rows: Sequence[RowChange]) -> list[RowOutcome]:
        if self.content is None:
            raise SourceError([], f"{self.address} is not declared, so its files cannot be read")
        lacking = [_without_origin(row) for row in rows if "missing" in row.context]
        drafts = [self._draft(row) for row in rows if "missing" not in row.context]
        return lacking + self.creator(self.collection_id, drafts, self.content, self.runner.sent)

    def _replace(self, rows: Sequence[RowChange]) -> list[RowOutcome]:
        return replace_rows(rows, self._create, self.provider.delete_units)

    def _park(self, rows: Sequence[RowChange]) -> list[RowOutcome]:
        """Rows whose places others take go out of the way first, so that names can be exchanged."""
        edits = [UnitEdit(row.remote_id or "", self.address.row(_parked(row)), {}) for row in rows]
        outcomes = self.provider.update_units(self.collection_id, edits)
        keys = [row.key for row in rows]
        return [replace(outcome, key=key) for key, outcome in zip(keys, outcomes, strict=True)]

    def _edit(self, rows: Sequence[RowChange]) -> list[RowOutcome]:
        edits: list[UnitEdit] = []
        outcomes: list[RowOutcome] = []
        for row in rows:
            body = json.loads(row.body or "null")
            if "missing" in row.context:
                outcomes.append(_without_origin(row))
            elif "record" in body or row.context.get("edit") is False:
                outcomes.append(RowOutcome(row.key, row.remote_id))
            else:
                edits.append(self._edit_of(row, self._unit(row)))
        if edits:
            outcomes += self.provider.update_units(self.collection_id, edits, self.content, self.runner.sent)
        return outcomes

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
        address = self.address.row(row.key)
        attributes = _attributes(row, unit)
        return UnitDraft(address, unit.files, unit.meta, unit.groups, self.adopt, held, attributes)

    def _edit_of(self, row: RowChange, unit: Unit) -> UnitEdit:
        drop = tuple(key for key in row.context.get("keys", ()) if key not in unit.meta)
        there_first = self.found or row.action is Action.ADOPT  # so their groups are not ours to take away
        gone = tuple(name for name in row.context.get("attributes", ()) if name not in unit.attributes)
        return UnitEdit(
            remote_id=row.remote_id or "",
            address=self.address.row(row.key),
            meta=unit.meta,
            drop=drop,
            groups=unit.groups or (None if there_first else ()),
            files=unit.files if row.context.get("content") else None,
            attributes=_attributes(row, unit),
            drop_attributes=gone,
        )

    def _record_written(self, done: Sequence[tuple[RowChange, RowOutcome]]) -> Recorded:
        rows = [self._owned_row(row, outcome) for row, outcome in done]
        tokens = [outcome.token for _, outcome in done]
        seen = [(owned.remote_id, token, proof_of(owned)) for owned, token in zip(rows, tokens, strict=True) if token]
        return Recorded(rows, seen=seen)

    def _record_parked(self, done: Sequence[tuple[RowChange, RowOutcome]]) -> Recorded:
        """The state follows every step, so that a run cut here goes on from where the rows are."""
        parked = {row.previous_key or "": _parked(row) for row, _ in done}
        rows = [replace(owned, key=parked[owned.key]) for owned in self.run.store.rows(self.address, parked)]
        return Recorded(rows, [(row.previous_key or "", row.remote_id or "") for row, _ in done])

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
        """The old keys go first: another row of this batch may have taken one of them."""
        written = self._record_written(done)
        gone = [(key, row.remote_id or "") for row, _ in done for key in (row.previous_key or "", _parked(row))]
        return Recorded(written.rows, gone, written.seen)

    def _record_forgotten(self, done: Sequence[tuple[RowChange, RowOutcome]]) -> Recorded:
        return forgotten(self.run.store, self.address, done)

    def _owned_row(self, row: RowChange, outcome: RowOutcome) -> OwnedRow:
        remote_id = outcome.remote_id or row.remote_id or ""
        body = json.loads(row.body or "null")
        if "record" in body:
            found = body["record"]
            return OwnedRow(row.key, remote_id, found["content"], found["fields"], Shape(tuple(found["keys"])), {})
        unit = decode_unit(row.key, body, self.provider.capabilities.checksum)
        files = composition(unit)
        shape = Shape(tuple(sorted(unit.meta)), unit.groups, tuple(sorted(unit.attributes)), marked=not self.found)
        fields = fields_digest(unit.meta, unit.groups, attributes_digest(unit.attributes))
        there = {name: (outcome.attributes or {}).get(name) for name in shape.attributes}
        seen = attributes_digest({name: value for name, value in there.items() if value is not None})
        return OwnedRow(row.key, remote_id, content_digest(files), fields, shape, files, seen)


def _is_at(level: int, held: Container[str], row: RowChange) -> bool:
    return int(row.context.get("level", 0)) == level and not (row.action is Action.CREATE and row.key in held)


def _as_found(row: RowChange) -> RowChange:
    """Record what is there as it is; the next plan tells what differs from what is declared."""
    if not row.context.get("edit"):
        return row
    record = {"content": row.context.get("found", ""), "fields": "imported", "keys": []}
    return replace(row, body=canonical_json({"record": record}))


def _attributes(row: RowChange, unit: Unit) -> JSONObject:
    """Attributes with ids in place of other units."""
    filled = row.context.get("provenance")
    return {**unit.attributes, "provenance": filled} if filled is not None else unit.attributes


def _without_origin(row: RowChange) -> RowOutcome:
    why = f"it comes from {row.context['missing']}, which is not there"
    return RowOutcome(row.key, error=Invalid(why, fix="see why that failed, then apply again"))


def _parked(row: RowChange) -> str:
    """Where a row waits whose place another takes before it gets its own: beside it, under a name nobody else uses."""
    folder, slash, _ = (row.previous_key or "").rpartition("/")
    return f"{folder}{slash}reconciler-moving-{row.remote_id}"


def _is_unmarked(row: RowChange) -> bool:
    """Whether a row was taken over without writing our marker."""
    return bool(row.context.get("agrees") and row.context.get("edit"))


def unit_work(run: Applying, runner: RowRunner, provider: Provider, collection_id: str) -> UnitWork:
    """Prepare the unit changes of one asset set."""
    declared = run.declared.get(runner.address)
    content: Content | None = None
    sources: AssetSet | None = None
    adopt = found = False
    if isinstance(declared, AssetSet) and declared.existing is not None:
        found = True
    elif isinstance(declared, AssetSet):
        from reconciler.sources import SourceContent

        sources = located(run.session, declared)
        content = SourceContent(sources)
        adopt = declared.head.lifecycle.on_exists is OnExists.ADOPT
    moves = run.plan.rows(runner.address, [Action.MOVE]) if provider.capabilities.is_outside else ()
    moved = {row.key: row.remote_id or "" for row in moves}
    creator = unit_creator(run.session, provider, sources)
    return UnitWork(run, provider, runner, runner.address, collection_id, creator, content, adopt, found, moved)
