"""Task tags and review tags of projects, and tagging tasks and assignments with the former."""

from __future__ import annotations

import json
from typing import Any, Final

from reconciler.backend.database import IDS, Connection, IntegrityError, Row, containing, insert, one, update_sql
from reconciler.backend.datamaker.call import NO_CONTENT, Call
from reconciler.backend.datamaker.fields import Fields, Writing
from reconciler.backend.datamaker.listing import Selection, v1_list, v2_list
from reconciler.backend.datamaker.projects import find_project
from reconciler.backend.datamaker.revisions import touch_project
from reconciler.backend.routing import Route, Work
from reconciler.backend.wire import ApiError, FieldError, Response, invalid, invalid_field, not_found


def _tag_wire(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "project_id": row["project_id"],
        "name": row["name"],
        "category": row["category"],
        "description": row["description"],
        "meta": json.loads(row["meta"]),
        "created": row["created"],
    }


def _review_tag_wire(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "project_id": row["project_id"],
        "name": row["name"],
        "background_color": row["background_color"],
        "description": row["description"],
        "created": row["created"],
    }


_TAG_SOURCES: Final = {"task_tags": _tag_wire, "review_tags": _review_tag_wire}
_OWN: Final = "project_id IN (SELECT id FROM projects WHERE tenant_id = ?)"


def _find_tag(call: Call, table: str, *, project: int | None = None) -> Row:
    row = one(call.db, f"SELECT * FROM {table} WHERE id = ? AND {_OWN}", (call.id(), call.tenant))
    if row is None or project not in (None, row["project_id"]):
        raise not_found("The tag")
    return row


def _insert_tag(call: Call, table: str, values: dict[str, Any]) -> Response:
    project = find_project(call.db, call.tenant, call.id("p"))["id"]
    values |= {"project_id": project, "created": call.store.now()}
    try:
        made = insert(call.db, table, values)
    except IntegrityError as exc:
        raise invalid_field("name", "a tag of this name exists in the project") from exc
    row = one(call.db, f"SELECT * FROM {table} WHERE id = ?", (made,))
    assert row is not None
    return call.reply(_TAG_SOURCES[table](row), 201)


def _update_tag(call: Call, table: str, tag: Row, values: dict[str, Any]) -> Response:
    try:
        if values:
            call.db.execute(update_sql(table, values), {"id": tag["id"], **values})
    except IntegrityError as exc:
        raise invalid_field("name", "a tag of this name exists in the project") from exc
    touch_project(call.db, tag["project_id"])
    row = one(call.db, f"SELECT * FROM {table} WHERE id = ?", (tag["id"],))
    assert row is not None
    return call.reply(_TAG_SOURCES[table](row))


def _delete_tag(call: Call, table: str, tag: Row) -> Response:
    call.db.execute(f"DELETE FROM {table} WHERE id = ?", (tag["id"],))
    touch_project(call.db, tag["project_id"])
    return NO_CONTENT


def _refuse(body: dict[str, Any], *names: str) -> None:
    wrong = [FieldError(name, "cannot change") for name in names if name in body]
    if wrong:
        raise invalid(wrong)


def list_tags(call: Call) -> Response:
    """`GET /v2/projects/{p}/tags/`."""
    project = find_project(call.db, call.tenant, call.id("p"))["id"]
    category = call.query.text("category")
    where = ("project_id = ?", *(("category = ?",) if category else ()))
    values = (project, *((category,) if category else ()))
    return v2_list(call, Selection("*", "task_tags", "id", where, values), _tag_wire)


def create_tag(call: Call) -> Response:
    """`POST /v2/projects/{p}/tags/`."""
    fields = Fields(call.request.object())
    fields.text("name", shortest=1, longest=100, required=True)
    fields.text("category", choices=("export", "project"), required=True)
    fields.text("description", default="")
    fields.any("meta", default="null")
    return _insert_tag(call, "task_tags", fields.done())


def get_tag(call: Call) -> Response:
    """`GET /v2/projects/{p}/tags/{id}/`."""
    return call.reply(_tag_wire(_find_tag(call, "task_tags", project=call.id("p"))))


def patch_tag(call: Call) -> Response:
    """`PATCH /v2/projects/{p}/tags/{id}/`: name, description, meta."""
    tag = _find_tag(call, "task_tags", project=call.id("p"))
    body = call.request.object()
    _refuse(body, "category", "project")
    fields = Fields(body, Writing.PATCH)
    fields.text("name", shortest=1, longest=100)
    fields.text("description")
    fields.any("meta")
    return _update_tag(call, "task_tags", tag, fields.done())


def delete_tag(call: Call) -> Response:
    """`DELETE /v2/projects/{p}/tags/{id}/`."""
    return _delete_tag(call, "task_tags", _find_tag(call, "task_tags", project=call.id("p")))


def list_tags_v1(call: Call) -> Response:
    """`GET /task_tags/`."""
    project = call.query.integer("project")
    where = (_OWN, *(("project_id = ?",) if project is not None else ()))
    values = (call.tenant, *((project,) if project is not None else ()))
    return v1_list(call, Selection("*", "task_tags", "id", where, values), _tag_wire)


def get_tag_v1(call: Call) -> Response:
    """`GET /task_tags/{id}/`."""
    return call.reply(_tag_wire(_find_tag(call, "task_tags")))


def list_review_tags(call: Call) -> Response:
    """`GET /v2/projects/{p}/review-tags/`; `name` matches anywhere."""
    project = find_project(call.db, call.tenant, call.id("p"))["id"]
    name = call.query.text("name")
    where = ("project_id = ?", *(("lower(name) LIKE lower(?) ESCAPE '!'",) if name else ()))
    values = (project, *((containing(name),) if name else ()))
    return v2_list(call, Selection("*", "review_tags", "id", where, values), _review_tag_wire)


def _review_tag_fields(body: dict[str, Any], writing: Writing) -> dict[str, Any]:
    fields = Fields(body, writing)
    fields.text("name", shortest=1, longest=50, required=True)
    fields.text("background_color", longest=7, default="")
    fields.text("description", default="")
    return fields.done()


def create_review_tag(call: Call) -> Response:
    """`POST /v2/projects/{p}/review-tags/`."""
    return _insert_tag(call, "review_tags", _review_tag_fields(call.request.object(), Writing.CREATE))


def get_review_tag(call: Call) -> Response:
    """`GET /v2/review-tags/{id}/`."""
    return call.reply(_review_tag_wire(_find_tag(call, "review_tags")))


def patch_review_tag(call: Call) -> Response:
    """`PATCH /v2/review-tags/{id}/`."""
    tag = _find_tag(call, "review_tags")
    body = call.request.object()
    _refuse(body, "project")
    return _update_tag(call, "review_tags", tag, _review_tag_fields(body, Writing.PATCH))


def delete_review_tag(call: Call) -> Response:
    """`DELETE /v2/review-tags/{id}/`."""
    return _delete_tag(call, "review_tags", _find_tag(call, "review_tags"))


def set_tags(call: Call, kind: str) -> Response:
    """Add or remove task tags on tasks or assignments of the caller's tenant. kind: task or assignment."""
    body = call.request.object()
    fields = Fields(body)
    fields.text("action", choices=("add", "remove"), default="add")
    action = fields.done()["action"]
    owners = _known_ids(call, body, "ids", f"SELECT id FROM {kind}s WHERE {_OWN}")
    tags = _known_ids(call, body, "tags", f"SELECT id FROM task_tags WHERE {_OWN}")
    pairs = [(owner, tag) for owner in owners for tag in tags]
    table = f"tagged_{kind}s"
    if action == "add":
        call.db.executemany(f"INSERT INTO {table} VALUES (?, ?) ON CONFLICT DO NOTHING", pairs)
    else:
        call.db.executemany(f"DELETE FROM {table} WHERE {kind}_id = ? AND tag_id = ?", pairs)
    for project in _projects_of(call.db, kind, owners):
        touch_project(call.db, project)
    return call.reply({"ids": owners, "tags": tags, "action": action})


def _projects_of(db: Connection, kind: str, owners: list[int]) -> list[int]:
    sql = f"SELECT DISTINCT project_id FROM {kind}s WHERE id IN {IDS}"
    return [row[0] for row in db.execute(sql, (json.dumps(owners),))]


def _known_ids(call: Call, body: dict[str, Any], name: str, known: str) -> list[int]:
    value = body.get(name)
    if not isinstance(value, list) or not all(type(v) is int and 0 <= v < 1 << 31 for v in value):
        raise invalid_field(name, "must be a list of ids")
    sql = f"SELECT id FROM {IDS} w WHERE id NOT IN ({known})"
    unknown = [row[0] for row in call.db.execute(sql, (json.dumps(value), call.tenant))]
    if unknown:
        raise ApiError(400, "VALIDATION_ERROR", f"{name}: unknown ids {', '.join(map(str, unknown[:20]))}")
    return value


def set_task_tags(call: Call) -> Response:
    """`POST /tasks/set_tags/`."""
    return set_tags(call, "task")


def set_assignment_tags(call: Call) -> Response:
    """`POST /assignments/set_tags/`."""
    return set_tags(call, "assignment")


ROUTES = (
    Route("GET", "/v2/projects/{p}/tags/", list_tags),
    Route("POST", "/v2/projects/{p}/tags/", create_tag, Work.WRITE, "create"),
    Route("GET", "/v2/projects/{p}/tags/{id}/", get_tag),
    Route("PATCH", "/v2/projects/{p}/tags/{id}/", patch_tag, Work.WRITE, "update"),
    Route("DELETE", "/v2/projects/{p}/tags/{id}/", delete_tag, Work.WRITE, "destroy"),
    Route("GET", "/v2/projects/{p}/review-tags/", list_review_tags),
    Route("POST", "/v2/projects/{p}/review-tags/", create_review_tag, Work.WRITE, "create"),
    Route("GET", "/v2/review-tags/{id}/", get_review_tag),
    Route("PATCH", "/v2/review-tags/{id}/", patch_review_tag, Work.WRITE, "update"),
    Route("DELETE", "/v2/review-tags/{id}/", delete_review_tag, Work.WRITE, "destroy"),
    Route("GET", "/task_tags/", list_tags_v1),
    Route("GET", "/task_tags/{id}/", get_tag_v1),
    Route("POST", "/tasks/set_tags/", set_task_tags, Work.WRITE, "update"),
    Route("POST", "/assignments/set_tags/", set_assignment_tags, Work.WRITE, "update"),
)
