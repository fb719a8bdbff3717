"""Access lists on the wire: of an entity, its own or inherited, or of an evaluation.

A policy has no id of its own: it is `syn1` for the own list of an entity, `syn1/inherits` for having none, and the
number of an evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.config.suggestion import listed
from reconciler.diff.desired import KNOWN_AFTER_APPLY
from reconciler.errors import Conflict, Denied, Invalid, NotFound
from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.json import JSON
from reconciler.model.observed import Absent, Found
from reconciler.plan.refusals import Fixed, Remark
from reconciler.providers.base import Dependents, Desired, Settled
from reconciler.providers.sage import access_levels, entities
from reconciler.providers.sage.calls import Calls
from reconciler.providers.sage.paging import pages
from reconciler.providers.sage.people import WELL_KNOWN
from reconciler.providers.sage.walking import everything
from reconciler.providers.sage.wire import PROJECT, Row, object_in

KIND = "AccessPolicy"
FIXED: tuple[Fixed, ...] = ()
REMARKS: tuple[Remark, ...] = ()
REPLACES = frozenset({"of"})
NATURAL = True
_INHERITS = "/inherits"
_MANAGES = "CHANGE_PERMISSIONS"
_TYPES = ("file", "link", "table", "entityview", "dataset")


def read(calls: Calls, address: Address, remote_id: str) -> Found | Absent:  # noqa: ARG001
    """The own list; whether there is none, for an id that says so. Raises Invalid for an id of another form."""
    target = remote_id.removesuffix(_INHERITS)
    if not target.removeprefix("syn").isdigit():
        raise Invalid(f"{remote_id!r} is no id of an access policy", fix="write the id of the entity or evaluation")
    try:
        found = _told(calls, target)
    except NotFound:
        return Absent()
    return Absent() if found.remote_id.endswith(_INHERITS) and not remote_id.endswith(_INHERITS) else found


def _told(calls: Calls, target: str) -> Found:
    acl = _acl(calls, target)
    if acl is None:
        return Found(target + _INHERITS, {"of": target, "inherit": True}, etag="inherited")
    granted = acl.get("resourceAccess") or []
    people = calls.people.of_ids([str(row["principalId"]) for row in granted])
    entries = [
        {
            "principal": people[str(row["principalId"])].name,
            "access": access_levels.level(frozenset(row["accessType"]), _levels(target)),
        }
        for row in granted
    ]
    return Found(target, {"of": target, "entries": _sorted(entries)}, etag=str(acl.get("etag")))


def _acl(calls: Calls, target: str) -> Row | None:
    """The own list of an entity or evaluation, None when it inherits. Raises NotFound when it is gone."""
    if not target.startswith("syn"):
        path = f"/evaluation/{target}/acl"
        return object_in(calls.repo.get(path), f"GET {path}")
    acl = _bundle(calls, target).get("benefactorAcl") or {}
    return acl if acl.get("id") == target else None


def _bundle(calls: Calls, target: str) -> Row:
    path = f"/entity/{target}/bundle2"
    body = {"includeEntity": True, "includeBenefactorACL": True}
    found = object_in(calls.repo.call("POST", path, body=body, repeatable=True), f"POST {path}")
    entities.object_of(found)
    return found


def _levels(target: str) -> Mapping[str, frozenset[str]]:
    return access_levels.ENTITY if target.startswith("syn") else access_levels.EVALUATION


def _sorted(entries: list[dict[str, JSON]]) -> list[dict[str, JSON]]:
    return sorted(entries, key=lambda entry: str(entry["principal"]))


def find(calls: Calls, desired: Desired) -> tuple[Found, ...]:
    """The own list of what the policy is of; also that there is none, when that is what is wanted."""
    target = str(desired.fields.get("of"))
    if target == KNOWN_AFTER_APPLY:
        return ()
    found = read(calls, desired.address, f"{target}{_INHERITS}" if desired.fields.get("inherit") else target)
    return (found,) if isinstance(found, Found) else ()


def settle(calls: Calls, desired: Desired, observed: Found | None, before: Mapping[str, JSON] | None) -> Settled:  # noqa: ARG001
    """Names of principals as the service has them, and levels of access. Points out who is let in or locked out."""
    target = str(desired.fields.get("of", ""))
    if desired.fields.get("inherit"):
        return _settled_inheritance(calls, desired, observed)
    if "entries" not in desired.fields:
        return Settled(desired.fields)
    levels = access_levels.ANY if target == KNOWN_AFTER_APPLY else _levels(target)
    entries = _sorted(list(_settled_entries(calls, desired.fields["entries"], levels)))
    notes = (*_opened(entries, observed), *_locked_out(calls, entries, levels))
    if observed is not None and observed.fields.get("inherit"):
        notes += ("it inherits no more: later changes of the list above have no effect on it",)
    return Settled({**desired.fields, "entries": entries}, notes)


def _settled_inheritance(calls: Calls, desired: Desired, observed: Found | None) -> Settled:
    if observed is None or observed.fields.get("inherit"):
        return Settled(desired.fields)
    target = observed.remote_id
    if _cannot_inherit(calls, target):
        raise Invalid("a project or evaluation has nothing to inherit access from", fix="write entries instead")
    names = listed([str(entry["principal"]) for entry in observed.fields["entries"]])
    return Settled(desired.fields, (f"danger: its own access list goes ({names}); the list above holds for it",))


def _settled_entries(
    calls: Calls, entries: list[Row], levels: Mapping[str, frozenset[str]]
) -> Iterator[dict[str, JSON]]:
    unknown = 0
    seen: set[str] = set()
    for entry in entries:
        asked = next(str(entry[key]) for key in ("user", "team", "principal") if key in entry)
        if asked == KNOWN_AFTER_APPLY:
            unknown += 1
            name = KNOWN_AFTER_APPLY + (f" {unknown}" if unknown > 1 else "")
        else:
            name = _named(calls, entry, asked)
        if name in seen:
            raise Invalid(f"{name!r} has two entries", fix="put their rights into one")
        seen.add(name)
        yield {"principal": name, "access": _settled_access(name, entry["access"], levels)}


def _named(calls: Calls, entry: Row, asked: str) -> str:
    found = calls.people.named(asked)
    if "user" in entry and not found.is_user:
        raise Invalid(f"{asked!r} is a team and no user", fix="write team: or principal:")
    return found.name


def _settled_access(name: str, access: JSON, levels: Mapping[str, frozenset[str]]) -> JSON:
    try:
        granted = access_levels.rights(access, levels)
    except KeyError:
        raise Invalid(f"there is no access {access!r} here", fix=f"write one of {', '.join(levels)}") from None
    if name == "public" and granted != {"READ"}:
        raise Invalid("everybody can be given access: view and no more", fix="use authenticated_users for downloads")
    return access_levels.level(granted, levels)


def _opened(entries: list[dict[str, JSON]], observed: Found | None) -> Iterator[str]:
    there = (observed.fields.get("entries") if observed else None) or []
    for entry in entries:
        if entry["principal"] in WELL_KNOWN and entry not in there:
            who = "everybody, signed in or not" if entry["principal"] == "public" else "everybody with an account"
            yield f"danger: {who}, gets access: {entry['access']}"


def _locked_out(calls: Calls, entries: list[dict[str, JSON]], levels: Mapping[str, frozenset[str]]) -> Iterator[str]:
    keepers = [str(e["principal"]) for e in entries if _MANAGES in access_levels.rights(e["access"], levels)]
    if any(name.startswith(KNOWN_AFTER_APPLY) for name in keepers):
        return
    if not {calls.people.named(name).id for name in keepers} & calls.people.my_groups():
        yield "danger: we lose the right to change this list (CHANGE_PERMISSIONS); the service may refuse that"


def create(calls: Calls, desired: Desired) -> Found:
    """Give the target its own list, or take it away."""
    target = str(desired.fields["of"])
    return _written(calls, desired, _told(calls, target))


def update(calls: Calls, desired: Desired, observed: Found, changes: tuple[FieldChange, ...]) -> Found:  # noqa: ARG001
    """Write the list with the etag that it was read with. Raises Conflict when it changed since."""
    there = _told(calls, observed.remote_id.removesuffix(_INHERITS))
    if (there.remote_id, there.etag) != (observed.remote_id, observed.etag):
        raise Conflict(f"{desired.address} changed since it was read", status=412, fix="plan again")
    return _written(calls, desired, there)


def _written(calls: Calls, desired: Desired, there: Found) -> Found:
    target = there.remote_id.removesuffix(_INHERITS)
    inherits = there.remote_id.endswith(_INHERITS)
    if desired.fields.get("inherit"):
        if not inherits:
            calls.repo.call("DELETE", f"/entity/{target}/acl")
    elif there.fields.get("entries") != desired.fields["entries"]:
        body: Row = {"id": target, "resourceAccess": _granted(calls, desired, target)}
        body |= {} if inherits else {"etag": there.etag}
        path = f"/entity/{target}/acl" if target.startswith("syn") else "/evaluation/acl"
        calls.repo.call("POST" if inherits else "PUT", path, body=body)
    return _told(calls, target)


def _granted(calls: Calls, desired: Desired, target: str) -> list[Row]:
    return [
        {
            "principalId": int(calls.people.named(str(entry["principal"])).id),
            "accessType": sorted(access_levels.rights(entry["access"], _levels(target))),
        }
        for entry in desired.fields["entries"]
    ]


def delete(calls: Calls, address: Address, remote_id: str) -> None:
    """Have the entity inherit again. A project or an evaluation cannot be without a list: ours alone is left."""
    if remote_id.endswith(_INHERITS):
        return
    try:
        if _cannot_inherit(calls, remote_id):
            _written(calls, Desired(address, {"of": remote_id, "entries": _ours_alone(calls)}), _told(calls, remote_id))
        elif _acl(calls, remote_id) is not None:
            calls.repo.call("DELETE", f"/entity/{remote_id}/acl")
    except NotFound:
        return


def _cannot_inherit(calls: Calls, target: str) -> bool:
    if not target.startswith("syn"):
        return True
    return bool(entities.object_of(_bundle(calls, target)).get("concreteType") == PROJECT)


def _ours_alone(calls: Calls) -> list[dict[str, JSON]]:
    """What a new project or evaluation has, when we make it."""
    me = calls.people.me()
    return [{"principal": calls.people.of_ids([me])[me].name, "access": "admin"}]


def discover(calls: Calls) -> Iterator[Found]:
    """Own lists of entities and evaluations, but for those that only we stand in."""
    for row in everything(calls.repo, _TYPES):
        number = str(row["id"])
        if str(row.get("benefactorId")) == number.removeprefix("syn"):
            yield from _shared(calls, number)
    for page in pages(calls.repo, "/evaluation", {"accessType": _MANAGES}):
        for row in page:
            yield from _shared(calls, str(row["id"]))


def _shared(calls: Calls, target: str) -> Iterator[Found]:
    try:
        found = _told(calls, target)
    except Denied:
        return
    if found.fields.get("entries") != _ours_alone(calls):
        yield found


def dependents(calls: Calls, remote_id: str) -> Dependents:
    """What goes with the own list."""
    target = remote_id.removesuffix(_INHERITS)
    if target != remote_id:
        return Dependents()
    if _cannot_inherit(calls, target):
        return Dependents(notes=("danger: everybody but us loses access to it",))
    return Dependents(notes=("danger: its own access list goes; the list above holds for it",))
