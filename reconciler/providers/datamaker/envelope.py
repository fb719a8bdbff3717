"""Answers of the service as rows and objects: envelopes, pages, cursors. Knows no resource.

v2: `{"data": ..., "meta": {"pagination": {"next_cursor"}}}`; v1: `{"count", "next", "previous", "results"}`. The cursor
may be an opaque token, an absolute URL or a path; all three occur, and all are sent back to the path first asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from reconciler.errors import BackendError, Conflict, NotFound, Transient
from reconciler.model.json import JSON
from reconciler.providers.http import HttpClient, Params, Reply

Row = dict[str, JSON]

V1_PAGE = 100
V2_PAGE = 200


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing. etag: of this answer. not_modified: the answer was 304."""

    rows: list[Row]
    etag: str | None = None
    not_modified: bool = False


def data_of(value: JSON) -> JSON:
    """Unwrap the v2 envelope; whatever is not wrapped passes through."""
    return value["data"] if isinstance(value, dict) and "data" in value and "meta" in value else value


def object_in(reply: Reply, operation: str) -> Row:
    """The object of an answer. Raises BackendError when the answer holds something else."""
    value = data_of(reply.value)
    if not isinstance(value, dict):
        raise BackendError("the answer is not an object", operation=operation, status=reply.status)
    return value


def rows_in(value: JSON, operation: str) -> list[Row]:
    """The rows of a listing in either dialect.

    Raises BackendError when they are not in the envelope that every listing has: a bare `[]` may come from anywhere,
    and taken for a listing it would say that everything is gone.
    """
    rows = data_of(value) if isinstance(value, dict) else None
    rows = rows.get("results") if isinstance(rows, dict) else rows
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BackendError("the answer is not a listing", operation=operation)
    return rows


def id_of(row: Mapping[str, JSON], operation: str, name: str = "id") -> str:
    """A remote id as text. Raises BackendError when the row has none."""
    value = row.get(name)
    if value is None or isinstance(value, (dict, list, bool)):
        raise BackendError(f"the answer lacks {name!r}", operation=operation)
    return str(value)


def pages(
    client: HttpClient, path: str, params: Params, *, etag: str | None = None, one_version: bool = True
) -> Iterator[Page]:
    """Fetch a listing page by page, in either dialect.

    Raises Conflict when the service versions the listing and its version changed on the way: pages of two versions may
    repeat or omit rows, and an omitted row would look deleted. Whoever only looks for rows that are surely there says
    one_version=False.
    """
    asked: Params = params
    first: str | None = None
    seen: set[str] = set()
    while True:
        try:
            reply = client.get(path, asked, etag=etag if not seen else None)
        except NotFound as exc:
            if not seen:
                raise
            raise _changed_meanwhile(path) from exc  # a later page is gone, so rows were deleted
        if reply.status == 304:
            yield Page([], etag, not_modified=True)
            return
        first = first if seen else reply.etag
        if reply.etag != first and one_version:
            raise _changed_meanwhile(path)
        yield Page(rows_in(reply.value, f"GET {path}"), reply.etag)
        following = next_link(reply.value)
        if following is None:
            return
        if following in seen:
            raise Transient("the listing does not advance", operation=f"GET {path}")
        seen.add(following)
        asked = next_params(following, params)


def _changed_meanwhile(path: str) -> Conflict:
    return Conflict("the listing changed while it was read", operation=f"GET {path}", fix="run again")


def all_rows(client: HttpClient, path: str, params: Params, *, one_version: bool = True) -> Iterator[Row]:
    """Fetch a whole listing, row by row; see `pages`."""
    for page in pages(client, path, params, one_version=one_version):
        yield from page.rows


def next_link(value: JSON) -> str | None:
    """What the service says about the next page, None on the last one."""
    if not isinstance(value, dict):
        return None
    meta = value.get("meta")
    pagination = meta.get("pagination") if isinstance(meta, dict) else None
    link = pagination.get("next_cursor") if isinstance(pagination, dict) else value.get("next")
    return str(link) if link else None


def next_params(link: str, params: Params) -> Params:
    """Turn an opaque cursor, an absolute URL or a path with a query into the parameters of the next request."""
    if "?" in link:
        query = parse_qs(urlsplit(link).query, keep_blank_values=True)
        return {**params, **{key: found[0] if len(found) == 1 else found for key, found in query.items()}}
    return {**params, "cursor": link}
