"""The ways in which lists are cut: `limit` and `offset` in the query, or a `nextPageToken` in the body.

An offset past the end gives an empty page: the official client stops only there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import TOKEN_PAGE, Call, reply
from reconciler.backend.sage.errors import bad
from reconciler.backend.wire import Response

_DEFAULT_LIMIT: Final = 10
_WIDEST: Final = 1 << 53


def limit_and_offset(call: Call, *, most: int = 1000, default: int = _DEFAULT_LIMIT) -> tuple[int, int]:
    """`limit` and `offset` of the query; a limit above `most` is cut down to it."""
    limit = call.query.integer("limit")
    offset = call.query.integer("offset")
    limit = default if limit is None else limit
    offset = 0 if offset is None else offset
    if limit < 1:
        raise bad("limit must be greater than zero.")
    if not 0 <= offset < _WIDEST:
        raise bad("offset must be zero or more.")
    return min(limit, most), offset


def page_query(
    call: Call, columns: str, source: str, order: str, values: Sequence[Any], wire: Callable[[Any], Any], **limits: int
) -> Response:
    """Answer with one page of a select and the count of all its rows."""
    limit, offset = limit_and_offset(call, **limits)
    (total,) = call.db.execute(f"SELECT count(*) FROM {source}", values).fetchone()
    rows = call.db.execute(
        f"SELECT {columns} FROM {source} ORDER BY {order} LIMIT ? OFFSET ?", (*values, limit, offset)
    ).fetchall()
    return reply({"results": [wire(row) for row in rows], "totalNumberOfResults": total})


def page_list(call: Call, items: Sequence[Any], key: str = "results") -> Response:
    """Answer with one page of a sequence that is at hand."""
    limit, offset = limit_and_offset(call)
    return reply({key: list(items[offset : offset + limit]), "totalNumberOfResults": len(items)})


def token_range(body: Body) -> tuple[int, int]:
    """Limit and offset of the `nextPageToken` in a body."""
    token = body.text("nextPageToken")
    if token is None:
        return TOKEN_PAGE, 0
    found = re.fullmatch(r"([0-9]{1,4})a([0-9]{1,12})", token)
    if not found or not 0 < int(found[1]) <= TOKEN_PAGE:
        raise bad("The nextPageToken is not valid.")
    return int(found[1]), int(found[2])


def token_page(rows: Sequence[Any], limit: int, offset: int, key: str = "page") -> dict[str, Any]:
    """The page of `rows`, of which `limit` + 1 were asked for: the surplus row only says that there are more."""
    more = len(rows) > limit
    return {key: list(rows[:limit]), "nextPageToken": f"{limit}a{offset + limit}" if more else None}
