"""Writing through a view: cells become annotations of the entities or submissions that its rows show."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from reconciler.backend.database import one
from reconciler.backend.sage.acls import has_right
from reconciler.backend.sage.body import Body, plain_id
from reconciler.backend.sage.call import Call, fresh_etag, syn
from reconciler.backend.sage.column_types import TYPES, cell_text
from reconciler.backend.sage.columns import Column
from reconciler.backend.sage.entity_annotations import annotations_of, read_annotations, store_annotations
from reconciler.backend.sage.errors import bad, lacks, missing, stale
from reconciler.backend.sage.nodes import Node, find_node, require
from reconciler.backend.sage.submission_view_rows import status_annotations
from reconciler.backend.sage.table_appends import RowChange
from reconciler.backend.sage.view_columns import ENTITY_FIELDS, SUBMISSION_FIELDS
from reconciler.backend.sage.view_rows import scope_ids
from reconciler.backend.wire import ApiError

_FAILURES: Final = {
    400: "ILLEGAL_ARGUMENT", 401: "UNAUTHORIZED", 403: "UNAUTHORIZED", 404: "NOT_FOUND", 409: "CONCURRENT_UPDATE",
    412: "CONCURRENT_UPDATE",
}  # fmt: skip
_ANNOTATION_TYPES: Final = {
    "INTEGER": "LONG", "DOUBLE": "DOUBLE", "BOOLEAN": "BOOLEAN", "DATE": "TIMESTAMP_MS", "USERID": "LONG",
    "SUBMISSIONID": "LONG", "EVALUATIONID": "LONG", "FILEHANDLEID": "LONG",
}  # fmt: skip
_DOUBLES: Final = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}


def update_view(
    call: Call, node: Node, columns: Sequence[Column], changes: Iterable[RowChange]
) -> list[dict[str, Any]]:
    """Write rows of a view; one that is refused leaves the others as they are. Gives a result for each."""
    shown = _shown_ids(call, node)
    is_submission = node["type"] == "submissionview"
    write = _write_submission if is_submission else _write_entity
    fixed = SUBMISSION_FIELDS if is_submission else ENTITY_FIELDS
    own = [column for column in columns if column["name"] not in fixed]
    results = []
    for change in changes:
        if change.id is None or change.cells is None:
            raise bad("Rows can neither be added to a view nor deleted from it: each needs a rowId and values.")
        name = str(change.id) if is_submission else syn(change.id)
        try:
            if change.id not in shown:
                raise missing(f"{name} is not in the view.")
            write(call, change, [column for column in own if column["id"] in change.cells])
            results.append({"entityId": name})
        except ApiError as error:
            code = _FAILURES.get(error.status, "UNKNOWN")
            results.append({"entityId": name, "failureCode": code, "failureMessage": error.message})
    return results


def _shown_ids(call: Call, node: Node) -> set[int]:
    from reconciler.backend.sage.table_sources import live_records

    own = json.loads(node["fields"])
    if node["type"] == "entityview":
        return set(scope_ids(call, [int(one) for one in own.get("scopeIds") or ()], own["viewTypeMask"]))
    return {record.id for record in live_records(call, node, [])}


def _write_entity(call: Call, change: RowChange, columns: Sequence[Column]) -> None:
    assert change.id is not None
    node = find_node(call.db, change.id)
    require(call, node, "UPDATE")
    if change.etag is not None and change.etag != node["etag"]:
        raise stale(syn(change.id))
    if columns:
        merged = _merged(annotations_of(node), change.cells or {}, columns)
        store_annotations(call, change.id, read_annotations(Body({"annotations": merged})))


def _write_submission(call: Call, change: RowChange, columns: Sequence[Column]) -> None:
    assert change.id is not None
    row = one(call.db, "SELECT * FROM sage_submissions WHERE id = ?", (change.id,))
    if row is None:
        raise missing(f"Submission {change.id} does not exist.")
    if not has_right(call.db, call.caller, "EVALUATION", row["evaluation_id"], "UPDATE_SUBMISSION"):
        raise lacks("UPDATE_SUBMISSION")
    if change.etag is not None and change.etag != row["etag"]:
        raise stale(str(change.id))
    merged = read_annotations(Body({"annotations": _merged(status_annotations(row), change.cells or {}, columns)}))
    call.db.execute(
        "UPDATE sage_submissions SET annotations = ?, etag = ?, status_version = status_version + 1, modified_on = ?"
        " WHERE id = ?",
        (json.dumps(merged, ensure_ascii=False, sort_keys=True), fresh_etag(), call.now, plain_id(str(change.id))),
    )


def _merged(found: Mapping[str, Any], cells: Mapping[str, Any], columns: Sequence[Column]) -> dict[str, Any]:
    merged = dict(found)
    for column in columns:
        value = cells[column["id"]]
        if value is None:
            merged.pop(column["name"], None)
        else:
            merged[column["name"]] = _annotation(column, value)
    return merged


def _annotation(column: Column, value: Any) -> dict[str, Any]:
    kind = TYPES[column["columnType"]].element or column["columnType"]
    texts = [cell_text(kind, item) for item in (value if isinstance(value, list) else [value])]
    wanted = _ANNOTATION_TYPES.get(kind, "STRING")
    return {"type": wanted, "value": [_DOUBLES.get(str(text), text) if wanted == "DOUBLE" else text for text in texts]}
