"""Views of entities on the wire: a scope, the types that are shown, columns, annotations and snapshots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.json import JSON
from reconciler.model.observed import Absent, Found
from reconciler.plan.refusals import Bar, Fixed, Remark
from reconciler.providers.base import Dependents, Desired, Settled
from reconciler.providers.http import HttpClient
from reconciler.providers.sage import columns, entities, snapshots
from reconciler.providers.sage.calls import Calls
from reconciler.providers.sage.described import (
    at_place,
    current,
    everywhere,
    read_as,
    rewrite,
    settled_annotations,
)
from reconciler.providers.sage.tables import change_columns, change_snapshots, found_table, make
from reconciler.providers.sage.wire import PREFIX, Row, object_in

KIND = "EntityView"
TYPE = PREFIX + "table.EntityView"
FIXED = (
    *snapshots.FIXED,
    Fixed(("include",), Bar.CHANGE, "a view keeps showing the types that it was made for; declare another view"),
)
REMARKS: tuple[Remark, ...] = ()
REPLACES: frozenset[str] = frozenset()
NATURAL = False
_BITS = {
    "files": 1,
    "projects": 2,
    "tables": 4,
    "folders": 8,
    "views": 16,
    "docker": 32,
    "submissionviews": 64,
    "datasets": 128,
    "datasetcollections": 256,
    "materializedviews": 512,
}


def read(calls: Calls, address: Address, remote_id: str) -> Found | Absent:  # noqa: ARG001
    """A bundle, its columns, and its versions."""
    return read_as(calls.repo, remote_id, TYPE, lambda there: _found(calls.repo, there))


def _found(client: HttpClient, there: Row) -> Found:
    entity = entities.object_of(there)
    mask = int(entity.get("viewTypeMask") or 0)
    shown = {
        "scope": [f"syn{str(one).removeprefix('syn')}" for one in entity.get("scopeIds") or ()],
        "include": [name for name, bit in _BITS.items() if mask & bit],
    }
    found = found_table(client, there)
    return replace(found, fields={**found.fields, **shown})


def find(calls: Calls, desired: Desired) -> tuple[Found, ...]:
    """The view of that name below its parent; none while the parent is to be made."""
    return at_place(calls.repo, desired, TYPE, lambda there: _found(calls.repo, there))


def settle(calls: Calls, desired: Desired, observed: Found | None, before: Mapping[str, JSON] | None) -> Settled:  # noqa: ARG001
    """Annotations as the service tells them. Raises Invalid when it cannot hold them."""
    return Settled(settled_annotations(desired.fields))


def create(calls: Calls, desired: Desired) -> Found:
    """`POST /entity/bundle2/create`, then snapshots. Without columns it gets those that the service suggests."""
    client, fields = calls.repo, desired.fields
    mask = _mask(fields)
    declared = fields.get("columns")
    ids = _default_ids(client, mask) if declared is None else columns.ids_of(client, declared)
    body: Row = {"concreteType": TYPE, "columnIds": ids, "viewTypeMask": mask, "scopeIds": _scope(fields)}
    return _found(client, make(client, body, fields))


def _mask(fields: Mapping[str, JSON]) -> int:
    return sum(_BITS[str(name)] for name in fields.get("include") or ("files",))


def _scope(fields: Mapping[str, JSON]) -> list[str]:
    """The official client sends ids without their prefix."""
    return [str(one).removeprefix("syn") for one in fields.get("scope") or ()]


def _default_ids(client: HttpClient, mask: int) -> list[str]:
    path = "/column/tableview/defaults"
    params = {"viewEntityType": "entityview", "viewTypeMask": str(mask)}
    listed = object_in(client.get(path, params), f"GET {path}").get("list") or []
    return [str(row["id"]) for row in listed]


def update(calls: Calls, desired: Desired, observed: Found, changes: tuple[FieldChange, ...]) -> Found:
    """Write what changes: the entity with its scope, annotations, columns in one transaction, then snapshots."""
    client = calls.repo
    is_rescoped = any(change.path[0] == "scope" for change in changes)
    own = {"scopeIds": _scope(desired.fields)} if is_rescoped else None
    rewrite(client, current(client, desired, observed), observed, changes, own)
    change_columns(client, desired, observed, changes)
    change_snapshots(client, observed, changes)
    return _found(client, entities.bundle(client, observed.remote_id))


def delete(calls: Calls, address: Address, remote_id: str) -> None:  # noqa: ARG001
    """To the trash, with its snapshots; what it shows stays."""
    entities.delete(calls.repo, remote_id)


def discover(calls: Calls) -> Iterator[Found]:
    """All views in projects and folders that can be read."""
    for remote_id in everywhere(calls.repo, "entityview", TYPE):
        yield _found(calls.repo, entities.bundle(calls.repo, remote_id))


def dependents(calls: Calls, remote_id: str) -> Dependents:
    """Its snapshots."""
    return Dependents(versions=len(snapshots.read(calls.repo, remote_id)))
