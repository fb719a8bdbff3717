"""Teams on the wire: who belongs to them, who manages them, who is invited.

One becomes a member by one's own doing, so a declared member who is none is invited; once invited, there is nothing
left to do. An invitation to an e-mail address leaves no trace when it is taken up, so it is sent once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from reconciler.config.suggestion import listed
from reconciler.errors import Conflict, Denied, Invalid, NotFound
from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.json import JSON
from reconciler.model.observed import Absent, Found
from reconciler.plan.refusals import Fixed, Remark
from reconciler.providers.base import Dependents, Desired, Settled
from reconciler.providers.http import Params
from reconciler.providers.patching import patched
from reconciler.providers.sage.calls import Calls
from reconciler.providers.sage.fields import replaced, told, written
from reconciler.providers.sage.paging import pages
from reconciler.providers.sage.wire import Row, object_in

KIND = "Team"
FIXED: tuple[Fixed, ...] = ()
REMARKS = (Remark(("canPublicJoin",), "danger: everybody can join the team, and gets what it has access to", (True,)),)
REPLACES: frozenset[str] = frozenset()
NATURAL = False
MANAGER, MEMBER, INVITED, SENT = "manager", "member", "invited", "sent"
_NAMES = {
    "title": "name",
    "description": "description",
    "canPublicJoin": "canPublicJoin",
    "canRequestMembership": "canRequestMembership",
}
_FLAGS = {"canPublicJoin": False, "canRequestMembership": True}


def read(calls: Calls, address: Address, remote_id: str) -> Found | Absent:  # noqa: ARG001
    """The team, its members and open invitations."""
    try:
        return _whole(calls, _got(calls, remote_id))
    except NotFound:
        return Absent()


def _got(calls: Calls, remote_id: str) -> Row:
    path = f"/team/{remote_id}"
    return object_in(calls.repo.get(path), f"GET {path}")


def _whole(calls: Calls, team: Row) -> Found:
    number = str(team["id"])
    invitations = _invitations(calls, number)
    people = calls.people.of_ids([str(row["inviteeId"]) for row in invitations if row.get("inviteeId")])
    members = {people[str(row["inviteeId"])].name: INVITED for row in invitations if row.get("inviteeId")}
    members |= {name: MANAGER if is_manager else MEMBER for name, is_manager in _members(calls, number)}
    fields: dict[str, JSON] = {**_FLAGS, **told(team, _NAMES, texts=frozenset({"description"}))}
    fields |= {"members": dict(sorted(members.items()))}
    fields |= {"invitations": {str(r["inviteeEmail"]): SENT for r in invitations if r.get("inviteeEmail")}}
    return Found(number, fields, etag=str(team.get("etag")))


def _members(calls: Calls, team_id: str) -> Iterator[tuple[str, bool]]:
    for page in pages(calls.repo, f"/teamMembers/{team_id}"):
        yield from ((str(row["member"]["userName"]), bool(row.get("isAdmin"))) for row in page)


def _invitations(calls: Calls, team_id: str) -> list[Row]:
    """Open ones; only managers see them."""
    try:
        return [row for page in pages(calls.repo, f"/team/{team_id}/openInvitation") for row in page]
    except Denied:
        return []


def find(calls: Calls, desired: Desired) -> tuple[Found, ...]:
    """`GET /teams?fragment=`: the team of exactly that name; names are unique at the whole service."""
    name = str(desired.fields["title"])
    for page in pages(calls.repo, "/teams", {"fragment": name}):
        for row in page:
            if row.get("name") == name:
                return (_whole(calls, row),)
    return ()


def settle(calls: Calls, desired: Desired, observed: Found | None, before: Mapping[str, JSON] | None) -> Settled:
    """Members as far as they can be had now, invitations that were not sent yet. Points out who leaves."""
    fields = dict(desired.fields)
    there = observed.fields["members"] if observed else {}
    if "members" in fields:
        fields["members"] = _reachable(calls, fields["members"], there)
    if "invitations" in fields:
        sent = (before or {}).get("invitations") or {}
        open_now = observed.fields["invitations"] if observed else {}
        fields["invitations"] = {
            address: SENT for address in fields["invitations"] if address in open_now or address not in sent
        }
    return Settled(fields, tuple(_departures(calls, fields, there, before or {})))


def _reachable(calls: Calls, members: Mapping[str, JSON], there: Mapping[str, JSON]) -> dict[str, JSON]:
    result: dict[str, JSON] = {}
    for name, role in members.items():
        found = calls.people.named(str(name))
        if not found.is_user:
            raise Invalid(f"{name!r} is no user, and only users are members of teams", fix="name its members")
        if found.name in result:
            raise Invalid(f"{found.name!r} is there twice, in two spellings", fix="remove one")
        now = there.get(found.name)
        result[found.name] = role if now in (MANAGER, MEMBER) or found.id == calls.people.me() else INVITED
    return dict(sorted(result.items()))


def _departures(
    calls: Calls, fields: Mapping[str, JSON], there: Mapping[str, JSON], before: Mapping[str, JSON]
) -> Iterator[str]:
    """Who was declared, is there, and is declared no more."""
    try:
        owned = [calls.people.named(str(name)).name for name in before.get("members") or {}]
    except Invalid:
        return
    leaving = [name for name in owned if name in there and name not in (fields.get("members") or {})]
    if leaving:
        yield f"danger: {listed(leaving)} removed from the team, with the access that it gives"


def create(calls: Calls, desired: Desired) -> Found:
    """`POST /team`, then its people; we are its first manager. Raises Conflict when the name is taken."""
    made = object_in(calls.repo.call("POST", "/team", body=written(desired.fields, _NAMES)), "POST /team")
    found = _whole(calls, made)
    after = {**found.fields, **{key: value for key, value in desired.fields.items() if key in ("invitations",)}}
    after["members"] = {**found.fields["members"], **(desired.fields.get("members") or {})}
    return _peopled(calls, found, after)


def update(calls: Calls, desired: Desired, observed: Found, changes: tuple[FieldChange, ...]) -> Found:
    """`PUT /team` with the etag that it was read with, then its people."""
    there = _got(calls, observed.remote_id)
    if there.get("etag") != observed.etag:
        raise Conflict(f"{desired.address} changed since it was read", status=412, fix="plan again")
    after = patched(observed.fields, changes)
    if written(after, _NAMES) != written(observed.fields, _NAMES):
        calls.repo.call("PUT", "/team", body=replaced(there, after, _NAMES))
    return _peopled(calls, observed, after)


def _peopled(calls: Calls, found: Found, after: Mapping[str, JSON]) -> Found:
    """Bring members and invitations to what they shall be."""
    number, there = found.remote_id, found.fields["members"]
    wanted = after.get("members") or {}
    for name in sorted({*there, *wanted}):
        if there.get(name) != wanted.get(name):
            _moved(calls, number, calls.people.named(name).id, there.get(name), wanted.get(name))
    now, then = found.fields["invitations"], after.get("invitations") or {}
    for address in sorted(then.keys() - now.keys()):
        _invite(calls, {"teamId": number, "inviteeEmail": address})
    if now.keys() - then.keys():
        _withdraw(calls, number, "inviteeEmail", now.keys() - then.keys())
    return _whole(calls, _got(calls, number))


def _moved(calls: Calls, team_id: str, user_id: str, now: JSON, then: JSON) -> None:
    """Take one person from one standing to another."""
    path = f"/team/{team_id}/member/{user_id}"
    if then == INVITED:
        _admit(calls, team_id, user_id)
    elif then is None and now == INVITED:
        _withdraw(calls, team_id, "inviteeId", {user_id})
    elif then is None:
        calls.repo.call("DELETE", path)
    else:
        params: Params = {"isAdmin": "true" if then == MANAGER else "false"}
        calls.repo.call("PUT", f"{path}/permission", params=params)


def _admit(calls: Calls, team_id: str, user_id: str) -> None:
    """Make a member of who asked to be one; invite everybody else."""
    path = f"/team/{team_id}/member/{user_id}"
    standing = object_in(calls.repo.get(f"{path}/membershipStatus"), f"GET {path}/membershipStatus")
    if standing.get("hasOpenRequest"):
        calls.repo.call("PUT", path)
    elif not (standing.get("isMember") or standing.get("hasOpenInvitation")):
        _invite(calls, {"teamId": team_id, "inviteeId": user_id})


def _invite(calls: Calls, body: Row) -> None:
    calls.repo.call("POST", "/membershipInvitation", body=body)


def _withdraw(calls: Calls, team_id: str, member: str, who: set[str]) -> None:
    for row in _invitations(calls, team_id):
        if str(row.get(member)) in who:
            calls.repo.call("DELETE", f"/membershipInvitation/{row['id']}")


def delete(calls: Calls, address: Address, remote_id: str) -> None:  # noqa: ARG001
    """`DELETE /team/{id}`. Raises Invalid while an access list or a submission names it."""
    try:
        calls.repo.call("DELETE", f"/team/{remote_id}")
    except NotFound:
        return


def discover(calls: Calls) -> Iterator[Found]:
    """Teams that we manage, with the invited as the members that documents declare them to be."""
    me = calls.people.me()
    mine = calls.people.of_ids([me])[me].name
    for page in pages(calls.repo, f"/user/{me}/team"):
        for row in page:
            found = _whole(calls, row)
            if found.fields["members"].get(mine) == MANAGER:
                people = found.fields["members"].items()
                declared = {name: MEMBER if role == INVITED else role for name, role in people}
                yield replace(found, fields={**found.fields, "members": declared})


def dependents(calls: Calls, remote_id: str) -> Dependents:
    """Its members."""
    return Dependents(members=len(list(_members(calls, remote_id))))
