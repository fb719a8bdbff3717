"""A plan as one JSON document in Terraform's form, with our own members beside it.

Form: `terraform show -json PLAN`, format_version 1.2. Additive members: `reconciler` (what the plan was computed
from, totals, warnings, limits exceeded) and, per resource, `reason`, `backend`, `rows`, `units`, `units_omitted`,
`notes`, `blocked`, `deferred`. Equal plan files give equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

from reconciler.model.json import JSON
from reconciler.plan.codec import encode_row
from reconciler.plan.header import encode_problem
from reconciler.plan.values import Action, Change, Reason
from reconciler.render.sides import before_and_after, drift_sides
from reconciler.render.text import has_drift, is_gone
from reconciler.state.planfile import PlanFile

FORMAT_VERSION = "1.2"
UNITS = 1000  # row changes listed per resource unless asked otherwise; `show --sql` reaches all of them

_ACTIONS: Mapping[Action, list[str]] = {
    Action.CREATE: ["create"],
    Action.UPDATE: ["update"],
    Action.REPLACE: ["delete", "create"],
    Action.DELETE: ["delete"],
    Action.MOVE: ["no-op"],
    Action.FORGET: ["forget"],
    Action.NO_OP: ["no-op"],
    Action.BLOCKED: ["no-op"],
}
_REASONS: Mapping[Reason, str] = {
    Reason.CANNOT_UPDATE: "replace_because_cannot_update",
    Reason.NOT_DECLARED: "delete_because_no_resource_config",
}


def plan_json(plan: PlanFile, *, units: int = UNITS) -> str:
    """The document, indented, with a line end. units: row changes listed per resource; the others are counted."""
    return json.dumps(plan_document(plan, units=units), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def plan_document(plan: PlanFile, *, units: int = UNITS) -> dict[str, JSON]:
    """The document as a value."""
    header, changes = plan.header, plan.changes()
    is_blocked = bool(header.unsafe or header.refused) or any(change.action is Action.BLOCKED for change in changes)
    return {
        "format_version": FORMAT_VERSION,
        "resource_changes": [_resource(plan, change, units) for change in changes],
        "resource_drift": [_drift(change) for change in changes if has_drift(change)],
        "timestamp": header.created,
        "applyable": not header.totals.is_empty and not is_blocked,
        "complete": not header.targets,
        "errored": is_blocked,
        "reconciler": {
            "version": header.tool_version,
            "workspace": header.workspace,
            "environment": header.environment,
            "lineage": header.lineage,
            "serial": header.serial,
            "configuration": header.configuration,
            "plan_id": header.plan_id,
            "destroy": header.destroy,
            "targets": list(header.targets),
            "totals": asdict(header.totals),
            "warnings": [encode_problem(problem) for problem in header.problems],
            "unsafe": [encode_problem(problem) for problem in header.unsafe],
            "refused": [encode_problem(problem) for problem in header.refused],
        },
    }


def tf_actions(change: Change) -> list[str]:
    """The action in Terraform's vocabulary; taking over is an import, which may write fields too."""
    if change.action is Action.ADOPT:
        return ["update"] if change.fields else ["no-op"]
    return _ACTIONS[change.action]


def _resource(plan: PlanFile, change: Change, units: int) -> dict[str, JSON]:
    before, after = before_and_after(change)
    entry = _head(change)
    entry["change"] = {
        "actions": tf_actions(change),
        "before": before,
        "after": after,
        "after_unknown": {"id": True} if change.action in (Action.CREATE, Action.REPLACE) else {},
        "before_sensitive": False,
        "after_sensitive": False,
    }
    if change.action is Action.ADOPT:
        entry["change"]["importing"] = {"id": change.remote_id}
    if change.reason in _REASONS:
        entry["action_reason"] = _REASONS[change.reason]
    if change.previous:
        entry["previous_address"] = str(change.previous)
    return {**entry, **_additions(plan, change, units)}


def _head(change: Change) -> dict[str, JSON]:
    return {
        "address": str(change.address),
        "mode": "managed",
        "type": change.address.kind,
        "name": change.address.name,
        "provider_name": change.backend,
    }


def _additions(plan: PlanFile, change: Change, units: int) -> dict[str, JSON]:
    entry: dict[str, JSON] = {"action": change.action.value, "reason": change.reason.value, "backend": change.backend}
    if change.rows is not None:
        listed = [encode_row(row) for row in plan.rows(change.address, limit=units)]
        entry["rows"] = asdict(change.rows)
        entry["units"] = listed
        entry["units_omitted"] = _row_count(plan, change) - len(listed)
    marks = {
        "deferred": change.deferred,
        "protect": change.protect,
        "notes": list(change.notes),
        "blocked": change.action is Action.BLOCKED,
    }
    return entry | {name: value for name, value in marks.items() if value}


def _row_count(plan: PlanFile, change: Change) -> int:
    sql = (
        "SELECT count(*) FROM row_change WHERE change ="
        f" (SELECT n FROM change WHERE address = '{change.address.resource}')"
    )
    return int(str(plan.query(sql)[1][0][0]))


def _drift(change: Change) -> dict[str, JSON]:
    before, after = drift_sides(change)
    gone = is_gone(change)
    detail = {"actions": ["delete" if gone else "update"], "before": before, "after": None if gone else after}
    return {**_head(change), "change": detail, "rows": change.row_drift}
