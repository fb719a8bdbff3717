"""Columns that a view could have: one for each annotation of what is in its scope."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from reconciler.backend.database import IDS
from reconciler.backend.sage.body import Body, entity_id, plain_id
from reconciler.backend.sage.call import Call, P
from reconciler.backend.sage.column_types import MAX_STRING, MEDIUM_TEXT
from reconciler.backend.sage.columns import Column
from reconciler.backend.sage.errors import bad
from reconciler.backend.sage.jobs import JobKind
from reconciler.backend.sage.nodes import find_node, require
from reconciler.backend.sage.paging import token_page, token_range
from reconciler.backend.sage.relations import in_batches
from reconciler.backend.sage.submission_view_rows import readable_evaluations, status_annotations
from reconciler.backend.sage.view_columns import ENTITY_FIELDS, SUBMISSION_FIELDS, check_mask
from reconciler.backend.sage.view_rows import scope_ids

_BATCH: Final = 500
_MOST_SCOPES: Final = 35_000
_TYPES: Final = {
    "STRING": "STRING", "LONG": "INTEGER", "DOUBLE": "DOUBLE", "TIMESTAMP_MS": "DATE", "BOOLEAN": "BOOLEAN",
}  # fmt: skip
_LISTED: Final = frozenset({"STRING", "INTEGER", "DATE", "BOOLEAN"})


def suggest(call: Call, body: Body) -> dict[str, Any]:
    """`ViewColumnModelRequest`: a page of columns, by name; with a type for each that annotations have."""
    scope = body.object("viewScope") or body
    limit, offset = token_range(body)
    found = sorted(_columns(_annotations(call, scope)).items())
    columns = [column for _, column in found][offset : offset + limit + 1]
    page = token_page(columns, limit, offset, "results")
    return {"concreteType": f"{P}.table.ViewColumnModelResponse", **page}


def _annotations(call: Call, scope: Body) -> Iterator[Mapping[str, Any]]:
    kind = (scope.text("viewEntityType") or "entityview").lower()
    ids = scope.items("scope", most=_MOST_SCOPES)
    if kind == "submissionview":
        return _of_submissions(call, [plain_id(str(one).removeprefix("syn")) for one in ids])
    if kind in ("dataset", "datasetcollection"):
        return _of_entities(call, [one for one in map(entity_id, ids) if _is_readable(call, one)])
    if kind != "entityview":
        raise bad(f"Unknown viewEntityType: {kind[:100]}")
    mask = check_mask(scope.integer("viewTypeMask", 1))
    return _of_entities(call, scope_ids(call, [entity_id(one) for one in ids], mask))


def _is_readable(call: Call, entity: int) -> bool:
    require(call, find_node(call.db, entity), "READ")
    return True


def _of_entities(call: Call, ids: list[int]) -> Iterator[Mapping[str, Any]]:
    for some in in_batches(ids, _BATCH):
        rows = call.db.execute(
            "SELECT v.annotations FROM sage_entities e JOIN sage_versions v ON v.entity_id = e.id"
            f" AND v.number = e.version WHERE e.id IN {IDS}",
            (json.dumps(some),),
        )
        for row in rows:
            found = json.loads(row["annotations"])
            yield {key: value for key, value in found.items() if key not in ENTITY_FIELDS}


def _of_submissions(call: Call, scope: list[int]) -> Iterator[Mapping[str, Any]]:
    listed = json.dumps(readable_evaluations(call, scope))
    for row in call.db.execute(f"SELECT annotations FROM sage_submissions WHERE evaluation_id IN {IDS}", (listed,)):
        yield {key: value for key, value in status_annotations(row).items() if key not in SUBMISSION_FIELDS}


def _columns(annotations: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Column]:
    """Name and type → a column that is wide enough for all values."""
    widest: dict[tuple[str, str], tuple[int, int]] = {}
    for one in annotations:
        for name, found in one.items():
            key = (name, _TYPES[found["type"]])
            longest, most = widest.get(key, (1, 1))
            lengths = [len(value) for value in found["value"]]
            widest[key] = max([longest, *lengths]), max(most, len(lengths))
    return {key: _column(*key, *sizes) for key, sizes in widest.items()}


def _column(name: str, kind: str, longest: int, most: int) -> Column:
    is_list = most > 1 and kind in _LISTED
    if kind == "STRING" and longest > MAX_STRING and not is_list:
        kind = "MEDIUMTEXT" if longest <= MEDIUM_TEXT else "LARGETEXT"
    column: Column = {"name": name, "columnType": f"{kind}_LIST" if is_list else kind}
    if kind == "STRING":
        column["maximumSize"] = min(longest, MAX_STRING)
    return column | ({"maximumListLength": most} if is_list else {})


JOBS: Final = (JobKind("table.ViewColumnModelRequest", "/column/view/scope/async", suggest),)
