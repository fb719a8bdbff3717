"""The status of submissions: reading it, changing one or many at once, and asking for a submission to be cancelled."""

from __future__ import annotations

from typing import Any, Final

from reconciler.backend.database import update_sql
from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import NO_CONTENT, Call, fresh_etag, reply
from reconciler.backend.sage.errors import bad, forbidden, stale
from reconciler.backend.sage.evaluations import evaluation_for
from reconciler.backend.sage.routes import reads, writes
from reconciler.backend.sage.submission_annotations import read_annotations, read_old_annotations
from reconciler.backend.sage.submission_queue import (
    PRIVATE,
    STATES,
    find_submission,
    sees_private,
    status_wire,
    submission_for,
)
from reconciler.backend.wire import ApiError, Response

_BATCH: Final = 500


def get(call: Call) -> Response:
    """`GET /evaluation/submission/{id}/status`."""
    row = submission_for(call, call.id(), "READ")
    return reply(status_wire(row, private=sees_private(call, row["evaluation_id"])))


def put(call: Call) -> Response:
    """`PUT /evaluation/submission/{id}/status`: replaces all that can be written."""
    body = call.body
    if body.integer("id", call.id()) != call.id():
        raise bad("The ID in the body does not match the ID in the path.")
    row = submission_for(call, call.id(), PRIVATE, "UPDATE_SUBMISSION")
    _write(call, row["id"], body)
    _renew_batch(call, row["evaluation_id"], None)
    return reply(status_wire(find_submission(call.db, row["id"]), private=True))


def _write(call: Call, number: int, body: Body) -> None:
    row = find_submission(call.db, number)
    if body.text("etag") != row["etag"]:
        raise stale(str(number))
    values: dict[str, Any] = {
        "etag": fresh_etag(),
        "status": _state(body),
        "score": _score(body),
        "report": body.text("report", longest=1_000_000),
        "can_cancel": int(body.boolean("canCancel")),
        "cancel_requested": int(body.boolean("cancelRequested")),
        "annotations": read_annotations(body),
        "old_annotations": read_old_annotations(body),
        "status_version": row["status_version"] + 1,
        "modified_on": call.now,
    }
    call.db.execute(update_sql("sage_submissions", values), {**values, "id": number})


def _state(body: Body) -> str:
    state = body.needed("status")
    if state not in STATES:
        raise bad(f"No enum constant for status: {state[:100]}. One of {', '.join(STATES)}.")
    return state


def _score(body: Body) -> float | None:
    score = body.values.get("score")
    if score is None:
        return None
    if type(score) not in (int, float) or not 0 <= score <= 1:
        raise bad(f"Scores must be between 0 and 1. Received score = {str(score)[:100]}")
    return float(score)


def put_batch(call: Call) -> Response:
    """`PUT /evaluation/{id}/statusBatch`: all or none; every batch but the first names the one before by its token."""
    body, row = call.body, evaluation_for(call, call.entity(), "UPDATE_SUBMISSION")
    statuses = body.objects("statuses", most=1_000_000)
    for key in ("isFirstBatch", "isLastBatch"):
        if body.values.get(key) is None:
            raise bad(f"{key} is required.")
    if not 0 < len(statuses) <= _BATCH:
        raise bad("statuses is required." if not statuses else f"Batch size cannot exceed {_BATCH}")
    numbers = [one.needed_integer("id") for one in statuses]
    if len(set(numbers)) < len(numbers):
        raise bad("A submission occurs more than once in the batch.")
    if any(find_submission(call.db, number)["evaluation_id"] != row["id"] for number in numbers):
        raise bad("Specified Evaluation ID does not match submissions in the batch.")
    if not body.boolean("isFirstBatch") and body.needed("batchToken") != row["batch_token"]:
        raise ApiError(412, "", "Your batch token is out of date.  You must restart upload from first batch.")
    for number, one in zip(numbers, statuses, strict=True):
        _write(call, number, one)
    token = None if body.boolean("isLastBatch") else fresh_etag()
    _renew_batch(call, row["id"], token)
    return reply({"nextUploadToken": token})


def _renew_batch(call: Call, evaluation: int, token: str | None) -> None:
    call.db.execute("UPDATE sage_evaluations SET batch_token = ? WHERE id = ?", (token, evaluation))


def cancel(call: Call) -> Response:
    """`PUT /evaluation/submission/{id}/cancellation`: the submitter asks; whoever scores sees it."""
    row = find_submission(call.db, call.id())
    if row["user_id"] != call.caller.id:
        raise forbidden("Only the user who submitted this submission could perform this action.")
    if not row["can_cancel"]:
        raise forbidden("This submission is currently noncancellable.")
    call.db.execute(
        "UPDATE sage_submissions SET cancel_requested = 1, etag = ?, status_version = status_version + 1,"
        " modified_on = ? WHERE id = ?",
        (fresh_etag(), call.now, row["id"]),
    )
    _renew_batch(call, row["evaluation_id"], None)
    return NO_CONTENT


ROUTES: Final = (
    reads("GET", "/evaluation/submission/{id}/status", get, anonymous=True),
    writes("PUT", "/evaluation/submission/{id}/status", put),
    writes("PUT", "/evaluation/submission/{id}/cancellation", cancel),
    writes("PUT", "/evaluation/{id}/statusBatch", put_batch),
)
