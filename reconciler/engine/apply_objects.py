"""Carry out changes of resources that are one remote object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from reconciler.diff.desired import KNOWN_AFTER_APPLY, declared_paths, resolve
from reconciler.diff.fields import diff_fields
from reconciler.diff.rules import RULES
from reconciler.engine.running import Applying
from reconciler.engine.settling import desired_object, settled, settled_before
from reconciler.errors import Conflict, NotFound
from reconciler.graph import references
from reconciler.model.address import Address
from reconciler.model.change import FieldChange, Missing
from reconciler.model.json import JSON, canonical_json
from reconciler.model.observed import Found
from reconciler.model.resource import OnDelete, Resource
from reconciler.plan.values import Action, Change
from reconciler.providers.base import Desired, Provider
from reconciler.state.values import OwnedResource


def apply_object(run: Applying, change: Change) -> str | None:
    """Carry out one change; returns the remote id. The intent is on disk before the call, the outcome after it."""
    match change.action:
        case Action.NO_OP:
            return _remember_settings(run, change)
        case Action.FORGET | Action.MOVE:
            run.store.drop_resource(change.address)
            return None
        case Action.BLOCKED:
            raise Conflict(f"{change.address} is blocked: {change.reason.value}")
        case Action.CREATE | Action.ADOPT | Action.UPDATE | Action.REPLACE | Action.DELETE:
            return _call(run, change)
        case _ as never:
            assert_never(never)


def _call(run: Applying, change: Change) -> str | None:
    provider = run.session.provider(change.backend)
    intent = run.store.begin(change.address, change.action.value, (), now=run.timestamp())
    if change.action in (Action.DELETE, Action.REPLACE):
        provider.delete(change.address, change.remote_id or "")
    if change.action is Action.DELETE:
        run.store.drop_resource(change.address, intent=intent)
        return None
    fields = resolve(change.desired or {}, run.remote_id)
    adopt = change.action is Action.ADOPT
    desired = desired_object(run.declared.get(change.address), change.address, fields, adopt=adopt)
    if change.action in (Action.CREATE, Action.REPLACE):
        found = _created(run, provider, settled(provider, desired, None), intent)
    else:
        found = _update(run, provider, desired, change)
    declared = run.declared.get(change.address)
    record = owned_resource(declared, change.address, change.backend, change.desired or {}, found.remote_id, found.etag)
    run.store.save_resource(record, intent=intent)
    return found.remote_id


def _created(run: Applying, provider: Provider, desired: Desired, intent: int) -> Found:
    """Create an object. One that is there already is somebody else's: then nothing of ours is under way."""
    try:
        return provider.create(desired)
    except Conflict:
        run.store.end(intent)
        raise


def _update(run: Applying, provider: Provider, desired: Desired, change: Change) -> Found:
    owned = run.store.resource(change.address)
    paths = declared_paths(desired.fields, owned.fields if owned else None)
    observed = provider.read(change.address, change.remote_id or "", wanted=paths)
    if not isinstance(observed, Found):
        raise NotFound(f"{change.address} is gone since the plan was made", fix="plan again")
    before: Mapping[str, JSON] | None = resolve(owned.fields, run.remote_id) if owned else None
    desired = settled(provider, desired, observed, before)
    before = None if before is None else settled_before(provider, desired, before, observed)
    changes = diff_fields(desired.fields, observed.fields, RULES[change.address.kind], owned=before)
    if not _is_as_planned(changes, change.fields):
        raise Conflict(f"{change.address} changed since the plan was made", fix="plan again and look at the difference")
    return provider.update(desired, observed, changes)


def _is_as_planned(now: tuple[FieldChange, ...], planned: tuple[FieldChange, ...]) -> bool:
    """A field that waited for an id may have any value now, an item that waited for its key any key."""
    waiting = [change.path for change in planned if change.after == KNOWN_AFTER_APPLY]
    waiting += [change.path for change in planned if change.path[-1].startswith(KNOWN_AFTER_APPLY)]
    return {change for change in _hashable(now) if not _waited(change[0], waiting)} <= set(_hashable(planned))


def _waited(path: tuple[str, ...], waiting: Sequence[tuple[str, ...]]) -> bool:
    return any(path == other or (path[:-1] == other[:-1] and _is_unknown(other)) for other in waiting)


def _is_unknown(path: tuple[str, ...]) -> bool:
    return path[-1].startswith(KNOWN_AFTER_APPLY)


def _hashable(changes: tuple[FieldChange, ...]) -> list[tuple[tuple[str, ...], str, str]]:
    return [(change.path, _text(change.before), _text(change.after)) for change in changes]


def _text(value: JSON | Missing) -> str:
    """Equal values give equal text, whatever the order of their keys: a plan file sorts them."""
    return "" if isinstance(value, Missing) else canonical_json(value)


def _remember_settings(run: Applying, change: Change) -> str | None:
    """Nothing to do remotely; what the documents say of the resource may still have changed (protect, …)."""
    owned = run.store.resource(change.address)
    if owned is None or change.desired is None:
        return change.remote_id
    declared = run.declared.get(change.address)
    record = owned_resource(declared, change.address, change.backend, change.desired, owned.remote_id, owned.etag)
    if record != owned_without_rows(owned):
        run.store.save_resource(record)
    return owned.remote_id


def owned_without_rows(owned: OwnedResource) -> OwnedResource:
    """The record without what only its rows changed, for comparison."""
    return OwnedResource(
        owned.address,
        owned.backend,
        owned.remote_id,
        owned.fields,
        owned.parent_id,
        owned.etag,
        owned.protect,
        owned.orphan_on_delete,
        owned.depends,
    )


def owned_resource(
    declared: Resource | None,
    address: Address,
    backend: str,
    fields: Mapping[str, JSON],
    remote_id: str | None,
    etag: str | None = None,
    parent_id: str | None = None,
) -> OwnedResource:
    """The state's record of a declared resource."""
    return OwnedResource(
        address=address,
        backend=backend,
        remote_id=remote_id,
        fields=dict(fields),
        parent_id=parent_id,
        etag=etag,
        protect=bool(declared and declared.head.lifecycle.protect),
        orphan_on_delete=bool(declared and declared.head.lifecycle.on_delete is OnDelete.ORPHAN),
        depends=_needs(declared),
    )


def _needs(declared: Resource | None) -> tuple[Address, ...]:
    return tuple(sorted(references(declared))) if declared else ()
