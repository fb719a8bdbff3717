"""Invitations into a team and requests to join one, open until they expire, are withdrawn, or the person joins."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from reconciler.backend.database import Connection, Row, insert, one, scalar
from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import NO_CONTENT, Call, reply
from reconciler.backend.sage.errors import bad, forbidden, missing
from reconciler.backend.sage.paging import page_query
from reconciler.backend.sage.principals import find_user
from reconciler.backend.sage.routes import reads, writes
from reconciler.backend.sage.teams import MANAGES, find_team, may_on_team, require_on_team, team_wire
from reconciler.backend.wire import Response

INVITATION: Final = "invitation"
REQUEST: Final = "request"
_EMAIL: Final = re.compile(r"[^@\s]{1,200}@[^@\s]{1,200}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_OPEN: Final = "sage_invitations WHERE kind = ? AND (expires_on IS NULL OR expires_on > ?)"


def has_open(call: Call, kind: str, team: int, user: int) -> bool:
    """Whether there is an open invitation or request."""
    sql = f"SELECT count(*) FROM {_OPEN} AND team_id = ? AND user_id = ?"
    return bool(scalar(call.db, sql, (kind, call.now, team, user)))


def close_all(db: Connection, team: int, user: int) -> None:
    """End all invitations and requests of a user for a team."""
    db.execute("DELETE FROM sage_invitations WHERE team_id = ? AND user_id = ?", (team, user))


def _wire(row: Row) -> dict[str, Any]:
    user = None if row["user_id"] is None else str(row["user_id"])
    who = {"inviteeId": user, "inviteeEmail": row["email"]} if row["kind"] == INVITATION else {"userId": user}
    return {
        "id": str(row["id"]),
        "teamId": str(row["team_id"]),
        **who,
        "message": row["message"],
        "createdBy": str(row["created_by"]),
        "createdOn": row["created_on"],
        "expiresOn": row["expires_on"],
    }


def _add(call: Call, kind: str, team: int, user: int | None, email: str | None) -> Response:
    body = call.body
    for key in ("id", "createdBy", "createdOn"):
        if body.values.get(key) is not None:
            raise bad(f"'{key}' field is not user specifiable.")
    values = {
        "kind": kind,
        "team_id": team,
        "user_id": user,
        "email": email,
        "message": body.text("message"),
        "created_by": call.caller.id,
        "created_on": call.now,
        "expires_on": _expiry(body),
    }
    return reply(_wire(_find(call, kind, insert(call.db, "sage_invitations", values))), 201)


def _expiry(body: Body) -> str | None:
    value = body.text("expiresOn", longest=30)
    if value is not None and not _TIME.fullmatch(value):
        raise bad("expiresOn must be a time such as 2030-01-31T12:00:00.000Z.")
    return value


def _find(call: Call, kind: str, number: int) -> Row:
    row = one(call.db, "SELECT * FROM sage_invitations WHERE id = ? AND kind = ?", (number, kind))
    if row is None:
        raise missing(f"The membership {kind} {number} does not exist.")
    return row


def invite(call: Call) -> Response:
    """`POST /membershipInvitation`: of a user or of an e-mail address, by a manager."""
    body = call.body
    user, email = body.integer("inviteeId"), body.text("inviteeEmail", longest=256)
    if (user is None) == (email is None):
        raise bad("One and only one of the fields 'inviteeId' and 'inviteeEmail' is required")
    if email is not None and not _EMAIL.fullmatch(email):
        raise bad("inviteeEmail is not an e-mail address.")
    team = find_team(call.db, body.needed_integer("teamId"))["id"]
    if not may_on_team(call.db, call.caller, team, MANAGES):
        raise forbidden("Cannot create membership invitation.")
    if user is not None:
        find_user(call.db, user)
    return _add(call, INVITATION, team, user, email)


def request(call: Call) -> Response:
    """`POST /membershipRequest`: for oneself, to a team that takes requests."""
    body = call.body
    team = find_team(call.db, body.needed_integer("teamId"))
    user = body.integer("userId", call.caller.id)
    if user != call.caller.id:
        raise forbidden("Cannot create membership request for another user.")
    if team_wire(team).get("canRequestMembership") is False:
        raise bad("This team does not accept requests to join it.")
    if scalar(call.db, "SELECT count(*) FROM sage_team_members WHERE team_id = ? AND user_id = ?", (team["id"], user)):
        raise bad("You are a member of the team already.")
    return _add(call, REQUEST, team["id"], user, None)


def _is_party(call: Call, row: Row) -> bool:
    return call.caller.id == row["user_id"] or may_on_team(call.db, call.caller, row["team_id"], MANAGES)


def _getter(kind: str) -> Callable[[Call], Response]:
    def get(call: Call) -> Response:
        row = _find(call, kind, call.id())
        if not _is_party(call, row):
            raise forbidden(f"Cannot retrieve membership {kind}.")
        return reply(_wire(row))

    return get


def _deleter(kind: str) -> Callable[[Call], Response]:
    def delete(call: Call) -> Response:
        row = one(call.db, "SELECT * FROM sage_invitations WHERE id = ? AND kind = ?", (call.id(), kind))
        if row is None:
            return NO_CONTENT
        if not _is_party(call, row):
            raise forbidden(f"Cannot delete membership {kind}.")
        call.db.execute("DELETE FROM sage_invitations WHERE id = ?", (row["id"],))
        return NO_CONTENT

    return delete


def _of_team(kind: str) -> Callable[[Call], Response]:
    def listed(call: Call) -> Response:
        team = find_team(call.db, call.id())["id"]
        require_on_team(call, team, MANAGES)
        return _page(call, kind, "team_id = ?", (team,))

    return listed


def _of_user(kind: str) -> Callable[[Call], Response]:
    def listed(call: Call) -> Response:
        user = call.id()
        if call.caller.id != user and not call.caller.is_admin:
            raise forbidden(f"Cannot retrieve membership {kind}s of another user.")
        team = call.query.integer("teamId")
        if team is None:
            return _page(call, kind, "user_id = ?", (user,))
        return _page(call, kind, "user_id = ? AND team_id = ?", (user, team))

    return listed


def _page(call: Call, kind: str, condition: str, values: tuple[int, ...]) -> Response:
    return page_query(call, "*", f"{_OPEN} AND {condition}", "id", (kind, call.now, *values), _wire)


def count(call: Call) -> Response:
    """`GET /membershipInvitation/openInvitationCount`: how many the caller has."""
    values = (INVITATION, call.now, call.caller.id)
    return reply({"count": scalar(call.db, f"SELECT count(*) FROM {_OPEN} AND user_id = ?", values)})


ROUTES = (
    writes("POST", "/membershipInvitation", invite),
    reads("GET", "/membershipInvitation/openInvitationCount", count),
    reads("GET", "/membershipInvitation/{id}", _getter(INVITATION)),
    writes("DELETE", "/membershipInvitation/{id}", _deleter(INVITATION)),
    reads("GET", "/team/{id}/openInvitation", _of_team(INVITATION)),
    reads("GET", "/user/{id}/openInvitation", _of_user(INVITATION)),
    writes("POST", "/membershipRequest", request),
    reads("GET", "/membershipRequest/{id}", _getter(REQUEST)),
    writes("DELETE", "/membershipRequest/{id}", _deleter(REQUEST)),
    reads("GET", "/team/{id}/openRequest", _of_team(REQUEST)),
    reads("GET", "/user/{id}/openRequest", _of_user(REQUEST)),
)
