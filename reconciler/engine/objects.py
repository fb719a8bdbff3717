"""Plan resources that are one remote object: collections, projects, and all that have no rows."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from reconciler.diff.desired import KNOWN_AFTER_APPLY, declared_paths, desired_fields, resolve
from reconciler.diff.rules import RULES
from reconciler.engine.context import Planning, Refresh
from reconciler.engine.dangers import blocked_by_units, object_dangers
from reconciler.engine.settling import desired_object, settled_before
from reconciler.engine.table_file import desired_rows
from reconciler.engine.tables import with_rows
from reconciler.errors import ConfigError, Conflict, Invalid, Location, Problem
from reconciler.model.address import Address
from reconciler.model.observed import Absent, Found
from reconciler.model.resource import AnnotationProject, Collection, OnExists, RemoteObject
from reconciler.plan.resources import Owned, Wanted, decide_declared, decide_undeclared
from reconciler.plan.values import Action, Change
from reconciler.providers.base import Desired, Provider, Settled
from reconciler.state.values import OwnedResource

_WRITING = (Action.CREATE, Action.UPDATE, Action.ADOPT, Action.REPLACE)


def plan_declared_object(planning: Planning, resource: Collection | AnnotationProject | RemoteObject) -> Change:
    """Compare one declared object with the backend and add the decision."""
    head = resource.head
    provider = planning.session.provider(head.backend)
    if head.address.kind not in provider.capabilities.kinds:
        text = f"backend {head.backend!r} ({provider.name}) has no {head.address.kind}"
        raise ConfigError([Problem(text, head.location, fix="choose another spec.backend")])
    population = desired_rows(planning, resource, provider) if isinstance(resource, RemoteObject) else None
    local = provider.capabilities.local.get(head.address.kind, frozenset())
    fields = {name: value for name, value in desired_fields(resource).items() if name not in local}
    wanted = Wanted(
        address=head.address,
        backend=head.backend,
        fields=fields,
        resolved=resolve(fields, planning.remote_id),
        adopt=head.lifecycle.on_exists is OnExists.ADOPT
        or head.address.kind in provider.capabilities.natural
        or planning.takes_over(provider),
        protect=head.lifecycle.protect,
    )
    record = planning.owned.get(head.address)
    owned = _owned(planning, record) if record else None
    observed = _observe(planning, provider, record, wanted)
    candidates: tuple[Found, ...] = ()
    if not isinstance(observed, Found) and planning.options.refresh is not Refresh.NONE:
        candidates = _candidates(planning, provider, wanted, head.location)
    notes: tuple[str, ...] = ()
    if not _trusts_state(planning, record, wanted):
        there = observed if isinstance(observed, Found) else candidates[0] if len(candidates) == 1 else None
        desired = desired_object(resource, head.address, wanted.resolved, adopt=wanted.adopt)
        settled = _settled(provider, desired, there, owned, head.location)
        wanted, notes = replace(wanted, resolved=settled.fields), settled.notes
        owned = replace(owned, resolved=settled_before(provider, desired, owned.resolved, there)) if owned else None
    immutable = provider.capabilities.replaces.get(head.address.kind, frozenset())
    fixed = provider.capabilities.fixed.get(head.address.kind, ())
    change = decide_declared(wanted, owned, observed, candidates, RULES[head.address.kind], immutable, fixed)
    if change.action in _WRITING and change.fields:
        change = replace(change, notes=(*change.notes, *notes))
    change = blocked_by_units(planning, change)
    if planning.options.server_dry_run:
        _rehearse(planning, provider, change, Desired(head.address, wanted.resolved, wanted.adopt), head.location)
    if population is not None and isinstance(resource, RemoteObject):
        change = with_rows(planning, resource, change, population)
    return _added(planning, change)


def _settled(provider: Provider, desired: Desired, there: Found | None, owned: Owned | None, at: Location) -> Settled:
    """What is wanted in the backend's own terms, and what it says to that. Raises ConfigError when it cannot be."""
    try:
        return provider.settle(desired, there, owned.resolved if owned else None)
    except Invalid as error:
        raise _document_error(error, desired.address, at) from error


def _document_error(error: Invalid, address: Address, at: Location) -> ConfigError:
    return ConfigError([Problem(error.message, at, fix=error.fix or "change the document", address=str(address))])


def _candidates(planning: Planning, provider: Provider, wanted: Wanted, at: Location) -> tuple[Found, ...]:
    """What may be taken over. Where no marker tells, what stands where a create of ours was cut is ours.

    Raises ConfigError when the backend says that the document cannot be right.
    """
    try:
        found = provider.find(Desired(wanted.address, wanted.resolved, wanted.adopt))
    except Invalid as error:
        raise _document_error(error, wanted.address, at) from error
    begun = [i for i in planning.store.intents() if i.address == wanted.address and i.action == Action.CREATE.value]
    if not provider.capabilities.by_place or not begun:
        return found
    return tuple(replace(item, owner=str(wanted.address)) for item in found)


def _rehearse(planning: Planning, provider: Provider, change: Change, desired: Desired, at: Location) -> None:
    """Ask the backend whether it would take a change; what it says against it is a problem of the document."""
    if change.action not in (Action.CREATE, Action.UPDATE) or KNOWN_AFTER_APPLY in desired.fields.values():
        return
    try:
        provider.rehearse(desired, change.remote_id if change.action is Action.UPDATE else None, change.fields)
    except (Invalid, Conflict) as error:
        fix = error.fix or "change the document, then plan again"
        planning.problems.append(Problem(error.message, at, fix=fix, address=str(change.address)))


def plan_undeclared_object(planning: Planning, record: OwnedResource, going: Container[Address]) -> Change:
    """Decide about an object that nobody declares any more. going: everything that goes in this plan."""
    provider = planning.session.provider(record.backend)
    observed: Found | Absent = Found(record.remote_id or "")
    if planning.options.refresh is not Refresh.NONE:
        observed = provider.read(record.address, record.remote_id or "", wanted=declared_paths(record.fields))
    fixed = provider.capabilities.fixed.get(record.address.kind, ())
    along = next((address for address in record.depends if address in going and _is_deleted(planning, address)), None)
    owned = _owned(planning, record)
    change = decide_undeclared(owned, observed, destroy=planning.options.destroy, fixed=fixed, along=along)
    return _added(planning, change)


def _is_deleted(planning: Planning, address: Address) -> bool:
    """Whether something that goes is deleted, and not only forgotten."""
    return planning.options.destroy or not planning.owned[address].orphan_on_delete


def _added(planning: Planning, change: Change) -> Change:
    change = replace(change, notes=(*change.notes, *object_dangers(planning, change)))
    planning.add(change)
    return change


def _observe(
    planning: Planning, provider: Provider, record: OwnedResource | None, wanted: Wanted
) -> Found | Absent | None:
    if record is None or record.backend != wanted.backend:
        return None
    if _trusts_state(planning, record, wanted):
        return Found(record.remote_id or "", resolve(record.fields, planning.remote_id), record.etag)
    paths = declared_paths(record.fields, wanted.fields)
    return provider.read(record.address, record.remote_id or "", wanted=paths)


def _trusts_state(planning: Planning, record: OwnedResource | None, wanted: Wanted) -> bool:
    """Whether what was applied last is taken for what is there, as it was declared."""
    if planning.options.refresh is Refresh.CHANGED:
        return record is not None and dict(record.fields) == dict(wanted.fields)
    return planning.options.refresh is Refresh.NONE


def _owned(planning: Planning, record: OwnedResource) -> Owned:
    return Owned(
        address=record.address,
        backend=record.backend,
        remote_id=record.remote_id or "",
        resolved=resolve(record.fields, planning.remote_id),
        protect=record.protect,
        orphan=record.orphan_on_delete,
    )
