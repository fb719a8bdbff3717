"""Assignments in v2: read with the filters of v1, payload written by `PUT /v2/assignments/{id}/data/`."""

from __future__ import annotations

from typing import Any, Final

from reconciler.backend.database import IDS, Connection, Row, one, update_sql
from reconciler.backend.datamaker.call import Call
from reconciler.backend.datamaker.fields import id_list
from reconciler.backend.datamaker.filters import ASSIGNMENT_FILTERS, ASSIGNMENT_TIMES, conditions
from reconciler.backend.datamaker.listing import PER_PAGE_CAP, Selection, v2_list, v2_page
from reconciler.backend.datamaker.payloads import check_payload, payload_text, response_mode
from reconciler.backend.datamaker.revisions import etag_headers, not_modified, project_etag, touch_project
from reconciler.backend.datamaker.tasks import FETCH_LIMIT, fetch_rows
from reconciler.backend.routing import Route, Work
from reconciler.backend.wire import ApiError, FieldError, Response, encode_json, invalid, invalid_field

SOURCE: Final = "assignments a JOIN projects p ON p.id = a.project_id"
_LIST_COLUMNS: Final = (
    "a.id, a.user_id, a.task_id, a.status_label, a.status_review, a.is_confirmed, a.is_discarded, a.created"
)
_STATES: Final = ("status_label", "status_review", "is_confirmed", "is_discarded")


def find_assignment(call: Call, assignment: int) -> Row:
    """Read an assignment. Raises `ApiError` 404 when the tenant has none with this id."""
    return call.find(
        "The assignment", f"SELECT a.* FROM {SOURCE} WHERE a.id = ? AND p.tenant_id = ?", (assignment, call.tenant)
    )


def _summary(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "user_id": row["user_id"],
        "task_id": row["task_id"],
        "status_label": row["status_label"],
        "status_review": row["status_review"],
        "is_confirmed": bool(row["is_confirmed"]),
        "is_discarded": bool(row["is_discarded"]),
        "created": row["created"],
    }


def tags_of(db: Connection, kind: str, owner: int) -> list[int]:
    """Tags of a task or assignment. kind: task or assignment."""
    sql = f"SELECT tag_id FROM tagged_{kind}s WHERE {kind}_id = ? ORDER BY tag_id"
    return [row[0] for row in db.execute(sql, (owner,))]


def _detail_text(call: Call, row: Row) -> str:
    rest = {
        **_summary(row),
        "reviewer_id": call.optional_id(row["reviewer_id"]),
        "tags": tags_of(call.db, "assignment", row["id"]),
    }
    data = payload_text(call, "assignment", row["id"], row["data"], response_mode(call))
    return f'{encode_json(rest)[:-1]},"data":{data}}}'


def list_v2(call: Call) -> Response:
    """`GET /v2/assignments/`; with one `project` it carries an ETag and may answer 304."""
    etag = single_project_etag(call)
    if (cached := not_modified(call, etag)) is not None:
        return cached
    where, values = conditions(call, ASSIGNMENT_FILTERS, ASSIGNMENT_TIMES, "a.id")
    chosen = Selection(_LIST_COLUMNS, SOURCE, "a.id", ("p.tenant_id = ?", *where), (call.tenant, *values))
    return v2_list(call, chosen, _summary, headers=etag_headers(etag))


def single_project_etag(call: Call) -> str | None:
    """ETag of the project that the query asks for; None when it asks for none, or for several."""
    projects = call.query.integers("project")
    return project_etag(call, projects[0]) if projects is not None and len(projects) == 1 else None


def get(call: Call) -> Response:
    """`GET /v2/assignments/{id}/`."""
    return call.reply_text(_detail_text(call, find_assignment(call, call.id())))


def bulk_fetch(call: Call) -> Response:
    """`POST /v2/assignments/bulk-fetch/`: payloads in request order, unknown ids dropped."""
    ids = id_list(call.request.object(), "ids", most=FETCH_LIMIT)
    mode = response_mode(call)
    rows = fetch_rows(call, SOURCE, "a", ids)
    units = _units_of(call.db, [row["task_id"] for row in rows])
    texts = [
        f'{{"id":{row["id"]},"task_id":{row["task_id"]},"project_id":{row["project_id"]},'
        f'"data_unit_id":{units[row["task_id"]]},'
        f'"data":{payload_text(call, "assignment", row["id"], row["data"], mode)},"files_manifest":null}}'
        for row in rows
    ]
    return v2_page(call, f"[{','.join(texts)}]", PER_PAGE_CAP)


def _units_of(db: Connection, tasks: list[int]) -> dict[int, int]:
    sql = f"SELECT id, unit_id FROM tasks WHERE id IN {IDS}"
    return {row["id"]: row["unit_id"] for row in db.execute(sql, (encode_json(tasks),))}


def put_data(call: Call) -> Response:
    """`PUT /v2/assignments/{id}/data/`: replace the payload; the status stays."""
    body = call.request.object()
    states = [FieldError(name, "cannot be set here") for name in _STATES if name in body]
    if states:
        raise invalid(states)
    if "data" not in body:
        raise invalid_field("data", "is required")
    row = find_assignment(call, call.id())
    task = one(call.db, "SELECT schema, is_discarded FROM tasks WHERE id = ?", (row["task_id"],))
    assert task is not None
    if row["is_confirmed"] or row["is_discarded"] or task["is_discarded"]:
        raise ApiError(409, "INVALID_STATE", "The assignment is confirmed or discarded.")
    check_payload(call, body["data"], task["schema"])
    text = None if body["data"] is None else encode_json(body["data"])
    values = {"data": text, "last_labeled": call.store.now()}
    call.db.execute(update_sql("assignments", values), {"id": row["id"], **values})
    touch_project(call.db, row["project_id"])
    return call.reply_text(_detail_text(call, find_assignment(call, row["id"])))


ROUTES = (
    Route("GET", "/v2/assignments/", list_v2),
    Route("POST", "/v2/assignments/bulk-fetch/", bulk_fetch),
    Route("GET", "/v2/assignments/{id}/", get),
    Route("PUT", "/v2/assignments/{id}/data/", put_data, Work.WRITE, "update"),
)
