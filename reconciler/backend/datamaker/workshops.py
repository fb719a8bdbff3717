"""Workshops of projects, their workers and reviewers: `/v2/workshops/`.

Project, distribution and reviewability of a workshop never change; a workshop with participants is not deleted.
A user who takes part becomes a worker of the project first.
"""

from __future__ import annotations

import hmac
import json
from typing import Any, Final

from reconciler.backend.database import IntegrityError, Row, insert, scalar, update_sql
from reconciler.backend.datamaker.call import NO_CONTENT, Call
from reconciler.backend.datamaker.fields import Fields, Writing
from reconciler.backend.datamaker.listing import Selection, v2_list
from reconciler.backend.datamaker.projects import find_project
from reconciler.backend.routing import Route, Work
from reconciler.backend.wire import (
    FieldError,
    Response,
    conflict,
    denied,
    invalid,
    invalid_field,
)

_FIXED: Final = ("project", "level_distribution", "is_reviewable")
_SOURCE: Final = "workshops w JOIN projects p ON p.id = w.project_id"
_ROLE: Final = {"workers": "labeler", "reviewer-covers": "reviewer"}
_SEATS: Final = (
    "participations s JOIN project_workers k ON k.id = s.worker_id JOIN users u ON u.id = k.user_id"
    " JOIN workshops w ON w.id = s.workshop_id"
)
_SEAT_COLUMNS: Final = "s.*, k.user_id, u.name AS user_name, u.email AS user_email, w.project_id"
_OWNER: Final = {"labeler": "user_id", "reviewer": "reviewer_id"}


def find_workshop(call: Call, workshop: int) -> Row:
    """Read a workshop. Raises `ApiError` 404 when the tenant has none with this id."""
    return call.find(
        "The workshop", f"SELECT w.* FROM {_SOURCE} WHERE w.id = ? AND p.tenant_id = ?", (workshop, call.tenant)
    )


def _wire(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "project_id": row["project_id"],
        "name": row["name"],
        "status": row["status"],
        "is_reviewable": bool(row["is_reviewable"]),
        "created": row["created"],
    }


def _detail(row: Row) -> dict[str, Any]:
    return {
        **_wire(row),
        "configuration": json.loads(row["configuration"]),
        "visibility": row["visibility"],
        "level_distribution": row["level_distribution"],
        "can_skip_labeler": bool(row["can_skip_labeler"]),
        "can_skip_reviewer": bool(row["can_skip_reviewer"]),
    }


def _fields(call: Call, writing: Writing) -> Fields:
    fields = Fields(call.request.object(), writing)
    fields.text("name", shortest=1, longest=200, required=writing is Writing.CREATE)
    fields.text("visibility", choices=("public", "private"), default="private")
    fields.text("access_code", longest=20, default="")
    fields.integer("status", most=3, default=1)
    for role in ("labeler", "reviewer"):
        fields.boolean(f"can_skip_{role}", default=False)
        fields.integer(f"count_max_skippable_{role}", nullable=True)
        fields.text(f"timeout_skip_{role}", longest=100, default="")
    fields.any("configuration", default="{}")
    return fields


def list_v2(call: Call) -> Response:
    """`GET /v2/workshops/`."""
    where, values = ["p.tenant_id = ?"], [call.tenant]
    for name, column in (("project", "w.project_id"), ("status", "w.status")):
        if (wanted := call.query.integer(name)) is not None:
            where.append(f"{column} = ?")
            values.append(wanted)
    return v2_list(call, Selection("w.*", _SOURCE, "w.id", tuple(where), tuple(values), ("w.name", "w.status")), _wire)


def create(call: Call) -> Response:
    """`POST /v2/workshops/`."""
    fields = _fields(call, Writing.CREATE)
    fields.integer("project", required=True, column="project_id")
    fields.integer("level_distribution", most=2, default=0)
    fields.boolean("is_reviewable", default=True)
    values = fields.done() | {"created": call.store.now()}
    sql = "SELECT 1 FROM projects WHERE id = ? AND tenant_id = ?"
    if not scalar(call.db, sql, (values["project_id"], call.tenant)):
        raise invalid_field("project", "is no project")
    try:
        made = insert(call.db, "workshops", values)
    except IntegrityError as exc:
        raise invalid_field("name", "a workshop of this name exists in the project") from exc
    return call.reply(_detail(find_workshop(call, made)), 201)


def get(call: Call) -> Response:
    """`GET /v2/workshops/{id}/`."""
    return call.reply(_detail(find_workshop(call, call.id())))


def replace(call: Call) -> Response:
    """`PUT /v2/workshops/{id}/`."""
    return _update(call, Writing.REPLACE)


def patch(call: Call) -> Response:
    """`PATCH /v2/workshops/{id}/`."""
    return _update(call, Writing.PATCH)


def _update(call: Call, writing: Writing) -> Response:
    workshop = find_workshop(call, call.id())["id"]
    fixed = [FieldError(name, "cannot change") for name in _FIXED if name in call.request.object()]
    if fixed:
        raise invalid(fixed)
    values = _fields(call, writing).done()
    try:
        if values:
            call.db.execute(update_sql("workshops", values), {"id": workshop, **values})
    except IntegrityError as exc:
        raise invalid_field("name", "a workshop of this name exists in the project") from exc
    return call.reply(_detail(find_workshop(call, workshop)))


def delete(call: Call) -> Response:
    """`DELETE /v2/workshops/{id}/`: its tasks stay, without workshop."""
    workshop = find_workshop(call, call.id())["id"]
    if scalar(call.db, "SELECT 1 FROM participations WHERE workshop_id = ? LIMIT 1", (workshop,)):
        raise conflict("Workers or reviewers take part in the workshop: remove them first.")
    call.db.execute("UPDATE tasks SET workshop_id = NULL WHERE workshop_id = ?", (workshop,))
    call.db.execute("DELETE FROM workshops WHERE id = ?", (workshop,))
    return NO_CONTENT


def participate(call: Call) -> Response:
    """`POST /v2/workshops/{id}/participate/`: the caller takes part; taking part twice is the same once."""
    workshop = find_workshop(call, call.id())
    fields = Fields(call.request.object())
    fields.text("role", choices=("labeler", "reviewer"), required=True)
    fields.text("access_code", longest=20, default="")
    given = fields.done()
    if not hmac.compare_digest(given["access_code"].encode(), workshop["access_code"].encode()):
        raise denied("The access code is wrong.")
    _check_reviewable(workshop, given["role"])
    worker = _worker(call, workshop["project_id"], call.identity.user)
    call.db.execute(
        "INSERT INTO participations (workshop_id, worker_id, role) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (workshop["id"], worker, given["role"]),
    )
    return call.reply({"worker_id": worker, "role": given["role"]}, 201)


def _worker(call: Call, project: int, user: int) -> int:
    find_project(call.db, call.tenant, project)
    call.db.execute(
        "INSERT INTO project_workers (project_id, user_id) VALUES (?, ?) ON CONFLICT DO NOTHING", (project, user)
    )
    sql = "SELECT id FROM project_workers WHERE project_id = ? AND user_id = ?"
    return int(scalar(call.db, sql, (project, user)))


def _check_reviewable(workshop: Row, role: str) -> None:
    if role == "reviewer" and not workshop["is_reviewable"]:
        raise invalid_field("role", "the workshop has no reviews")


def _kind(call: Call) -> str:
    return _ROLE[call.request.path.split("/")[4]]


def _find_seat(call: Call) -> Row:
    return find_seat(call, call.id("workshop"), call.id(), _kind(call))


def find_seat(call: Call, workshop: int, seat: int, role: str) -> Row:
    """Read a worker or reviewer of a workshop. Raises `ApiError` 404. role: labeler or reviewer."""
    owner = find_workshop(call, workshop)["id"]
    sql = f"SELECT {_SEAT_COLUMNS} FROM {_SEATS} WHERE s.id = ? AND s.workshop_id = ? AND s.role = ?"
    return call.find("The participant", sql, (seat, owner, role))


def _seat_wire(row: Row) -> dict[str, Any]:
    wire = {
        "id": row["id"],
        "workshop_id": row["workshop_id"],
        "worker": {
            "id": row["worker_id"],
            "user_id": row["user_id"],
            "user_name": row["user_name"],
            "user_email": row["user_email"],
            "is_active": True,
        },
        "count_max_tasks": row["count_max_tasks"],
    }
    return wire | ({"can_self_review": bool(row["can_self_review"])} if row["role"] == "reviewer" else {})


def _seat_detail(call: Call, row: Row) -> dict[str, Any]:
    detail = {**_seat_wire(row), "count_assignments_in_workshop": _assignments(call, row)}
    if row["role"] == "reviewer":
        sql = "SELECT id FROM participations WHERE workshop_id = ? AND role = 'labeler' ORDER BY id"
        detail["label_participation_ids"] = [one[0] for one in call.db.execute(sql, (row["workshop_id"],))]
    return detail


def _assignments(call: Call, row: Row, condition: str = "1 = 1") -> int:
    sql = (
        f"SELECT count(*) FROM assignments a JOIN tasks t ON t.id = a.task_id WHERE t.workshop_id = ?"
        f" AND a.{_OWNER[row['role']]} = ? AND {condition}"
    )
    return int(scalar(call.db, sql, (row["workshop_id"], row["user_id"])))


def list_seats(call: Call) -> Response:
    """`GET /v2/workshops/{workshop}/workers/`, `…/reviewer-covers/`."""
    workshop = find_workshop(call, call.id("workshop"))["id"]
    where = ("s.workshop_id = ?", "s.role = ?")
    return v2_list(call, Selection(_SEAT_COLUMNS, _SEATS, "s.id", where, (workshop, _kind(call))), _seat_wire)


def _seat_fields(call: Call, writing: Writing) -> Fields:
    fields = Fields(call.request.object(), writing)
    fields.integer("count_max_tasks", default=0)
    if _kind(call) == "reviewer":
        fields.boolean("can_self_review", default=False)
    return fields


def create_seat(call: Call) -> Response:
    """`POST …/workers/`, `POST …/reviewer-covers/`: a member of the workspace, once per workshop and role."""
    workshop, role = find_workshop(call, call.id("workshop")), _kind(call)
    fields = _seat_fields(call, Writing.CREATE)
    fields.integer("user", required=True)
    values = fields.done()
    _check_reviewable(workshop, role)
    user = values.pop("user")
    if not scalar(call.db, "SELECT 1 FROM members WHERE user_id = ? AND tenant_id = ?", (user, call.tenant)):
        raise invalid_field("user", "is no member of the workspace")
    worker = _worker(call, workshop["project_id"], user)
    values |= {"workshop_id": workshop["id"], "worker_id": worker, "role": role}
    try:
        made = insert(call.db, "participations", values)
    except IntegrityError as exc:
        raise invalid_field("user", "takes part already") from exc
    return call.reply(_seat_detail(call, find_seat(call, workshop["id"], made, role)), 201)


def get_seat(call: Call) -> Response:
    """`GET …/workers/{id}/`, `GET …/reviewer-covers/{id}/`."""
    return call.reply(_seat_detail(call, _find_seat(call)))


def patch_seat(call: Call) -> Response:
    """`PATCH …/workers/{id}/`, `PATCH …/reviewer-covers/{id}/`: the user stays."""
    row = _find_seat(call)
    if "user" in call.request.object():
        raise invalid([FieldError("user", "cannot change")])
    values = _seat_fields(call, Writing.PATCH).done()
    if values:
        call.db.execute(update_sql("participations", values), {"id": row["id"], **values})
    return call.reply(_seat_detail(call, _find_seat(call)))


def delete_seat(call: Call) -> Response:
    """`DELETE …/workers/{id}/`, `DELETE …/reviewer-covers/{id}/`: not with assignments that are not confirmed."""
    row = _find_seat(call)
    if _assignments(call, row, "a.is_confirmed = 0"):
        raise conflict("The participant has assignments that are not confirmed.")
    call.db.execute("DELETE FROM participations WHERE id = ?", (row["id"],))
    return NO_CONTENT


_BASE: Final = "/v2/workshops/"
_SEAT_ROUTES: Final = tuple(
    route
    for base in (f"{_BASE}{{workshop}}/{kind}/" for kind in _ROLE)
    for route in (
        Route("GET", base, list_seats),
        Route("POST", base, create_seat, Work.WRITE, "create"),
        Route("GET", base + "{id}/", get_seat),
        Route("PATCH", base + "{id}/", patch_seat, Work.WRITE, "update"),
        Route("DELETE", base + "{id}/", delete_seat, Work.WRITE, "destroy"),
    )
)
ROUTES = (
    Route("GET", _BASE, list_v2),
    Route("POST", _BASE, create, Work.WRITE, "create"),
    Route("GET", _BASE + "{id}/", get),
    Route("PUT", _BASE + "{id}/", replace, Work.WRITE, "update"),
    Route("PATCH", _BASE + "{id}/", patch, Work.WRITE, "update"),
    Route("DELETE", _BASE + "{id}/", delete, Work.WRITE, "destroy"),
    Route("POST", _BASE + "{id}/participate/", participate, Work.WRITE, "participate"),
    *_SEAT_ROUTES,
)
