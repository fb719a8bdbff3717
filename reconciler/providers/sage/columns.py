"""Columns of tables and views: definitions on the wire, renames, and which changes of type lose values.

A definition is immutable at the service and known by its content: the same definition always has the same id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.errors import BackendError, Invalid
from reconciler.model.json import JSON
from reconciler.providers.http import HttpClient
from reconciler.providers.sage.wire import PREFIX, Row, object_in

_WIRE = {"type": "columnType"}
_MEMBERS = ("name", "type", "maximumSize", "maximumListLength", "enumValues", "facetType", "defaultValue")
PREVIOUS = "previousName"
_TEXTS = {"STRING": 1000, "LINK": 1000, "MEDIUMTEXT": 2000, "LARGETEXT": 524_288}
# Longest text of a value of these types.
_WIDTHS = {"INTEGER": 20, "DOUBLE": 26, "BOOLEAN": 5, "DATE": 20, "ENTITYID": 30, "USERID": 20, "SUBMISSIONID": 20}
_WIDTHS |= {"EVALUATIONID": 20, "FILEHANDLEID": 20}
_LIST = "_LIST"
_ALONE = frozenset({"FILEHANDLEID", "JSON"})
_WIDER = frozenset({("INTEGER", "DOUBLE"), ("USERID", "INTEGER"), ("SUBMISSIONID", "INTEGER"), ("DATE", "INTEGER")})

Column = dict[str, JSON]


def from_wire(model: Mapping[str, JSON]) -> Column:
    """A column as documents have it."""
    found = {name: model.get(_WIRE.get(name, name)) for name in _MEMBERS}
    return {name: value for name, value in found.items() if value is not None and value != []}


def to_wire(column: Mapping[str, JSON]) -> Row:
    """The definition of a column."""
    return {_WIRE.get(name, name): column[name] for name in _MEMBERS if column.get(name) is not None}


def read(client: HttpClient, entity_id: str) -> list[Row]:
    """`GET /entity/{id}/column`: definitions with ids, in order."""
    path = f"/entity/{entity_id}/column"
    found = object_in(client.get(path), f"GET {path}").get("results") or []
    return [row for row in found if isinstance(row, dict)]


def ids_of(client: HttpClient, columns: Sequence[Mapping[str, JSON]]) -> list[str]:
    """`POST /column/batch`: ids of these definitions, which are made where they are new. Safe to repeat."""
    if not columns:
        return []
    path = "/column/batch"
    body = {"concreteType": PREFIX + "ListWrapper", "list": [to_wire(column) for column in columns]}
    listed = object_in(client.call("POST", path, body=body, repeatable=True), f"POST {path}").get("list") or []
    by_name = {str(row.get("name")): str(row.get("id")) for row in listed}
    if missing := [str(column["name"]) for column in columns if str(column["name"]) not in by_name]:
        raise BackendError(f"the answer lacks the columns {', '.join(missing)}", operation=f"POST {path}")
    return [by_name[str(column["name"])] for column in columns]


def settled(wanted: Sequence[Column], there: Sequence[Column]) -> list[Column]:
    """Columns without `previousName` where that has been done, or can never be.

    Raises Invalid when the name before is one that another wanted column has.
    """
    names = {str(column["name"]) for column in there}
    taken = {str(column["name"]) for column in wanted}
    result = []
    for column in wanted:
        previous = column.get(PREVIOUS)
        if previous in taken:
            raise Invalid(
                f"columns: {column['name']!r} cannot take its values from {previous!r}, which stays a column",
                fix="rename in two steps, or remove previousName",
            )
        is_open = previous in names and column["name"] not in names
        result.append(column if is_open else {key: value for key, value in column.items() if key != PREVIOUS})
    return result


def pairs(wanted: Sequence[Column], there: Sequence[Column]) -> Iterator[tuple[Column | None, Column | None]]:
    """(before, after) of every column: those that are kept, renamed or added, then those that go."""
    left = {str(column["name"]): column for column in there}
    for column in wanted:
        before = left.pop(str(column["name"]), None) or left.pop(str(column.get(PREVIOUS)), None)
        yield before, column
    for column in left.values():
        yield column, None


def completed(before: Column | None, after: Column, dropped: Iterable[str] = ()) -> Column:
    """A wanted column with what it does not say taken from what is there; limits of another type do not carry over.

    dropped: members that were declared once and are to go.
    """
    kept = dict(before or {}) if before is not None and before.get("type") == after.get("type", before["type"]) else {}
    for name in dropped:
        kept.pop(name, None)
    return {key: value for key, value in {**kept, **after}.items() if key != PREVIOUS}


def danger(before: Column, after: Column) -> str | None:
    """What a change of definition can cost, None when every value still fits. Raises Invalid when it cannot be made."""
    name, old, new = before["name"], str(before["type"]), str(after.get("type", before["type"]))
    if old != new:
        if _ALONE & {old, new} or (old.endswith(_LIST) and not new.endswith(_LIST) and new not in _TEXTS):
            raise Invalid(
                f"columns: {name!r} cannot change its type from {old} to {new}",
                fix="add a column of another name, and remove this one",
            )
        return None if _fits(before, old, after, new) else f"changes its type from {old} to {new}"
    for limit, unit in (("maximumSize", "characters"), ("maximumListLength", "values")):
        most, was = after.get(limit), before.get(limit)
        if isinstance(most, int) and isinstance(was, int) and most < was:
            return f"admits at most {most} {unit} instead of {was}"
    return None if _admits_all(before, after) else "admits fewer values (enumValues)"


def _fits(before: Column, old: str, after: Column, new: str) -> bool:
    if new in _TEXTS and not old.endswith(_LIST):
        room = int(after.get("maximumSize") or (50 if new in ("STRING", "LINK") else _TEXTS[new]))
        width = int(before.get("maximumSize") or _TEXTS[old]) if old in _TEXTS else _WIDTHS.get(old, room + 1)
        return width <= room
    if new.endswith(_LIST):
        return new.removesuffix(_LIST) == old
    return (old, new) in _WIDER


def _admits_all(before: Column, after: Column) -> bool:
    allowed, was = after.get("enumValues"), before.get("enumValues")
    return not allowed or (bool(was) and set(was or ()) <= set(allowed))
