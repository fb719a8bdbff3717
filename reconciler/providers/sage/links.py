"""Links on the wire: entities that stand for another one, at a version if need be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.diff.desired import KNOWN_AFTER_APPLY
from reconciler.errors import Conflict, Invalid, NotFound
from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.json import JSON
from reconciler.model.observed import Absent, Found
from reconciler.plan.refusals import Fixed, Remark
from reconciler.providers.base import Dependents, Desired, Settled
from reconciler.providers.patching import patched
from reconciler.providers.sage import entities
from reconciler.providers.sage.calls import Calls
from reconciler.providers.sage.fields import told, written
from reconciler.providers.sage.limits import checked_name
from reconciler.providers.sage.walking import everything
from reconciler.providers.sage.wire import LINK, Row, object_in

KIND = "Link"
FIXED: tuple[Fixed, ...] = ()
REMARKS: tuple[Remark, ...] = ()
REPLACES: frozenset[str] = frozenset()
NATURAL = False
_NAMES = {"title": "name", "description": "description", "parent": "parentId"}


def read(calls: Calls, address: Address, remote_id: str) -> Found | Absent:  # noqa: ARG001
    """One bundle. Raises Invalid for an entity that is no link."""
    try:
        return _found(entities.object_of(entities.bundle(calls.repo, remote_id)))
    except NotFound:
        return Absent()


def _found(entity: Row) -> Found:
    if entity.get("concreteType") != LINK:
        raise Invalid(f"{entity.get('id')} is no link", fix="name a link")
    to = entity.get("linksTo") or {}
    fields = told(entity, _NAMES, texts=frozenset({"description"})) | {"target": to.get("targetId")}
    fields |= {"version": to["targetVersionNumber"]} if to.get("targetVersionNumber") is not None else {}
    return Found(str(entity["id"]), fields, etag=str(entity.get("etag")))


def find(calls: Calls, desired: Desired) -> tuple[Found, ...]:
    """The link of that name below its parent. Raises Conflict when something else has the name."""
    parent = str(desired.fields["parent"])
    if parent == KNOWN_AFTER_APPLY:
        return ()
    name = checked_name(desired.fields)
    found = entities.child(calls.repo, parent, name)
    if found is None:
        return ()
    entity = entities.object_of(entities.bundle(calls.repo, found))
    if entity.get("concreteType") != LINK:
        raise Conflict(f"{name!r} is there and is no link ({found})", fix="rename one of the two")
    return (_found(entity),)


def settle(calls: Calls, desired: Desired, observed: Found | None, before: Mapping[str, JSON] | None) -> Settled:  # noqa: ARG001
    """Fields are told as they are declared. Raises Invalid for a name that the service cannot hold."""
    checked_name(desired.fields)
    return Settled(desired.fields)


def create(calls: Calls, desired: Desired) -> Found:
    """`POST /entity/bundle2/create`. Raises Conflict when the name is taken."""
    body: Row = {"concreteType": LINK, **written(desired.fields, _NAMES), **_target(calls, desired.fields)}
    return _found(entities.object_of(entities.create_bundle(calls.repo, body, {})))


def _target(calls: Calls, fields: Mapping[str, JSON]) -> Row:
    target = str(fields["target"])
    path = f"/entity/{target}/type"
    try:
        kind = object_in(calls.repo.get(path), f"GET {path}").get("type")
    except NotFound as error:
        raise Invalid(f"there is no entity {target} to link to", fix="name another target") from error
    to: Row = {"targetId": target}
    to |= {"targetVersionNumber": fields["version"]} if fields.get("version") is not None else {}
    return {"linksTo": to, "linksToClassName": kind}


def update(calls: Calls, desired: Desired, observed: Found, changes: tuple[FieldChange, ...]) -> Found:
    """`PUT /entity/{id}` with the etag that it was read with; another parent or name is the same link."""
    entity = entities.object_of(entities.bundle(calls.repo, observed.remote_id))
    if entity.get("etag") != observed.etag:
        raise Conflict(f"{desired.address} changed since it was read", status=412, fix="plan again")
    after = patched(observed.fields, changes)
    kept = {key: value for key, value in entity.items() if key != "description"}
    return _found(entities.put_entity(calls.repo, kept | written(after, _NAMES) | _target(calls, after)))


def delete(calls: Calls, address: Address, remote_id: str) -> None:  # noqa: ARG001
    """To the trash; the target stays."""
    entities.delete(calls.repo, remote_id)


def discover(calls: Calls) -> Iterator[Found]:
    """All links in all projects and folders."""
    for row in everything(calls.repo, ("link",)):
        if row.get("type") == LINK:
            yield _found(entities.object_of(entities.bundle(calls.repo, str(row["id"]))))


def dependents(calls: Calls, remote_id: str) -> Dependents:  # noqa: ARG001
    """Nothing hangs on a link."""
    return Dependents()
