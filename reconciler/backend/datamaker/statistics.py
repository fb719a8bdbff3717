"""Statistics of a project, computed when they are asked for: `/v2/projects/{id}/statistics/{kind}/`."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Final

from reconciler.backend.datamaker.call import Call
from reconciler.backend.datamaker.projects import find_project
from reconciler.backend.routing import Route
from reconciler.backend.wire import Response, not_found

_STATES: Final = ("stand_by", "in_progress", "completed", "skipped", "rejected")


def _counted(column: str, value: str) -> str:
    return f"count(*) FILTER (WHERE a.{column} = '{value}')"


_CONFIRMED: Final = "count(*) FILTER (WHERE a.is_confirmed = 1) AS confirmed"
_REFUSED: Final = f"{_counted('status_review', 'rejected')} AS refused"


def _workers(call: Call, project: int, column: str, status: str) -> list[dict[str, Any]]:
    """Counts of assignments by user and status. column: who; status: which of the two states counts."""
    sums = ", ".join(f"{_counted(status, state)} AS {state}" for state in _STATES)
    sql = (
        f"SELECT u.name, u.email, count(*) AS total, {_CONFIRMED}, {sums},"
        f" {_counted('status_review', 'in_progress')} AS reviewing, {_REFUSED}"
        f" FROM assignments a JOIN users u ON u.id = a.{column}"
        " WHERE a.project_id = ? AND a.is_discarded = 0 GROUP BY u.id ORDER BY u.id"
    )
    found = []
    for row in call.db.execute(sql, (project,)):
        wire = {name: row[name] for name in ("total", "stand_by", "skipped", "completed", "reviewing", "confirmed")}
        wire |= {"rejected": row["refused"], "user_name": row["name"], "user_email": row["email"]}
        wire |= {"user_thumbnail": None} | ({"labeling": row["in_progress"]} if status == "status_label" else {})
        found.append(wire)
    return found


def _worker(call: Call, project: int) -> Any:
    return {
        "labeler": _workers(call, project, "user_id", "status_label"),
        "reviewer": _workers(call, project, "reviewer_id", "status_review"),
    }


def _classes(call: Call, project: int) -> Any:
    """Counts by class and tool of DM schema v1 payloads."""
    annotations: Counter[tuple[str, str]] = Counter()
    assignments: Counter[tuple[str, str]] = Counter()
    sql = "SELECT data FROM assignments WHERE project_id = ? AND data IS NOT NULL AND is_discarded = 0"
    for (text,) in call.db.execute(sql, (project,)):
        found = Counter(_tools(json.loads(text)))
        annotations.update(found)
        assignments.update(found.keys())
    return [
        {
            "class_name": name,
            "class_code": name,
            "assignment_count": assignments[name, tool],
            "annotation_type": tool,
            "annotation_type_display": tool.replace("_", " ").capitalize() or None,
            "annotation_count": count,
            "annotation_average_value": count / assignments[name, tool],
        }
        for (name, tool), count in sorted(annotations.items())
    ]


def _tools(data: Any) -> list[tuple[str, str]]:
    annotations = data.get("annotations") if isinstance(data, dict) else None
    found = []
    for listed in annotations.values() if isinstance(annotations, dict) else ():
        for item in listed if isinstance(listed, list) else ():
            classification = item.get("classification") if isinstance(item, dict) else None
            name = classification.get("class") if isinstance(classification, dict) else None
            if isinstance(name, str):
                found.append((name, str(item.get("tool") or "")))
    return found


def _rejections(call: Call, project: int) -> Any:
    sql = (
        f"SELECT u.name, u.email, count(*) AS total, {_REFUSED},"
        " count(a.label_submitted) AS submitted FROM assignments a JOIN users u ON u.id = a.user_id"
        " WHERE a.project_id = ? GROUP BY u.id ORDER BY u.id"
    )
    return [
        {
            "user_name": row["name"],
            "user_email": row["email"],
            "user_thumbnail": None,
            "cumulative_rejection_count": row["refused"],
            "rejection_ratio": round(100 * row["refused"] / row["submitted"]) if row["submitted"] else 0,
            "total_assignment_count": row["total"],
            "total_rejection_count": row["refused"],
            "total_submission_count": row["submitted"],
        }
        for row in call.db.execute(sql, (project,))
    ]


def _defects(call: Call, project: int) -> Any:
    sql = (
        f"SELECT u.name, u.email, count(*) AS total, {_CONFIRMED} FROM assignments a"
        " JOIN users u ON u.id = a.user_id WHERE a.project_id = ? AND a.is_discarded = 1 GROUP BY u.id ORDER BY u.id"
    )
    return [
        {
            "user_name": row["name"],
            "user_email": row["email"],
            "user_thumbnail": None,
            "confirmed": row["confirmed"],
            "reported": row["total"] - row["confirmed"],
            "total": row["total"],
        }
        for row in call.db.execute(sql, (project,))
    ]


_KINDS: Final = {"worker": _worker, "class": _classes, "rejection": _rejections, "defect": _defects}


def get(call: Call) -> Response:
    """`GET /v2/projects/{p}/statistics/{kind}/`."""
    project = find_project(call.db, call.tenant, call.id("p"))["id"]
    kind = call.request.params["kind"]
    if kind not in _KINDS:
        raise not_found("This kind of statistics")
    results = _KINDS[kind](call, project)
    return call.reply({"kind": kind, "computed_at": call.store.now(), "realtime": True, "results": results})


ROUTES = (Route("GET", "/v2/projects/{p}/statistics/{kind}/", get),)
