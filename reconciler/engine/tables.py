"""Plan the rows that an object holds: as the file has them, against what was written last and what is there."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from reconciler.engine.context import Planning, Refresh
from reconciler.engine.refresh import refresh_rows
from reconciler.engine.rowplan import Explanation, RowTally, row_changes
from reconciler.engine.session import Session
from reconciler.engine.table_file import row_key, row_key_of_content
from reconciler.model.body import cells_digest, decode_cells
from reconciler.model.json import JSON, digest
from reconciler.model.observed import ObservedRow
from reconciler.model.resource import RemoteObject
from reconciler.plan.rows import RowDigests, RowRules, Stray
from reconciler.plan.values import Action, Change, Reason
from reconciler.providers.base import HasTables, NotModified, Provider, TableListing
from reconciler.state.differences import RowDifferences, RowSides
from reconciler.state.populations import Population
from reconciler.state.store import StateStore
from reconciler.state.values import OwnedResource, OwnedRow, Shape

_SETTLED = (Action.BLOCKED, Action.DELETE, Action.FORGET)


def with_rows(planning: Planning, resource: RemoteObject, change: Change, population: Population) -> Change:
    """Add the rows of an object to the plan, and what they make of its change."""
    if change.action in _SETTLED or resource.rows is None:
        return change
    address, store = change.address, planning.store
    differences = RowDifferences(store, planning.session.cache, store.resource_id(address))
    record = planning.owned.get(address)
    provider = planning.session.provider(change.backend)
    if change.remote_id is None or change.action is Action.REPLACE:
        differences.finish_refresh()
    elif planning.options.refresh is not Refresh.NONE:
        listed = record or OwnedResource(address, change.backend, change.remote_id, {})
        wanted = planning.session.cache.digests(population)
        look = TableLook(store, resource, differences, wanted, tuple(population.summary["columns"]))
        look.read(planning.session, provider, replace(listed, remote_id=change.remote_id))
    tally = RowTally()
    rules = RowRules(prune=resource.rows.prune)
    only, protect = planning.options.keys_of(address), resource.head.lifecycle.protect
    rows = row_changes(differences, population, rules, _explain, tally, only=only, protect=protect)
    planning.writer.add_rows(address, rows)
    counts = tally.counts(differences.counts(population)[0])
    change = replace(change, rows=counts, row_drift=tally.drift)
    if change.action is Action.NO_OP and counts.changed:
        is_drift = tally.drift >= counts.changed
        change = replace(change, action=Action.UPDATE, reason=_REASONS[is_drift])
    kept = f"{counts.kept:,} of its rows left the file and stay; set rows.prune to delete them"
    return replace(change, notes=(*change.notes, kept)) if counts.kept else change


_REASONS = {True: Reason.CHANGED_OUTSIDE, False: Reason.FIELDS_DIFFER}


@dataclass(slots=True)
class TableLook:
    """One look at the rows that are there. wanted: key → desired digests, of rows that may be ours without being
    recorded. columns: those of the file."""

    store: StateStore
    resource: RemoteObject
    differences: RowDifferences
    wanted: Mapping[str, RowDigests] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    _alike: Counter[str] = field(default_factory=Counter)
    _taken: set[str] = field(default_factory=set)

    def read(self, session: Session, provider: Provider, owned: OwnedResource) -> None:
        """List the rows, unless they are as they were when they were last seen to be as recorded."""
        assert isinstance(provider, HasTables)  # it has the capability `cell`
        listing = partial(_listing, provider, owned.remote_id or "")
        refresh_rows(session, self.store, owned, self.differences, listing, self._note)

    def _note(self, page: list[ObservedRow]) -> None:
        address, was = self.resource.head.address, names_before(self.resource)
        recorded = self.store.rows_by_remote_id(address, [row.remote_id for row in page])
        self.differences.saw(recorded)
        for row in page:
            ours = recorded.get(row.remote_id)
            key = ours.key if ours else self._key(row, was)
            if ours is not None:
                there = RowDigests(ours.content, _digest_as(row, ours.shape.keys, was), row.remote_id)
                if not ours.is_as(there):
                    self.differences.saw_changed(ours.key, there, _named(row, was))
            elif key in self.wanted and key not in self._taken and not self._is_recorded(key):
                self._taken.add(key)
                names = [was.get(name, name) for name in self.columns]
                there = RowDigests(digest(key), _digest_as(row, names, was), row.remote_id)
                self.differences.saw_unrecorded(key, there, _named(row, was))

    def _is_recorded(self, key: str) -> bool:
        return next(self.store.rows(self.resource.head.address, [key]), None) is not None

    def _key(self, row: ObservedRow, was: Mapping[str, str]) -> str:
        """The key that a row of the file would have."""
        there = _named(row, was)
        if self.resource.rows is not None and self.resource.rows.key:
            return row_key([there.get(name) or "" for name in self.resource.rows.key])
        whole = cells_digest({name: there.get(name) for name in self.columns})
        while True:  # the next of its like that is not recorded: a write that was cut may have made it
            self._alike[whole] += 1
            key = row_key_of_content(whole, self._alike[whole])
            if not self._is_recorded(key):
                return key


def _listing(provider: HasTables, table_id: str, etag: str | None) -> TableListing | NotModified:
    return provider.list_rows(table_id, etag=etag)


def names_before(resource: RemoteObject) -> dict[str, str]:
    """Column → the name it had before, for columns that are or were renamed."""
    columns: JSON = resource.fields.get("columns") or ()
    return {str(one["name"]): str(one["previousName"]) for one in columns if one.get("previousName")}


def _named(row: ObservedRow, was: Mapping[str, str]) -> dict[str, str | None]:
    """The cells under the names that columns have now."""
    now = {previous: name for name, previous in was.items() if name not in row.cells}
    return {now.get(name, name): value for name, value in row.cells.items()}


def _digest_as(row: ObservedRow, names: Collection[str], was: Mapping[str, str]) -> str:
    """Digest of the cells under the names by which rows are compared, see `CellsBody.was`."""
    there = _named(row, was)
    return cells_digest({name: there.get(now, there.get(name)) for name, now in _now(names, was)})


def _now(names: Collection[str], was: Mapping[str, str]) -> list[tuple[str, str]]:
    later = {previous: name for name, previous in was.items()}
    return [(name, later.get(name, name)) for name in names]


def _explain(sides: RowSides, action: Action) -> Explanation:
    if sides.desired is None or action in (Action.DELETE, Action.FORGET, Action.NO_OP):
        return Explanation()
    wanted = decode_cells(json.loads(sides.desired.body)).cells
    if action is Action.CREATE:
        return Explanation(bytes=sides.desired.bytes)
    there = _before(sides)
    detail = () if there is None else _differences(there, wanted)
    is_same = isinstance(sides.remote, Stray) and there is not None and not detail
    return Explanation(detail, bytes=sides.desired.bytes, context={"same": True} if is_same else {})


def _before(sides: RowSides) -> Mapping[str, JSON] | None:
    """The cells that are there: as observed where they differ from the record, else as they were written last."""
    if sides.observed_meta is not None:
        return dict(sides.observed_meta)
    return decode_cells(json.loads(sides.before_body)).cells if sides.before_body else None


def _differences(before: Mapping[str, JSON], after: Mapping[str, str | None]) -> tuple[tuple[str, JSON, JSON], ...]:
    return tuple((name, before.get(name), value) for name, value in after.items() if before.get(name) != value)


def owned_row(key: str, remote_id: str, body: JSON) -> OwnedRow:
    """How a written row is recorded. body: as planned."""
    row = decode_cells(body)
    return OwnedRow(key, remote_id, digest(key), row.digest, Shape(row.names), {})
