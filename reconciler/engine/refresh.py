"""Read the rows of a set back from the backend and note where they differ from what we recorded."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from typing import Protocol, TypeVar

from reconciler.engine.events import Refreshing
from reconciler.engine.session import Session
from reconciler.model.address import Address
from reconciler.model.json import JSON
from reconciler.model.observed import ObservedUnit
from reconciler.model.unit import attributes_digest, content_digest, fields_digest
from reconciler.plan.rows import RowDigests
from reconciler.providers.base import NotModified, Provider, UnitListing
from reconciler.state.differences import RowDifferences
from reconciler.state.populations import Population
from reconciler.state.store import StateStore
from reconciler.state.values import OwnedResource, OwnedRow

Row = TypeVar("Row")


class Listing(Protocol[Row]):
    """What a provider lists, of any kind of row."""

    @property
    def etag(self) -> str | None:
        """Version of the whole listing."""

    @property
    def pages(self) -> Iterator[list[Row]]:
        """Its rows."""


def refresh_units(
    session: Session,
    provider: Provider,
    store: StateStore,
    owned: OwnedResource,
    differences: RowDifferences,
    population: Population | None = None,
) -> None:
    """List all units of the set's collection and note differences; see `refresh_rows`.

    population: what is desired; where units are known by their place, others are not looked at.
    """
    look = _PlaceLook(session, provider, store, owned.address, differences, population)

    def listing(etag: str | None) -> UnitListing | NotModified:
        return provider.list_units(owned.parent_id or "", etag=etag)

    def note(page: list[ObservedUnit]) -> None:
        if provider.capabilities.by_place:
            look.note(page)
        else:
            _note_page(page, owned.address, store, differences)

    refresh_rows(session, store, owned, differences, listing, note)


_MISPLACED = "at "


def misplaced(fields: str) -> str | None:
    """The place where others put a row, when that is what its digest of fields says."""
    return fields.removeprefix(_MISPLACED) if fields.startswith(_MISPLACED) else None


def proof_of(row: OwnedRow) -> str:
    """What the state says of a row, as one text: what a look at the backend confirmed."""
    return "|".join((row.key, row.content, row.fields, row.attributes))


class _PlaceLook:
    """Notes units that are known by their place. Only those are read in full that may have changed."""

    def __init__(
        self,
        session: Session,
        provider: Provider,
        store: StateStore,
        address: Address,
        differences: RowDifferences,
        population: Population | None,
    ) -> None:
        self._session, self._provider, self._store = session, provider, store
        self._address, self._differences, self._population = address, differences, population
        begun = [i for i in store.intents() if i.address == address and i.action in ("create", "adopt", "replace")]
        self._begun = {key for intent in begun for key in intent.keys}

    def note(self, page: list[ObservedUnit]) -> None:
        """Take a page of a listing in outline."""
        ids = [unit.remote_id for unit in page]
        recorded = self._store.rows_by_remote_id(self._address, ids)
        self._differences.saw(recorded)
        confirmed = self._session.cache.confirmed(self._address, ids)
        wanted = self._differences.wanted(self._population, [unit.key or "" for unit in page]) | self._begun
        unsure = [unit for unit in page if self._must_read(unit, recorded, confirmed, wanted)]
        equal = [
            (unit.remote_id, unit.token, proof_of(recorded[unit.remote_id]))
            for unit in (self._provider.read_units(unsure) if unsure else ())
            if self._equals(unit, recorded.get(unit.remote_id)) and unit.token is not None
        ]
        if equal:
            self._session.cache.confirm(self._address, equal)

    def _must_read(
        self,
        unit: ObservedUnit,
        recorded: Mapping[str, OwnedRow],
        confirmed: Mapping[str, tuple[str, str]],
        wanted: Container[str],
    ) -> bool:
        row = recorded.get(unit.remote_id)
        if row is None:
            return unit.key in wanted
        return confirmed.get(unit.remote_id) != (unit.token, proof_of(row)) or unit.key != row.key

    def _equals(self, unit: ObservedUnit, row: OwnedRow | None) -> bool:
        """Note one unit; says whether it is exactly as recorded."""
        if row is None:
            self._note_unrecorded(unit, unit.key or "")
            return False
        digests = _digests(unit, row)
        equal = unit.key == row.key and (digests.content, digests.fields) == (row.content, row.fields)
        if not equal:
            found = (
                digests
                if unit.key == row.key
                else RowDigests(digests.content, f"{_MISPLACED}{unit.key}", row.remote_id)
            )
            self._differences.saw_changed(row.key, found, dict(unit.meta))
        return equal

    def _note_unrecorded(self, unit: ObservedUnit, key: str) -> None:
        fields = fields_digest(unit.meta, (), attributes_digest(unit.attributes))
        digests = RowDigests(content_digest(unit.checksums), fields, unit.remote_id)
        ours = key in self._begun
        if next(self._store.rows(self._address, [key]), None) is not None:
            self._differences.saw_occupant(key, digests, dict(unit.meta), ours=ours)
        elif ours:
            self._differences.saw_unrecorded(key, digests, dict(unit.meta))
        else:
            self._differences.saw_foreign(key, digests, dict(unit.meta))


def refresh_rows(
    session: Session,
    store: StateStore,
    owned: OwnedResource,
    differences: RowDifferences,
    listing: Callable[[str | None], Listing[Row] | NotModified],
    note: Callable[[list[Row]], None],
) -> None:
    """Read a listing page by page and have differences noted.

    When the backend versions its listings, an unchanged one is not listed again, and a listing that equals our record
    is remembered with its version. listing: gives it, unless it still has the version passed. note: takes a page.
    """
    version = store.version
    known = session.cache.clean_listing(owned.address, version.lineage, owned.revision)
    found = listing(known)
    if isinstance(found, NotModified):
        return
    seen = 0
    for page in found.pages:
        note(page)
        seen += len(page)
        session.events(Refreshing(owned.address, seen))
    differences.finish_refresh()
    # Without a record there is nothing that the listing could equal: what it holds must be looked at again.
    if found.etag and store.resource(owned.address) and not differences.found_any:
        session.cache.record_clean_listing(owned.address, version.lineage, owned.revision, found.etag)


def _note_page(page: list[ObservedUnit], address: Address, store: StateStore, differences: RowDifferences) -> None:
    recorded = store.rows_by_remote_id(address, [unit.remote_id for unit in page])
    differences.saw(recorded)
    for unit in page:
        row = recorded.get(unit.remote_id)
        if row is not None:
            _note_recorded(unit, row, address, differences)
        elif unit.owner is not None and unit.owner.resource == address and unit.owner.key is not None:
            _note_unrecorded(unit, unit.owner.key, address, store, differences)
        elif unit.checksums:
            differences.saw_stranger(content_digest(unit.checksums), unit.remote_id)


def _note_recorded(unit: ObservedUnit, row: OwnedRow, address: Address, differences: RowDifferences) -> None:
    found = _digests(unit, row)
    content, fields = found.content, found.fields
    if unit.owner != address.row(row.key):
        fields = "unmarked"  # the marker itself was edited away: a change to repair
    if content != row.content or fields != row.fields:
        differences.saw_changed(row.key, RowDigests(content, fields, row.remote_id), dict(unit.meta))


def _note_unrecorded(
    unit: ObservedUnit, key: str, address: Address, store: StateStore, differences: RowDifferences
) -> None:
    digests = RowDigests(content_digest(unit.checksums), fields_digest(unit.meta, ()), unit.remote_id)
    if next(store.rows(address, [key]), None) is None:
        differences.saw_unrecorded(key, digests, dict(unit.meta))
    else:
        differences.saw_twin(key, digests, dict(unit.meta))


def _digests(unit: ObservedUnit, row: OwnedRow) -> RowDigests:
    """Digests of what is ours of an observed unit; those of attributes are compared with what we last saw."""
    content = content_digest(unit.checksums) if unit.checksums else row.content
    declared = row.fields.partition("/")[2]
    there = {name: unit.attributes[name] for name in row.shape.attributes if name in unit.attributes}
    attributes = declared if attributes_digest(there) == row.attributes else "changed"
    fields = fields_digest(_ours(unit.meta, row), row.shape.groups, attributes)
    return RowDigests(content, fields, row.remote_id)


def _ours(meta: Mapping[str, JSON], row: OwnedRow) -> dict[str, JSON]:
    """The part of the observed metadata that we wrote."""
    return {key: meta[key] for key in row.shape.keys if key in meta}
