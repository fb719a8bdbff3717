"""Lists: cursors for v2, page numbers (or cursors, when asked) for v1, all by key, none by counting from the start.

v2 gives `next_cursor` as a root-relative URL whose first parameter is `cursor`, and takes back either that URL or the
bare token in it: the official Python client follows it as a URL, the official Go client sends the token.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from reconciler.backend.database import IDS, Connection, Row, scalar
from reconciler.backend.datamaker.call import Call
from reconciler.backend.wire import Query, Response, encode_json, invalid_field, json_response, not_found

PER_PAGE: Final = 50
PER_PAGE_CAP: Final = 200
PAGE_SIZE_CAP: Final = 100

_BY_KEY: Final = ("id", "created", "pgh_id")

ToWire = Callable[[Row], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Selection:
    """What to list.

    source: tables with their joins; key: the id column; where: conditions joined by AND; sorts: columns that
    `sort` may name and that are never null, beside `id` and `created`, which is the order of ids.
    """

    columns: str
    source: str
    key: str
    where: tuple[str, ...]
    values: tuple[Any, ...]
    sorts: tuple[str, ...] = ()

    def sql(self, *more: str, tail: str) -> str:
        """The SELECT with further conditions and a tail."""
        return f"SELECT {self.columns} FROM {self.source} WHERE {' AND '.join((*self.where, *more))} {tail}"

    def count(self, db: Connection) -> int:
        """How many rows there are on all pages."""
        sql = f"SELECT count(*) FROM {self.source} WHERE {' AND '.join(self.where)}"
        return int(scalar(db, sql, self.values))


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is sorted. column: None for the key alone; ties are broken by key, in the same direction."""

    column: str | None
    descending: bool


@dataclass(frozen=True, slots=True)
class Position:
    """A place between rows: `values` are those of the row beside it, which is not part of the page."""

    values: tuple[Any, ...]
    is_backward: bool = False

    def token(self) -> str:
        """The opaque text of a cursor."""
        text = json.dumps([int(self.is_backward), *self.values], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class KeyPage:
    """Rows of one page and the positions after and before them, None where nothing is left."""

    rows: list[Row]
    next: Position | None
    previous: Position | None


def v2_list(call: Call, selection: Selection, to_wire: ToWire, *, headers: Sequence[tuple[str, str]] = ()) -> Response:
    """One page of a v2 list, newest first unless `sort` says otherwise."""
    size = page_size(call.query, "per_page", default=PER_PAGE, cap=PER_PAGE_CAP)
    page = keyset(call, selection, size, _order(call.query.text("sort"), selection))
    fields = set(call.query.all("fields"))
    wire = [to_wire(row) for row in page.rows]
    if fields:
        wire = [{name: value for name, value in row.items() if name in fields} for row in wire]
    return v2_page(call, encode_json(wire), size, headers, following=page.next, previous=page.previous)


def v2_page(
    call: Call,
    rows: str,
    size: int,
    headers: Sequence[tuple[str, str]] = (),
    *,
    following: Position | None = None,
    previous: Position | None = None,
) -> Response:
    """Envelope encoded rows."""
    cursors = {"next_cursor": _cursor_url(call, following), "previous_cursor": _cursor_url(call, previous)}
    pagination = encode_json({**cursors, "per_page": size})
    text = f'{{"data":{rows},"meta":{{"request_id":"{call.request_id}","pagination":{pagination}}}}}'
    return json_response(text, 200, headers)


def keyset(call: Call, selection: Selection, size: int, order: Order) -> KeyPage:
    """The page at the request's cursor. Raises `ApiError` 400 for a cursor of another order."""
    columns = ([order.column] if order.column else []) + [selection.key]
    at = cursor_position(call.query.text("cursor"), len(columns))
    backward = at is not None and at.is_backward
    descending = order.descending != backward
    more: tuple[str, ...] = ()
    if at is not None:
        marks = ", ".join("?" * len(columns))
        more = (f"({', '.join(columns)}) {'<' if descending else '>'} ({marks})",)
    tail = f"ORDER BY {', '.join(f'{one} {_WORDS[descending]}' for one in columns)} LIMIT ?"
    values = (*selection.values, *(at.values if at else ()), size + 1)
    rows = call.db.execute(selection.sql(*more, tail=tail), values).fetchall()
    has_more, rows = len(rows) > size, rows[:size]
    if backward:
        rows.reverse()
    has_next, has_previous = (True, has_more) if backward else (has_more, at is not None)
    after = _position(rows[-1], order) if rows and has_next else None
    before = _position(rows[0], order, is_backward=True) if rows and has_previous else None
    return KeyPage(rows, after, before)


_WORDS: Final = {True: "DESC", False: "ASC"}


def _position(row: Row, order: Order, *, is_backward: bool = False) -> Position:
    name = order.column.rpartition(".")[2] if order.column else None
    return Position((row["id"],) if name is None else (row[name], row["id"]), is_backward)


def _order(sort: str | None, selection: Selection) -> Order:
    """The order that the first known field of `sort` asks for; fields that are not sortable are ignored."""
    for field in (sort or "").split(","):
        name, descending = field.removeprefix("-"), field.startswith("-")
        if name in _BY_KEY:
            return Order(None, descending)
        for column in selection.sorts:
            if name == column.rpartition(".")[2]:
                return Order(column, descending)
    return Order(None, True)


def page_size(query: Query, name: str, *, default: int, cap: int) -> int:
    """How many rows a page has: what was asked for, at most the cap."""
    asked = query.integer(name)
    if asked is None:
        return default
    if asked < 1:
        raise invalid_field(name, "must be at least 1")
    return min(asked, cap)


def cursor_position(value: str | None, width: int) -> Position | None:
    """Decode a cursor, given bare or within the URL that we handed out. Raises `ApiError` 400 for anything else.

    width: how many values a position of this list has.
    """
    if value is None:
        return None
    if "?" in value:
        value = dict(parse_qsl(value.partition("?")[2])).get("cursor", "")
    try:
        parts = json.loads(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
    except (ValueError, RecursionError) as exc:
        raise invalid_field("cursor", "is not a cursor of this list") from exc
    if not _is_position(parts, width):
        raise invalid_field("cursor", "is not a cursor of this list")
    return Position(tuple(parts[1:]), bool(parts[0]))


def _is_position(parts: Any, width: int) -> bool:
    return (
        isinstance(parts, list)
        and len(parts) == width + 1
        and parts[0] in (0, 1)
        and all(type(part) in (int, str) for part in parts)
        and type(parts[-1]) is int
        and all(abs(part) < 1 << 62 for part in parts if isinstance(part, int))
    )


def _cursor_url(call: Call, position: Position | None) -> str | None:
    """The root-relative URL of another page, its first parameter the cursor, the filters after it."""
    if position is None:
        return None
    kept = [(k, v) for k, values in call.query.values.items() if k != "cursor" for v in values]
    tail = urlencode(kept, quote_via=quote)
    return f"{call.request.path}/?cursor={position.token()}" + (f"&{tail}" if tail else "")


@dataclass(frozen=True, slots=True)
class V1Page:
    """One page of a v1 list. count: None when the list is read by cursor."""

    rows: list[Row]
    count: int | None
    next: str | None
    previous: str | None

    def around(self, results: str) -> str:
        """The page's JSON text around encoded rows."""
        head = "" if self.count is None else f'"count":{self.count},'
        return f'{{{head}"next":{encode_json(self.next)},"previous":{encode_json(self.previous)},"results":{results}}}'


def v1_list(call: Call, selection: Selection, to_wire: ToWire, *, headers: Sequence[tuple[str, str]] = ()) -> Response:
    """One page of a v1 list."""
    page = v1_page(call, selection)
    return json_response(page.around(encode_json([to_wire(row) for row in page.rows])), 200, headers)


def v1_page(call: Call, selection: Selection, count: Callable[[], int] | None = None) -> V1Page:
    """Select one page by number, or by key when the request follows our `next` or asks for cursors.

    count: a cheaper way to count the rows. A page past the end is a 404, except the first.
    """
    size = page_size(call.query, "page_size", default=PAGE_SIZE_CAP, cap=PAGE_SIZE_CAP)
    descending = (call.query.text("ordering") or "").startswith("-")
    if call.query.text("pagination") == "cursor":
        key_page = keyset(call, selection, size, Order(None, descending))
        following = _with(call, cursor=key_page.next.token()) if key_page.next else None
        return V1Page(key_page.rows, None, following, None)
    number = page_size(call.query, "page", default=1, cap=1 << 31)
    total = selection.count(call.db) if count is None else count()
    if number > 1 and (number - 1) * size >= total:
        raise not_found("This page")
    rows = _numbered(call, selection, number, size, descending)
    more = number * size < total and rows
    following = _with(call, page=number + 1, after=rows[-1]["id"]) if more else None
    return V1Page(rows, total, following, _with(call, page=number - 1, after=None) if number > 1 else None)


def _numbered(call: Call, selection: Selection, number: int, size: int, descending: bool) -> list[Row]:
    """Rows of a numbered page. `after` in our own `next` URLs spares counting past the earlier pages."""
    after = call.query.integer("after")
    order = f"ORDER BY {selection.key} {'DESC' if descending else 'ASC'} LIMIT ?"
    if after is not None:
        sql = selection.sql(f"{selection.key} {'<' if descending else '>'} ?", tail=order)
        return call.db.execute(sql, (*selection.values, after, size)).fetchall()
    return call.db.execute(
        selection.sql(tail=f"{order} OFFSET ?"), (*selection.values, size, (number - 1) * size)
    ).fetchall()


def _with(call: Call, **changes: object) -> str:
    """This request's absolute URL with some parameters set, or removed where the value is None."""
    kept = [(k, v) for k, values in call.query.values.items() if k not in changes for v in values]
    kept += [(k, str(v)) for k, v in changes.items() if v is not None]
    return f"{call.request.base_url}{call.request.path}/?{urlencode(kept, quote_via=quote)}"


def thinned(call: Call, **texts: str) -> str:
    """A JSON object from values that are JSON text, thinned out by `fields` and `omit`."""
    wanted, unwanted = set(call.query.all("fields")), set(call.query.all("omit"))
    kept = [f'"{k}":{v}' for k, v in texts.items() if (not wanted or k in wanted) and k not in unwanted]
    return "{" + ",".join(kept) + "}"


def id_filters(call: Call, key: str) -> tuple[list[str], list[Any]]:
    """Conditions of the generic `ids`, `ids_ex`, `ids_lookup` parameters."""
    where: list[str] = []
    values: list[Any] = []
    wanted = call.query.integers("ids")
    if wanted is not None:
        word = "NOT IN" if call.query.text("ids_lookup") == "ex" else "IN"
        where.append(f"{key} {word} {IDS}")
        values.append(encode_json(wanted))
    unwanted = call.query.integers("ids_ex")
    if unwanted is not None:
        where.append(f"{key} NOT IN {IDS}")
        values.append(encode_json(unwanted))
    return where, values
