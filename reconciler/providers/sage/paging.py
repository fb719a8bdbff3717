"""Listings by `limit` and `offset`."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.providers.http import HttpClient, Params
from reconciler.providers.sage.wire import Row, object_in

_PAGE = 50


def pages(client: HttpClient, path: str, params: Params | None = None) -> Iterator[list[Row]]:
    """`GET {path}?limit=&offset=`: rows page by page, until one is not full."""
    offset = 0
    while True:
        query: Params = {**(params or {}), "limit": _PAGE, "offset": offset}
        answer = object_in(client.get(path, query), f"GET {path}")
        rows = [row for row in answer.get("results") or [] if isinstance(row, dict)]
        if rows:
            yield rows
        offset += len(rows)
        if len(rows) < _PAGE:
            return
