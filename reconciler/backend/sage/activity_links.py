"""Whether somebody may see an activity, and link it to an entity."""

from __future__ import annotations

from reconciler.backend.database import Row, one
from reconciler.backend.sage.call import Call
from reconciler.backend.sage.errors import forbidden, missing
from reconciler.backend.sage.nodes import readable_condition


def find_activity(call: Call, activity: int) -> Row:
    """An activity; 404 when there is none."""
    row = one(call.db, "SELECT * FROM sage_activities WHERE id = ?", (activity,))
    if row is None:
        raise missing(f"Activity id {activity} not found.")
    return row


def check_activity(call: Call, activity: int) -> Row:
    """An activity that the caller created, or that generated something that the caller can read."""
    row = find_activity(call, activity)
    if row["created_by"] == call.caller.id or call.caller.is_admin:
        return row
    readable, values = readable_condition(call)
    sql = (
        "SELECT 1 FROM sage_versions v JOIN sage_entities e ON e.id = v.entity_id"
        f" WHERE v.activity_id = ? AND e.trash_root IS NULL AND {readable} LIMIT 1"
    )
    if one(call.db, sql, (activity, *values)) is None:
        raise forbidden(f"You are not authorized to access activity {activity}.")
    return row
