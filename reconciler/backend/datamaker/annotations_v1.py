"""Tasks and assignments as v1 shows them, for exports: `/tasks/`, `/sdk/tasks/`, `/assignments/`, `/sdk/assignments/`.

Rows are written as JSON text: payloads and meta are stored as text and copied. Per page there is one query for the
rows, one for their tags, and, where units are shown, two for these.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from reconciler.backend.database import IDS, Row
from reconciler.backend.datamaker.assignments import SOURCE as ASSIGNMENT_SOURCE
from reconciler.backend.datamaker.assignments import find_assignment, single_project_etag
from reconciler.backend.datamaker.call import Call
from reconciler.backend.datamaker.filters import (
    ASSIGNMENT_FILTERS,
    ASSIGNMENT_TIMES,
    TASK_FILTERS,
    TASK_TIMES,
    conditions,
)
from reconciler.backend.datamaker.listing import Selection, id_filters, thinned, v1_page
from reconciler.backend.datamaker.payloads import payload_text, response_mode
from reconciler.backend.datamaker.revisions import etag_headers, not_modified
from reconciler.backend.datamaker.tasks import SOURCE as TASK_SOURCE
from reconciler.backend.datamaker.tasks import annotate, find_task
from reconciler.backend.datamaker.units_v1 import files_of
from reconciler.backend.routing import Route, Work
from reconciler.backend.wire import Response, encode_json

Rows = list[Row]
Write = Callable[[Call, Rows], list[str]]

_NOTHING: Final = "{}"


def _selection(call: Call, kind: str) -> Selection:
    filters, times = (TASK_FILTERS, TASK_TIMES) if kind == "task" else (ASSIGNMENT_FILTERS, ASSIGNMENT_TIMES)
    key = "t.id" if kind == "task" else "a.id"
    where, values = conditions(call, filters, times, key)
    more, ids = id_filters(call, key)
    columns = "t.*" if kind == "task" else "a.*, (SELECT unit_id FROM tasks WHERE id = a.task_id) AS unit_id"
    source = TASK_SOURCE if kind == "task" else ASSIGNMENT_SOURCE
    return Selection(columns, source, key, ("p.tenant_id = ?", *where, *more), (call.tenant, *values, *ids))


def _list(call: Call, kind: str, write: Write) -> Response:
    etag = single_project_etag(call)
    if (cached := not_modified(call, etag)) is not None:
        return cached
    page = v1_page(call, _selection(call, kind))
    return call.reply_text(page.around(f"[{','.join(write(call, page.rows))}]"), headers=etag_headers(etag))


def _task_texts(call: Call, rows: Rows) -> list[str]:
    units = _units(call, rows) if "data_unit" in call.query.all("expand") else {}
    tags = _tags(call, "task", [row["id"] for row in rows])
    mode = response_mode(call)
    return [
        thinned(
            call,
            id=str(row["id"]),
            project=str(row["project_id"]),
            data_unit=units.get(row["unit_id"]) or str(row["unit_id"]),
            data=payload_text(call, "task", row["id"], row["data"], mode),
            meta=row["meta"],
            tags=json.dumps(tags.get(row["id"], [])),
            schema=encode_json(row["schema"]),
            is_discarded=encode_json(bool(row["is_discarded"])),
            has_data=encode_json(bool(row["has_data"])),
            created=encode_json(row["created"]),
        )
        for row in rows
    ]


def _assignment_texts(call: Call, rows: Rows) -> list[str]:
    units = _units(call, rows)
    tags = _tags(call, "assignment", [row["id"] for row in rows])
    task_tags = _tags(call, "task", [row["task_id"] for row in rows])
    mode = response_mode(call)
    return [
        thinned(
            call,
            id=str(row["id"]),
            data=payload_text(call, "assignment", row["id"], row["data"], mode),
            project=str(row["project_id"]),
            task=encode_json({"id": row["task_id"], "tags": task_tags.get(row["task_id"], [])}),
            data_unit=units.get(row["unit_id"], "null"),
            file=_NOTHING,
            tags=json.dumps(tags.get(row["id"], [])),
            user=str(row["user_id"]),
            reviewer=encode_json(row["reviewer_id"]),
            status_label=encode_json(row["status_label"]),
            status_review=encode_json(row["status_review"]),
            is_confirmed=encode_json(bool(row["is_confirmed"])),
            is_discarded=encode_json(bool(row["is_discarded"])),
            created=encode_json(row["created"]),
            label_submitted=encode_json(row["label_submitted"]),
        )
        for row in rows
    ]


def _data_texts(kind: str) -> Write:
    def write(call: Call, rows: Rows) -> list[str]:
        mode = response_mode(call)
        return [f'{{"id":{row["id"]},"data":{payload_text(call, kind, row["id"], row["data"], mode)}}}' for row in rows]

    return write


def _file_texts(call: Call, rows: Rows) -> list[str]:
    files = files_of(call).lists_by_unit([row["unit_id"] for row in rows])
    return [f'{{"id":{row["id"]},"files":{files.get(row["unit_id"], "[]")}}}' for row in rows]


def _units(call: Call, rows: Rows) -> dict[int, str]:
    """Units of the rows as JSON text `{id, meta, files}`."""
    units = sorted({row["unit_id"] for row in rows})
    files = files_of(call).by_unit(units)
    sql = f"SELECT id, meta FROM units WHERE id IN {IDS}"
    return {
        row["id"]: f'{{"id":{row["id"]},"meta":{row["meta"]},"files":{files.get(row["id"], _NOTHING)}}}'
        for row in call.db.execute(sql, (encode_json(units),))
    }


def _tags(call: Call, kind: str, owners: list[int]) -> dict[int, list[int]]:
    sql = f"SELECT {kind}_id, tag_id FROM tagged_{kind}s WHERE {kind}_id IN {IDS} ORDER BY 2"
    found: dict[int, list[int]] = {}
    for owner, tag in call.db.execute(sql, (encode_json(owners),)):
        found.setdefault(owner, []).append(tag)
    return found


def list_tasks(call: Call) -> Response:
    """`GET /tasks/`, `GET /sdk/tasks/`."""
    return _list(call, "task", _task_texts)


def list_task_data(call: Call) -> Response:
    """`GET /sdk/tasks/data/`."""
    return _list(call, "task", _data_texts("task"))


def list_task_files(call: Call) -> Response:
    """`GET /sdk/tasks/files/`."""
    return _list(call, "task", _file_texts)


def get_task(call: Call) -> Response:
    """`GET /tasks/{id}/`."""
    return call.reply_text(_task_texts(call, [find_task(call, call.id())])[0])


def annotate_v1(call: Call) -> Response:
    """`PUT /tasks/{id}/annotate_task_data/`."""
    annotate(call)
    return get_task(call)


def list_assignments(call: Call) -> Response:
    """`GET /assignments/`, `GET /sdk/assignments/`."""
    return _list(call, "assignment", _assignment_texts)


def list_assignment_data(call: Call) -> Response:
    """`GET /sdk/assignments/data/`."""
    return _list(call, "assignment", _data_texts("assignment"))


def list_assignment_files(call: Call) -> Response:
    """`GET /sdk/assignments/files/`."""
    return _list(call, "assignment", _file_texts)


def get_assignment(call: Call) -> Response:
    """`GET /assignments/{id}/`."""
    assignment = find_assignment(call, call.id())["id"]
    columns = "a.*, (SELECT unit_id FROM tasks WHERE id = a.task_id) AS unit_id"
    rows = call.db.execute(f"SELECT {columns} FROM assignments a WHERE id = ?", (assignment,)).fetchall()
    return call.reply_text(_assignment_texts(call, rows)[0])


ROUTES = (
    Route("GET", "/tasks/", list_tasks),
    Route("GET", "/tasks/{id}/", get_task),
    Route("PUT", "/tasks/{id}/annotate_task_data/", annotate_v1, Work.WRITE, "update"),
    Route("GET", "/sdk/tasks/", list_tasks),
    Route("GET", "/sdk/tasks/data/", list_task_data),
    Route("GET", "/sdk/tasks/files/", list_task_files),
    Route("GET", "/assignments/", list_assignments),
    Route("GET", "/assignments/{id}/", get_assignment),
    Route("GET", "/sdk/assignments/", list_assignments),
    Route("GET", "/sdk/assignments/data/", list_assignment_data),
    Route("GET", "/sdk/assignments/files/", list_assignment_files),
)
