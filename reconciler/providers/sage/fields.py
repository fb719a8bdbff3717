"""Fields of ours and members of the service's objects, where one is the other under another name. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model.json import JSON
from reconciler.providers.sage.wire import Row


def told(row: Row, names: Mapping[str, str], *, texts: frozenset[str] = frozenset()) -> dict[str, JSON]:
    """Our fields of an object. names: ours → theirs. texts: fields that are "" where the service has none."""
    found = {ours: row[theirs] for ours, theirs in names.items() if row.get(theirs) is not None}
    return {**dict.fromkeys(texts, ""), **found}


def written(fields: Mapping[str, JSON], names: Mapping[str, str]) -> Row:
    """The members that these fields are; an empty text is none."""
    return {theirs: fields[ours] for ours, theirs in names.items() if fields.get(ours) not in (None, "")}


def replaced(row: Row, fields: Mapping[str, JSON], names: Mapping[str, str]) -> Row:
    """An object with other members for these fields; the rest stays."""
    mine = set(names.values())
    return {key: value for key, value in row.items() if key not in mine} | written(fields, names)
