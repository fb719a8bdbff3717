"""Members of the workspace and its groups: `/v2/members/`, `/v2/groups/`.

Ranks: owner, admin, member, guest. Owners and admins manage members up to their own rank; the last owner stays.
"""

from __future__ import annotations

from typing import Any, Final

from reconciler.backend.database import IntegrityError, Row, insert, one, scalar, update_sql
from reconciler.backend.datamaker.call import NO_CONTENT, Call
from reconciler.backend.datamaker.fields import Fields, Writing
from reconciler.backend.datamaker.listing import Selection, v2_list
from reconciler.backend.routing import Route, Work
from reconciler.backend.wire import FieldError, Response, conflict, denied, invalid, invalid_field

MEMBER_ROLES: Final = ("owner", "admin", "member", "guest")
_MANAGERS: Final = ("owner", "admin")


def member_role(call: Call) -> str:
    """Role of the caller in the workspace. Raises `ApiError` 403 when there is none."""
    sql = "SELECT role FROM members WHERE user_id = ? AND tenant_id = ?"
    role = scalar(call.db, sql, (call.identity.user, call.tenant))
    if role is None:
        raise denied("You are not a member of this workspace.")
    return str(role)


def check_rank(call: Call, *roles: str) -> None:
    """Let only managers pass, and none above their own rank. Raises `ApiError` 403."""
    own = member_role(call)
    if own not in _MANAGERS:
        raise denied("Only owners and admins manage members.")
    if any(MEMBER_ROLES.index(role) < MEMBER_ROLES.index(own) for role in roles):
        raise denied("The role ranks above your own.")


def _find(call: Call) -> Row:
    return call.find("The member", "SELECT * FROM members WHERE id = ? AND tenant_id = ?", (call.id(), call.tenant))


def _wire(row: Row) -> dict[str, Any]:
    return {"id": row["id"], "user_id": row["user_id"], "role": row["role"]}


def _detail(row: Row) -> dict[str, Any]:
    return {**_wire(row), "tenant_id": row["tenant_id"]}


def list_members(call: Call) -> Response:
    """`GET /v2/members/`."""
    role = call.query.text("role")
    where = ("tenant_id = ?", *(("role = ?",) if role else ()))
    values = (call.tenant, *((role,) if role else ()))
    return v2_list(call, Selection("*", "members", "id", where, values), _wire)


def create_member(call: Call) -> Response:
    """`POST /v2/members/`: a user of this server, known by id."""
    fields = Fields(call.request.object())
    fields.integer("user", required=True, column="user_id")
    fields.text("role", choices=MEMBER_ROLES, required=True)
    values = fields.done() | {"tenant_id": call.tenant}
    check_rank(call, values["role"])
    if not scalar(call.db, "SELECT 1 FROM users WHERE id = ?", (values["user_id"],)):
        raise invalid_field("user", "is no user")
    try:
        made = insert(call.db, "members", values)
    except IntegrityError as exc:
        raise invalid_field("user", "is a member already") from exc
    row = one(call.db, "SELECT * FROM members WHERE id = ?", (made,))
    assert row is not None
    return call.reply(_detail(row), 201)


def get_member(call: Call) -> Response:
    """`GET /v2/members/{id}/`."""
    return call.reply(_detail(_find(call)))


def patch_member(call: Call) -> Response:
    """`PATCH /v2/members/{id}/`: the role only."""
    row = _find(call)
    body = call.request.object()
    if "user" in body:
        raise invalid([FieldError("user", "cannot change")])
    fields = Fields(body, Writing.PATCH)
    fields.text("role", choices=MEMBER_ROLES)
    role = fields.done().get("role", row["role"])
    check_rank(call, row["role"], role)
    if role != "owner":
        _keep_an_owner(call, row)
    call.db.execute("UPDATE members SET role = ? WHERE id = ?", (role, row["id"]))
    return call.reply(_detail(_find(call)))


def delete_member(call: Call) -> Response:
    """`DELETE /v2/members/{id}/`: with the roles that were granted to it, and its tokens for this workspace."""
    row = _find(call)
    check_rank(call, row["role"])
    _keep_an_owner(call, row)
    call.db.execute("DELETE FROM members WHERE id = ?", (row["id"],))
    call.db.execute("DELETE FROM tokens WHERE user_id = ? AND tenant_id = ?", (row["user_id"], call.tenant))
    return NO_CONTENT


def _keep_an_owner(call: Call, row: Row) -> None:
    others = "SELECT 1 FROM members WHERE tenant_id = ? AND role = 'owner' AND id <> ?"
    if row["role"] == "owner" and not scalar(call.db, others, (call.tenant, row["id"])):
        raise conflict("The workspace needs an owner: this is the last one.")


def _find_group(call: Call) -> Row:
    return call.find(
        "The group", "SELECT * FROM workspace_groups WHERE id = ? AND tenant_id = ?", (call.id(), call.tenant)
    )


def _group_wire(row: Row) -> dict[str, Any]:
    return {"id": row["id"], "name": row["name"], "created": row["created"]}


def _group_detail(row: Row) -> dict[str, Any]:
    return {**_group_wire(row), "tenant_id": row["tenant_id"], "description": row["description"]}


def _group_fields(call: Call, writing: Writing) -> dict[str, Any]:
    fields = Fields(call.request.object(), writing)
    fields.text("name", shortest=1, longest=10_000, required=True)
    fields.text("description", default="")
    return fields.done()


def list_groups(call: Call) -> Response:
    """`GET /v2/groups/`."""
    chosen = Selection("*", "workspace_groups", "id", ("tenant_id = ?",), (call.tenant,), ("name",))
    return v2_list(call, chosen, _group_wire)


def create_group(call: Call) -> Response:
    """`POST /v2/groups/`."""
    values = _group_fields(call, Writing.CREATE) | {"tenant_id": call.tenant, "created": call.store.now()}
    made = insert(call.db, "workspace_groups", values)
    row = one(call.db, "SELECT * FROM workspace_groups WHERE id = ?", (made,))
    assert row is not None
    return call.reply(_group_detail(row), 201)


def get_group(call: Call) -> Response:
    """`GET /v2/groups/{id}/`."""
    return call.reply(_group_detail(_find_group(call)))


def replace_group(call: Call) -> Response:
    """`PUT /v2/groups/{id}/`."""
    return _update_group(call, Writing.REPLACE)


def patch_group(call: Call) -> Response:
    """`PATCH /v2/groups/{id}/`."""
    return _update_group(call, Writing.PATCH)


def _update_group(call: Call, writing: Writing) -> Response:
    group = _find_group(call)["id"]
    values = _group_fields(call, writing)
    if values:
        call.db.execute(update_sql("workspace_groups", values), {"id": group, **values})
    return call.reply(_group_detail(_find_group(call)))


def delete_group(call: Call) -> Response:
    """`DELETE /v2/groups/{id}/`: with the roles that were granted to it."""
    call.db.execute("DELETE FROM workspace_groups WHERE id = ?", (_find_group(call)["id"],))
    return NO_CONTENT


ROUTES = (
    Route("GET", "/v2/members/", list_members),
    Route("POST", "/v2/members/", create_member, Work.WRITE, "create"),
    Route("GET", "/v2/members/{id}/", get_member),
    Route("PATCH", "/v2/members/{id}/", patch_member, Work.WRITE, "update"),
    Route("DELETE", "/v2/members/{id}/", delete_member, Work.WRITE, "destroy"),
    Route("GET", "/v2/groups/", list_groups),
    Route("POST", "/v2/groups/", create_group, Work.WRITE, "create"),
    Route("GET", "/v2/groups/{id}/", get_group),
    Route("PUT", "/v2/groups/{id}/", replace_group, Work.WRITE, "update"),
    Route("PATCH", "/v2/groups/{id}/", patch_group, Work.WRITE, "update"),
    Route("DELETE", "/v2/groups/{id}/", delete_group, Work.WRITE, "destroy"),
)
