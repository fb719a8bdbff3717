"""Filters of task and assignment lists, as tables: query key → condition. Keys that are not listed are ignored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

from reconciler.backend.database import IDS, TEXTS
from reconciler.backend.datamaker.call import Call
from reconciler.backend.wire import encode_json, invalid_field


class Takes(Enum):
    """What a filter takes: comma lists of ids, repeatable texts, or one truth value."""

    IDS = "ids"
    TEXTS = "texts"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class Filter:
    """condition: SQL with one `?`, a JSON array for lists, 0 or 1 for truth values."""

    condition: str
    takes: Takes = Takes.IDS


_CONDITIONS: Final = {Takes.IDS: f"IN {IDS}", Takes.TEXTS: f"IN {TEXTS}", Takes.BOOLEAN: "= ?"}


def _is(column: str, takes: Takes) -> Filter:
    return Filter(f"{column} {_CONDITIONS[takes]}", takes)


def _tagged(table: str, owner: str, column: str) -> Filter:
    inner = f"SELECT {owner} FROM {table} WHERE tag_id IN {IDS}"
    return Filter(f"{column} IN ({inner})")


# Nobody works in stages here, confirms a discarded assignment, or reviews at a time that is kept.
_NEVER: Final = Filter(f"NOT EXISTS {IDS}")


def _grouped(unit: str) -> Filter:
    inner = f"SELECT id FROM units WHERE group_id IN {IDS}"
    return Filter(f"{unit} IN ({inner})")


def _assigned(column: str, takes: Takes = Takes.IDS) -> Filter:
    inner = f"SELECT task_id FROM assignments WHERE {_is(column, takes).condition}"
    return Filter(f"t.id IN ({inner})", takes)


TASK_FILTERS: Final[dict[str, Filter]] = {
    "project": _is("t.project_id", Takes.IDS),
    "id": _is("t.id", Takes.IDS),
    "id__in": _is("t.id", Takes.IDS),
    "is_discarded": _is("t.is_discarded", Takes.BOOLEAN),
    "schema": _is("t.schema", Takes.TEXTS),
    "has_assignment": Filter(
        "CASE WHEN EXISTS (SELECT 1 FROM assignments WHERE task_id = t.id) THEN 1 ELSE 0 END = ?", Takes.BOOLEAN
    ),
    "status_label": _assigned("status_label", Takes.TEXTS),
    "status_review": _assigned("status_review", Takes.TEXTS),
    "assignments": _assigned("id"),
    "assignments__is_discarded": _assigned("is_discarded", Takes.BOOLEAN),
    "labelers": _assigned("user_id"),
    "reviewers": _assigned("reviewer_id"),
    "workshops": _is("t.workshop_id", Takes.IDS),
    "tags": _tagged("tagged_tasks", "task_id", "t.id"),
    "groups": _grouped("t.unit_id"),
    "stages": _NEVER,
    "has_reached_max_assignments": Filter(
        "CASE WHEN (SELECT count(*) FROM assignments WHERE task_id = t.id) >= p.max_assignments THEN 1 ELSE 0 END = ?",
        Takes.BOOLEAN,
    ),
}
ASSIGNMENT_FILTERS: Final[dict[str, Filter]] = {
    "project": _is("a.project_id", Takes.IDS),
    "id": _is("a.id", Takes.IDS),
    "id__in": _is("a.id", Takes.IDS),
    "tasks": _is("a.task_id", Takes.IDS),
    "users": _is("a.user_id", Takes.IDS),
    "reviewers": _is("a.reviewer_id", Takes.IDS),
    "status_label": _is("a.status_label", Takes.TEXTS),
    "status_review": _is("a.status_review", Takes.TEXTS),
    "is_discarded": _is("a.is_discarded", Takes.BOOLEAN),
    "is_confirmed": _is("a.is_confirmed", Takes.BOOLEAN),
    "is_discard_confirmed": Filter("0 = ?", Takes.BOOLEAN),
    "workshop": Filter(f"a.task_id IN (SELECT id FROM tasks WHERE workshop_id IN {IDS})"),
    "groups": Filter(f"a.task_id IN (SELECT t.id FROM tasks t WHERE {_grouped('t.unit_id').condition})"),
    "stages": _NEVER,
    "tags": _tagged("tagged_assignments", "assignment_id", "a.id"),
    "task_tags": _tagged("tagged_tasks", "task_id", "a.task_id"),
}
# Ranges: `id__gt`, `created__lte`, and so on; `_after` and `_before` are other spellings of gte and lte for times.
_OPERATORS: Final = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_ALIASES: Final = {"after": "gte", "before": "lte"}
TASK_TIMES: Final = {"created": "t.created"}
ASSIGNMENT_TIMES: Final = {
    "created": "a.created",
    "label_submitted": "a.label_submitted",
    "last_labeled": "a.last_labeled",
    "labeler_last_action_at": "a.last_labeled",
    "last_reviewed": "NULL",
    "reviewer_last_action_at": "NULL",
}


def conditions(
    call: Call, filters: Mapping[str, Filter], times: Mapping[str, str], key: str
) -> tuple[list[str], list[Any]]:
    """Conditions and values for what the query asks for. Raises `ApiError` 400 for malformed values."""
    where: list[str] = []
    values: list[Any] = []
    for name, one in filters.items():
        value = _value(call, name, one.takes)
        if value is not None:
            where.append(one.condition)
            values.append(value)
    for suffix, operator in _OPERATORS.items():
        if (number := call.query.integer(f"id__{suffix}")) is not None:
            where.append(f"{key} {operator} ?")
            values.append(number)
    for name, column in times.items():
        for condition, moment in _time_range(call, name, column):
            where.append(condition)
            values.append(moment)
    return where, values


def _value(call: Call, name: str, takes: Takes) -> Any:
    match takes:
        case Takes.IDS:
            ids = call.query.integers(name)
            return None if ids is None else encode_json(ids)
        case Takes.TEXTS:
            texts = call.query.all(name)
            return encode_json(texts) if texts else None
        case Takes.BOOLEAN:
            return call.query.boolean(name)


def _time_range(call: Call, name: str, column: str) -> list[tuple[str, str]]:
    found = []
    spellings = [(f"{name}__{suffix}", suffix) for suffix in _OPERATORS]
    spellings += [(f"{name}_{alias}", suffix) for alias, suffix in _ALIASES.items()]
    for key, suffix in spellings:
        if (text := call.query.text(key)) is not None:
            found.append((f"{column} {_OPERATORS[suffix]} ?", _moment(key, text)))
    return found


def created_range(call: Call, column: str) -> list[tuple[str, str]]:
    """Conditions of `created_after`, `created_before` and their like, each with its value."""
    return _time_range(call, "created", column)


def _moment(key: str, text: str) -> str:
    """A time as we store it: ISO 8601 in UTC, so that texts compare as times do."""
    text = re.sub(r" (\d\d:\d\d)$", r"+\1", text)  # a plus sign that the query decoding took for a space
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    except (ValueError, OverflowError) as exc:
        raise invalid_field(key, "must be a time such as 2026-01-15T09:00:00Z") from exc
