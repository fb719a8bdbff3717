"""Export filters: the names we accept, and which listing of the service takes them under which name.

The service ignores names it does not know and then exports too much, so every name and value is checked first, and a
filter is only sent to a listing that is known to honour it. Listings of version 2 take all filters of assignments and
three of tasks; the others, and all of ground truth, need the listing of version 1. docs/exports.md has the table.

Source: the OpenAPI document of the service's official client (version 2), and the filters that client's export sends
(version 1). Left out: `created_after` and its like, which do not narrow; `search` and `discarded_filter`, whose meaning
is nowhere said.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from reconciler.errors import Invalid
from reconciler.model.json import JSON
from reconciler.providers.http import Params

Sent = dict[str, str | int | list[str]]

_MAX_QUERY_CHARS = 10_000
_V1, _V2, _BOTH = frozenset({1}), frozenset({2}), frozenset({1, 2})


@dataclass(frozen=True, slots=True)
class Rule:
    """How one filter is sent. write: (wire name, value) → parameters; raises ValueError. versions: listings with it."""

    wire: str
    write: Callable[[str, JSON], Sent]
    versions: frozenset[int] = _BOTH


@dataclass(frozen=True, slots=True)
class Query:
    """A listing to ask. version: 1 or 2. has_data: what is left to check on each record, None for nothing."""

    version: int
    params: Params = field(default_factory=dict)
    has_data: bool | None = None


def wire_filters(target: str, filters: Mapping[str, JSON]) -> Query:
    """Choose the listing and give its query parameters. Raises Invalid with every unknown name and unfit value."""
    rules = RULES[target]
    findings = [_unknown(name, target, rules) for name in sorted(filters) if name not in rules]
    known = {name: value for name, value in sorted(filters.items()) if name in rules}
    version = 2 if target != "ground_truth" and all(2 in rules[name].versions for name in known) else 1
    sent: Sent = {}
    for name, value in known.items():
        try:
            parameters = rules[name].write(rules[name].wire, value)
        except ValueError as exc:
            findings.append(f"filter.{name}: {exc}")
            continue
        if version in rules[name].versions:
            sent |= parameters
    if findings:
        raise Invalid("; ".join(findings), fix="correct the export's filter")
    if sum(len(key) + len(str(value)) for key, value in sent.items()) > _MAX_QUERY_CHARS:
        raise Invalid(f"the filter is longer than {_MAX_QUERY_CHARS} characters", fix="name fewer ids")
    return Query(version, sent, known.get("has_data") if version == 1 else None)


def _unknown(name: str, target: str, rules: Mapping[str, Rule]) -> str:
    near = difflib.get_close_matches(name, rules, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(rules))}"
    return f"filter.{name}: unknown for target {target!r}; {hint}"


def _words(name: str, value: JSON) -> Sent:
    words = value if isinstance(value, list) else [value]
    if not words or not all(isinstance(word, str) and word for word in words):
        raise ValueError("expected a word or a list of words")
    return {name: list(words)}


def _categories(name: str, value: JSON) -> Sent:
    """One has a parameter of its own."""
    words = _words(name, value)[name]
    assert isinstance(words, list)
    return {"category": words[0]} if len(words) == 1 else {name: words}


def _comma_words(name: str, value: JSON) -> Sent:
    words = _words(name, value)[name]
    assert isinstance(words, list)
    if any("," in word for word in words):
        raise ValueError("the service separates names by commas, so they cannot hold one")
    return {name: ",".join(words)}


def _ids(name: str, value: JSON) -> Sent:
    ids = value if isinstance(value, list) else [value]
    if not ids or not all(_is_id(one) for one in ids):
        raise ValueError("expected an id or a list of ids")
    return {name: ",".join(str(one) for one in ids)}


def _id(name: str, value: JSON) -> Sent:
    if not _is_id(value):
        raise ValueError("expected one id")
    return {name: str(value)}


def _is_id(value: JSON) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, str) and value.isdigit())


def _flag(name: str, value: JSON) -> Sent:
    if not isinstance(value, bool):
        raise ValueError("expected true or false")
    return {name: "true" if value else "false"}


def _word(name: str, value: JSON) -> Sent:
    if not isinstance(value, str):
        raise ValueError("expected a word")
    return {name: value}


def _period(name: str, value: JSON) -> Sent:
    """after: inclusive; before: exclusive; ISO dates or times."""
    if not isinstance(value, Mapping) or not value or not value.keys() <= {"after", "before"}:
        raise ValueError("expected {after: DATE, before: DATE}")
    bounds = {"after": "gte", "before": "lt"}
    return {f"{name}__{bounds[key]}": _moment(moment) for key, moment in sorted(value.items())}


def _moment(value: JSON) -> str:
    try:
        date.fromisoformat(str(value)[:10])
    except ValueError:
        raise ValueError(f"{value!r} is not an ISO date such as 2026-01-31") from None
    return str(value)


RULES: Mapping[str, Mapping[str, Rule]] = {
    "assignment": {
        "ids": Rule("id__in", _ids),
        "exclude_ids": Rule("ids_ex", _ids, _V1),
        "tasks": Rule("tasks", _ids),
        "workshop": Rule("workshop", _id),
        "users": Rule("users", _ids),
        "reviewers": Rule("reviewers", _ids),
        "groups": Rule("groups", _ids),
        "stages": Rule("stages", _ids),
        "tags": Rule("tags", _ids),
        "task_tags": Rule("task_tags", _ids),
        "status_label": Rule("status_label", _words),
        "status_review": Rule("status_review", _words),
        "is_confirmed": Rule("is_confirmed", _flag),
        "is_discarded": Rule("is_discarded", _flag),
        "is_discard_confirmed": Rule("is_discard_confirmed", _flag),
        "created": Rule("created", _period),
        "label_submitted": Rule("label_submitted", _period),
        "last_labeled": Rule("last_labeled", _period),
        "last_reviewed": Rule("last_reviewed", _period),
        "labeler_last_action": Rule("labeler_last_action_at", _period),
        "reviewer_last_action": Rule("reviewer_last_action_at", _period),
    },
    "task": {
        "has_data": Rule("has_data", _flag, _V2),
        "is_discarded": Rule("is_discarded", _flag),
        "schema": Rule("schema", _word),
        "ids": Rule("id__in", _ids, _V1),
        "exclude_ids": Rule("ids_ex", _ids, _V1),
        "workshop": Rule("workshops", _id, _V1),
        "users": Rule("labelers", _ids, _V1),
        "reviewers": Rule("reviewers", _ids, _V1),
        "groups": Rule("groups", _ids, _V1),
        "stages": Rule("stages", _ids, _V1),
        "tags": Rule("tags", _ids, _V1),
        "assignments": Rule("assignments", _ids, _V1),
        "status_label": Rule("status_label", _words, _V1),
        "status_review": Rule("status_review", _words, _V1),
        "has_assignment": Rule("has_assignment", _flag, _V1),
        "has_all_assignments": Rule("has_reached_max_assignments", _flag, _V1),
        "has_discarded_assignment": Rule("assignments__is_discarded", _flag, _V1),
        "created": Rule("created", _period, _V1),
    },
    "ground_truth": {
        "ids": Rule("ids", _ids, _V1),
        "exclude_ids": Rule("ids_ex", _ids, _V1),
        "ground_truth": Rule("ground_truth", _id, _V1),
        "task": Rule("task", _id, _V1),
        "category": Rule("categories", _categories, _V1),
        "classes": Rule("classes", _comma_words, _V1),
    },
}
