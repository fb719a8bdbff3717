"""Access to collections and projects (`/v2/.../{id}/roles/`, `/v2/.../{id}/invite/`).

A grant is what one group or one user holds on one target. It has no id of its own at the service and nothing to mark:
its id here is made of the two, `collections/1000/groups/7` or `projects/3/users/12`, and is its whole identity. Roles
are granted by invitation; no call takes one back. Users are known by id: the service finds nobody by e-mail.

The protocol leaves open how `roles/` tells who holds what; the forms read here are lists under `member_roles` and
`group_roles`. An answer without them is an error, and never absence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.errors import BackendError, Conflict, Invalid, NotFound, Transient
from reconciler.model.change import FieldChange, Missing
from reconciler.model.json import JSON, digest
from reconciler.model.kinds import GRANTED
from reconciler.model.observed import Absent, Found
from reconciler.plan.refusals import Bar, Fixed, Remark
from reconciler.providers.base import Desired
from reconciler.providers.datamaker import collections, projects
from reconciler.providers.datamaker.envelope import V2_PAGE, Row, all_rows, id_of, object_in
from reconciler.providers.http import HttpClient, Params

MEMBERS = "/v2/members/"
_PATHS: Mapping[str, str] = {"collections": collections.PATH, "projects": projects.PATH}
_TARGETS = ("collection", "project")
_GRANTEES = ("group", "user")
_KEEP = (
    "the service has no call that takes access back, so nothing was revoked; put it back here, and have the role "
    "removed on the platform"
)
_ELSEWHERE = "what was granted before stays granted, since the service has no call that takes access back; declare "

FIXED = (
    Fixed(("roles", "*"), Bar.REMOVE, _KEEP),
    *(
        Fixed((name,), bar, f"{_ELSEWHERE}another AccessGrant and leave this one as it is")
        for name in (*_TARGETS, *_GRANTEES)
        for bar in Bar
    ),
    Fixed(
        (),
        Bar.REMOVE,
        "the service has no call that takes access back; have the roles removed on the platform, then set "
        "lifecycle.onDelete: orphan to forget this grant",
    ),
)
REMARKS = (
    Remark(("roles", "*"), "danger: a role that is granted cannot be taken back here; roles are only ever added"),
)


class Untold(BackendError):
    """The service answered, and left out who holds which roles."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Whose roles on what. Ids are texts."""

    target: str
    target_id: str
    grantee: str
    grantee_id: str

    @property
    def remote_id(self) -> str:
        return f"{self.target}s/{self.target_id}/{self.grantee}s/{self.grantee_id}"

    @property
    def path(self) -> str:
        return f"{_PATHS[f'{self.target}s']}{self.target_id}/"


class Grants:
    """See `Verbs`."""

    fixed = FIXED
    remarks = REMARKS
    natural = True

    def read(self, client: HttpClient, remote_id: str, wanted: frozenset[str] | None) -> Found | Absent:
        """`GET .../roles/`; a grantee without any role there is absent. Raises Invalid for an id of another form."""
        del wanted
        return _read(client, _parsed(remote_id))

    def find(self, client: HttpClient, desired: Desired) -> tuple[Found, ...]:
        """What this grantee holds on this target, when both are there already."""
        place = _declared(desired)
        found = _read(client, place) if place else Absent()
        if place and place.grantee == "user":
            _member(client, place.grantee_id)  # so that an unknown user is told before anything is written
        return (found,) if isinstance(found, Found) else ()

    def create(self, client: HttpClient, desired: Desired) -> Found:
        """Invite, for the roles that are not held yet."""
        place = _declared(desired)
        if place is None:
            raise Invalid(f"{desired.address} names what is not there")
        return _granted(client, place, _read(client, place), desired.fields.get("roles") or {})

    def update(self, client: HttpClient, desired: Desired, observed: Found, changes: tuple[FieldChange, ...]) -> Found:
        """Invite for the roles that come. Raises Invalid when anything else would have to change."""
        del desired
        place = _parsed(observed.remote_id)
        there = _read(client, place)
        if not isinstance(there, Found) or there.etag != observed.etag:
            raise Conflict("it changed since it was read", operation=f"POST {place.path}invite/", fix="plan again")
        return _granted(client, place, there, _added(changes))

    def rehearse(
        self, client: HttpClient, desired: Desired, remote_id: str | None, changes: tuple[FieldChange, ...]
    ) -> None:
        """Invite with `?dry_run=true`."""
        place = _parsed(remote_id) if remote_id else _declared(desired)
        roles = _added(changes) if remote_id else desired.fields.get("roles") or {}
        if place and roles:
            _invite(client, place, list(roles), {"dry_run": "true"})

    def delete(self, client: HttpClient, remote_id: str) -> None:
        """Raises Invalid unless nothing is held any more."""
        if isinstance(self.read(client, remote_id, None), Found):
            raise Invalid("access that was granted cannot be taken back", fix="have it removed on the platform")

    def discover(self, client: HttpClient) -> Iterator[Found]:
        """Everything that anybody holds on any collection or project: a call for each of these.

        Raises NotFound when the service has no such thing, or does not tell.
        """
        users = {member: user for user, member in _members(client).items()}
        for target in _TARGETS:
            path = _PATHS[f"{target}s"]
            for row in list(all_rows(client, path, {"per_page": V2_PAGE})):
                target_id = id_of(row, f"GET {path}")
                for grantee, held in _told(client, f"{path}{target_id}/").items():
                    for holder, roles in held.items():
                        known = users.get(holder) if grantee == "user" else holder
                        if known is not None:
                            yield _found(_Place(target, target_id, grantee, known), roles)


def _parsed(remote_id: str) -> _Place:
    match remote_id.split("/"):
        case [("collections" | "projects") as targets, target_id, ("groups" | "users") as grantees, grantee_id]:
            return _Place(targets[:-1], target_id, grantees[:-1], grantee_id)
        case _:
            fix = "write it as collections/ID/groups/ID, or with projects or users"
            raise Invalid(f"{remote_id!r} is no id of an access grant", fix=fix)


def _declared(desired: Desired) -> _Place | None:
    """Where a declared grant is; None while an id is not known yet."""
    target, grantee = (next(name for name in names if name in desired.fields) for names in (_TARGETS, _GRANTEES))
    ids = str(desired.fields[target]), str(desired.fields[grantee])
    return _Place(target, ids[0], grantee, ids[1]) if all(map(str.isalnum, ids)) else None


def _read(client: HttpClient, place: _Place) -> Found | Absent:
    try:
        held = _roles(client, place.path)
    except NotFound:
        return Absent()
    holder: str | None = place.grantee_id
    if place.grantee == "user":
        holder = _members(client).get(place.grantee_id)
    roles = held[place.grantee].get(holder or "")
    return _found(place, roles) if roles else Absent()


def _found(place: _Place, roles: list[str]) -> Found:
    fields: dict[str, JSON] = {
        place.target: place.target_id,
        place.grantee: int(place.grantee_id) if place.grantee == "user" else place.grantee_id,
        "roles": dict.fromkeys(roles, GRANTED),
    }
    return Found(place.remote_id, fields, etag=digest(fields))


def _roles(client: HttpClient, path: str) -> dict[str, dict[str, list[str]]]:
    """Grantee kind → id of the group, or of the member → codes of roles, sorted."""
    operation = f"GET {path}roles/"
    answer = object_in(client.get(f"{path}roles/"), operation)
    return {
        "group": _held(answer, "group", operation),
        "user": _held(answer, "member", operation),
    }


def _told(client: HttpClient, path: str) -> dict[str, dict[str, list[str]]]:
    """As `_roles`; that it cannot be told is a kind that is not there, not an outage."""
    try:
        return _roles(client, path)
    except Untold as error:
        raise NotFound(error.message) from error


def _held(answer: Row, holder: str, operation: str) -> dict[str, list[str]]:
    rows = answer.get(f"{holder}_roles")
    if not isinstance(rows, list):
        raise Untold(f"the service does not tell which {holder}s hold which roles", operation=operation)
    held: dict[str, set[str]] = {}
    for row in rows:
        who = row.get(holder) if isinstance(row, Mapping) else None
        name = id_of(who, operation) if isinstance(who, Mapping) else id_of(row, operation, holder)
        held.setdefault(name, set()).update(_codes(row.get("role")))
    return {name: sorted(codes) for name, codes in held.items()}


def _codes(role: JSON) -> Iterator[str]:
    """A role is a code, an object with a code, or a list of these."""
    for item in role if isinstance(role, list) else [role]:
        code = item.get("code") if isinstance(item, Mapping) else item
        if code is not None:
            yield str(code)


def _members(client: HttpClient) -> dict[str, str]:
    """User id → member id."""
    rows = all_rows(client, MEMBERS, {"per_page": V2_PAGE})
    return {id_of(row, f"GET {MEMBERS}", "user_id"): id_of(row, f"GET {MEMBERS}") for row in rows}


def _member(client: HttpClient, user_id: str) -> str:
    member = _members(client).get(user_id)
    if member is None:
        raise Invalid(f"the user with id {user_id} is no member of the workspace", fix="invite the user there first")
    return member


def _added(changes: tuple[FieldChange, ...]) -> dict[str, JSON]:
    """The roles that changes add. Raises Invalid when they do anything else."""
    added: dict[str, JSON] = {}
    for change in changes:
        if change.path == ("roles",) and isinstance(change.before, Missing) and isinstance(change.after, Mapping):
            added |= change.after
        elif change.path[0] == "roles" and len(change.path) == 2 and not isinstance(change.after, Missing):
            added[change.path[1]] = change.after
        else:
            raise Invalid(f"{'.'.join(change.path)} cannot change: roles are only ever added")
    return added


def _granted(client: HttpClient, place: _Place, there: Found | Absent, wanted: Mapping[str, JSON]) -> Found:
    """Invite for what is wanted and not held; an answer that was lost is settled by reading."""
    held = there.fields["roles"] if isinstance(there, Found) else {}
    missing = [role for role in wanted if role not in held]
    failure: Transient | None = None
    if missing:
        try:
            _invite(client, place, missing, {})
        except Transient as error:
            failure = error
    found = _read(client, place)
    if isinstance(found, Found) and set(wanted) <= set(found.fields["roles"]):
        return found
    raise failure or BackendError("roles that were granted cannot be read back", operation=f"POST {place.path}invite/")


def _invite(client: HttpClient, place: _Place, roles: list[str], params: Params) -> None:
    holder = place.grantee_id if place.grantee == "group" else _member(client, place.grantee_id)
    name = "group" if place.grantee == "group" else "member"
    number = int(holder) if holder.isdigit() else holder
    body = {f"{name}_roles": [{name: number, "role": role} for role in roles]}
    client.call("POST", f"{place.path}invite/", params=params, body=body)
