"""Values of attributes where a format knows nothing but text."""

from __future__ import annotations

import json

from reconciler.model.json import JSON


def is_true(value: JSON) -> bool:
    """A flag as people and tools write it."""
    return value in (True, 1, "1") or (isinstance(value, str) and value.strip().lower() in ("true", "yes"))


def attribute_text(value: JSON) -> str:
    """Text of an attribute: true, false, and JSON for lists and objects."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def shown_name(name: str) -> str:
    """What DM calls an attribute of that name: `class` is taken by the class itself."""
    return "class_" if name == "class" else name


def written_name(name: str) -> str:
    """The inverse of `shown_name`."""
    return "class" if name == "class_" else name
