"""Jobs, their logs, and the histories of uploads and exports, in v2 and v1.

Jobs come from running plugins. Whoever does the work reports here: status, progress, results, logs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from reconciler.backend.database import IDS, Row, insert, update_sql
from reconciler.backend.datamaker.call import Call
from reconciler.backend.datamaker.fields import Fields, Writing, check_bulk
from reconciler.backend.datamaker.filters import created_range
from reconciler.backend.datamaker.listing import Selection, v1_list, v2_list
from reconciler.backend.routing import Route, Work
from reconciler.backend.wire import ApiError, FieldError, Response, encode_json, invalid, invalid_field

STATES: Final = ("PENDING", "RUNNING", "STOPPED", "SUCCEEDED", "FAILED")
FINISHED: Final = ("STOPPED", "SUCCEEDED", "FAILED")
LEVELS: Final = ("debug", "info", "success", "warning", "danger", "error", "critical")
LOG_LIMIT: Final = 1000
_JOBS: Final = "jobs j JOIN plugin_releases r ON r.id = j.release_id JOIN plugins p ON p.id = r.plugin_id"
_COLUMNS: Final = "j.*, r.plugin_id, r.version"
_REPORTED: Final = ("progress_record", "metrics_record", "result", "meta")
_LOGS: Final = "job_logs l JOIN jobs j ON j.id = l.job_id"


def find_job(call: Call, job: str) -> Row:
    """Read a job by its UUID. Raises `ApiError` 404 when the tenant has none."""
    return call.find(
        "The job", f"SELECT {_COLUMNS} FROM {_JOBS} WHERE j.uuid = ? AND j.tenant_id = ?", (job, call.tenant)
    )


def _error(row: Row) -> dict[str, Any] | None:
    if row["status"] != "FAILED":
        return None
    result = json.loads(row["result"])
    message = result.get("error") or result.get("message") if isinstance(result, dict) else None
    return {"error_type": None, "message": message if isinstance(message, str) else None}


def _summary(row: Row) -> dict[str, Any]:
    return {
        "id": row["uuid"],
        "status": row["status"],
        "action": row["action"],
        "is_active": row["status"] not in FINISHED,
        "queue": None,
        "error": _error(row),
        "created": row["created"],
        "completed": row["completed"],
    }


def job_wire(row: Row) -> dict[str, Any]:
    """A job in full."""
    return {
        **_summary(row),
        "params": json.loads(row["params"]),
        **{name: json.loads(row[name]) for name in _REPORTED},
        "plugin_release_id": row["release_id"],
        "plugin_release": {"id": row["release_id"], "plugin_id": row["plugin_id"], "version": row["version"]},
        "modified": row["modified"],
    }


def _selection(call: Call) -> Selection:
    where, values = ["j.tenant_id = ?"], [call.tenant]
    for name in ("action", "status"):
        if (wanted := call.query.text(name)) is not None:
            where.append(f"j.{name} = ?")
            values.append(wanted)  # type: ignore[arg-type]
    return Selection(_COLUMNS, _JOBS, "j.id", tuple(where), tuple(values))


def list_jobs(call: Call) -> Response:
    """`GET /v2/jobs/`."""
    return v2_list(call, _selection(call), _summary)


def list_jobs_v1(call: Call) -> Response:
    """`GET /jobs/`."""
    return v1_list(call, _selection(call), job_wire)


def get_job(call: Call) -> Response:
    """`GET /v2/jobs/{id}/`, `GET /jobs/{id}/`."""
    return call.reply(job_wire(find_job(call, call.request.params["id"])))


def patch_job(call: Call) -> Response:
    """`PATCH /v2/jobs/{id}/`, `PATCH /jobs/{id}/`: report. A finished job keeps its status."""
    job = find_job(call, call.request.params["id"])
    body = call.request.object()
    fields = Fields(body, Writing.PATCH)
    fields.text("status", choices=STATES)
    for name in _REPORTED:
        fields.any(name)
    values = fields.done()
    now = call.store.now()
    if (status := values.get("status")) is not None:
        _check_transition(job["status"], status)
        if status in FINISHED and job["completed"] is None:
            values["completed"] = now
    if not call.is_v2 and "console_logs" in body:
        values["console"] = job["console"] + "".join(f"{line}\n" for line in _console_lines(body["console_logs"]))
    values["modified"] = now
    call.db.execute(update_sql("jobs", values), {"id": job["id"], **values})
    return call.reply(job_wire(find_job(call, job["uuid"])))


def _check_transition(current: str, wanted: str) -> None:
    is_allowed = wanted == current or (current not in FINISHED and wanted != "PENDING")
    if not is_allowed:
        detail = FieldError("status", f"cannot become {wanted}", {"current_status": current})
        error = invalid([detail], f"A job that is {current} cannot become {wanted}.")
        error.code = "INVALID_TRANSITION"
        raise error


def _console_lines(value: Any) -> list[str]:
    """Lines of what agents report: text, a list of texts, or anything else as JSON."""
    listed = value if isinstance(value, list) else [value]
    return [line for item in listed for line in (item if isinstance(item, str) else encode_json(item)).splitlines()]


def stop_job(call: Call) -> Response:
    """`POST /v2/jobs/{id}/stop/`."""
    job = find_job(call, call.request.params["id"])
    if job["status"] in FINISHED:
        raise ApiError(409, "INVALID_STATE", f"The job is {job['status']} already.")
    values = {"status": "STOPPED", "completed": call.store.now(), "modified": call.store.now()}
    call.db.execute(update_sql("jobs", values), {"id": job["id"], **values})
    return call.reply(job_wire(find_job(call, job["uuid"])))


def console_logs(call: Call) -> Response:
    """`GET …/console_logs/`."""
    lines = find_job(call, call.request.params["id"])["console"].splitlines()
    return call.reply({"logs": lines} if call.is_v2 else {"results": lines})


def tail(call: Call) -> Response:
    """`GET …/tail_console_logs/`: server-sent events with all there is; without `complete` while the job runs."""
    job = find_job(call, call.request.params["id"])
    events: list[dict[str, Any]] = [{"type": "connected", "job_id": job["uuid"]}]
    events += [{"type": "log", "data": line} for line in job["console"].splitlines()]
    if job["status"] in FINISHED:
        events.append({"type": "complete", "message": job["status"]})
    return event_stream((None, event) for event in events)


def event_stream(events: Iterable[tuple[str | None, dict[str, Any]]]) -> Response:
    """A finite stream of server-sent events. events: name, None for the default one, and data."""
    text = "".join((f"event: {name}\n" if name else "") + f"data: {encode_json(data)}\n\n" for name, data in events)
    return Response(200, text.encode(), (("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache")))


def _log_wire(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "job_id": row["uuid"],
        "event": row["event"],
        "step": row["step"],
        "level": row["level"],
        "datetime": row["datetime"],
        "created": row["created"],
    }


def _log_detail(call: Call, row: Row) -> dict[str, Any]:
    # No log has a file here; the typed official client takes nothing but a URL for it, so that of the log stands in.
    file = f"{call.request.base_url}/v2/job-logs/{row['id']}/" if call.settings.sdk_compat else None
    return {**_log_wire(row), "data": json.loads(row["data"]), "file": file}


def _add_logs(call: Call, items: list[Any], where: str) -> list[Row]:
    job = find_job(call, call.request.params["id"])
    drafts, errors = [], []
    for index, item in enumerate(items):
        fields = Fields(item if isinstance(item, dict) else {}, where=where.format(index))
        fields.text("event", shortest=1, longest=10_000, required=True)
        fields.text("step", longest=255, default="")
        fields.text("level", choices=LEVELS, default="info")
        fields.any("data", required=True)
        fields.text("datetime", longest=40, required=True)
        if "datetime" in fields.values and not is_moment(fields.values["datetime"]):
            fields.fail("datetime", "must be a time with its zone, such as 2026-01-15T09:00:00Z")
        errors += fields.errors
        drafts.append(fields.values)
    if errors:
        raise invalid(errors)
    made = []
    for values in drafts:
        values |= {"job_id": job["id"], "created": call.store.now()}
        made.append(insert(call.db, "job_logs", values))
    sql = f"SELECT l.*, j.uuid FROM {_LOGS} WHERE l.id IN {IDS} ORDER BY l.id"
    return call.db.execute(sql, (encode_json(made),)).fetchall()


def is_moment(text: str) -> bool:
    """Whether a text is a time with zone, as ISO 8601 writes it."""
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def create_log(call: Call) -> Response:
    """`POST /v2/jobs/{id}/logs/`."""
    body = call.request.object()
    if body.get("file") is not None:
        raise invalid_field("file", "files of logs are not kept here")
    return call.reply(_log_detail(call, _add_logs(call, [body], "")[0]), 201)


def create_logs(call: Call) -> Response:
    """`POST /v2/jobs/{id}/logs/bulk/`: all or none."""
    items = call.request.object().get("logs")
    if not isinstance(items, list):
        raise invalid_field("logs", "must be a list")
    check_bulk("logs", items, most=LOG_LIMIT)
    return call.reply([_log_detail(call, row) for row in _add_logs(call, items, "logs[{}].")], 201)


def list_logs(call: Call) -> Response:
    """`GET /v2/job-logs/`."""
    where, values = ["j.tenant_id = ?"], [call.tenant]
    for name, column in (("job", "j.uuid"), ("event", "l.event"), ("level", "l.level")):
        if (wanted := call.query.text(name)) is not None:
            where.append(f"{column} = ?")
            values.append(wanted)  # type: ignore[arg-type]
    chosen = Selection("l.*, j.uuid", _LOGS, "l.id", tuple(where), tuple(values))
    return v2_list(call, chosen, _log_wire)


def get_log(call: Call) -> Response:
    """`GET /v2/job-logs/{id}/`."""
    sql = f"SELECT l.*, j.uuid FROM {_LOGS} WHERE l.id = ? AND j.tenant_id = ?"
    row = call.find("The log", sql, (call.id(), call.tenant))
    return call.reply(_log_detail(call, row))


_RUNS: Final = "runs n JOIN jobs j ON j.id = n.job_id"
_RUN_COLUMNS: Final = "n.*, j.uuid, j.status, j.action, j.created AS job_created, j.completed"


def _run_kind(call: Call) -> str:
    return call.request.path.split("/")[2].removesuffix("s")


def _run_wire(row: Row) -> dict[str, Any]:
    wire = {"id": row["id"], "job_id": row["uuid"], "job_status": row["status"], "created": row["created"]}
    if row["kind"] == "export":
        return wire | {"target": row["target"]}
    return wire | {"data_collection": row["collection_id"], "project": row["project_id"]}


def _run_detail(row: Row) -> dict[str, Any]:
    job = {"id": row["uuid"], "status": row["status"], "action": row["action"], "created": row["job_created"]}
    detail = {
        "id": row["id"],
        "storage": row["storage_id"],
        "path": row["path"],
        "name": row["name"],
        "description": row["description"],
        "extra_params": json.loads(row["extra_params"]),
        "job": {**job, "completed": row["completed"]},
        "created": row["created"],
    }
    if row["kind"] == "export":
        own = {"target": row["target"], "filter": json.loads(row["filter"]), "save_original_file": bool(row["flag"])}
        return detail | own
    places = {"data_collection": row["collection_id"], "project": row["project_id"]}
    return detail | places | {"is_recursive": bool(row["flag"])}


def list_runs(call: Call) -> Response:
    """`GET /v2/uploads/`, `GET /v2/exports/`."""
    where, values = ["j.tenant_id = ?", "n.kind = ?"], [call.tenant, _run_kind(call)]
    ids = (("storage", "n.storage_id"), ("project", "n.project_id"), ("data_collection", "n.collection_id"))
    texts = (("target", "n.target"), ("job__status", "j.status"), ("job__action", "j.action"))
    for name, column in ids:
        if (number := _number(call, name)) is not None:
            where.append(f"{column} = ?")
            values.append(number)
    for name, column in texts:
        if (text := call.query.text(name)) is not None:
            where.append(f"{column} = ?")
            values.append(text)
    for condition, moment in created_range(call, "n.created"):
        where.append(condition)
        values.append(moment)
    return v2_list(call, Selection(_RUN_COLUMNS, _RUNS, "n.id", tuple(where), tuple(values)), _run_wire)


def _number(call: Call, name: str) -> float | None:
    """A number of the query; the schema allows fractions, which no id equals."""
    text = call.query.text(name)
    if text is None:
        return None
    try:
        return float(text)
    except ValueError as exc:
        raise invalid_field(name, "must be a number") from exc


def get_run(call: Call) -> Response:
    """`GET /v2/uploads/{id}/`, `GET /v2/exports/{id}/`."""
    sql = f"SELECT {_RUN_COLUMNS} FROM {_RUNS} WHERE n.id = ? AND n.kind = ? AND j.tenant_id = ?"
    row = call.find("The record", sql, (call.id(), _run_kind(call), call.tenant))
    return call.reply(_run_detail(row))


ROUTES = (
    Route("GET", "/v2/jobs/", list_jobs),
    Route("GET", "/v2/jobs/{id}/", get_job),
    Route("PATCH", "/v2/jobs/{id}/", patch_job, Work.WRITE, "update"),
    Route("POST", "/v2/jobs/{id}/stop/", stop_job, Work.WRITE, "stop"),
    Route("GET", "/v2/jobs/{id}/console_logs/", console_logs),
    Route("GET", "/v2/jobs/{id}/tail_console_logs/", tail),
    Route("POST", "/v2/jobs/{id}/logs/", create_log, Work.WRITE, "create"),
    Route("POST", "/v2/jobs/{id}/logs/bulk/", create_logs, Work.WRITE, "create"),
    Route("GET", "/v2/job-logs/", list_logs),
    Route("GET", "/v2/job-logs/{id}/", get_log),
    Route("GET", "/v2/uploads/", list_runs),
    Route("GET", "/v2/uploads/{id}/", get_run),
    Route("GET", "/v2/exports/", list_runs),
    Route("GET", "/v2/exports/{id}/", get_run),
    Route("GET", "/jobs/", list_jobs_v1),
    Route("GET", "/jobs/{id}/", get_job),
    Route("PATCH", "/jobs/{id}/", patch_job, Work.WRITE, "update"),
    Route("GET", "/jobs/{id}/console_logs/", console_logs),
    Route("GET", "/jobs/{id}/tail_console_logs/", tail),
)
