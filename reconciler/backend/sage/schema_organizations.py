"""Organizations, which own JSON schemas, and their access lists."""

from __future__ import annotations

import re
from typing import Any, Final

from reconciler.backend.database import Row, insert, one, scalar
from reconciler.backend.sage.acls import delete_acls, find_acl, has_right, read_grants, write_acl
from reconciler.backend.sage.body import plain_id
from reconciler.backend.sage.call import Call, empty, reply
from reconciler.backend.sage.errors import bad, lacks, missing, stale, taken
from reconciler.backend.sage.paging import token_page, token_range
from reconciler.backend.sage.routes import reads, writes
from reconciler.backend.wire import Response

KIND: Final = "ORGANIZATION"
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)*")
_RESERVED: Final = ("sagebionetwork", "org.sagebionetwork")
_RIGHTS: Final = frozenset({"READ", "CREATE", "CHANGE_PERMISSIONS", "UPDATE", "DELETE"})


def organization_wire(row: Row) -> dict[str, Any]:
    """An organization as the wire has it."""
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "createdOn": row["created_on"],
        "createdBy": str(row["created_by"]),
    }


def find_organization(call: Call, name: str) -> Row:
    """An organization by its name, in any case; 404 when there is none."""
    row = one(call.db, "SELECT * FROM sage_organizations WHERE name_key = ?", (name.lower(),))
    if row is None:
        raise missing(f"Organization with name: '{name[:300]}' not found")
    return row


def require_right(call: Call, organization: int, access: str) -> None:
    """403 when the caller lacks a right on an organization."""
    if not has_right(call.db, call.caller, KIND, organization, access):
        raise lacks(access)


def create(call: Call) -> Response:
    """`POST /schema/organization`."""
    name = call.body.needed("organizationName").strip()
    if not 6 <= len(name) <= 250 or not _NAME.fullmatch(name):
        raise bad(
            "Invalid 'organizationName': it must have 6 to 250 characters, in parts of letters and digits that begin"
            " with a letter and are separated by dots."
        )
    if name.lower().startswith(_RESERVED) and not call.caller.is_admin:
        raise bad("Only administrators may create organizations of this name.")
    if scalar(call.db, "SELECT 1 FROM sage_organizations WHERE name_key = ?", (name.lower(),)):
        raise taken(f"An Organization with the name: '{name}' already exists")
    values = {"name": name, "name_key": name.lower(), "created_by": call.caller.id, "created_on": call.now}
    number = insert(call.db, "sage_organizations", values)
    write_acl(call.db, KIND, number, {call.caller.id: _RIGHTS}, call.now)
    return reply(organization_wire(find_organization(call, name)), 201)


def get(call: Call) -> Response:
    """`GET /schema/organization?name=`."""
    name = call.query.text("name")
    if name is None:
        raise bad("name is required.")
    return reply(organization_wire(find_organization(call, name)))


def list_all(call: Call) -> Response:
    """`POST /schema/organization/list`."""
    limit, offset = token_range(call.body)
    sql = "SELECT * FROM sage_organizations ORDER BY id LIMIT ? OFFSET ?"
    rows = call.db.execute(sql, (limit + 1, offset)).fetchall()
    return reply(token_page([organization_wire(row) for row in rows], limit, offset))


def _by_id(call: Call) -> Row:
    row = one(call.db, "SELECT * FROM sage_organizations WHERE id = ?", (call.id(),))
    if row is None:
        raise missing(f"Organization with id: '{call.id()}' not found")
    return row


def delete(call: Call) -> Response:
    """`DELETE /schema/organization/{id}`: empty ones only."""
    row = _by_id(call)
    require_right(call, row["id"], "DELETE")
    if scalar(call.db, "SELECT 1 FROM sage_schemas WHERE organization_id = ? LIMIT 1", (row["id"],)):
        raise bad("All schemas defined under an organization must be deleted before it can be deleted.")
    delete_acls(call.db, KIND, [row["id"]])
    call.db.execute("DELETE FROM sage_organizations WHERE id = ?", (row["id"],))
    return empty()


def get_acl(call: Call) -> Response:
    """`GET /schema/organization/{id}/acl`."""
    row = _by_id(call)
    require_right(call, row["id"], "READ")
    return reply(find_acl(call.db, KIND, row["id"], str(row["id"])) or {})


def put_acl(call: Call) -> Response:
    """`PUT /schema/organization/{id}/acl`: the etag must be the list's own."""
    row, body = _by_id(call), call.body
    require_right(call, row["id"], "CHANGE_PERMISSIONS")
    if plain_id(body.text("id") or str(row["id"])) != row["id"]:
        raise bad("The id of the access list is not the one in the path.")
    found = find_acl(call.db, KIND, row["id"], str(row["id"]))
    if found is None or body.needed("etag") != found["etag"]:
        raise stale(str(row["id"]))
    grants = read_grants(call, body)
    if not call.caller.is_admin and "CHANGE_PERMISSIONS" not in grants.get(call.caller.id, frozenset()):
        raise bad("The caller must keep CHANGE_PERMISSIONS.")
    write_acl(call.db, KIND, row["id"], grants, call.now)
    return reply(find_acl(call.db, KIND, row["id"], str(row["id"])) or {})


ROUTES = (
    writes("POST", "/schema/organization", create),
    reads("GET", "/schema/organization", get, anonymous=True),
    reads("POST", "/schema/organization/list", list_all, anonymous=True),
    writes("DELETE", "/schema/organization/{id}", delete),
    reads("GET", "/schema/organization/{id}/acl", get_acl),
    writes("PUT", "/schema/organization/{id}/acl", put_acl),
)
