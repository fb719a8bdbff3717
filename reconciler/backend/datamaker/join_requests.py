"""Asking to join a collection or project, and deciding about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from reconciler.backend.database import Row, insert, scalar
from reconciler.backend.datamaker.call import Call
from reconciler.backend.datamaker.fields import Fields, Writing
from reconciler.backend.datamaker.grants import ROLES
from reconciler.backend.datamaker.listing import Selection, v2_list
from reconciler.backend.datamaker.members import member_role
from reconciler.backend.datamaker.role_targets import Find, Target
from reconciler.backend.routing import Route, Work
from reconciler.backend.wire import Response, denied, invalid_field, not_found

_REQUEST_STATES: Final = ("stand_by", "accepted", "rejected")


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
    return call.find("The join request", sql, (target.kind, target.id, request, request))


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
    return call.find("The join request", sql, (request, call.identity.user, call.tenant))


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


def routes(base: str, find: Find) -> tuple[Route, ...]:
    """The routes of one family. base: path of its list."""
    kind = "project" if "projects" in base else "collection"
    own = f"{base}{{id}}/"
    return (
        Route("GET", f"{own}join_requests/", list_requests(find)),
        Route("POST", f"{own}join_requests/", request_join(find), Work.WRITE, "create"),
        Route("PATCH", f"{own}join_requests/", confirm_join(find), Work.WRITE, "update"),
        Route("GET", f"{own}my_join_requests/", my_requests(kind, find)),
        Route("GET", f"{base}my_join_requests/", my_requests(kind, None)),
        Route("GET", f"{base}my_join_requests/{{request}}/", my_request(kind)),
    )
