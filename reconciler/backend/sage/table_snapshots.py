"""Versions of tables and views: a snapshot takes the current number, and the living entity moves on to the next."""

from __future__ import annotations

import json
from typing import Final

from reconciler.backend.database import one
from reconciler.backend.sage.activity_links import check_activity
from reconciler.backend.sage.body import Body, plain_id
from reconciler.backend.sage.call import Call, reply
from reconciler.backend.sage.errors import bad, taken
from reconciler.backend.sage.nodes import Node, find_node, require, touch
from reconciler.backend.sage.routes import writes
from reconciler.backend.sage.table_rows import add_snapshot, find_state, keep_records
from reconciler.backend.sage.table_sources import VIEWS, columns_of_node, live_records
from reconciler.backend.wire import Response

_UNFINISHED: Final = "in progress"
_MOST_VERSIONS: Final = 15_000


def take_snapshot(call: Call, node: Node, options: Body) -> int:
    """Let the current version keep what is shown now; returns its number. Raises `ApiError` 400 or 409."""
    number = node["number"]
    activity = options.text("snapshotActivityId")
    if activity is not None:
        check_activity(call, plain_id(activity))
    if node["max_version"] >= _MOST_VERSIONS:
        raise bad(f"An entity may have {_MOST_VERSIONS} versions at most.")
    _keep(call, node)
    label = options.text("snapshotLabel", longest=256) or str(number)
    comment = options.text("snapshotComment", longest=256)
    _check_label(call, node, label)
    call.db.execute(
        "UPDATE sage_versions SET label = ?, label_key = ?, comment = ?, activity_id = coalesce(?, activity_id)"
        " WHERE entity_id = ? AND number = ?",
        (label, label.lower(), comment, plain_id(activity) if activity else None, node["id"], number),
    )
    _move_on(call, node)
    return int(number)


def _keep(call: Call, node: Node) -> None:
    state = find_state(call, node["id"])
    if node["type"] == "table":
        add_snapshot(call, node["id"], node["number"], state)
        return
    if node["type"] not in VIEWS:
        raise bad("A version of a materialized view or virtual table cannot be created.")
    own = json.loads(node["fields"])
    if not (own.get("scopeIds") or own.get("items")):
        raise bad("You cannot create a version of a view that has no scope.")
    columns = columns_of_node(call, node)
    state.slots = {column["id"]: str(place) for place, column in enumerate(columns)}
    state.change = node["number"]
    records = live_records(call, node, columns)
    keep_records(call.db, node["id"], node["number"], records, list(state.slots.values()))
    add_snapshot(call, node["id"], node["number"], state)


def _check_label(call: Call, node: Node, label: str) -> None:
    sql = "SELECT 1 FROM sage_versions WHERE entity_id = ? AND label_key = ? AND number <> ?"
    if one(call.db, sql, (node["id"], label.lower(), node["number"])):
        raise taken(f"The version label '{label}' is in use by another version.")


def _move_on(call: Call, node: Node) -> None:
    following = node["max_version"] + 1
    label = _UNFINISHED if not _has_label(call, node["id"], _UNFINISHED) else f"{_UNFINISHED} {following}"
    call.db.execute(
        "INSERT INTO sage_versions (entity_id, number, label, label_key, comment, description, activity_id, fields,"
        " annotations, modified_by, modified_on) VALUES (?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?)",
        (
            node["id"], following, label, label.lower(), _UNFINISHED, node["description"], node["fields"],
            node["annotations"], call.caller.id, call.now,
        ),
    )  # fmt: skip
    call.db.execute(
        "UPDATE sage_entities SET version = ?, max_version = ? WHERE id = ?", (following, following, node["id"])
    )
    touch(call, node["id"])


def _has_label(call: Call, entity: int, label: str) -> bool:
    sql = "SELECT 1 FROM sage_versions WHERE entity_id = ? AND label_key = ?"
    return one(call.db, sql, (entity, label.lower())) is not None


def create_snapshot(call: Call) -> Response:
    """`POST /entity/{id}/table/snapshot`: of tables; views are done by a transaction."""
    node = find_node(call.db, call.entity())
    require(call, node, "UPDATE")
    if node["type"] != "table":
        raise bad("Snapshots of views are created by a transaction with createSnapshot.")
    return reply({"snapshotVersionNumber": take_snapshot(call, node, call.body)}, 201)


ROUTES = (writes("POST", "/entity/{id}/table/snapshot", create_snapshot),)
