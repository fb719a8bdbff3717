"""Rows that belong to one object and have addresses of their own, such as the versions of a data set.

A part is one field of the object: a mapping from the row's name to what is declared of it. It is read with calls of
its own, and only when somebody wants that field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from reconciler.errors import BackendError, Conflict, Invalid, Transient
from reconciler.model.json import JSON
from reconciler.providers.datamaker.envelope import V2_PAGE, Row, all_rows
from reconciler.providers.http import HttpClient, Params

Rows = dict[str, JSON]


class Part(Protocol):
    """One field of an object that is made of rows."""

    @property
    def field(self) -> tuple[str, ...]:
        """Keys from the top, one or two."""

    def read(self, client: HttpClient, remote_id: str) -> Rows:
        """What is there, by name."""

    def write(self, client: HttpClient, remote_id: str, before: Rows, after: Rows) -> None:
        """Make it so: add, change and remove rows until `before` is `after`. Safe to repeat."""


def is_wanted(part: Part, wanted: frozenset[str] | None) -> bool:
    """Whether a part has to be read. wanted: see `Provider.read`."""
    return wanted is None or ".".join(part.field) in wanted


def part_of(fields: Mapping[str, JSON], part: Part) -> Rows | None:
    """The part's value in these fields, None when it is not there."""
    value: JSON = fields
    for key in part.field:
        value = value.get(key) if isinstance(value, Mapping) else None
    return dict(value) if isinstance(value, Mapping) else None


def with_part(fields: Mapping[str, JSON], part: Part, rows: Rows) -> dict[str, JSON]:
    """The fields with this value of the part."""
    first, *rest = part.field
    inner = rows if not rest else {**(fields.get(first) or {}), rest[0]: rows}
    return {**fields, first: inner}


def without_parts(fields: Mapping[str, JSON], parts: Iterable[Part]) -> dict[str, JSON]:
    """The fields that the object's own representation holds."""
    result = dict(fields)
    for part in parts:
        first, *rest = part.field
        if not rest:
            result.pop(first, None)
        elif isinstance(result.get(first), Mapping):
            result[first] = {key: value for key, value in result[first].items() if key != rest[0]}
    return result


def add_row(
    client: HttpClient, path: str, body: Mapping[str, JSON], names: tuple[str, ...], params: Params | None = None
) -> None:
    """POST a row, unless it turns out to be there: names cannot repeat, and the service has no idempotency key.

    names: the members of `body` that identify a row. params: what limits the listing of `path` to its like.
    """
    try:
        client.call("POST", path, body=dict(body))
    except (Transient, Invalid, Conflict) as error:
        rows = all_rows(client, path, {**(params or {}), "per_page": V2_PAGE})
        if not any(all(row.get(name) == body.get(name) for name in names) for row in rows):
            raise error from None


def text_in(row: Row, name: str, operation: str) -> str:
    """A text of a row. Raises BackendError when it is none."""
    value = row.get(name)
    if not isinstance(value, str):
        raise BackendError(f"the answer lacks {name!r}", operation=operation)
    return value
