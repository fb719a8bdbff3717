"""Rows of submission views: submissions to the evaluations of a scope, with the annotations of their statuses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from reconciler.backend.database import IDS, Row
from reconciler.backend.sage.acls import has_right
from reconciler.backend.sage.call import Call, syn
from reconciler.backend.sage.columns import Column
from reconciler.backend.sage.relations import Record
from reconciler.backend.sage.view_columns import SUBMISSION_FIELDS
from reconciler.backend.sage.view_rows import annotation_value, fitted, milliseconds

_RIGHT: Final = "READ_PRIVATE_SUBMISSION"


def readable_evaluations(call: Call, scope: Sequence[int]) -> list[int]:
    """The evaluations of a scope whose submissions the caller may read."""
    return [one for one in scope if has_right(call.db, call.caller, "EVALUATION", one, _RIGHT)]


def submission_records(call: Call, scope: Sequence[int], columns: Sequence[Column]) -> Iterator[Record]:
    """The submissions of a scope that the caller may read, by id."""
    rows = call.db.execute(
        "SELECT s.*, e.content_source FROM sage_submissions s JOIN sage_evaluations e ON e.id = s.evaluation_id"
        f" WHERE s.evaluation_id IN {IDS} ORDER BY s.id",
        (json.dumps(readable_evaluations(call, scope)),),
    )
    for row in rows:
        fields = _fields(row)
        annotations = status_annotations(row)
        cells = [
            fitted(
                column,
                fields.get(column["name"])
                if column["name"] in SUBMISSION_FIELDS
                else annotation_value(column, annotations),
            )
            for column in columns
        ]
        yield Record(row["id"], row["status_version"], row["etag"], None, cells)


def status_annotations(row: Row) -> dict[str, Any]:
    """The annotations of a submission's status: key to type and values."""
    kept = json.loads(row["annotations"]) if row["annotations"] else {}
    found = kept.get("annotations", kept)
    return found if isinstance(found, dict) else {}


def _fields(row: Row) -> dict[str, Any]:
    body = json.loads(row["body"])
    return {
        "id": row["id"],
        "name": body.get("name"),
        "createdOn": milliseconds(row["created_on"]),
        "createdBy": row["user_id"],
        "etag": row["etag"],
        "modifiedOn": milliseconds(row["modified_on"]),
        "projectId": syn(row["content_source"]),
        "status": row["status"],
        "evaluationid": row["evaluation_id"],
        "entityid": syn(row["entity_id"]),
        "entityversion": row["version"],
        "submitterid": row["team_id"] or row["user_id"],
        "submitteralias": body.get("submitterAlias"),
        "dockerrepositoryname": body.get("dockerRepositoryName"),
        "dockerdigest": body.get("dockerDigest"),
    }
