"""Teams: making, finding, changing and removing them, and their access lists.

Who manages a team is who has TEAM_MEMBERSHIP_UPDATE on it; see `team_members` for who belongs to it.
"""

from __future__ import annotations

import json
from typing import Any, Final

from reconciler.backend.database import Connection, Row, containing, scalar
from reconciler.backend.sage.acls import delete_acls, find_acl, has_right, read_grants, write_acl
from reconciler.backend.sage.body import Body, plain_id
from reconciler.backend.sage.call import NO_CONTENT, Call, Caller, fresh_etag, reply
from reconciler.backend.sage.errors import bad, forbidden, missing, stale, taken
from reconciler.backend.sage.paging import page_query
from reconciler.backend.sage.principals import AUTHENTICATED, find_principal
from reconciler.backend.sage.routes import reads, writes
from reconciler.backend.wire import Response

MANAGER: Final = frozenset({"READ", "SEND_MESSAGE", "UPDATE", "DELETE", "TEAM_MEMBERSHIP_UPDATE"})
MEMBER: Final = frozenset({"READ", "SEND_MESSAGE"})
MANAGES: Final = "TEAM_MEMBERSHIP_UPDATE"
NO_MANAGER: Final = "Team must have at least one team manager."
_LONGEST_NAME: Final = 256


def find_team(db: Connection, number: int) -> Row:
    """A team; 404 when the id is nobody's, or not a team's."""
    row = find_principal(db, number)
    if row is None or row["kind"] != "team":
        raise missing(f"Team id: '{number}' does not exist")
    return row


def may_on_team(db: Connection, caller: Caller, team: int, access: str) -> bool:
    """Whether somebody has a right on a team."""
    return has_right(db, caller, "TEAM", team, access)


def require_on_team(call: Call, team: int, access: str) -> None:
    """403 when the caller lacks a right on a team."""
    if not may_on_team(call.db, call.caller, team, access):
        raise forbidden(f"You do not have {access} permission for the requested team, {team}.")


def team_wire(row: Row) -> dict[str, Any]:
    """A team as the wire has it."""
    rest = json.loads(row["profile"])
    return {"id": str(row["id"]), "name": row["name"], "etag": row["etag"], "createdOn": row["created"], **rest}


def is_open(team: Row) -> bool:
    """Whether everybody may join without being invited."""
    return bool(json.loads(team["profile"]).get("canPublicJoin"))


def _fields(body: Body) -> dict[str, Any]:
    icon = body.integer("icon")
    values = {
        "description": body.text("description", longest=1000),
        "icon": None if icon is None else str(icon),
        "canPublicJoin": body.boolean("canPublicJoin"),
        "canRequestMembership": body.boolean("canRequestMembership", True),
    }
    return {key: value for key, value in values.items() if value is not None}


def _free_name(call: Call, body: Body, team: int | None = None) -> str:
    name = body.needed("name", longest=_LONGEST_NAME).strip()
    if not name:
        raise bad("name is required.")
    holder = scalar(call.db, "SELECT id FROM sage_principals WHERE name_key = ?", (name.lower(),))
    if holder not in (None, team):
        raise taken(f"Name {name} is already used.")
    return name


def _dump(values: dict[str, Any]) -> str:
    return json.dumps(values, sort_keys=True)


def create(call: Call) -> Response:
    """`POST /team`: the caller becomes its first member and manager."""
    body, now, user = call.body, call.now, call.caller.id
    if body.text("id") is not None:
        raise bad("'id' field is not user specifiable.")
    name = _free_name(call, body)
    rest = {**_fields(body), "createdBy": str(user), "modifiedBy": str(user), "modifiedOn": now}
    team = int(
        scalar(
            call.db,
            "INSERT INTO sage_principals (kind, name, name_key, etag, profile, created) VALUES ('team', ?, ?, ?, ?, ?)"
            " RETURNING id",
            (name, name.lower(), fresh_etag(), _dump(rest), now),
        )
    )
    call.db.execute("INSERT INTO sage_team_members (team_id, user_id) VALUES (?, ?)", (team, user))
    write_acl(call.db, "TEAM", team, {user: MANAGER, team: MEMBER, AUTHENTICATED: MEMBER}, now)
    return reply(team_wire(find_team(call.db, team)), 201)


def get(call: Call) -> Response:
    """`GET /team/{id}`: everybody may see every team."""
    return reply(team_wire(find_team(call.db, call.id())))


def put(call: Call) -> Response:
    """`PUT /team`."""
    body = call.body
    row = find_team(call.db, body.needed_integer("id"))
    require_on_team(call, row["id"], "UPDATE")
    if body.text("etag") != row["etag"]:
        raise stale(str(row["id"]))
    name = _free_name(call, body, row["id"])
    kept = {key: value for key, value in json.loads(row["profile"]).items() if key == "createdBy"}
    rest = {**_fields(body), **kept, "modifiedBy": str(call.caller.id), "modifiedOn": call.now}
    call.db.execute(
        "UPDATE sage_principals SET name = ?, name_key = ?, etag = ?, profile = ? WHERE id = ?",
        (name, name.lower(), fresh_etag(), _dump(rest), row["id"]),
    )
    return reply(team_wire(find_team(call.db, row["id"])))


_USES: Final = (
    "SELECT (SELECT count(*) FROM sage_submissions WHERE team_id = ?)"
    " + (SELECT count(*) FROM sage_grants WHERE principal_id = ? AND NOT (owner_kind = 'TEAM' AND owner_id = ?))"
)


def delete(call: Call) -> Response:
    """`DELETE /team/{id}`: nothing happens when there is none; 400 while submissions or access lists name it."""
    row = find_principal(call.db, call.id())
    if row is None or row["kind"] != "team":
        return NO_CONTENT
    team = row["id"]
    require_on_team(call, team, "DELETE")
    if scalar(call.db, _USES, (team, team, team)):
        raise bad(
            f"Can't delete the team {row['name']} (ID: {team}): it is referenced by a submission, or an entity is"
            " shared with it."
        )
    delete_acls(call.db, "TEAM", [team])
    call.db.execute("DELETE FROM sage_principals WHERE id = ?", (team,))
    return NO_CONTENT


def search(call: Call) -> Response:
    """`GET /teams?fragment=`: teams with that in their name."""
    fragment = call.query.text("fragment") or ""
    source = "sage_principals WHERE kind = 'team' AND name_key LIKE ? ESCAPE '!'"
    return page_query(call, "*", source, "name_key", (containing(fragment.lower()),), team_wire)


def listed(call: Call) -> Response:
    """`POST /teamList`: teams by their ids, in that order; 404 when there is no such team."""
    ids = [plain_id(str(one)) for one in call.body.items("list", most=1000)]
    return reply({"list": [team_wire(find_team(call.db, team)) for team in ids]})


def of_user(call: Call) -> Response:
    """`GET /user/{id}/team`."""
    source = "sage_principals p JOIN sage_team_members m ON m.team_id = p.id WHERE m.user_id = ?"
    return page_query(call, "p.*", source, "p.name_key", (call.id(),), team_wire)


def ids_of_user(call: Call) -> Response:
    """`GET /user/{id}/team/id`."""
    rows = call.db.execute("SELECT team_id FROM sage_team_members WHERE user_id = ? ORDER BY team_id", (call.id(),))
    return reply({"teamIds": [str(row["team_id"]) for row in rows]})


def get_acl(call: Call) -> Response:
    """`GET /team/{id}/acl`."""
    team = find_team(call.db, call.id())["id"]
    require_on_team(call, team, "READ")
    return _acl_reply(call, team)


def _acl_reply(call: Call, team: int) -> Response:
    acl = find_acl(call.db, "TEAM", team, str(team))
    if acl is None:
        raise missing(f"The team {team} has no access list.")
    return reply(acl)


def put_acl(call: Call) -> Response:
    """`PUT /team/acl`: the body names the team; somebody has to stay who manages it."""
    body = call.body
    team = find_team(call.db, body.needed_integer("id"))["id"]
    require_on_team(call, team, "UPDATE")
    acl = find_acl(call.db, "TEAM", team, str(team))
    if acl is None or body.text("etag") != acl["etag"]:
        raise stale(str(team))
    grants = read_grants(call, body)
    if not any(MANAGES in access for access in grants.values()):
        raise bad(NO_MANAGER)
    write_acl(call.db, "TEAM", team, grants, call.now)
    return _acl_reply(call, team)


ROUTES = (
    writes("POST", "/team", create),
    writes("PUT", "/team", put),
    writes("PUT", "/team/acl", put_acl),
    reads("GET", "/team/{id}", get, anonymous=True),
    writes("DELETE", "/team/{id}", delete),
    reads("GET", "/team/{id}/acl", get_acl),
    reads("GET", "/teams", search, anonymous=True),
    reads("POST", "/teamList", listed, anonymous=True),
    reads("GET", "/user/{id}/team", of_user, anonymous=True),
    reads("GET", "/user/{id}/team/id", ids_of_user, anonymous=True),
)
