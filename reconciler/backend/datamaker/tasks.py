"""Annotation tasks in v2: `/v2/tasks/`. One task per project and unit; its payload is written by annotating.

A submission also records the caller's assignment of the task, completed, with the same payload; a save records it as
in progress. That is a behaviour of this server: the real one assigns tasks by its own workflow, which has no API.
"""

from __future__ import annotations

import json
from typing import Any, Final

from reconciler.backend.database import IDS, Connection, Row, next_id, one, scalar, update_sql
from reconciler.backend.datamaker.call import NO_CONTENT, Call
from reconciler.backend.datamaker.fields import Fields, Writing, id_list
from reconciler.backend.datamaker.listing import PER_PAGE_CAP, Selection, v2_list, v2_page
from reconciler.backend.datamaker.payloads import SCHEMAS, check_payload, payload_text, response_mode
from reconciler.backend.datamaker.revisions import etag_headers, not_modified, project_etag, touch_project
from reconciler.backend.routing import Route, Work
from reconciler.backend.wire import ApiError, FieldError, Response, encode_json, invalid, invalid_field

BULK_LIMIT: Final = 1000
FETCH_LIMIT: Final = 200
SOURCE: Final = "tasks t JOIN projects p ON p.id = t.project_id"
_LIST_COLUMNS: Final = "t.id, t.project_id, t.unit_id, t.is_discarded, t.has_data, t.created"


def find_task(call: Call, task: int) -> Row:
    """Read a task. Raises `ApiError` 404 when the tenant has none with this id."""
    return call.find("The task", f"SELECT t.* FROM {SOURCE} WHERE t.id = ? AND p.tenant_id = ?", (task, call.tenant))


def _summary(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "project_id": row["project_id"],
        "data_unit_id": row["unit_id"],
        "is_discarded": bool(row["is_discarded"]),
        "has_data": bool(row["has_data"]),
        "created": row["created"],
    }


def detail_text(call: Call, row: Row) -> str:
    """A task in full as JSON text; the payload is copied, not decoded."""
    rest = {**_summary(row), "workshop_id": call.optional_id(row["workshop_id"]), "schema": row["schema"]}
    data = payload_text(call, "task", row["id"], row["data"], response_mode(call))
    return f'{encode_json(rest)[:-1]},"meta":{row["meta"]},"data":{data}}}'


def list_v2(call: Call) -> Response:
    """`GET /v2/tasks/`; with `project` it carries an ETag and may answer 304."""
    where, values = ["p.tenant_id = ?"], [call.tenant]
    project = call.query.integer("project")
    etag = None if project is None else project_etag(call, project)
    if (cached := not_modified(call, etag)) is not None:
        return cached
    for name, column in (("has_data", "t.has_data"), ("is_discarded", "t.is_discarded")):
        if (wanted := call.query.boolean(name)) is not None:
            where.append(f"{column} = ?")
            values.append(int(wanted))
    if (schema := call.query.text("schema")) is not None:
        where.append("t.schema = ?")
        values.append(schema)  # type: ignore[arg-type]
    if project is not None:
        where.append("t.project_id = ?")
        values.append(project)
    chosen = Selection(_LIST_COLUMNS, SOURCE, "t.id", tuple(where), tuple(values))
    return v2_list(call, chosen, _summary, headers=etag_headers(etag))


def get(call: Call) -> Response:
    """`GET /v2/tasks/{id}/`."""
    return call.reply_text(detail_text(call, find_task(call, call.id())))


def create(call: Call) -> Response:
    """`POST /v2/tasks/`."""
    body = call.request.object()
    fields = Fields(body)
    fields.integer("project", required=True)
    fields.integer("data_unit", required=True)
    fields.integer("workshop", nullable=True)
    fields.any("meta", default="null")
    fields.text("schema", choices=SCHEMAS, default="dm_schema_v1")
    values = fields.done()
    _check_workshop(call.db, values["project"], values.get("workshop"))
    made, skipped = add_tasks(call, values["project"], [values["data_unit"]])
    if skipped:
        raise invalid_field("data_unit", "has a task in this project already")
    extra = {"meta": values["meta"], "schema": values["schema"], "workshop_id": values.get("workshop")}
    call.db.execute(update_sql("tasks", extra), {"id": made[0], **extra})
    return call.reply_text(detail_text(call, find_task(call, made[0])), 201)


def _check_workshop(db: Connection, project: int, workshop: int | None) -> None:
    sql = "SELECT 1 FROM workshops WHERE id = ? AND project_id = ?"
    if workshop is not None and not scalar(db, sql, (workshop, project)):
        raise invalid_field("workshop", "is no workshop of the project")


def replace(call: Call) -> Response:
    """`PUT /v2/tasks/{id}/`."""
    return _update(call, Writing.REPLACE)


def patch(call: Call) -> Response:
    """`PATCH /v2/tasks/{id}/`: meta and workshop; project and unit of a task do not change."""
    return _update(call, Writing.PATCH)


def _update(call: Call, writing: Writing) -> Response:
    task = find_task(call, call.id())
    fields = Fields(call.request.object(), writing)
    fields.integer("project", required=True, column="project_id")
    fields.integer("data_unit", required=True, column="unit_id")
    fields.integer("workshop", nullable=True, column="workshop_id")
    fields.any("meta")
    values = fields.done()
    for name, column in (("project", "project_id"), ("data_unit", "unit_id")):
        if values.pop(column, task[column]) != task[column]:
            fields.fail(name, "cannot change")
    fields.done()
    _check_workshop(call.db, task["project_id"], values.get("workshop_id"))
    if values:
        call.db.execute(update_sql("tasks", values), {"id": task["id"], **values})
        touch_project(call.db, task["project_id"])
    return call.reply_text(detail_text(call, find_task(call, task["id"])))


def delete(call: Call) -> Response:
    """`DELETE /v2/tasks/{id}/`: with its assignments."""
    task = find_task(call, call.id())
    call.db.execute("DELETE FROM tasks WHERE id = ?", (task["id"],))
    touch_project(call.db, task["project_id"])
    return NO_CONTENT


def add_tasks(call: Call, project: int, units: list[int]) -> tuple[list[int], int]:
    """Create tasks for units that have none; gives the new ids, in order, and how many units were skipped.

    Raises ApiError 400 for everything when a unit is unknown, or not of the project's collection.
    """
    sql = "SELECT collection_id FROM projects WHERE id = ? AND tenant_id = ?"
    owner = one(call.db, sql, (project, call.tenant))
    if owner is None:
        raise invalid_field("project", "is no project")
    if owner["collection_id"] is None:
        raise invalid_field("project", "has no data collection")
    wanted = list(dict.fromkeys(units))
    _check_units(call.db, owner["collection_id"], wanted)
    sql = f"SELECT unit_id FROM tasks WHERE project_id = ? AND unit_id IN {IDS}"
    existing = {row[0] for row in call.db.execute(sql, (project, encode_json(wanted)))}
    fresh = [unit for unit in wanted if unit not in existing]
    first = next_id(call.db, "tasks")
    now = call.store.now()
    call.db.executemany(
        "INSERT INTO tasks (id, project_id, unit_id, schema, created) VALUES (?, ?, ?, 'dm_schema_v1', ?)",
        [(first + index, project, unit, now) for index, unit in enumerate(fresh)],
    )
    if fresh:
        touch_project(call.db, project)
    return [first + index for index in range(len(fresh))], len(units) - len(fresh)


def _check_units(db: Connection, collection: int, units: list[int]) -> None:
    sql = f"SELECT id FROM units WHERE collection_id = ? AND id IN {IDS}"
    known = {row[0] for row in db.execute(sql, (collection, encode_json(units)))}
    wrong = [unit for unit in units if unit not in known]
    if wrong:
        raise invalid(
            [FieldError("data_unit_ids", f"{unit} is no data unit of the project's collection") for unit in wrong[:200]]
        )


def bulk_create(call: Call) -> Response:
    """`POST /v2/tasks/bulk-create/`."""
    body = call.request.object()
    fields = Fields(body)
    fields.integer("project", required=True)
    project = fields.done()["project"]
    made, skipped = add_tasks(call, project, id_list(body, "data_unit_ids", most=BULK_LIMIT, least=1))
    return call.reply({"created_count": len(made), "skipped_count": skipped}, 201)


def bulk_fetch(call: Call) -> Response:
    """`POST /v2/tasks/bulk-fetch/`: payloads in request order, unknown ids dropped."""
    ids = id_list(call.request.object(), "ids", most=FETCH_LIMIT)
    mode = response_mode(call)
    rows = fetch_rows(call, SOURCE, "t", ids)
    texts = [
        f'{{"id":{row["id"]},"project_id":{row["project_id"]},"data_unit_id":{row["unit_id"]},'
        f'"data":{payload_text(call, "task", row["id"], row["data"], mode)},"files_manifest":null}}'
        for row in rows
    ]
    return v2_page(call, f"[{','.join(texts)}]", PER_PAGE_CAP)


def fetch_rows(call: Call, source: str, alias: str, ids: list[int]) -> list[Row]:
    """Rows of the caller's tenant by id, in the order of the ids."""
    sql = f"SELECT {alias}.* FROM {source} WHERE p.tenant_id = ? AND {alias}.id IN {IDS}"
    known = {row["id"]: row for row in call.db.execute(sql, (call.tenant, encode_json(ids)))}
    return [known[one] for one in dict.fromkeys(ids) if one in known]


def annotate(call: Call) -> Response:
    """`PUT /v2/tasks/{id}/annotate-task-data/`: save or submit a payload; null clears it."""
    body = call.request.object()
    fields = Fields(body)
    fields.text("action", choices=("save", "submit"), default="submit")
    if "data" not in body:
        fields.fail("data", "is required")
    action = fields.done()["action"]
    task = find_task(call, call.id())
    check_payload(call, body["data"], task["schema"])
    text = None if body["data"] is None else encode_json(body["data"])
    values = {"data": text, "has_data": int(text is not None)}
    call.db.execute(update_sql("tasks", values), {"id": task["id"], **values})
    _record_assignment(call, task, text, is_submitted=action == "submit" and text is not None)
    touch_project(call.db, task["project_id"])
    return call.reply_text(detail_text(call, find_task(call, task["id"])))


def _record_assignment(call: Call, task: Row, text: str | None, *, is_submitted: bool) -> None:
    sql = "SELECT is_confirmed FROM assignments WHERE task_id = ? AND user_id = ?"
    confirmed = scalar(call.db, sql, (task["id"], call.identity.user))
    if confirmed:
        raise ApiError(409, "INVALID_STATE", "Your assignment of this task is confirmed.")
    if confirmed is None and text is None:
        return
    now = call.store.now()
    status = "completed" if is_submitted else "in_progress"
    call.db.execute(
        "INSERT INTO assignments (project_id, task_id, user_id, status_label, status_review, created, label_submitted,"
        " last_labeled, data) VALUES (?, ?, ?, ?, 'stand_by', ?, ?, ?, ?) ON CONFLICT (task_id, user_id) DO UPDATE SET"
        " status_label = excluded.status_label,"
        " label_submitted = coalesce(excluded.label_submitted, assignments.label_submitted),"
        " last_labeled = excluded.last_labeled, data = excluded.data",
        (task["project_id"], task["id"], call.identity.user, status, now, now if is_submitted else None, now, text),
    )


def create_v1(call: Call) -> Response:
    """`POST /tasks/`: `{project, data: [{data_unit}]}`; the tasks created, in order."""
    body = call.request.object()
    items = body.get("data")
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise invalid_field("data", "must be a list of objects with data_unit")
    units = id_list({"data": [one.get("data_unit") for one in items]}, "data", most=BULK_LIMIT, least=1)
    fields = Fields(body)
    fields.integer("project", required=True)
    made, _ = add_tasks(call, fields.done()["project"], units)
    rows = [find_task(call, task) for task in made]
    return call.reply(
        [
            {"id": r["id"], "project": r["project_id"], "data_unit": r["unit_id"], "meta": json.loads(r["meta"])}
            for r in rows
        ],
        201,
    )


ROUTES = (
    Route("GET", "/v2/tasks/", list_v2),
    Route("POST", "/v2/tasks/", create, Work.WRITE, "create"),
    Route("POST", "/v2/tasks/bulk-create/", bulk_create, Work.WRITE, "create"),
    Route("POST", "/v2/tasks/bulk-fetch/", bulk_fetch),
    Route("GET", "/v2/tasks/{id}/", get),
    Route("PUT", "/v2/tasks/{id}/", replace, Work.WRITE, "update"),
    Route("PATCH", "/v2/tasks/{id}/", patch, Work.WRITE, "update"),
    Route("DELETE", "/v2/tasks/{id}/", delete, Work.WRITE, "destroy"),
    Route("PUT", "/v2/tasks/{id}/annotate-task-data/", annotate, Work.WRITE, "update"),
    Route("POST", "/tasks/", create_v1, Work.WRITE, "create"),
)
