"""Plan asset sets without a source: their units are those that the collection holds already.

What the backend holds is desired as it is, so nothing is ever sent, replaced or deleted; only what the document says of
the units (`meta`, `metadata`, `groups`) is compared and written.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from reconciler.diff.desired import desired_fields
from reconciler.engine.context import Planning
from reconciler.engine.events import Refreshing
from reconciler.engine.places import ExistingLook
from reconciler.engine.refresh import as_there
from reconciler.engine.rowplan import Explain, Explanation
from reconciler.engine.rowsets import RowSet, add_row_set
from reconciler.engine.unit_rows import UnitRules
from reconciler.errors import ConfigError, Problem, Severity
from reconciler.model.address import Address
from reconciler.model.body import holds
from reconciler.model.json import JSON, canonical_json, digest
from reconciler.model.observed import ObservedUnit
from reconciler.model.resource import AssetSet, MetadataSource, OnDelete
from reconciler.model.unit import Unit, content_digest, fields_digest
from reconciler.plan.rows import RowDigests, RowRules
from reconciler.plan.values import Action, Change, RowCounts
from reconciler.providers.base import Provider, UnitListing
from reconciler.state.differences import RowDifferences, RowSides
from reconciler.state.inventory import HeldUnit, Inventory
from reconciler.state.populations import Population
from reconciler.state.values import OwnedRow

if TYPE_CHECKING:
    from reconciler.sources.ledger import FileRow

_FORMAT = 1
_RECORDED, _MARKED, _OTHER = range(3)  # who keeps a key that several units want
_LACKING = "lacking"  # fields digest of a unit that lacks something of what is wanted

NameOf = Callable[[ObservedUnit], str | None]


def plan_existing(
    planning: Planning,
    asset_set: AssetSet,
    metadata: Sequence[MetadataSource],
    rules: UnitRules,
    explain: Explain,
) -> Change:
    """List what the collection holds, describe it as declared, and add the decisions.

    metadata: in the order that the asset set names them. rules: for the units. explain: for units in general.

    Raises:
        ConfigError: the metadata is wrong; all problems at once.
    """
    address = asset_set.head.address
    differences = RowDifferences(planning.store, planning.session.cache, planning.store.resource_id(address))
    with closing(Inventory()) as inventory:
        _take_stock(planning, asset_set, inventory, differences)
        differences.finish_refresh()
        inventory.settle_keys()
        problems = _describe(asset_set, metadata, rules, inventory)
        if any(problem.severity is Severity.ERROR for problem in problems):
            raise ConfigError(problems)
        planning.problems.extend(problems)
        population = _population(planning, address, inventory)
        for unit, fields, body in inventory.news():
            _note(unit, fields, body, differences)
    planning.populations[address] = population
    notes = partial(_notes, asset_set.head.lifecycle.on_delete)
    rows = RowSet(population, differences, RowRules(releases=True), partial(_explain, explain), notes)
    return add_row_set(planning, asset_set.head, desired_fields(asset_set), rows)


@dataclass(frozen=True, slots=True)
class _Membership:
    """Which units belong to the set, and what they are called.

    others: addresses of sets with units of their own. look: completes units that are listed in outline.
    """

    planning: Planning
    asset_set: AssetSet
    others: tuple[Address, ...]
    name_of: NameOf
    look: ExistingLook | None = None

    def held(self, page: Sequence[ObservedUnit], differences: RowDifferences) -> Iterator[HeldUnit]:
        """The units of a page that belong to the set."""
        store, address = self.planning.store, self.asset_set.head.address
        ids = [unit.remote_id for unit in page]
        recorded = store.rows_by_remote_id(address, ids)
        differences.saw(recorded)
        taken = {remote_id for other in self.others for remote_id in store.rows_by_remote_id(other, ids)}
        if self.look is not None:
            same, page = self.look.split([unit for unit in page if self._wish(unit, taken) is not None], recorded)
            yield from (_as_recorded(recorded[unit.remote_id]) for unit in same)
        equal: list[tuple[ObservedUnit, OwnedRow]] = []
        for unit in page:
            wish = self._wish(unit, taken)
            if wish is not None:
                row = recorded.get(unit.remote_id)
                there = as_there(unit, row, address) if row else None
                equal += [(unit, row)] if row and there and row.key == unit.key and row.is_as(there) else []
                kept = row is not None and row.key in (wish, f"{wish}~{unit.remote_id}")
                yield HeldUnit(
                    remote_id=unit.remote_id,
                    key=row.key if row and kept else wish,
                    rank=_RECORDED if kept else _MARKED if unit.owner else _OTHER,
                    recorded=row.key if row else None,
                    content=there.content if there else content_digest(unit.checksums),
                    seen=there.fields if row and there and not row.is_as(there) else None,
                    meta=canonical_json(dict(unit.meta)),
                    files=canonical_json(_files(unit)),
                )

        if self.look is not None:
            self.look.confirm(equal)

    def _wish(self, unit: ObservedUnit, taken: set[str]) -> str | None:
        """The key a unit should have; None when it does not belong to the set."""
        address, existing = self.asset_set.head.address, self.asset_set.existing
        if unit.owner is not None:
            return unit.owner.key if unit.owner.resource == address else None
        if existing is None or not existing.unmarked or unit.remote_id in taken or self._is_adopted(unit.remote_id):
            return None
        return self.name_of(unit)

    def _is_adopted(self, remote_id: str) -> bool:
        """Whether another set takes the unit over in this plan."""
        adopted, address = self.planning.adopted, self.asset_set.head.address
        return any(remote_id in units for other, units in adopted.items() if other != address)


def _as_recorded(row: OwnedRow) -> HeldUnit:
    """A unit that is there as it was recorded, without looking at it."""
    files = canonical_json([[spec, 0, "", 0, checksum] for spec, checksum in row.files.items()])
    return HeldUnit(row.remote_id, row.key, _RECORDED, row.key, row.content, None, "{}", files)


def _take_stock(planning: Planning, asset_set: AssetSet, inventory: Inventory, differences: RowDifferences) -> None:
    head, collection_id = asset_set.head, planning.resolve(asset_set.collection)
    if collection_id is None:
        return  # the collection is yet to be made, so it holds nothing
    provider = planning.session.provider(head.backend)
    by_place = provider.capabilities.by_place  # collections lie in each other there
    others = tuple(
        address
        for address, record in planning.owned.items()
        if address.kind == "AssetSet" and address != head.address and (by_place or record.parent_id == collection_id)
        # What an undeclared set leaves behind is free.
        if address in planning.declared or not record.orphan_on_delete
    )
    look = ExistingLook(provider, planning.session.cache, head.address) if by_place else None
    membership = _Membership(planning, asset_set, others, _name_function(asset_set), look)
    seen = 0
    for page in _pages(provider, collection_id):
        inventory.add(membership.held(page, differences))
        seen += len(page)
        planning.session.events(Refreshing(head.address, seen))


def _pages(provider: Provider, collection_id: str) -> Iterator[list[ObservedUnit]]:
    listing = provider.list_units(collection_id)
    assert isinstance(listing, UnitListing)  # without a version there is nothing it could equal
    return listing.pages


def _name_function(asset_set: AssetSet) -> NameOf:
    rule = asset_set.existing.key_rule if asset_set.existing else None
    if rule is None:
        return lambda unit: unit.key or unicodedata.normalize("NFC", unit.name) or unit.remote_id
    from reconciler.sources.keys import key_function

    key_of = key_function(replace(asset_set, key_rule=rule))

    def name(unit: ObservedUnit) -> str | None:
        main = next((file for file in unit.files if file.is_primary), unit.files[0] if unit.files else None)
        return key_of("", "", main.name) if main else None

    return name


def _files(unit: ObservedUnit) -> list[JSON]:
    """Files as in the body of a unit; names and sizes only where they are told for the very files of its content."""
    told = [[file.spec, 0, file.name, file.size_bytes or 0, file.checksum or ""] for file in unit.files]
    if sorted((file[0], file[4]) for file in told) == sorted(unit.checksums.items()):
        return told
    return [[spec, 0, "", 0, checksum] for spec, checksum in unit.checksums.items()]


def _describe(
    asset_set: AssetSet, metadata: Sequence[MetadataSource], rules: UnitRules, inventory: Inventory
) -> list[Problem]:
    """Say what is desired of every unit; returns what is wrong with its metadata."""
    problems: list[Problem] = []
    units: Iterator[tuple[HeldUnit, Mapping[str, JSON]]] = ((unit, asset_set.meta) for unit in inventory.units())
    if metadata:
        from reconciler.sources import describe

        described = describe(asset_set, metadata, _file_rows(inventory), schema=rules.schema, report=problems.append)
        units = ((unit, meta) for unit, (_, meta) in zip(inventory.units(), described, strict=True))
    units = _fitted(units, asset_set, rules, problems)
    inventory.want(_wanted(unit, meta, asset_set.groups) for unit, meta in units)
    return problems


def _fitted(
    units: Iterator[tuple[HeldUnit, Mapping[str, JSON]]],
    asset_set: AssetSet,
    rules: UnitRules,
    problems: list[Problem],
) -> Iterator[tuple[HeldUnit, Mapping[str, JSON]]]:
    """Metadata in the form of the backend. What a unit is called is as good as it is there."""
    for unit, meta in units:
        fitted, flaws = rules.fit(Unit("unit", (), dict(meta))) if rules.fit else (None, ())
        where = str(asset_set.head.address.row(unit.key))
        problems += [Problem(flaw, address=where, fix="change its metadata") for flaw in flaws]
        yield unit, fitted.meta if fitted else meta


def _wanted(unit: HeldUnit, meta: Mapping[str, JSON], groups: tuple[str, ...]) -> tuple[str, str, str, int, int]:
    files = json.loads(unit.files)
    body = canonical_json({"files": files, "meta": dict(meta), "groups": list(groups)})
    return unit.remote_id, fields_digest(dict(meta), groups), body, len(files), sum(file[3] for file in files)


def _file_rows(inventory: Inventory) -> Iterator[FileRow]:
    from reconciler.sources.ledger import FileRow

    for unit in inventory.units():
        for _, source, name, size, _ in json.loads(unit.files) or [["", 0, "", 0, ""]]:
            yield FileRow(unit.key, 0, name, source, size, "")


def _population(planning: Planning, address: Address, inventory: Inventory) -> Population:
    cache, name = planning.session.cache, digest([_FORMAT, inventory.digest()])
    return cache.find(address, name) or cache.build(address, name, inventory.desired(), {})


def _note(unit: HeldUnit, fields: str, body: str, differences: RowDifferences) -> None:
    meta = json.loads(unit.meta)
    if unit.recorded == unit.key:
        differences.saw_changed(unit.key, RowDigests(unit.content, unit.seen or fields, unit.remote_id), meta)
    else:
        there = fields if holds(body, meta) else _LACKING
        differences.saw_heir(unit.key, RowDigests(unit.content, there, unit.remote_id), meta)


def _explain(explain: Explain, sides: RowSides, action: Action) -> Explanation:
    why = explain(sides, action)
    there = sides.remote
    if action is Action.UPDATE and isinstance(there, RowDigests) and sides.desired:
        # Others brought it to what is wanted now, or changed its files: that is only recorded.
        return replace(why, context={**why.context, "edit": there.fields != sides.desired.fields})
    return why


def _notes(on_delete: OnDelete, counts: RowCounts, drift: int) -> tuple[str, ...]:
    del drift  # shown apart
    if not counts.adopt:
        return ()
    end = "stay there" if on_delete is OnDelete.ORPHAN else "are deleted"
    return (f"units that the collection holds already; they {end} when this set goes (onDelete: {on_delete.value})",)
