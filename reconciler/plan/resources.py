"""What happens to one resource: the three-way decision, as a pure function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.diff.fields import diff_fields
from reconciler.diff.rules import Rules
from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.json import JSON
from reconciler.model.observed import Absent, Found
from reconciler.plan.refusals import Fixed, indelible, refusals
from reconciler.plan.values import Action, Change, Reason


@dataclass(frozen=True, slots=True)
class Wanted:
    """A declared resource. fields: with references; resolved: the same with remote ids (None where not yet known)."""

    address: Address
    backend: str
    fields: Mapping[str, JSON]
    resolved: Mapping[str, JSON]
    adopt: bool = False
    protect: bool = False


@dataclass(frozen=True, slots=True)
class Owned:
    """What the state holds of it. resolved: fields as last applied, with remote ids."""

    address: Address
    backend: str
    remote_id: str
    resolved: Mapping[str, JSON]
    protect: bool = False
    orphan: bool = False


def decide_declared(
    wanted: Wanted,
    owned: Owned | None,
    observed: Found | Absent | None,
    candidates: Sequence[Found],
    rules: Rules,
    immutable: frozenset[str] = frozenset(),
    fixed: Sequence[Fixed] = (),
) -> Change:
    """Decide about a declared resource.

    observed: what is at the owned id; None when nothing is owned. candidates: objects that carry our marker or the
    natural name, looked for when nothing is owned or the owned object is absent. immutable: top-level fields that the
    backend cannot change in place, so that the object is replaced. fixed: what it can neither change nor replace.
    """
    base = Change(
        wanted.address, Action.NO_OP, Reason.UNCHANGED, wanted.backend, desired=wanted.fields, protect=wanted.protect
    )
    if owned is not None and owned.backend != wanted.backend:
        note = f"it lives on backend {owned.backend!r}; destroy it there first, or use an environment"
        return replace(base, action=Action.BLOCKED, reason=Reason.UNSUPPORTED, notes=(note,))
    if owned is not None and isinstance(observed, Found):
        return _barred(_compare(base, wanted, owned, observed, rules, immutable), fixed)
    if candidates:
        return _barred(_take_over(base, wanted, candidates, rules), fixed)
    reason = Reason.NOT_REMOTE if owned is None else Reason.DELETED_OUTSIDE
    return replace(base, action=Action.CREATE, reason=reason, fields=diff_fields(wanted.resolved, {}, rules))


def _barred(change: Change, fixed: Sequence[Fixed]) -> Change:
    """Block a change of an object in place that the backend cannot make."""
    why = refusals(change.fields, fixed) if change.action in (Action.UPDATE, Action.ADOPT) else ()
    return replace(change, action=Action.BLOCKED, reason=Reason.UNSUPPORTED, notes=why) if why else change


def _compare(
    base: Change, wanted: Wanted, owned: Owned, observed: Found, rules: Rules, immutable: frozenset[str]
) -> Change:
    changes = diff_fields(wanted.resolved, observed.fields, rules, owned=owned.resolved)
    drift = _reversed(diff_fields(owned.resolved, observed.fields, rules))
    found = replace(base, fields=changes, drift=drift, remote_id=owned.remote_id)
    if not changes:
        return found
    if any(change.path[0] in immutable for change in changes):
        action = Action.BLOCKED if owned.protect or wanted.protect else Action.REPLACE
        reason = Reason.PROTECTED if action is Action.BLOCKED else Reason.CANNOT_UPDATE
        return replace(found, action=action, reason=reason)
    only_drift = {change.path for change in changes} <= {change.path for change in drift}
    reason = Reason.CHANGED_OUTSIDE if only_drift else Reason.FIELDS_DIFFER
    return replace(found, action=Action.UPDATE, reason=reason)


def _take_over(base: Change, wanted: Wanted, candidates: Sequence[Found], rules: Rules) -> Change:
    ours = [found for found in candidates if found.owner == str(wanted.address)]
    fits = ours or list(candidates)
    if len(ours) > 1 and ours[0].etag is not None and len({found.etag for found in ours}) == 1:
        ids = ", ".join(found.remote_id for found in ours)
        note = f"a request was delivered more than once (ids {ids}): the oldest is kept, its empty doubles are deleted"
        ours = fits = [min(ours, key=lambda found: (len(found.remote_id), found.remote_id))]
        base = replace(base, notes=(note,))
    if len(fits) > 1:
        ids = ", ".join(found.remote_id for found in fits)
        note = f"several objects fit (ids {ids}); import the right one: reconciler import {wanted.address} ID"
        return replace(base, action=Action.BLOCKED, reason=Reason.AMBIGUOUS, notes=(note,))
    found = fits[0]
    changes = diff_fields(wanted.resolved, found.fields, rules)
    base = replace(base, fields=changes, remote_id=found.remote_id)
    if ours:
        return replace(base, action=Action.ADOPT, reason=Reason.MARKED_AS_OURS)
    if wanted.adopt and found.owner is None:
        return replace(base, action=Action.ADOPT, reason=Reason.EXISTS)
    note = f"an object of that name exists (id {found.remote_id})"
    note += f" and belongs to {found.owner}" if found.owner else "; set lifecycle.onExists: adopt to take it over"
    return replace(base, action=Action.BLOCKED, reason=Reason.EXISTS_FOREIGN, notes=(note,))


def decide_undeclared(
    owned: Owned, observed: Found | Absent, *, destroy: bool, fixed: Sequence[Fixed] = (), along: Address | None = None
) -> Change:
    """Decide about a resource that we own and that no document declares (or that `destroy` takes).

    fixed: what the backend cannot do. along: what it hangs on and that goes in the same plan.
    """
    base = Change(owned.address, Action.DELETE, Reason.NOT_DECLARED, owned.backend, remote_id=owned.remote_id)
    if isinstance(observed, Absent):
        return replace(base, action=Action.FORGET, reason=Reason.GONE)
    if owned.protect:
        note = "lifecycle.protect was set when it was last applied; apply protect: false first"
        return replace(base, action=Action.BLOCKED, reason=Reason.PROTECTED, notes=(note,))
    if why := indelible(fixed):
        return _left_there(base, owned, why, along)
    if destroy:
        return replace(base, reason=Reason.DESTROY)
    if owned.orphan:
        return replace(base, action=Action.FORGET, reason=Reason.ORPHANED)
    return base


def _left_there(base: Change, owned: Owned, why: str, along: Address | None) -> Change:
    """An object that cannot be deleted is forgotten when that is wanted, or when it goes with something else."""
    if along is not None:
        return replace(base, action=Action.FORGET, reason=Reason.GONE_WITH, notes=(f"it goes with {along}",))
    if owned.orphan:
        return replace(base, action=Action.FORGET, reason=Reason.ORPHANED)
    return replace(base, action=Action.BLOCKED, reason=Reason.UNSUPPORTED, notes=(why,))


def _reversed(changes: tuple[FieldChange, ...]) -> tuple[FieldChange, ...]:
    return tuple(FieldChange(change.path, change.after, change.before) for change in changes)
