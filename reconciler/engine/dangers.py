"""Sentences that say what a change endangers: what hangs on what goes, and units that would no longer fit."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from reconciler.engine.context import Planning, Refresh
from reconciler.errors import Invalid, NotFound
from reconciler.model.address import Address
from reconciler.model.change import FieldChange, Missing
from reconciler.model.json import JSON
from reconciler.plan.refusals import remarks
from reconciler.plan.values import Action, Change, Reason
from reconciler.providers.base import Dependents, NotModified, Provider

_GONE = (Action.DELETE, Action.REPLACE)


def row_dangers(
    planning: Planning, address: Address, backend: str, parent: str | None, lost: Collection[str]
) -> tuple[str, ...]:
    """What hangs on the rows that are replaced or deleted. lost: their remote ids; nothing is asked without any."""
    if not lost or parent is None or planning.options.refresh is Refresh.NONE:
        return ()
    found = _dependents(planning.session.provider(backend), address, parent, lost)
    what = "units" if address.kind == "AssetSet" else "tasks"
    return _sentence(found, f"hang on the {what} that are replaced or deleted", of_units=address.kind == "AssetSet")


def object_dangers(planning: Planning, change: Change) -> tuple[str, ...]:
    """What the backend wants thought about, what goes with an object, units that narrower specifications leave out."""
    if change.action in (Action.CREATE, Action.UPDATE, Action.ADOPT):
        rules = planning.session.provider(change.backend).capabilities.remarks.get(change.address.kind, ())
        return (*remarks(change.fields, rules), *_of_what_is_there(planning, change))
    return _of_what_is_there(planning, change)


def _of_what_is_there(planning: Planning, change: Change) -> tuple[str, ...]:
    if change.remote_id is None or planning.options.refresh is Refresh.NONE:
        return ()
    provider = planning.session.provider(change.backend)
    if change.action in _GONE:
        found = _dependents(provider, change.address, change.remote_id)
        return (*_sentence(found, "go with it", of_units=False), *found.notes)
    if change.address.kind == "Collection" and change.action in (Action.UPDATE, Action.ADOPT):
        removed = [f"danger: the group {name!r} goes, with the groups below it" for name in removed_groups(change)]
        return (*removed, *_narrowed(provider, change.remote_id, change.fields))
    return ()


def removed_groups(change: Change) -> tuple[str, ...]:
    """Names of groups of a collection's units that a change removes."""
    if change.address.kind != "Collection":
        return ()
    removed = (one.path for one in change.fields if isinstance(one.after, Missing))
    return tuple(path[2] for path in removed if len(path) == 3 and path[1] == "groups")


def blocked_by_units(planning: Planning, change: Change) -> Change:
    """Block a change that removes groups which units are in: they would silently lose them."""
    if change.action is not Action.UPDATE or planning.options.refresh is Refresh.NONE:
        return change
    provider, remote_id = planning.session.provider(change.backend), change.remote_id or ""
    used = {name: _dependents(provider, change.address, remote_id, [name]).units for name in removed_groups(change)}
    notes = tuple(
        f"groups.{name}: {_plural(count, 'unit')} in it; give these another group, apply, then remove it"
        for name, count in used.items()
        if count
    )
    return replace(change, action=Action.BLOCKED, reason=Reason.IN_USE, notes=notes) if notes else change


def _dependents(
    provider: Provider, address: Address, remote_id: str, rows: Collection[str] | None = None
) -> Dependents:
    """Nothing hangs on what is gone; a service that cannot tell keeps no plan from being made."""
    try:
        return provider.dependents(address, remote_id, rows)
    except (NotFound, Invalid):
        return Dependents()


def _sentence(found: Dependents, verb: str, *, of_units: bool) -> tuple[str, ...]:
    counted = [
        (found.versions, "version"),
        (found.units, "unit"),
        (0 if of_units else found.projects, "project"),
        (found.tasks, "task"),
        (found.assignments, "assignment"),
        (found.members, "member"),
        (found.submissions, "submission"),
        (found.pages, "page"),
    ]
    parts = [_plural(count, name) for count, name in counted if count]
    if not parts:
        return ()
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    where = f" (in {_plural(found.projects, 'project')})" if of_units and found.projects > 1 else ""
    work = ", with what people annotated there" if found.tasks or found.assignments else ""
    return (f"danger: {listed}{where} {verb}{work}",)


def _plural(count: int, name: str) -> str:
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def _narrowed(provider: Provider, collection_id: str, changes: Sequence[FieldChange]) -> tuple[str, ...]:
    """Specifications that are removed or admit less, each with the units it concerns. Lists the units, once."""
    narrower = [(change.path[1], what) for change in changes for what in _narrowing(change)]
    if not narrower:
        return ()
    total, having = _units_by_specification(provider, collection_id)
    sentences = []
    for name, what in narrower:
        there = having.get(name, 0)
        concerned = total - there if what == "becomes required" else there
        verb = "lack" if what == "becomes required" else "have"
        if concerned:
            sentences.append(
                f"danger: specification {name!r} {what}; {concerned:,} of {total:,} units {verb} files there"
            )
    return tuple(sentences)


def _narrowing(change: FieldChange) -> Iterator[str]:
    if change.path[0] != "fileSpecifications" or len(change.path) < 2 or isinstance(change.before, Missing):
        if _is_new_requirement(change):
            yield "becomes required"
        return
    if len(change.path) == 2 and isinstance(change.after, Missing):
        yield "is removed"
    elif change.path[2:] == ("type",):
        yield f"changes its type from {change.before} to {change.after}"
    elif change.path[2:] == ("extensions",) and _is_narrower(change.before, change.after):
        yield "admits fewer extensions"
    elif change.path[2:] == ("required",) and change.after is True:
        yield "becomes required"


def _is_new_requirement(change: FieldChange) -> bool:
    """A new specification that every unit must have files for."""
    is_item = change.path[0] == "fileSpecifications" and len(change.path) == 2
    return is_item and isinstance(change.after, Mapping) and change.after.get("required") is True


def _is_narrower(before: JSON, after: JSON | Missing) -> bool:
    """Whether fewer extensions are admitted; none at all means any."""
    allowed = set() if isinstance(after, Missing) else set(after or ())
    return bool(allowed) and (not before or bool(set(before) - allowed))


def _units_by_specification(provider: Provider, collection_id: str) -> tuple[int, dict[str, int]]:
    listing = provider.list_units(collection_id)
    total, having = 0, dict[str, int]()
    if isinstance(listing, NotModified):
        return total, having
    for page in listing.pages:
        total += len(page)
        for unit in page:
            for name in unit.checksums:
                having[name] = having.get(name, 0) + 1
    return total, having
