"""Roles on collections and projects, and what one may do there: the membership family of `/v2/`.

Roles are granted by invitation and by accepted join requests; there is no way to take one back, in either dialect.
Every member of the workspace may do everything here whatever the roles say: they are kept and shown, not enforced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from reconciler.backend.database import Row, insert, one, scalar
from reconciler.backend.datamaker.assignments import find_assignment
from reconciler.backend.datamaker.call import Call
from reconciler.backend.datamaker.data_collections import find_collection
from reconciler.backend.datamaker.fields import MAX_ID, Fields, Writing
from reconciler.backend.datamaker.listing import Selection, v2_list
from reconciler.backend.datamaker.members import member_role
from reconciler.backend.datamaker.projects import find_project
from reconciler.backend.datamaker.tasks import find_task
from reconciler.backend.datamaker.truth import find_version
from reconciler.backend.datamaker.truth_events import find_event
from reconciler.backend.datamaker.units import find_unit
from reconciler.backend.datamaker.workshops import find_seat, find_workshop
from reconciler.backend.routing import Route, Work
from reconciler.backend.wire import FieldError, Response, denied, invalid, invalid_field, not_found

ROLES: Final = {"leader": "Leader", "manager": "Manager", "viewer": "Viewer"}
PRIMARY_ROLE: Final = "leader"
_ACTIONS: Final = ("read", "add", "change", "delete")
_VIEWER_ACTIONS: Final = ("read",)
_REQUEST_STATES: Final = ("stand_by", "accepted", "rejected")


@dataclass(frozen=True, slots=True)
class Target:
    """What roles are granted on. kind: collection or project; app: how permissions are named."""

    kind: str
    id: int
    app: str


Find = Callable[[Call], Target]


def _collection(call: Call, collection: int) -> Target:
    return Target("collection", find_collection(call.db, call.tenant, collection)["id"], "data.datacollection")


def _project(call: Call, project: int) -> Target:
    return Target("project", find_project(call.db, call.tenant, project)["id"], "annotation.project")


def _dataset_version(call: Call) -> Target:
    row = find_version(call, call.id("ds"), call.id())
    return Target("dataset", row["ground_truth_dataset_id"], "ground_truth.dataset")


def _group(call: Call) -> Target:
    target = _collection(call, call.id("dc"))
    sql = "SELECT 1 FROM unit_groups WHERE id = ? AND collection_id = ?"
    if not scalar(call.db, sql, (call.id(), target.id)):
        raise not_found("The group")
    return target


def _tag(table: str) -> Find:
    def find(call: Call) -> Target:
        target = _project(call, call.id("p"))
        if not scalar(call.db, f"SELECT 1 FROM {table} WHERE id = ? AND project_id = ?", (call.id(), target.id)):
            raise not_found("The tag")
        return target

    return find


def _review_tag(call: Call) -> Target:
    sql = "SELECT project_id FROM review_tags WHERE id = ?"
    project = scalar(call.db, sql, (call.id(),))
    if project is None:
        raise not_found("The tag")
    return _project(call, project)


def _seat(role: str) -> Find:
    def find(call: Call) -> Target:
        return _project(call, find_seat(call, call.id("workshop"), call.id(), role)["project_id"])

    return find


def _event(call: Call) -> Target:
    return Target("dataset", find_event(call, call.id("pgh_id"))["dataset_id"], "ground_truth.dataset")


_FAMILIES: Final[Mapping[str, Find]] = {
    "/v2/data-collections/": lambda call: _collection(call, call.id()),
    "/v2/projects/": lambda call: _project(call, call.id()),
}
_CHILDREN: Final[Mapping[str, Find]] = {
    "/v2/data-collections/{dc}/groups/{id}/": _group,
    "/v2/data-units/{id}/": lambda call: _collection(call, find_unit(call, call.id())["collection_id"]),
    "/v2/projects/{p}/tags/{id}/": _tag("task_tags"),
    "/v2/projects/{p}/review-tags/{id}/": _tag("review_tags"),
    "/v2/review-tags/{id}/": _review_tag,
    "/v2/tasks/{id}/": lambda call: _project(call, find_task(call, call.id())["project_id"]),
    "/v2/assignments/{id}/": lambda call: _project(call, find_assignment(call, call.id())["project_id"]),
    "/v2/workshops/{id}/": lambda call: _project(call, find_workshop(call, call.id())["project_id"]),
    "/v2/workshops/{workshop}/workers/{id}/": _seat("labeler"),
    "/v2/workshops/{workshop}/reviewer-covers/{id}/": _seat("reviewer"),
    "/v2/ground-truth-datasets/{ds}/versions/{id}/": _dataset_version,
    "/v2/ground-truth-events/{pgh_id}/": _event,
}


def _role_wire(code: str) -> dict[str, Any]:
    return {"id": list(ROLES).index(code) + 1, "code": code, "display_name": ROLES[code]}


def _own_role(call: Call, target: Target) -> tuple[str, str]:
    """The caller's role on a target, and where it comes from."""
    if member_role(call) in ("owner", "admin"):
        return PRIMARY_ROLE, "workspace_role"
    sql = (
        "SELECT g.role FROM grants g JOIN members m ON m.id = g.member_id WHERE g.kind = ? AND g.target_id = ?"
        " AND m.user_id = ? ORDER BY g.id LIMIT 1"
    )
    granted = scalar(call.db, sql, (target.kind, target.id, call.identity.user))
    return (granted, "member_role") if granted else ("manager", "workspace_role")


def _permissions(target: Target, role: str) -> list[str]:
    return [f"{target.app}.{one}" for one in (_VIEWER_ACTIONS if role == "viewer" else _ACTIONS)]


def permissions(find: Find) -> Callable[[Call], Response]:
    """`GET …/permissions/`: the caller's role and permissions."""

    def handler(call: Call) -> Response:
        target = find(call)
        role, source = _own_role(call, target)
        wire = {"role": _role_wire(role), "permissions": _permissions(target, role), "role_source": source}
        return call.reply(wire)

    return handler


def check_permission(find: Find) -> Callable[[Call], Response]:
    """`GET …/check_permission/?permission=`: 403 without it. A bare action such as `read` will do."""

    def handler(call: Call) -> Response:
        target = find(call)
        wanted = call.query.text("permission") or "read"
        allowed = _permissions(target, _own_role(call, target)[0])
        if wanted not in allowed and f"{target.app}.{wanted}" not in allowed:
            raise denied("You do not have this permission.")
        return call.reply({"permission": wanted, "has_permission": True})

    return handler


def roles(find: Find) -> Callable[[Call], Response]:
    """`GET …/roles/`: the roles that exist, and who was granted which."""

    def handler(call: Call) -> Response:
        target = find(call)
        return call.reply({"roles": [_role_wire(code) for code in ROLES], **_granted(call, target)})

    return handler


def _granted(call: Call, target: Target) -> dict[str, Any]:
    sql = "SELECT member_id, group_id, role FROM grants WHERE kind = ? AND target_id = ? ORDER BY id"
    members: dict[int, list[str]] = {}
    groups: dict[int, list[str]] = {}
    for member, group, role in call.db.execute(sql, (target.kind, target.id)):
        (members if group is None else groups).setdefault(member if group is None else group, []).append(role)
    return {
        "member_roles": [{"member": one, "role": granted} for one, granted in members.items()],
        "group_roles": [{"group": one, "role": granted} for one, granted in groups.items()],
    }


def grantable_roles(find: Find) -> Callable[[Call], Response]:
    """`GET …/grantable_roles/`: the primary role can be granted only by who has it."""

    def handler(call: Call) -> Response:
        role, _ = _own_role(call, find(call))
        return call.reply({"roles": [_role_wire(code) for code in ROLES if code != PRIMARY_ROLE or role == code]})

    return handler


def default_roles(call: Call) -> Response:
    """`GET …/default_roles/`."""
    return call.reply({"roles": [_role_wire(code) for code in ROLES]})


def invite(find: Find) -> Callable[[Call], Response]:
    """`POST …/invite/`: grant roles to members and groups; what is granted already stays."""

    def handler(call: Call) -> Response:
        target = find(call)
        wanted = _read_invitation(call)
        for who, one_id, code in wanted:
            sql = f"INSERT INTO grants (kind, target_id, {who}_id, role) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
            call.db.execute(sql, (target.kind, target.id, one_id, code))
        return call.reply(_granted(call, target))

    return handler


def _read_invitation(call: Call) -> list[tuple[str, int, str]]:
    """(member or group, id, role) of both documented forms of the body: entries with roles, or ids and one role."""
    body = call.request.object()
    errors: list[FieldError] = []
    wanted: list[tuple[str, int, str]] = []
    for who in ("member", "group"):
        entries = _entries(body.get(f"{who}_roles", []), f"{who}_roles", errors)
        short = _entries(body.get(f"{who}_ids", []), f"{who}_ids", errors)
        pairs = [(f"{who}_roles[{index}]", one.get(who), one.get("role")) for index, one in enumerate(entries)]
        pairs += [(f"{who}_ids[{index}]", one, body.get("role_code")) for index, one in enumerate(short)]
        for where, one_id, role in pairs:
            wanted += [(who, one_id, code) for code in _checked(call, who, one_id, role, where, errors)]
    if errors:
        raise invalid(errors)
    return wanted


def _entries(value: Any, name: str, errors: list[FieldError]) -> Sequence[Any]:
    kind = int if name.endswith("_ids") else dict
    if isinstance(value, list) and all(isinstance(one, kind) for one in value):
        return value
    errors.append(FieldError(name, f"must be a list of {'ids' if kind is int else 'objects'}"))
    return ()


def _checked(call: Call, who: str, one_id: Any, role: Any, where: str, errors: list[FieldError]) -> list[str]:
    table = "members" if who == "member" else "workspace_groups"
    sql = f"SELECT 1 FROM {table} WHERE id = ? AND tenant_id = ?"
    if type(one_id) is not int or not 0 <= one_id <= MAX_ID or not scalar(call.db, sql, (one_id, call.tenant)):
        errors.append(FieldError(f"{where}.{who}", f"is no {who} of the workspace"))
    codes = role if isinstance(role, list) else [role]
    if not codes or not all(isinstance(code, str) and code in ROLES for code in codes):
        errors.append(FieldError(f"{where}.role", f"must be one of {', '.join(ROLES)}, or a list of them"))
        return []
    return list(dict.fromkeys(codes))


def list_requests(find: Find) -> Callable[[Call], Response]:
    """`GET …/join_requests/`: those that wait."""

    def handler(call: Call) -> Response:
        target = find(call)
        where = ("r.kind = ?", "r.target_id = ?", "r.status = 'stand_by'")
        source = "join_requests r JOIN users u ON u.id = r.user_id"
        columns = "r.id, r.created, u.id AS user_id, u.email, u.name"
        return v2_list(call, Selection(columns, source, "r.id", where, (target.kind, target.id)), _request_wire)

    return handler


def _request_wire(row: Row) -> dict[str, Any]:
    user = {"id": row["user_id"], "email": row["email"], "name": row["name"][:50], "thumbnail": ""}
    return {"id": row["id"], "user": user, "created": row["created"]}


def request_join(find: Find) -> Callable[[Call], Response]:
    """`POST …/join_requests/`: the caller asks; guests may not."""

    def handler(call: Call) -> Response:
        target = find(call)
        if member_role(call) == "guest":
            raise denied("Guests cannot ask to join.")
        sql = "SELECT 1 FROM join_requests WHERE kind = ? AND target_id = ? AND user_id = ? AND status = 'stand_by'"
        values = {"kind": target.kind, "target_id": target.id, "user_id": call.identity.user}
        if scalar(call.db, sql, tuple(values.values())):
            raise invalid_field("body", "you have asked already")
        values |= {"tenant_id": call.tenant, "created": call.store.now()}
        made = insert(call.db, "join_requests", values)
        return call.reply(_my_request_wire(_my_request(call, made)), 201)

    return handler


def confirm_join(find: Find) -> Callable[[Call], Response]:
    """`PATCH …/join_requests/`: decide about the request `id`, or, without one, about the oldest that waits."""

    def handler(call: Call) -> Response:
        target = find(call)
        fields = Fields(call.request.object(), Writing.PATCH)
        fields.integer("id")
        fields.text("status", choices=_REQUEST_STATES)
        fields.text("role", choices=ROLES)
        given = fields.done()
        row = _waiting(call, target, given.get("id"))
        status, role = given.get("status", "accepted"), given.get("role", "viewer")
        now = call.store.now()
        moments = (now if status == "accepted" else None, now if status == "rejected" else None)
        sql = "UPDATE join_requests SET status = ?, role = ?, accepted = ?, rejected = ? WHERE id = ?"
        call.db.execute(sql, (status, role, *moments, row["id"]))
        if status == "accepted":
            _grant_to_user(call, target, row["user_id"], role)
        return call.reply({"status": status, "role": role})

    return handler


def _waiting(call: Call, target: Target, request: int | None) -> Row:
    where = "kind = ? AND target_id = ? AND status = 'stand_by' AND (? IS NULL OR id = ?)"
    sql = f"SELECT * FROM join_requests WHERE {where} ORDER BY id LIMIT 1"
    row = one(call.db, sql, (target.kind, target.id, request, request))
    if row is None:
        raise not_found("The join request")
    return row


def _grant_to_user(call: Call, target: Target, user: int, role: str) -> None:
    sql = (
        "INSERT INTO grants (kind, target_id, member_id, role)"
        " SELECT ?, ?, id, ? FROM members WHERE user_id = ? AND tenant_id = ? ON CONFLICT DO NOTHING"
    )
    call.db.execute(sql, (target.kind, target.id, role, user, call.tenant))


_MY_COLUMNS: Final = "id, status, role, target_id, created, accepted, rejected"


def _my_request_wire(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "status": row["status"],
        "role": row["role"],
        "object_id": row["target_id"],
        "created": row["created"],
        "accepted": row["accepted"],
        "rejected": row["rejected"],
    }


def _my_request(call: Call, request: int | None) -> Row:
    sql = f"SELECT {_MY_COLUMNS}, kind FROM join_requests WHERE id = ? AND user_id = ? AND tenant_id = ?"
    row = one(call.db, sql, (request, call.identity.user, call.tenant))
    if row is None:
        raise not_found("The join request")
    return row


def my_requests(kind: str, find: Find | None) -> Callable[[Call], Response]:
    """`GET …/my_join_requests/`, of one target or of all."""

    def handler(call: Call) -> Response:
        where, values = ["kind = ?", "user_id = ?", "tenant_id = ?"], [kind, call.identity.user, call.tenant]
        if find is not None:
            where.append("target_id = ?")
            values.append(find(call).id)
        if (status := call.query.text("status")) is not None:
            where.append("status = ?")
            values.append(status)
        chosen = Selection(_MY_COLUMNS, "join_requests", "id", tuple(where), tuple(values))
        return v2_list(call, chosen, _my_request_wire)

    return handler


def my_request(kind: str) -> Callable[[Call], Response]:
    """`GET …/my_join_requests/{request}/`."""

    def handler(call: Call) -> Response:
        row = _my_request(call, call.id("request"))
        if row["kind"] != kind:
            raise not_found("The join request")
        return call.reply(_my_request_wire(row))

    return handler


def _reading_routes(base: str, find: Find) -> tuple[Route, ...]:
    return (
        Route("GET", f"{base}check_permission/", check_permission(find)),
        Route("GET", f"{base}permissions/", permissions(find)),
        Route("GET", f"{base}roles/", roles(find)),
    )


def _family_routes(base: str, find: Find) -> tuple[Route, ...]:
    kind = "project" if "projects" in base else "collection"
    own = f"{base}{{id}}/"
    return (
        *_reading_routes(own, find),
        Route("GET", f"{base}default_roles/", default_roles),
        Route("GET", f"{own}grantable_roles/", grantable_roles(find)),
        Route("POST", f"{own}invite/", invite(find), Work.WRITE, "invite"),
        Route("GET", f"{own}join_requests/", list_requests(find)),
        Route("POST", f"{own}join_requests/", request_join(find), Work.WRITE, "create"),
        Route("PATCH", f"{own}join_requests/", confirm_join(find), Work.WRITE, "update"),
        Route("GET", f"{own}my_join_requests/", my_requests(kind, find)),
        Route("GET", f"{base}my_join_requests/", my_requests(kind, None)),
        Route("GET", f"{base}my_join_requests/{{request}}/", my_request(kind)),
    )


ROUTES: Final[tuple[Route, ...]] = (
    *(route for base, find in _FAMILIES.items() for route in _family_routes(base, find)),
    *(route for base, find in _CHILDREN.items() for route in _reading_routes(base, find)),
)
