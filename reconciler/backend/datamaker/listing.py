"""Lists: cursors for v2, page numbers (or cursors, when asked) for v1, all by key, none by counting from the start.

v2 gives `next_cursor` as a root-relative URL whose first parameter is `cursor`, and takes back either that URL or the
bare token in it: the official Python client follows it as a URL, the official Go client sends the token.
"""

from __future__ import annotations

import base64
import re
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from reconciler.backend.database import scalar
from reconciler.backend.datamaker.call import Call
from reconciler.backend.wire import Query, Response, encode_json, invalid_field, json_response, not_found

PER_PAGE: Final = 50
PER_PAGE_CAP: Final = 200
PAGE_SIZE_CAP: Final = 100

ToWire = Callable[[sqlite3.Row], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Selection:
    """What to list. source: tables with their joins; key: the id column; where: conditions joined by AND."""

    columns: str
    source: str
    key: str
    where: tuple[str, ...]
    values: tuple[Any, ...]

    def sql(self, *more: str, tail: str) -> str:
        """The SELECT with further conditions and a tail."""
        return f"SELECT {self.columns} FROM {self.source} WHERE {' AND '.join((*self.where, *more))} {tail}"

    def count(self, db: sqlite3.Connection) -> int:
        """How many rows there are on all pages."""
        sql = f"SELECT count(*) FROM {self.source} WHERE {' AND '.join(self.where)}"
        return int(scalar(db, sql, self.values))


def v2_list(call: Call, selection: Selection, to_wire: ToWire, *, headers: Sequence[tuple[str, str]] = ()) -> Response:
    """One page of a v2 list, newest first unless `sort` says otherwise."""
    size = page_size(call.query, "per_page", default=PER_PAGE, cap=PER_PAGE_CAP)
    rows, token = keyset(call, selection, size, descending=_newest_first(call.query.text("sort")))
    fields = set(call.query.all("fields"))
    wire = [to_wire(row) for row in rows]
    if fields:
        wire = [{name: value for name, value in row.items() if name in fields} for row in wire]
    return v2_page(call, encode_json(wire), next_url(call, token), size, headers)


def v2_page(
    call: Call, rows: str, next_cursor: str | None, size: int, headers: Sequence[tuple[str, str]] = ()
) -> Response:
    """Envelope encoded rows."""
    pagination = encode_json({"next_cursor": next_cursor, "previous_cursor": None, "per_page": size})
    text = f'{{"data":{rows},"meta":{{"request_id":"{call.request_id}","pagination":{pagination}}}}}'
    return json_response(text, 200, headers)


def keyset(call: Call, selection: Selection, size: int, *, descending: bool) -> tuple[list[sqlite3.Row], str | None]:
    """The page after the request's cursor, and the token of the next one."""
    after = cursor_position(call.query.text("cursor"))
    order = "DESC" if descending else "ASC"
    more = () if after is None else (f"{selection.key} {'<' if descending else '>'} ?",)
    values = (*selection.values, *(() if after is None else (after,)), size + 1)
    rows = call.db.execute(selection.sql(*more, tail=f"ORDER BY {selection.key} {order} LIMIT ?"), values).fetchall()
    has_more = len(rows) > size
    rows = rows[:size]
    return rows, cursor_token(rows[-1]["id"]) if has_more else None


def page_size(query: Query, name: str, *, default: int, cap: int) -> int:
    """How many rows a page has: what was asked for, at most the cap."""
    asked = query.integer(name)
    if asked is None:
        return default
    if asked < 1:
        raise invalid_field(name, "must be at least 1")
    return min(asked, cap)


def cursor_token(last: int) -> str:
    """Encode the id of the last row of a page."""
    return base64.urlsafe_b64encode(f"id:{last}".encode()).decode().rstrip("=")


def cursor_position(value: str | None) -> int | None:
    """Decode a cursor, given bare or within the URL that we handed out. Raises `ApiError` 400 for anything else."""
    if value is None:
        return None
    if "?" in value:
        value = dict(parse_qsl(value.partition("?")[2])).get("cursor", "")
    try:
        text = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode()
    except ValueError as exc:
        raise invalid_field("cursor", "is not a cursor of this list") from exc
    if not (found := re.fullmatch(r"id:([0-9]{1,10})", text)):
        raise invalid_field("cursor", "is not a cursor of this list")
    return int(found[1])


def next_url(call: Call, token: str | None) -> str | None:
    """The root-relative URL of the next page, its first parameter the cursor, the filters after it."""
    if token is None:
        return None
    kept = [(k, v) for k, values in call.query.values.items() if k != "cursor" for v in values]
    tail = urlencode(kept, quote_via=quote)
    return f"{call.request.path}/?cursor={token}" + (f"&{tail}" if tail else "")


def _newest_first(sort: str | None) -> bool:
    """Lists are ordered by creation, which is the order of ids; other sort fields are ignored."""
    first = (sort or "").split(",")[0]
    return first not in ("created", "id")


@dataclass(frozen=True, slots=True)
class V1Page:
    """One page of a v1 list. count: None when the list is read by cursor."""

    rows: list[sqlite3.Row]
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
        rows, token = keyset(call, selection, size, descending=descending)
        return V1Page(rows, None, _with(call, cursor=token) if token else None, None)
    number = page_size(call.query, "page", default=1, cap=1 << 31)
    total = selection.count(call.db) if count is None else count()
    if number > 1 and (number - 1) * size >= total:
        raise not_found("This page")
    rows = _numbered(call, selection, number, size, descending)
    more = number * size < total and rows
    following = _with(call, page=number + 1, after=rows[-1]["id"]) if more else None
    return V1Page(rows, total, following, _with(call, page=number - 1, after=None) if number > 1 else None)


def _numbered(call: Call, selection: Selection, number: int, size: int, descending: bool) -> list[sqlite3.Row]:
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


def id_filters(call: Call, key: str) -> tuple[list[str], list[Any]]:
    """Conditions of the generic `ids`, `ids_ex`, `ids_lookup` parameters."""
    where: list[str] = []
    values: list[Any] = []
    wanted = call.query.integers("ids")
    if wanted is not None:
        word = "NOT IN" if call.query.text("ids_lookup") == "ex" else "IN"
        where.append(f"{key} {word} (SELECT value FROM json_each(?))")
        values.append(encode_json(wanted))
    unwanted = call.query.integers("ids_ex")
    if unwanted is not None:
        where.append(f"{key} NOT IN (SELECT value FROM json_each(?))")
        values.append(encode_json(unwanted))
    return where, values
