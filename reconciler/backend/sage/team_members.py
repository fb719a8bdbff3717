"""Who belongs to a team and who manages it: lists, joining, leaving, and what somebody's standing is.

One joins by oneself when the team is open to all, or with an invitation; a manager adds who asked to join. Joining ends
the invitations and requests of that person, see `memberships`.
"""

from __future__ import annotations

from typing import Any, Final

from reconciler.backend.database import Connection, Row, containing, one, scalar
from reconciler.backend.sage.acls import has_right, write_acl
from reconciler.backend.sage.call import NO_CONTENT, Call, Caller, reply
from reconciler.backend.sage.errors import bad, forbidden, missing
from reconciler.backend.sage.memberships import INVITATION, REQUEST, close_all, has_open
from reconciler.backend.sage.paging import page_query
from reconciler.backend.sage.principals import find_user, groups_of
from reconciler.backend.sage.routes import reads, writes
from reconciler.backend.sage.teams import (
    MANAGER,
    MANAGES,
    NO_MANAGER,
    find_team,
    is_open,
    may_on_team,
    require_on_team,
)
from reconciler.backend.sage.users import header
from reconciler.backend.wire import Response

_MEMBERS: Final = "sage_team_members m JOIN sage_principals p ON p.id = m.user_id"
_IS_MANAGER: Final = (
    "EXISTS (SELECT 1 FROM sage_grants g WHERE g.owner_kind = 'TEAM' AND g.owner_id = m.team_id"
    f" AND g.principal_id = m.user_id AND g.access = '{MANAGES}')"
)
_COLUMNS: Final = f"p.*, m.team_id, {_IS_MANAGER} AS manages"


def is_member(db: Connection, team: int, user: int) -> bool:
    """Whether a user belongs to a team."""
    sql = "SELECT count(*) FROM sage_team_members WHERE team_id = ? AND user_id = ?"
    return bool(scalar(db, sql, (team, user)))


def _wire(row: Row) -> dict[str, Any]:
    return {"teamId": str(row["team_id"]), "isAdmin": bool(row["manages"]), "member": header(row)}


def members(call: Call) -> Response:
    """`GET /teamMembers/{id}`, by name; `fragment` and `memberType` narrow it down."""
    source, values = _selection(call, find_team(call.db, call.id())["id"])
    return page_query(call, _COLUMNS, source, "p.name_key", values, _wire)


def _selection(call: Call, team: int) -> tuple[str, tuple[Any, ...]]:
    pattern = containing((call.query.text("fragment") or "").lower())
    conditions = {"ALL": "1 = 1", "ADMIN": _IS_MANAGER, "MEMBER": f"NOT {_IS_MANAGER}"}
    kind = call.query.text("memberType") or "ALL"
    if kind not in conditions:
        raise bad("memberType must be one of ALL, ADMIN, MEMBER.")
    return f"{_MEMBERS} WHERE m.team_id = ? AND p.name_key LIKE ? ESCAPE '!' AND {conditions[kind]}", (team, pattern)


def count(call: Call) -> Response:
    """`GET /teamMembers/count/{id}`."""
    team = find_team(call.db, call.id())["id"]
    source, values = _selection(call, team)
    return reply({"count": scalar(call.db, f"SELECT count(*) FROM {source}", values)})


def member(call: Call) -> Response:
    """`GET /team/{id}/member/{user}`."""
    source = f"SELECT {_COLUMNS} FROM {_MEMBERS} WHERE m.team_id = ? AND m.user_id = ?"
    row = one(call.db, source, (call.id(), call.id("user")))
    if row is None:
        raise missing(f"User {call.id('user')} is not a member of team {call.id()}.")
    return reply(_wire(row))


def status(call: Call) -> Response:
    """`GET /team/{id}/member/{user}/membershipStatus`."""
    team, user = find_team(call.db, call.id()), find_user(call.db, call.id("user"))
    person = _as_caller(call.db, user)
    number, needs = team["id"], not (may_on_team(call.db, person, team["id"], MANAGES) or is_open(team))
    return reply(
        {
            "teamId": str(number),
            "userId": str(user["id"]),
            "isMember": is_member(call.db, number, user["id"]),
            "hasOpenInvitation": has_open(call, INVITATION, number, user["id"]),
            "hasOpenRequest": has_open(call, REQUEST, number, user["id"]),
            "canJoin": _refusal(call, team, user["id"]) is None,
            "membershipApprovalRequired": needs,
            "hasUnmetAccessRequirement": False,
            "canSendEmail": has_right(call.db, person, "TEAM", number, "SEND_MESSAGE"),
        }
    )


def _as_caller(db: Connection, user: Row) -> Caller:
    groups = groups_of(db, user["id"])
    return Caller(user["id"], user["name"], bool(user["is_admin"]), bool(user["certified"]), groups)


def _refusal(call: Call, team: Row, user: int) -> str | None:
    """Why the caller may not make somebody a member, None when that is fine."""
    number = team["id"]
    if call.caller.is_admin or is_member(call.db, number, user):
        return None
    manages = may_on_team(call.db, call.caller, number, MANAGES)
    if call.caller.id == user:
        if manages or is_open(team) or has_open(call, INVITATION, number, user):
            return None
        return "An invitation is required to join the team."
    if not manages:
        return "You must be a team manager to perform this operation."
    return None if has_open(call, REQUEST, number, user) else "The prospective member must request to join the team."


def add(call: Call) -> Response:
    """`PUT /team/{id}/member/{user}`: fine when they belong to it already."""
    team, user = find_team(call.db, call.id()), find_user(call.db, call.id("user"))["id"]
    if refusal := _refusal(call, team, user):
        raise forbidden(refusal)
    call.db.execute(
        "INSERT INTO sage_team_members (team_id, user_id) VALUES (?, ?) ON CONFLICT DO NOTHING", (team["id"], user)
    )
    close_all(call.db, team["id"], user)
    return NO_CONTENT


def remove(call: Call) -> Response:
    """`DELETE /team/{id}/member/{user}`: oneself, or anybody by a manager; somebody has to stay who manages."""
    team, user = find_team(call.db, call.id())["id"], call.id("user")
    if call.caller.id != user and not may_on_team(call.db, call.caller, team, MANAGES):
        raise forbidden("Cannot remove member from Team.")
    if not is_member(call.db, team, user):
        return NO_CONTENT
    if scalar(call.db, "SELECT count(*) FROM sage_team_members WHERE team_id = ?", (team,)) == 1:
        raise forbidden("Cannot remove the last member of a Team.")
    call.db.execute("DELETE FROM sage_team_members WHERE team_id = ? AND user_id = ?", (team, user))
    _set_manager(call, team, user, manages=False)
    return NO_CONTENT


def set_manager(call: Call) -> Response:
    """`PUT /team/{id}/member/{user}/permission?isAdmin=`."""
    team, user = find_team(call.db, call.id())["id"], find_user(call.db, call.id("user"))["id"]
    require_on_team(call, team, "UPDATE")
    manages = call.query.boolean("isAdmin")
    if manages is None:
        raise bad("isAdmin is required.")
    _set_manager(call, team, user, manages=manages)
    return NO_CONTENT


def _set_manager(call: Call, team: int, user: int, *, manages: bool) -> None:
    rows = call.db.execute(
        "SELECT principal_id, access FROM sage_grants WHERE owner_kind = 'TEAM' AND owner_id = ?", (team,)
    ).fetchall()
    grants: dict[int, frozenset[str]] = {}
    for row in rows:
        if row["principal_id"] != user:
            grants[row["principal_id"]] = grants.get(row["principal_id"], frozenset()) | {row["access"]}
    if manages:
        grants[user] = MANAGER
    if not call.caller.is_admin and not any(MANAGES in access for access in grants.values()):
        raise bad(NO_MANAGER)
    write_acl(call.db, "TEAM", team, grants, call.now)


ROUTES = (
    reads("GET", "/teamMembers/{id}", members, anonymous=True),
    reads("GET", "/teamMembers/count/{id}", count, anonymous=True),
    reads("GET", "/team/{id}/member/{user}", member, anonymous=True),
    writes("PUT", "/team/{id}/member/{user}", add),
    writes("DELETE", "/team/{id}/member/{user}", remove),
    writes("PUT", "/team/{id}/member/{user}/permission", set_manager),
    reads("GET", "/team/{id}/member/{user}/membershipStatus", status),
)
