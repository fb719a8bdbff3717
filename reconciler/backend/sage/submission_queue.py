"""Rows of submissions: finding them, asking for rights on their evaluation, and both of their shapes on the wire."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from reconciler.backend.database import IDS, Connection, Row, one
from reconciler.backend.sage.acls import has_right
from reconciler.backend.sage.call import Call, syn
from reconciler.backend.sage.errors import missing
from reconciler.backend.sage.evaluations import evaluation_for

RECEIVED: Final = "RECEIVED"
STATES: Final = (
    "OPEN", "CLOSED", "SCORED", "INVALID", "VALIDATED", "EVALUATION_IN_PROGRESS", RECEIVED, "REJECTED", "ACCEPTED",
)  # fmt: skip
NOT_COUNTED: Final = ("INVALID", "REJECTED")
PRIVATE: Final = "READ_PRIVATE_SUBMISSION"


def find_submission(db: Connection, number: int) -> Row:
    """A submission; 404 when there is none."""
    row = one(db, "SELECT * FROM sage_submissions WHERE id = ?", (number,))
    if row is None:
        raise missing(f"Submission of ID {number} does not exist.")
    return row


def submission_for(call: Call, number: int, *accesses: str) -> Row:
    """A submission to an evaluation on which the caller has these rights."""
    row = find_submission(call.db, number)
    for access in accesses:
        evaluation_for(call, row["evaluation_id"], access)
    return row


def sees_private(call: Call, evaluation: int) -> bool:
    """Whether the caller may see what only the evaluation's organizers may."""
    return has_right(call.db, call.caller, "EVALUATION", evaluation, PRIVATE)


def submission_wires(db: Connection, rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Submissions as the wire has them, in order."""
    some = list(rows)
    people: dict[int, list[dict[str, Any]]] = {row["id"]: [] for row in some}
    for person in db.execute(
        f"SELECT * FROM sage_contributors WHERE submission_id IN {IDS} ORDER BY submission_id, user_id",
        (json.dumps(list(people)),),
    ):
        entry = {"principalId": str(person["user_id"]), "createdOn": person["created_on"]}
        people[person["submission_id"]].append(entry)
    return [_submission_wire(row, people[row["id"]]) for row in some]


def _submission_wire(row: Row, people: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "userId": str(row["user_id"]),
        "evaluationId": str(row["evaluation_id"]),
        "entityId": syn(row["entity_id"]),
        "versionNumber": row["version"],
        "teamId": None if row["team_id"] is None else str(row["team_id"]),
        "createdOn": row["created_on"],
        "contributors": people,
        "entityBundleJSON": row["bundle"],
        **json.loads(row["body"]),
    }


def status_wire(row: Row, *, private: bool) -> dict[str, Any]:
    """The status of a submission. private: with what only the evaluation's organizers may see."""
    old = json.loads(row["old_annotations"]) if row["old_annotations"] else None
    new = json.loads(row["annotations"]) if row["annotations"] and private else None
    number = str(row["id"])
    return {
        "id": number,
        "etag": row["etag"],
        "modifiedOn": row["modified_on"],
        "status": row["status"],
        "score": row["score"],
        "report": row["report"],
        "entityId": syn(row["entity_id"]),
        "versionNumber": row["version"],
        "statusVersion": row["status_version"],
        "canCancel": bool(row["can_cancel"]),
        "cancelRequested": bool(row["cancel_requested"]),
        "annotations": None if old is None else _old_annotations(row, old, private=private),
        "submissionAnnotations": None if new is None else {"id": number, "etag": row["etag"], "annotations": new},
    }


def _old_annotations(row: Row, old: dict[str, Any], *, private: bool) -> dict[str, Any]:
    seen = {name: [one for one in some if private or not one["isPrivate"]] for name, some in old.items()}
    return {"objectId": str(row["id"]), "scopeId": str(row["evaluation_id"]), **seen}
