"""Export filters: the names we accept and how they are sent.

The service ignores names it does not know and then exports too much, so every name and value is checked first.

| ours | value | assignments | tasks |
| --- | --- | --- | --- |
| `status_label`, `status_review` | one or several words | repeated | - |
| `users`, `reviewers`, `groups`, `stages`, `tags`, `task_tags`, `tasks` | ids | comma list | - |
| `workshop` | one id | as it is | - |
| `is_confirmed`, `is_discarded`, `is_discard_confirmed` | true or false | `true` / `false` | `is_discarded` |
| `created`, `label_submitted`, `last_labeled`, `last_reviewed` | `{after, before}` | `NAME__gte`, `NAME__lt` | - |
| `has_data` | true or false | - | `true` / `false` |
| `schema` | `dm_schema_v1` or `any` | - | as it is |
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from datetime import date

from reconciler.errors import Invalid
from reconciler.model.json import JSON
from reconciler.providers.http import Params

Sent = dict[str, str | int | list[str]]
_Rule = Callable[[str, JSON], Sent]

_MAX_QUERY_CHARS = 10_000


def wire_filters(target: str, filters: Mapping[str, JSON]) -> Params:
    """Give the query parameters. Raises Invalid with every unknown name and unfit value."""
    rules = RULES[target]
    sent: Sent = {}
    findings: list[str] = []
    for name, value in sorted(filters.items()):
        if name not in rules:
            findings.append(_unknown(name, target, rules))
            continue
        try:
            sent |= rules[name](name, value)
        except ValueError as exc:
            findings.append(f"filter.{name}: {exc}")
    if findings:
        raise Invalid("; ".join(findings), fix="correct the export's filter")
    if sum(len(key) + len(str(value)) for key, value in sent.items()) > _MAX_QUERY_CHARS:
        raise Invalid(f"the filter is longer than {_MAX_QUERY_CHARS} characters", fix="name fewer ids")
    return sent


def _unknown(name: str, target: str, rules: Mapping[str, _Rule]) -> str:
    near = difflib.get_close_matches(name, rules, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(rules))}"
    return f"filter.{name}: unknown for target {target!r}; {hint}"


def _words(name: str, value: JSON) -> Sent:
    words = value if isinstance(value, list) else [value]
    if not words or not all(isinstance(word, str) for word in words):
        raise ValueError("expected a word or a list of words")
    return {name: list(words)}


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


RULES: Mapping[str, Mapping[str, _Rule]] = {
    "assignment": {
        **dict.fromkeys(("status_label", "status_review"), _words),
        **dict.fromkeys(("users", "reviewers", "groups", "stages", "tags", "task_tags", "tasks"), _ids),
        **dict.fromkeys(("is_confirmed", "is_discarded", "is_discard_confirmed"), _flag),
        **dict.fromkeys(("created", "label_submitted", "last_labeled", "last_reviewed"), _period),
        "workshop": _id,
    },
    "task": {"has_data": _flag, "is_discarded": _flag, "schema": _word},
}
