"""URLs that are their own permission: for downloads of a handle's bytes, and for the PUT of one part of an upload.

They have the form of those of an object store, `X-Amz-Date` and `X-Amz-Expires` included, because the official client
reads both. Host and port are those of the request that asks for the URL. Whoever has one needs no token, and a token
that comes along is ignored.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from reconciler.backend.blobs import TooLarge
from reconciler.backend.database import Row, one
from reconciler.backend.file_response import file_response, xml_error, xml_response
from reconciler.backend.routing import Access, Route, Work
from reconciler.backend.sage.call import Call
from reconciler.backend.sage.upload_parts import MAX_PART, Upload, copied_md5, read_upload, staged_name
from reconciler.backend.store import Store
from reconciler.backend.wire import Query, Response

DOWNLOAD_LIFETIME_S: Final = 900
PART_LIFETIME_S: Final = 900
_TOO_LARGE: Final = xml_error(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")
_DATE: Final = "%Y%m%dT%H%M%SZ"


def download_url(call: Call, handle: Row) -> str:
    """The URL of a handle's bytes, which end with its file name; `handle` has bytes here."""
    leaf = handle["file_name"].replace("/", "_")
    name = quote(leaf if leaf.strip(". ") else "file", safe="")  # clients take `..` in a path for the folder above
    key = f"{handle['id']}/{handle['sha256']}"
    return _signed(call, "sage-get", key, f"{key}/{name}", DOWNLOAD_LIFETIME_S)


def part_url(call: Call, upload: int, part: int) -> str:
    """The URL for the PUT of one part."""
    key = f"{upload}/{part}"
    return _signed(call, "sage-put", key, key, PART_LIFETIME_S)


def _signed(call: Call, purpose: str, key: str, path: str, lifetime: int) -> str:
    date = datetime.fromtimestamp(call.store.clock(), UTC).strftime(_DATE)
    signature = call.store.signer.sign(purpose, key, date, lifetime)
    folder = "get" if purpose == "sage-get" else "put"
    return (
        f"{call.request.base_url}/sage/{folder}/{path}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={date}"
        f"&X-Amz-Expires={lifetime}&X-Amz-SignedHeaders=host&X-Amz-Signature={signature}"
    )


def _refusal(store: Store, query: Query, purpose: str, key: str) -> Response | None:
    """What is wrong with a URL, None when nothing is."""
    date, lifetime = query.text("X-Amz-Date") or "", query.text("X-Amz-Expires") or ""
    if not store.signer.is_valid(query.text("X-Amz-Signature") or "", purpose, key, date, lifetime):
        return xml_error(403, "SignatureDoesNotMatch", "The signature does not match the request.")
    signed = datetime.strptime(date, _DATE).replace(tzinfo=UTC).timestamp()
    if store.clock() > signed + int(lifetime):
        return xml_error(403, "AccessDenied", "Request has expired")
    return None


def get_blob(call: Call) -> Response:
    """Send a handle's bytes, or a range of them. `response-content-disposition` overrides the file name."""
    handle, sha256 = call.request.params["handle"], call.request.params["sha256"]
    if refused := _refusal(call.store, call.query, "sage-get", f"{handle}/{sha256}"):
        return refused
    with call.store.reading() as db:
        row = one(db, "SELECT * FROM sage_file_handles WHERE id = ? AND sha256 = ?", (int(handle), sha256))
    if row is None:
        return xml_error(404, "NoSuchKey", "The specified key does not exist.")
    asked = call.query.text("response-content-disposition")
    disposition = asked if asked and re.fullmatch(r"[ -~]{1,1000}", asked) else content_disposition(row["file_name"])
    content_type = row["content_type"] if re.fullmatch(r"[!-~][ -~]{0,254}", row["content_type"]) else None
    return file_response(
        call.request,
        call.store.blobs.path(sha256),
        etag=row["md5"],
        content_type=content_type,
        headers=(("Content-Disposition", disposition),),
    )


def content_disposition(name: str) -> str:
    """The header that tells a file's name, in both notations of RFC 6266 when it is not plain ASCII."""
    plain = re.sub(r'[^ -~]|["\\]', "_", name)
    header = f'attachment; filename="{plain}"'
    return header if plain == name else f"{header}; filename*=UTF-8''{quote(name, safe='')}"


def put_part(call: Call) -> Response:
    """Take the bytes of one part, or, for an upload that copies, none at all; writes no row."""
    number, part = call.request.params["upload"], call.request.params["part"]
    if refused := _refusal(call.store, call.query, "sage-put", f"{number}/{part}"):
        return refused
    with call.store.reading() as db:
        upload = read_upload(db, int(number))
    if upload is None or upload.is_done:
        return xml_error(404, "NoSuchUpload", "The upload does not exist, or is complete.")
    if upload.source is not None:
        return _copy_part(call, upload, int(part))
    return _take_part(call, upload, int(part))


def _copy_part(call: Call, upload: Upload, part: int) -> Response:
    md5 = copied_md5(call.store, upload, part)
    if md5 is None:
        return xml_error(404, "NoSuchKey", "The file that is copied is gone.")
    return xml_response(f"<CopyPartResult><ETag>&quot;{md5}&quot;</ETag></CopyPartResult>")


def _take_part(call: Call, upload: Upload, part: int) -> Response:
    """As an object store would, whatever was announced: some clients put a header before the first part."""
    announced = call.request.content_length()
    if announced is not None and announced > MAX_PART:
        return _TOO_LARGE
    name = staged_name(upload.id, part)
    try:
        digests = call.store.blobs.stage(name, call.request.chunks(), limit=MAX_PART)
    except TooLarge:
        return _TOO_LARGE
    if announced is not None and digests.size < announced:
        call.store.blobs.discard(name)
        return xml_error(400, "IncompleteBody", "The connection ended before all bytes came.")
    return Response(200, headers=(("ETag", f'"{digests.md5}"'),))


# Their names are not ours to judge, and the URL is the permission.
BYTES: Final = (
    Route("GET", "/sage/get/{handle}/{sha256}/{name...}", get_blob, Work.NONE, access=Access.ANYONE),
    Route("PUT", "/sage/put/{upload}/{part}", put_part, Work.NONE, access=Access.ANYONE),
)
