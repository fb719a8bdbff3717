"""Bytes of a file as an answer, whole or one range of them, and errors as object stores write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape

from reconciler.backend.blobs import WholeFile, read
from reconciler.backend.wire import Request, Response, not_found


def file_response(
    request: Request,
    path: str,
    *,
    etag: str,
    content_type: str | None,
    headers: Sequence[tuple[str, str]] = (("Content-Disposition", "attachment"),),
) -> Response:
    """Stream a file that never changes, honouring `Range` and `If-None-Match`; 404 when it is not there.

    path: of the file. etag: names its content. headers: further ones.
    """
    try:
        with open(path, "rb") as file:
            size = file.seek(0, 2)
    except FileNotFoundError as exc:
        raise not_found("The file") from exc
    common = [
        ("ETag", f'"{etag}"'),
        ("Accept-Ranges", "bytes"),
        ("Cache-Control", "private, max-age=31536000, immutable"),
        ("X-Content-Type-Options", "nosniff"),
        *headers,
    ]
    if request.header("If-None-Match") == f'"{etag}"':
        return Response(304, headers=tuple(common))
    common.append(("Content-Type", content_type or "application/octet-stream"))
    return _ranged(request.header("Range"), path, size, common)


def _ranged(asked: str | None, path: str, size: int, headers: list[tuple[str, str]]) -> Response:
    wanted = _range(asked, size)
    if wanted is None:
        headers.append(("Content-Length", str(size)))
        return Response(200, headers=tuple(headers), chunks=WholeFile(path))
    start, stop = wanted
    if start >= stop:
        return Response(416, headers=(("Content-Range", f"bytes */{size}"),))
    headers += [("Content-Range", f"bytes {start}-{stop - 1}/{size}"), ("Content-Length", str(stop - start))]
    return Response(206, headers=tuple(headers), chunks=read(path, start, stop - start))


def _range(asked: str | None, size: int) -> tuple[int, int] | None:
    """Start and stop of a single range; None for the whole file. Start is not below stop when it cannot be met."""
    found = re.fullmatch(r"bytes=([0-9]{0,18})-([0-9]{0,18})", (asked or "").strip())
    if not found or not (found[1] or found[2]):
        return None
    if not found[1]:
        return max(0, size - int(found[2])), size
    stop = min(size, int(found[2]) + 1) if found[2] else size
    return int(found[1]), stop


def xml_error(status: int, code: str, message: str) -> Response:
    """An error as object stores write it; a client retries a 4xx without such a code."""
    return xml_response(f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>", status)


def xml_response(element: str, status: int = 200) -> Response:
    """An answer of one XML element."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{element}'
    return Response(status, body.encode(), (("Content-Type", "application/xml"),))
