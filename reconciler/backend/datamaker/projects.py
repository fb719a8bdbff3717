"""Annotation projects: `/v2/projects/`, and the v1 read of one."""

from __future__ import annotations

import json
from typing import Any, Final

from reconciler.backend.database import Connection, Row, insert, one, scalar, update_sql
from reconciler.backend.datamaker.call import NO_CONTENT, Call
from reconciler.backend.datamaker.data_collections import ACCESS_LEVELS, CAUTIONS
from reconciler.backend.datamaker.fields import Fields, Writing
from reconciler.backend.datamaker.listing import Selection, v2_list
from reconciler.backend.datamaker.schemas import PROJECT_CATEGORIES
from reconciler.backend.routing import Route, Work
from reconciler.backend.wire import Response, invalid_field, not_found

_COLUMNS: Final = "p.*, (SELECT count(*) FROM tasks WHERE project_id = p.id) AS task_count"


def find_project(db: Connection, tenant: int, project: int) -> Row:
    """Read a project. Raises `ApiError` 404 when the tenant has none with this id."""
    row = one(db, f"SELECT {_COLUMNS} FROM projects p WHERE id = ? AND tenant_id = ?", (project, tenant))
    if row is None:
        raise not_found("The project")
    return row


def _summary(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "title": row["title"],
        "category": row["category"],
        "category_display": row["category"].replace("_", " ").capitalize(),
        "created": row["created"],
        "is_archived": bool(row["is_archived"]),
        "task_count": row["task_count"],
    }


def _detail(call: Call, project: int) -> dict[str, Any]:
    row = find_project(call.db, call.tenant, project)
    return {
        **_summary(row),
        "tenant_id": row["tenant_id"],
        "data_collection_id": call.optional_id(row["collection_id"]),
        "description": row["description"],
        "configuration": json.loads(row["configuration"]),
        "settings": {},
        "caution": row["caution"],
        "access_level": row["access_level"],
        "count_max_assignments_per_task": row["max_assignments"],
        "can_discard": bool(row["can_discard"]),
        "enable_workforce": bool(row["enable_workforce"]),
    }


def _read(call: Call, writing: Writing) -> dict[str, Any]:
    fields = Fields(call.request.object(), writing)
    fields.text("title", shortest=1, longest=200, required=True)
    fields.text("category", choices=PROJECT_CATEGORIES, required=True)
    fields.any("configuration", required=True)
    fields.text("description", default="")
    fields.integer("data_collection", nullable=True, column="collection_id")
    caution = "sensitive_content" if call.settings.sdk_compat else ""
    fields.text("caution", choices=CAUTIONS, default=caution)
    fields.text("access_level", choices=ACCESS_LEVELS, default="private")
    fields.integer("count_max_assignments_per_task", default=1, column="max_assignments")
    fields.boolean("can_discard", default=False)
    fields.boolean("enable_workforce", default=True)
    collection = fields.values.get("collection_id")
    sql = "SELECT 1 FROM collections WHERE id = ? AND tenant_id = ?"
    if collection is not None and not scalar(call.db, sql, (collection, call.tenant)):
        fields.fail("data_collection", "is no data collection")
    return fields.done()


def list_v2(call: Call) -> Response:
    """`GET /v2/projects/`."""
    where: list[str] = ["p.tenant_id = ?"]
    values: list[Any] = [call.tenant]
    if (category := call.query.text("category")) is not None:
        where.append("p.category = ?")
        values.append(category)
    if (collection := call.query.integer("data_collection")) is not None:
        where.append("p.collection_id = ?")
        values.append(collection)
    return v2_list(call, Selection(_COLUMNS, "projects p", "p.id", tuple(where), tuple(values), ("p.title",)), _summary)


def create(call: Call) -> Response:
    """`POST /v2/projects/`."""
    values = _read(call, Writing.CREATE) | {"tenant_id": call.tenant, "created": call.store.now()}
    made = insert(call.db, "projects", values)
    return call.reply(_detail(call, made), 201)


def get(call: Call) -> Response:
    """`GET /v2/projects/{id}/`."""
    return call.reply(_detail(call, call.id()))


def replace(call: Call) -> Response:
    """`PUT /v2/projects/{id}/`."""
    return _update(call, Writing.REPLACE)


def patch(call: Call) -> Response:
    """`PATCH /v2/projects/{id}/`."""
    return _update(call, Writing.PATCH)


def _update(call: Call, writing: Writing) -> Response:
    project = find_project(call.db, call.tenant, call.id())
    values = _read(call, writing)
    moved = "collection_id" in values and values["collection_id"] != project["collection_id"]
    if moved and project["task_count"]:
        raise invalid_field("data_collection", "cannot change while the project has tasks")
    if values:
        call.db.execute(update_sql("projects", values), {"id": project["id"], **values})
    return call.reply(_detail(call, project["id"]))


def delete(call: Call) -> Response:
    """`DELETE /v2/projects/{id}/`: with its tasks, assignments and tags."""
    project = find_project(call.db, call.tenant, call.id())["id"]
    call.db.execute("DELETE FROM projects WHERE id = ?", (project,))
    return NO_CONTENT


def get_v1(call: Call) -> Response:
    """`GET /projects/{id}/`."""
    detail = _detail(call, call.id())
    detail["data_collection"] = detail.pop("data_collection_id") or None
    return call.reply(detail)


ROUTES = (
    Route("GET", "/v2/projects/", list_v2),
    Route("POST", "/v2/projects/", create, Work.WRITE, "create"),
    Route("GET", "/v2/projects/{id}/", get),
    Route("PUT", "/v2/projects/{id}/", replace, Work.WRITE, "update"),
    Route("PATCH", "/v2/projects/{id}/", patch, Work.WRITE, "update"),
    Route("DELETE", "/v2/projects/{id}/", delete, Work.WRITE, "destroy"),
    Route("GET", "/projects/{id}/", get_v1),
)
