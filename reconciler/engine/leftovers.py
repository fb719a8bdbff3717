"""What a backend holds below declared objects and no declared set owns, and the sets that would take it. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.engine.session import Session
from reconciler.model.address import Address
from reconciler.model.observed import ObservedUnit
from reconciler.model.resource import AnnotationProject, AssetSet, Collection, External, Reference
from reconciler.providers.base import TaskListing, UnitListing
from reconciler.state.store import StateStore


@dataclass(frozen=True, slots=True)
class Parent:
    """A declared object that is there: a collection or a project."""

    address: Address
    backend: str
    remote_id: str


@dataclass(slots=True)
class Leftovers:
    """Units of one collection that no declared set owns. unmarked: how many carry nobody's marker.

    sets: name of an asset set that is not declared → how many units carry its marker; recorded: those of them that the
    state gives to it without a marker.
    """

    collection: Parent
    unmarked: int = 0
    sets: dict[str, int] = field(default_factory=dict)
    recorded: dict[str, int] = field(default_factory=dict)


def parents(session: Session, store: StateStore, kind: type[Collection] | type[AnnotationProject]) -> list[Parent]:
    """Declared objects of a kind that the state knows, by address."""
    found = []
    for resource in session.configuration.resources:
        record = store.resource(resource.head.address) if isinstance(resource, kind) else None
        if record is not None and record.remote_id is not None:
            found.append(Parent(record.address, record.backend, record.remote_id))
    return found


def find_leftovers(session: Session, store: StateStore, collection: Parent) -> Leftovers:
    """List a collection and count, page by page, what no declared set owns."""
    found = Leftovers(collection)
    for page in unowned_units(session, store, collection):
        for unit, address in page:
            if unit.owner is None and address is None:
                found.unmarked += 1
            elif unit.owner is None and address is not None:
                found.recorded[address.name] = found.recorded.get(address.name, 0) + 1
            elif unit.owner is not None:
                found.sets[unit.owner.name] = found.sets.get(unit.owner.name, 0) + 1
    return found


def unowned_units(
    session: Session, store: StateStore, collection: Parent
) -> Iterator[list[tuple[ObservedUnit, Address | None]]]:
    """Pages of (unit, undeclared set that the state gives it to, if any) of units that no declared set owns."""
    declared = {r.head.address for r in session.configuration.resources if isinstance(r, AssetSet)}
    sets = [a for a, record in store.resources().items() if a.kind == "AssetSet" and record.parent_id]
    listing = session.provider(collection.backend).list_units(collection.remote_id)
    assert isinstance(listing, UnitListing)
    for page in listing.pages:
        ids = [unit.remote_id for unit in page]
        owners = {remote_id: address for address in sets for remote_id in store.rows_by_remote_id(address, ids)}
        owned = {remote_id for remote_id, address in owners.items() if address in declared}
        yield [(unit, owners.get(unit.remote_id)) for unit in page if unit.remote_id not in owned]


def sets_of(session: Session, store: StateStore, collection: Reference | None) -> Iterator[AssetSet]:
    """Declared asset sets of a collection."""
    wanted = _remote_id(store, collection)
    for resource in session.configuration.resources:
        if isinstance(resource, AssetSet) and wanted and _remote_id(store, resource.collection) == wanted:
            yield resource


def units_with_task(session: Session, store: StateStore, project: Parent, assets: Address) -> int:
    """How many units of a set have a task in a project."""
    listing = session.provider(project.backend).list_tasks(project.remote_id)
    assert isinstance(listing, TaskListing)
    seen: set[str] = set()
    for page in listing.pages:
        seen.update(store.rows_by_remote_id(assets, [task.unit_id for task in page]))
    return len(seen)


def _remote_id(store: StateStore, reference: Reference | None) -> str | None:
    if reference is None or isinstance(reference, External):
        return reference.id if reference else None
    record = store.resource(reference.address)
    return record.remote_id if record else None
