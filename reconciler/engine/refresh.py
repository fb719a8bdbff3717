"""Read the rows of a set back from the backend and note where they differ from what we recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from reconciler.engine.events import Refreshing
from reconciler.engine.places import PlaceLook, digests_of
from reconciler.engine.session import Session
from reconciler.model.address import Address
from reconciler.model.observed import ObservedUnit
from reconciler.model.unit import content_digest, fields_digest
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
    look = PlaceLook(session, provider, store, owned.address, differences, population)

    def listing(etag: str | None) -> UnitListing | NotModified:
        return provider.list_units(owned.parent_id or "", etag=etag)

    def note(page: list[ObservedUnit]) -> None:
        if provider.capabilities.by_place:
            look.note(page)
        else:
            _note_page(page, owned.address, store, differences)

    refresh_rows(session, store, owned, differences, listing, note)


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
            differences.saw_stranger(content_digest(unit.checksums), unit.remote_id, dict(unit.meta))


def _note_recorded(unit: ObservedUnit, row: OwnedRow, address: Address, differences: RowDifferences) -> None:
    there = as_there(unit, row, address)
    if not row.is_as(there):
        differences.saw_changed(row.key, there, dict(unit.meta))


def as_there(unit: ObservedUnit, row: OwnedRow, address: Address) -> RowDigests:
    """Digests of a recorded unit as it is there now, by what is ours of it."""
    found = digests_of(unit, row)
    content, fields = found.content, found.fields
    if unit.owner != address.row(row.key) and (row.shape.marked or unit.owner is not None):
        fields = "unmarked"  # the marker itself was edited away: a change to repair
    return RowDigests(content, fields, row.remote_id)


def _note_unrecorded(
    unit: ObservedUnit, key: str, address: Address, store: StateStore, differences: RowDifferences
) -> None:
    digests = RowDigests(content_digest(unit.checksums), fields_digest(unit.meta, ()), unit.remote_id)
    if next(store.rows(address, [key]), None) is None:
        differences.saw_unrecorded(key, digests, dict(unit.meta))
    else:
        differences.saw_twin(key, digests, dict(unit.meta))
