"""JSON values, paths and foreign text in one line, safe for terminals. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from reconciler.diff.desired import KNOWN_AFTER_APPLY
from reconciler.model.change import FieldChange, Missing
from reconciler.model.json import JSON

MAX_VALUE = 160
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_HEX = re.compile(r"\b[0-9a-f]{32,}\b")


def safe_text(text: str) -> str:
    """Write control characters and writing-direction marks as escapes; line ends and tabs stay."""
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def value_text(value: JSON, limit: int = MAX_VALUE) -> str:
    """A JSON value as one short line; references as their address, long texts cut, checksums shortened."""
    if isinstance(value, Mapping) and value.keys() == {"$ref"}:
        return str(value["$ref"])
    if isinstance(value, Mapping) and value.keys() == {"$id"}:
        return f"id {value['$id']}"
    if value == KNOWN_AFTER_APPLY:
        return KNOWN_AFTER_APPLY
    text = _HEX.sub(lambda match: f"{match[0][:12]}…", json.dumps(value, ensure_ascii=False))
    return safe_text(text if len(text) <= limit else f"{text[: limit - 1]}…")


def path_text(path: tuple[str, ...]) -> str:
    """A field path: "fileSpecifications.image_1.required"."""
    return safe_text(".".join(path))


def field_line(change: FieldChange) -> tuple[str, str]:
    """A field change as (symbol, text): what is added, removed or changed."""
    name = path_text(change.path)
    if isinstance(change.before, Missing):
        return "+", f"{name} = {value_text(None if isinstance(change.after, Missing) else change.after)}"
    if isinstance(change.after, Missing):
        return "-", f"{name} = {value_text(change.before)}"
    return "~", f"{name} = {value_text(change.before)} -> {value_text(change.after)}"


def field_lines(change: FieldChange) -> list[tuple[int, str, str]]:
    """A field change as (depth, symbol, text); a list of objects that comes or goes takes a line per object."""
    value = change.after if isinstance(change.before, Missing) else change.before
    one_sided = isinstance(change.before, Missing) or isinstance(change.after, Missing)
    if not (one_sided and isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value)):
        return [(0, *field_line(change))]
    mark = "+" if isinstance(change.before, Missing) else "-"
    items = [(1, mark, value_text(dict(item))) for item in value]
    return [(0, mark, f"{path_text(change.path)}:"), *items]


def detail_line(what: str, before: JSON, after: JSON) -> str:
    """A line about a row: "meta.age: 4 -> 5"; None on a side means that there is nothing."""
    name = safe_text(what)
    if before is None:
        return f"{name}: {value_text(after)} is added"
    if after is None:
        return f"{name}: {value_text(before)} is removed"
    return f"{name}: {value_text(before)} -> {value_text(after)}"


def drift_line(what: str, found: JSON, declared: JSON) -> str:
    """A line about a row that others changed: "meta.age: is 4, declared 5"."""
    shown = "absent" if found is None else value_text(found)
    return f"{safe_text(what)}: is {shown}, declared {'absent' if declared is None else value_text(declared)}"
