"""Server-side exports and the asynchronous jobs that they are: `/v2/plugin_exports/`, `/v2/async_jobs/`.

An export is done when its request is answered: one JSON line per record, in the shape of the bulk reads, in files of
the tenant. The manifest names each part with its URL. The answer is 202 all the same, and the job is read as usual.
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from reconciler.backend.blobs import Digests
from reconciler.backend.database import Row, insert_sql, scalar
from reconciler.backend.datamaker.call import Call
from reconciler.backend.datamaker.fields import Fields
from reconciler.backend.datamaker.files import media_url, publish
from reconciler.backend.datamaker.jobs import event_stream
from reconciler.backend.datamaker.listing import Selection, id_filters, v1_page
from reconciler.backend.routing import Route, Work
from reconciler.backend.wire import ApiError, Response, encode_json, invalid_field

PART_RECORDS: Final = 10_000
_FORMAT: Final = "raw_bundle_v1"
_ROWS: Final = {
    "task": (
        "SELECT t.id, t.project_id, t.unit_id, t.data FROM tasks t JOIN projects p ON p.id = t.project_id"
        " WHERE p.tenant_id = ? AND (? IS NULL OR p.id = ?) ORDER BY t.id"
    ),
    "assignment": (
        "SELECT a.id, a.project_id, k.unit_id, a.data FROM assignments a JOIN projects p ON p.id = a.project_id"
        " JOIN tasks k ON k.id = a.task_id WHERE p.tenant_id = ? AND (? IS NULL OR p.id = ?) ORDER BY a.id"
    ),
    "ground_truth": (
        "SELECT t.id, t.project_id, t.unit_id, t.data FROM truths t JOIN truth_datasets d ON d.id = t.dataset_id"
        " WHERE d.tenant_id = ? AND (? IS NULL OR t.project_id = ?) ORDER BY t.id"
    ),
}


def enqueue(call: Call) -> Response:
    """`POST /v2/plugin_exports/`."""
    given = _read(call)
    if call.is_dry_run:
        return call.reply({}, 202)
    job = str(uuid.uuid4())
    started = call.store.now()
    prefix = f"{given['path'].strip('/')}/.async_jobs/exports/{job}"
    targets = {target: _export(call, target, given, prefix) for target in given["targets"]}
    total = sum(one["records"] for one in targets.values())
    manifest = {"prefix": prefix, "result_uri": prefix, "records": total, "files": 0, "targets": targets}
    values = {
        "uuid": job, "tenant_id": call.tenant, "user_id": call.identity.user, "status": "COMPLETED",
        "type": "plugin_export", "total": total, "processed": total, "data": encode_json(manifest),
        "ray_job_id": given["ray_job_id"], "created": started, "started": started, "finished": call.store.now(),
    }  # fmt: skip
    with call.store.writing() as db:
        db.execute(insert_sql("async_jobs", values), values)
    wire = {"job_id": job, "status": "COMPLETED", "total_count": total, "targets": given["targets"]}
    return call.reply({**wire, "ray_job_id": given["ray_job_id"]}, 202)


def _read(call: Call) -> dict[str, Any]:
    body = call.request.object()
    fields = Fields(body)
    fields.integer("storage_id", required=True)
    fields.integer("project_id", nullable=True)
    fields.text("path", shortest=1, longest=4096, required=True)
    fields.text("format", choices=(_FORMAT,), default=_FORMAT)
    fields.integer("chunk_size", least=1, nullable=True)
    targets = body.get("targets")
    if not isinstance(targets, list) or not targets or not all(one in _ROWS for one in map(str, targets)):
        fields.fail("targets", f"must be a list of {', '.join(_ROWS)}")
    ray_job = body.get("ray_job_id")
    if ray_job is not None and not isinstance(ray_job, str):
        fields.fail("ray_job_id", "must be a string")
    values = {"project_id": None, "chunk_size": None, **fields.done()}
    with call.store.reading() as db:
        for name, table in (("storage_id", "storages"), ("project_id", "projects")):
            sql = f"SELECT 1 FROM {table} WHERE id = ? AND tenant_id = ?"
            if values[name] is not None and not scalar(db, sql, (values[name], call.tenant)):
                raise invalid_field(name, "is unknown")
    return {**values, "targets": list(dict.fromkeys(map(str, targets or ()))), "ray_job_id": ray_job}


def _export(call: Call, target: str, given: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Write the records of one target; gives its entry of the manifest."""
    size = min(given["chunk_size"] or PART_RECORDS, PART_RECORDS)
    parts: list[dict[str, Any]] = []
    done = 0
    with call.store.reading() as db:
        rows = db.execute(_ROWS[target], (call.tenant, given["project_id"], given["project_id"]))
        while lines := rows.fetchmany(size):
            name = f"{target}/part-{len(parts) + 1:05}.jsonl"
            digests = _keep(call, name, (_line(row) for row in lines))
            done += len(lines)
            url = media_url(call.request.base_url, call.store.signer, digests.sha256, name)
            counts = {"records": len(lines), "cumulative_records": done}
            parts.append({"path": f"{prefix}/{name}", **counts, "url": url})
    return {"dir": f"{prefix}/{target}", "parts": parts, "records": done}


def _line(row: Row) -> bytes:
    data = "null" if row["data"] is None else row["data"]
    head = f'{{"id":{row["id"]},"project_id":{row["project_id"]},"data_unit_id":{row["unit_id"]}'
    return f'{head},"data":{data},"files_manifest":null}}\n'.encode()


def _keep(call: Call, name: str, lines: Iterator[bytes]) -> Digests:
    staged = f"export-{secrets.token_hex(16)}"
    digests = call.store.blobs.stage(staged, lines)
    publish(call.store, call.tenant, [(staged, name, digests)])
    return digests


def _wire(row: Row) -> dict[str, Any]:
    finished = row["finished"]
    return {
        "id": row["uuid"],
        "status": row["status"],
        "category": "plugin_export",
        "type": row["type"],
        "queue": "io_bound",
        "triggered_by": "user",
        "progress": _progress(row),
        "data": json.loads(row["data"]),
        "file": None,
        "ray_job_id": row["ray_job_id"],
        "created": row["created"],
        "started": row["started"],
        "finished": finished,
        "succeeded": finished if row["status"] == "COMPLETED" else None,
        "failed": finished if row["status"] == "FAILED" else None,
    }


def _progress(row: Row) -> dict[str, Any]:
    percent = 100.0 * row["processed"] / row["total"] if row["total"] else 100.0
    elapsed = 0.0
    if row["started"] and row["finished"]:
        moments = [datetime.fromisoformat(row[name]) for name in ("started", "finished")]
        elapsed = (moments[1] - moments[0]).total_seconds()
    counts = {"total_count": row["total"], "processed_count": row["processed"], "percent": percent}
    return {**counts, "time_elapsed": elapsed, "time_remaining": 0.0}


def list_jobs(call: Call) -> Response:
    """`GET /v2/async_jobs/`: own jobs, by page number, with their count."""
    where, values = id_filters(call, "id")
    chosen = Selection(
        "*", "async_jobs", "id", ("tenant_id = ?", "user_id = ?", *where), (call.tenant, call.identity.user, *values)
    )
    page = v1_page(call, chosen)
    return call.reply(json.loads(page.around(encode_json([_wire(row) for row in page.rows]))))


def _find(call: Call) -> Row:
    sql = "SELECT * FROM async_jobs WHERE uuid = ? AND tenant_id = ? AND user_id = ?"
    return call.find("The job", sql, (call.request.params["id"], call.tenant, call.identity.user))


def get_job(call: Call) -> Response:
    """`GET /v2/async_jobs/{id}/`."""
    return call.reply(_wire(_find(call)))


def cancel(call: Call) -> Response:
    """`POST /v2/async_jobs/{id}/cancel/`: fine when it was cancelled before, 409 when it is finished."""
    row = _find(call)
    if row["status"] != "CANCELLED":
        raise ApiError(409, "INVALID_STATE", f"The job is {row['status']} already.")
    return call.reply(_wire(row))


def progress(call: Call) -> Response:
    """`GET /v2/async_jobs/{id}/progress/`: server-sent events up to the end of the job."""
    row = _find(call)
    state = {"status": row["status"], **_progress(row)}
    done = {**state, "data": json.loads(row["data"])}
    return event_stream(
        [("connected", {"job_id": row["uuid"]}), ("async_job.progress", state), ("async_job.completed", done)]
    )


ROUTES = (
    Route("POST", "/v2/plugin_exports/", enqueue, Work.NONE, "create"),
    Route("GET", "/v2/async_jobs/", list_jobs),
    Route("GET", "/v2/async_jobs/{id}/", get_job),
    Route("POST", "/v2/async_jobs/{id}/cancel/", cancel, Work.WRITE, "cancel"),
    Route("GET", "/v2/async_jobs/{id}/progress/", progress),
)
