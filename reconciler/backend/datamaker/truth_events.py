"""Ground truths and their events, in both dialects, and the one way in which they come into being.

A ground truth is the present content for one unit in one data set; each time it is set an event is added, which never
changes. Neither dialect lets a client write them: the real service does that in its user interface. Here it is
`POST /embedded/ground-truths/`, outside both dialects, which takes the payloads of tasks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from typing import Any, Final

from reconciler.backend.database import IDS, TEXTS, Row, insert, one, scalar
from reconciler.backend.datamaker.call import Call
from reconciler.backend.datamaker.fields import Fields, id_list
from reconciler.backend.datamaker.listing import PER_PAGE_CAP, Selection, id_filters, thinned, v1_page, v2_list, v2_page
from reconciler.backend.datamaker.payloads import payload_text, response_mode
from reconciler.backend.datamaker.truth import find_version
from reconciler.backend.datamaker.units_v1 import files_of
from reconciler.backend.routing import Route, Work
from reconciler.backend.wire import FieldError, Response, encode_json, invalid, invalid_field

CATEGORIES: Final = ("train", "validation", "test")
BULK_LIMIT: Final = 200
_TRUTHS: Final = "truths t JOIN truth_datasets d ON d.id = t.dataset_id"
_EVENTS: Final = "truth_events e JOIN truths t ON t.id = e.truth_id JOIN truth_datasets d ON d.id = t.dataset_id"
_EVENT_COLUMNS: Final = "e.*, t.dataset_id, t.unit_id, t.project_id, t.task_id"


def find_event(call: Call, event: int) -> Row:
    """Read an event by its `pgh_id`. Raises `ApiError` 404 when the tenant has none."""
    sql = f"SELECT {_EVENT_COLUMNS} FROM {_EVENTS} WHERE e.id = ? AND d.tenant_id = ?"
    return call.find("The ground truth event", sql, (event, call.tenant))


def _event_wire(row: Row) -> dict[str, Any]:
    data = row["data"].encode()
    return {
        "id": row["truth_id"],
        "pgh_id": row["id"],
        "pgh_obj_id": row["truth_id"],
        "pgh_label": row["label"],
        "data_unit_id": row["unit_id"],
        "ground_truth_dataset_id": row["dataset_id"],
        "data_size": len(data),
        "data_digest": hashlib.sha256(data).hexdigest(),
        "data_content_type": "application/json",
    }


def _event_filters(call: Call) -> tuple[list[str], list[Any]]:
    where, values = ["d.tenant_id = ?"], [call.tenant]
    versions = call.query.integers("ground_truth_dataset_versions")
    if (version := call.query.integer("ground_truth_dataset_version")) is not None:
        versions = [*(versions or ()), version]
    in_version = f"e.id IN (SELECT event_id FROM truth_version_events WHERE version_id IN {IDS})"
    chosen: tuple[tuple[str, list[int] | None], ...] = (
        (in_version, versions),
        (f"t.dataset_id IN {IDS}", call.query.integers("ground_truth_dataset")),
        (f"t.project_id IN {IDS}", call.query.integers("project")),
        (f"t.task_id IN {IDS}", call.query.integers("task")),
        (f"t.id IN {IDS}", call.query.integers("ground_truth")),
        (f"t.id IN {IDS}", call.query.integers("pgh_obj_id__in")),
    )
    for condition, ids in chosen:
        if ids is not None:
            where.append(condition)
            values.append(encode_json(ids))  # type: ignore[arg-type]
    _content_filters(call, "e", where, values)
    return where, values


def _content_filters(call: Call, alias: str, where: list[str], values: list[Any]) -> None:
    categories = [*call.query.all("category"), *call.query.all("categories")]
    if categories:
        where.append(f"{alias}.category IN {TEXTS}")
        values.append(encode_json(categories))
    if classes := call.query.all("classes"):
        inner = f"SELECT 1 FROM json_each({alias}.classes) c JOIN json_each(?) w ON w.value = c.value"
        where.append(f"EXISTS ({inner})")
        values.append(encode_json(classes))


def list_events(call: Call) -> Response:
    """`GET /v2/ground-truth-events/`."""
    where, values = _event_filters(call)
    return v2_list(call, Selection(_EVENT_COLUMNS, _EVENTS, "e.id", tuple(where), tuple(values)), _event_wire)


def list_version_events(call: Call) -> Response:
    """`GET /v2/ground-truth-datasets/{ds}/versions/{id}/events/`."""
    version = find_version(call, call.id("ds"), call.id())["id"]
    where = ("d.tenant_id = ?", "e.id IN (SELECT event_id FROM truth_version_events WHERE version_id = ?)")
    return v2_list(call, Selection(_EVENT_COLUMNS, _EVENTS, "e.id", where, (call.tenant, version)), _event_wire)


def get_event(call: Call) -> Response:
    """`GET /v2/ground-truth-events/{pgh_id}/`."""
    return call.reply(_event_wire(find_event(call, call.id("pgh_id"))))


def bulk_events(call: Call) -> Response:
    """`POST /v2/ground-truth-events/bulk-data/`: with content and files, in request order, unknown ids dropped."""
    ids = id_list(call.request.object(), "pgh_ids", most=BULK_LIMIT)
    sql = f"SELECT {_EVENT_COLUMNS} FROM {_EVENTS} WHERE d.tenant_id = ? AND e.id IN {IDS}"
    rows = _in_order(call.db.execute(sql, (call.tenant, encode_json(ids))), ids)
    files = files_of(call).by_unit([row["unit_id"] for row in rows])
    mode = response_mode(call)
    texts = [
        f'{encode_json(_event_wire(row))[:-1]},"data":{payload_text(call, "event", row["id"], row["data"], mode)},'
        f'"files":{files.get(row["unit_id"], "{}")},"files_manifest":{{}}}}'
        for row in rows
    ]
    return v2_page(call, f"[{','.join(texts)}]", PER_PAGE_CAP)


def _in_order(rows: Iterable[Row], ids: list[int]) -> list[Row]:
    known = {row["id"]: row for row in rows}
    return [known[one_id] for one_id in dict.fromkeys(ids) if one_id in known]


def _truth_wire(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "ground_truth_dataset_id": row["dataset_id"],
        "data_unit_id": row["unit_id"],
        "category": row["category"],
    }


def _truth_selection(call: Call) -> Selection:
    where, values = ["d.tenant_id = ?"], [call.tenant]
    versions = "t.id IN (SELECT e.truth_id FROM truth_events e JOIN truth_version_events v ON v.event_id = e.id"
    chosen = (
        (f"t.dataset_id IN {IDS}", "ground_truth_dataset"),
        (f"t.task_id IN {IDS}", "task"),
        (f"t.id IN {IDS}", "id"),
        (f"{versions} WHERE v.version_id IN {IDS})", "ground_truth_dataset_versions"),
    )
    for condition, name in chosen:
        if (ids := call.query.integers(name)) is not None:
            where.append(condition)
            values.append(encode_json(ids))  # type: ignore[arg-type]
    _content_filters(call, "t", where, values)
    return Selection("t.*", _TRUTHS, "t.id", tuple(where), tuple(values))


def list_truths(call: Call) -> Response:
    """`GET /v2/ground-truths/`."""
    return v2_list(call, _truth_selection(call), _truth_wire)


def _truth_text(call: Call, row: Row, mode: str) -> str:
    rest = {**_truth_wire(row), "project_id": row["project_id"], "classes": json.loads(row["classes"])}
    return f'{encode_json(rest)[:-1]},"data":{payload_text(call, "truth", row["id"], row["data"], mode)}}}'


def get_truth(call: Call) -> Response:
    """`GET /v2/ground-truths/{id}/`."""
    sql = f"SELECT t.* FROM {_TRUTHS} WHERE t.id = ? AND d.tenant_id = ?"
    row = call.find("The ground truth", sql, (call.id(), call.tenant))
    return call.reply_text(_truth_text(call, row, response_mode(call)))


def bulk_truths(call: Call) -> Response:
    """`POST /v2/ground-truths/bulk-data/`: in request order, unknown ids dropped."""
    ids = id_list(call.request.object(), "ids", most=BULK_LIMIT)
    sql = f"SELECT t.* FROM {_TRUTHS} WHERE d.tenant_id = ? AND t.id IN {IDS}"
    rows = _in_order(call.db.execute(sql, (call.tenant, encode_json(ids))), ids)
    mode = response_mode(call)
    return v2_page(call, f"[{','.join(_truth_text(call, row, mode) for row in rows)}]", PER_PAGE_CAP)


def _v1_list(call: Call, selection: Selection, write: Callable[[Call, list[Row]], list[str]]) -> Response:
    page = v1_page(call, selection)
    return call.reply_text(page.around(f"[{','.join(write(call, page.rows))}]"))


def _event_selection(call: Call) -> Selection:
    where, values = _event_filters(call)
    more, ids = id_filters(call, "e.id")
    return Selection(_EVENT_COLUMNS, _EVENTS, "e.id", (*where, *more), (*values, *ids))


def _event_texts(call: Call, rows: list[Row]) -> list[str]:
    files = files_of(call).by_unit([row["unit_id"] for row in rows])
    mode = response_mode(call)
    return [
        thinned(
            call,
            id=str(row["truth_id"]),
            pgh_id=str(row["id"]),
            ground_truth=str(row["truth_id"]),
            data_unit=str(row["unit_id"]),
            project=encode_json(row["project_id"]),
            category=encode_json(row["category"]),
            classes=row["classes"],
            files=files.get(row["unit_id"], "{}"),
            data=payload_text(call, "event", row["id"], row["data"], mode),
        )
        for row in rows
    ]


def _event_data_texts(call: Call, rows: list[Row]) -> list[str]:
    mode = response_mode(call)
    return [
        f'{{"id":{row["truth_id"]},"pgh_id":{row["id"]},'
        f'"data":{payload_text(call, "event", row["id"], row["data"], mode)}}}'
        for row in rows
    ]


def _event_file_texts(call: Call, rows: list[Row]) -> list[str]:
    files = files_of(call).lists_by_unit([row["unit_id"] for row in rows])
    return [
        f'{{"id":{row["truth_id"]},"pgh_id":{row["id"]},"files":{files.get(row["unit_id"], "[]")}}}' for row in rows
    ]


def _truth_texts(call: Call, rows: list[Row]) -> list[str]:
    files = files_of(call).by_unit([row["unit_id"] for row in rows])
    mode = response_mode(call)
    return [
        f'{{"id":{row["id"]},"ground_truth_dataset":{row["dataset_id"]},"data_unit":{row["unit_id"]},'
        f'"project":{row["project_id"]},"category":"{row["category"]}","classes":{row["classes"]},'
        f'"files":{files.get(row["unit_id"], "{}")},'
        f'"data":{payload_text(call, "truth", row["id"], row["data"], mode)}}}'
        for row in rows
    ]


def list_events_v1(call: Call) -> Response:
    """`GET /sdk/ground_truth_events/`."""
    return _v1_list(call, _event_selection(call), _event_texts)


def list_event_data_v1(call: Call) -> Response:
    """`GET /sdk/ground_truth_events/data/`."""
    return _v1_list(call, _event_selection(call), _event_data_texts)


def list_event_files_v1(call: Call) -> Response:
    """`GET /sdk/ground_truth_events/files/`."""
    return _v1_list(call, _event_selection(call), _event_file_texts)


def list_truths_v1(call: Call) -> Response:
    """`GET /ground_truths/`."""
    return _v1_list(call, _truth_selection(call), _truth_texts)


def record(call: Call) -> Response:
    """`POST /embedded/ground-truths/` `{ground_truth_dataset, tasks, category}`: set ground truths from tasks.

    All or none: every task needs a payload. What is unchanged adds no event. Gives `{created_count, updated_count,
    unchanged_count}`.
    """
    body = call.request.object()
    fields = Fields(body)
    fields.integer("ground_truth_dataset", required=True)
    fields.text("category", choices=CATEGORIES, default="train")
    given = fields.done()
    sql = "SELECT 1 FROM truth_datasets WHERE id = ? AND tenant_id = ?"
    if not scalar(call.db, sql, (given["ground_truth_dataset"], call.tenant)):
        raise invalid_field("ground_truth_dataset", "is no ground truth data set")
    tasks = _tasks_with_payload(call, id_list(body, "tasks", most=1000, least=1))
    counts = {"created": 0, "updated": 0, "unchanged": 0}
    for task in tasks:
        counts[_set_truth(call, given["ground_truth_dataset"], task, given["category"])] += 1
    return call.reply({f"{name}_count": count for name, count in counts.items()}, 201)


def _tasks_with_payload(call: Call, ids: list[int]) -> list[Row]:
    sql = (
        "SELECT t.* FROM tasks t JOIN projects p ON p.id = t.project_id WHERE p.tenant_id = ? AND t.data IS NOT NULL"
        f" AND t.id IN {IDS}"
    )
    rows = _in_order(call.db.execute(sql, (call.tenant, encode_json(ids))), ids)
    missing = sorted(set(ids) - {row["id"] for row in rows})
    if missing:
        raise invalid([FieldError("tasks", f"{one_id} is no task with a payload") for one_id in missing[:BULK_LIMIT]])
    return rows


def _set_truth(call: Call, dataset: int, task: Row, category: str) -> str:
    classes = encode_json(sorted(_classes(json.loads(task["data"]))))
    content = (category, classes, task["data"])
    known = one(call.db, "SELECT * FROM truths WHERE dataset_id = ? AND unit_id = ?", (dataset, task["unit_id"]))
    if known is not None and (known["category"], known["classes"], known["data"]) == content:
        return "unchanged"
    now = call.store.now()
    if known is None:
        values = {
            "dataset_id": dataset, "unit_id": task["unit_id"], "project_id": task["project_id"], "task_id": task["id"],
            "category": category, "classes": classes, "data": task["data"], "created": now,
        }  # fmt: skip
        truth = insert(call.db, "truths", values)
    else:
        truth = known["id"]
        sql = "UPDATE truths SET category = ?, classes = ?, data = ?, task_id = ?, project_id = ? WHERE id = ?"
        call.db.execute(sql, (*content, task["id"], task["project_id"], truth))
    label = "update" if known else "insert"
    call.db.execute(
        "INSERT INTO truth_events (truth_id, label, category, classes, data, created) VALUES (?, ?, ?, ?, ?, ?)",
        (truth, label, *content, now),
    )
    return "updated" if known else "created"


def _classes(data: Any) -> set[str]:
    """Class names of DM schema v1: `annotations.<specification>[].classification.class`."""
    annotations = data.get("annotations") if isinstance(data, dict) else None
    found = set()
    for listed in annotations.values() if isinstance(annotations, dict) else ():
        for item in listed if isinstance(listed, list) else ():
            classification = item.get("classification") if isinstance(item, dict) else None
            name = classification.get("class") if isinstance(classification, dict) else None
            if isinstance(name, str):
                found.add(name)
    return found


ROUTES = (
    Route("GET", "/v2/ground-truth-datasets/{ds}/versions/{id}/events/", list_version_events),
    Route("GET", "/v2/ground-truth-events/", list_events),
    Route("POST", "/v2/ground-truth-events/bulk-data/", bulk_events),
    Route("GET", "/v2/ground-truth-events/{pgh_id}/", get_event),
    Route("GET", "/v2/ground-truths/", list_truths),
    Route("POST", "/v2/ground-truths/bulk-data/", bulk_truths),
    Route("GET", "/v2/ground-truths/{id}/", get_truth),
    Route("GET", "/sdk/ground_truth_events/", list_events_v1),
    Route("GET", "/sdk/ground_truth_events/data/", list_event_data_v1),
    Route("GET", "/sdk/ground_truth_events/files/", list_event_files_v1),
    Route("GET", "/ground_truths/", list_truths_v1),
    Route("POST", "/embedded/ground-truths/", record, Work.WRITE, "create"),
)
