"""Wiki pages whose markdown is text in the page (`wiki`): the pages of `wiki_pages` in the older shape."""

from __future__ import annotations

import gzip
import zlib
from typing import Any, Final

from reconciler.backend.blobs import read
from reconciler.backend.database import Row
from reconciler.backend.sage.call import Call, reply
from reconciler.backend.sage.errors import bad
from reconciler.backend.sage.file_handles import find_handle
from reconciler.backend.sage.paging import page_query
from reconciler.backend.sage.small_files import written
from reconciler.backend.sage.wiki_owners import Owner, owner_of, wiki_moves_bytes, wiki_reads, wiki_writes
from reconciler.backend.sage.wiki_pages import delete
from reconciler.backend.sage.wiki_rows import (
    HEADER_COLUMNS,
    HEADERS,
    Content,
    add_page,
    change_page,
    find_page,
    header_wire,
    needed_root,
    page_wire,
    read_attachments,
    read_title,
)
from reconciler.backend.wire import Response

_MOST_BYTES: Final = 10 << 20
_WHOLE_TREE: Final = 100_000


def _wire(call: Call, row: Row) -> dict[str, Any]:
    return {**page_wire(call.db, row), "markdown": _markdown(call, row)}


def _markdown(call: Call, row: Row) -> str | None:
    """The text of a page; None when its bytes are elsewhere, or are no text."""
    handle = find_handle(call.db, row["markdown_id"])
    if handle["sha256"] is None or handle["size"] > _MOST_BYTES:
        return None
    raw = b"".join(read(call.store.blobs.path(handle["sha256"])))
    try:
        return _unzipped(raw).decode()
    except (OSError, EOFError, zlib.error, UnicodeError):
        return None


def _unzipped(raw: bytes) -> bytes:
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    inflating = zlib.decompressobj(wbits=31)
    return inflating.decompress(raw, _MOST_BYTES)


def _zipped(call: Call) -> bytes:
    text = call.body.text("markdown", longest=_MOST_BYTES) or ""
    content = text.encode()
    if len(content) > _MOST_BYTES:
        raise bad(f"The markdown must be at most {_MOST_BYTES} bytes.")
    return gzip.compress(content, mtime=0)


def create(kind: str, access: str, call: Call) -> Response:
    """`POST …/wiki`."""
    content = _zipped(call)
    with written(call, "markdown.txt", "application/x-gzip", content) as handle:
        owner, body = owner_of(call, kind, access), call.body
        page = add_page(call, owner, body, Content(read_title(body), handle["id"], read_attachments(body)))
        return reply(_wire(call, find_page(call, owner, page)), 201)


def put(kind: str, access: str, call: Call) -> Response:
    """`PUT …/wiki/{wiki}`."""
    content = _zipped(call)
    with written(call, "markdown.txt", "application/x-gzip", content) as handle:
        owner, body = owner_of(call, kind, access), call.body
        row = find_page(call, owner, call.id("wiki"))
        change_page(call, owner, row, body, Content(read_title(body), handle["id"], read_attachments(body)))
        return reply(_wire(call, find_page(call, owner, row["id"])))


def get_root(call: Call, owner: Owner) -> Response:
    """`GET …/wiki`."""
    return reply(_wire(call, find_page(call, owner, needed_root(call.db, owner))))


def get(call: Call, owner: Owner) -> Response:
    """`GET …/wiki/{wiki}`."""
    return reply(_wire(call, find_page(call, owner, call.id("wiki"))))


def tree(call: Call, owner: Owner) -> Response:
    """`GET …/wikiheadertree`: all pages at once."""
    needed_root(call.db, owner)
    values = (owner.kind, owner.id)
    return page_query(call, HEADER_COLUMNS, HEADERS, "p.id", values, header_wire, most=_WHOLE_TREE, default=_WHOLE_TREE)


ROUTES: Final = (
    *wiki_moves_bytes("POST", "/wiki", create, "CREATE"),
    *wiki_moves_bytes("PUT", "/wiki/{wiki}", put, "UPDATE"),
    *wiki_reads("GET", "/wiki", get_root),
    *wiki_reads("GET", "/wiki/{wiki}", get),
    *wiki_writes("DELETE", "/wiki/{wiki}", delete, "DELETE"),
    *wiki_reads("GET", "/wikiheadertree", tree),
)
