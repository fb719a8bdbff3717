"""The frame for asynchronous jobs: a service declares kinds, this module starts them and gives back what they gave.

    JOBS: Final = (JobKind("BulkFileDownloadRequest", "/file/bulk/async", bulk_download, work=Work.NONE),)

A job runs at its start, so the first `get` has its result or its error. `run` gets the call, with the transaction that
its kind asks for, and the body of the request; what it returns, a JSON object, is the result. An `ApiError` that it
raises undoes what it wrote, and `get` answers with it. `job_kinds` lists the services that have jobs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.backend.database import Connection, Row, insert, one
from reconciler.backend.routing import Work
from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import NO_CONTENT, Call, P, Verbatim, fresh_etag, reply, without_nulls
from reconciler.backend.sage.errors import forbidden, missing
from reconciler.backend.sage.routes import MODIFY, VIEW, SageRoute, moves_bytes, reads
from reconciler.backend.wire import ApiError, Response

Result = Mapping[str, Any]
COMPLETE: Final = "COMPLETE"
FAILED: Final = "FAILED"


@dataclass(frozen=True, slots=True)
class JobKind:
    """One kind. request: `concreteType` of its request, without the common prefix. path: without `/start` and
    `/get/{token}`; what it captures is in `call.request.params`. work: the transaction that `run` gets."""

    request: str
    path: str
    run: Callable[[Call, Body], Result]
    work: Work = Work.READ
    scopes: frozenset[str] = VIEW

    @property
    def concrete(self) -> str:
        """`concreteType` of its requests."""
        return f"{P}.{self.request}"


def job_routes(kind: JobKind) -> tuple[SageRoute, ...]:
    """The two operations of a kind."""

    def start(call: Call) -> Response:
        return reply({"token": str(start_job(call, kind, call.body))}, 201)

    return (
        moves_bytes("POST", f"{kind.path}/start", start, scopes=kind.scopes),
        reads("GET", f"{kind.path}/get/{{token}}", get_result, scopes=VIEW),
    )


def start_job(call: Call, kind: JobKind, body: Body) -> int:
    """Run a job; returns its id. What the job wrote and that it did are one transaction."""
    try:
        return _run(call, kind, body)
    except ApiError as error:
        fields = {"status": error.status, "code": error.code, "reason": error.message}
        with call.store.writing() as db:
            return _note(db, call, kind, body, error=fields)


def _run(call: Call, kind: JobKind, body: Body) -> int:
    if kind.work is Work.WRITE:
        with call.store.writing() as call.connection:
            return _note(call.db, call, kind, body, result=kind.run(call, body))
    if kind.work is Work.READ:
        with call.store.reading() as call.connection:
            result = kind.run(call, body)
    else:
        result = kind.run(call, body)
    with call.store.writing() as db:
        return _note(db, call, kind, body, result=result)


def _note(
    db: Connection,
    call: Call,
    kind: JobKind,
    body: Body,
    *,
    result: Result | None = None,
    error: Mapping[str, Any] | None = None,
) -> int:
    values = {
        "user_id": call.caller.id,
        "kind": kind.request,
        "state": COMPLETE if error is None else FAILED,
        "request": json.dumps(body.values),
        "response": None if result is None else json.dumps(without_nulls(result)),
        "error": None if error is None else json.dumps(dict(error)),
        "started_on": call.now,
        "changed_on": call.now,
    }
    return insert(db, "sage_jobs", values)


def own_job(call: Call, name: str = "token") -> Row:
    """A job that the caller started; 404 when there is none, 403 for somebody else's."""
    row = one(call.db, "SELECT * FROM sage_jobs WHERE id = ?", (call.id(name),))
    if row is None:
        raise missing(f"Job {call.id(name)} does not exist.")
    if row["user_id"] != call.caller.id:
        raise forbidden("Only the user that started a job can see it.")
    return row


def get_result(call: Call) -> Response:
    """`GET …/get/{token}`: the result alone, or the error that the job ended with."""
    row = own_job(call)
    if row["error"] is not None:
        error = json.loads(row["error"])
        raise ApiError(error["status"], error["code"], error["reason"])
    return reply(Verbatim(json.loads(row["response"])), 201)


def job_status(row: Row) -> dict[str, Any]:
    """A job as the generic operations show it."""
    error = json.loads(row["error"]) if row["error"] is not None else {}
    return {
        "jobState": row["state"],
        "jobCanceling": False,
        "requestBody": Verbatim(json.loads(row["request"])),
        "etag": fresh_etag(),
        "jobId": str(row["id"]),
        "errorMessage": error.get("reason"),
        "startedOn": row["started_on"],
        "startedByUserId": row["user_id"],
        "changedOn": row["changed_on"],
        "responseBody": None if row["response"] is None else Verbatim(json.loads(row["response"])),
        "runtimeMS": 0,
    }


def get_job(call: Call) -> Response:
    """`GET /asynchronous/job/{token}`."""
    return reply(job_status(own_job(call)))


def cancel_job(call: Call) -> Response:
    """`GET /asynchronous/job/{token}/cancel`: too late here, as jobs end when they start."""
    own_job(call)
    return NO_CONTENT


ROUTES: Final = (
    reads("GET", "/asynchronous/job/{token}", get_job),
    reads("GET", "/asynchronous/job/{token}/cancel", cancel_job, scopes=MODIFY),
)
