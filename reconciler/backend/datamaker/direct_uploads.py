"""Uploads through the server itself: `/data_files/` in one request, `/chunked_upload/` in resumable pieces."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from reconciler.backend.blobs import TooLarge
from reconciler.backend.database import Row, one
from reconciler.backend.datamaker.call import Call
from reconciler.backend.datamaker.files import media_url, publish
from reconciler.backend.multipart import Part, parts
from reconciler.backend.routing import Route, Work
from reconciler.backend.wire import ApiError, Response, encode_json, invalid_field, json_response, not_found

_LIFETIME: Final = timedelta(days=1)
_RANGE: Final = re.compile(r"bytes ([0-9]{1,16})-([0-9]{1,16})/([0-9]{1,16})")
_MAX_NAME: Final = 1024


def create_file(call: Call) -> Response:
    """`POST /data_files/`: a multipart file, or `{"chunked_upload": id}` for one that came in pieces."""
    if (call.request.header("Content-Type") or "").startswith("multipart/"):
        return _receive(call)
    upload = call.request.object().get("chunked_upload")
    if not isinstance(upload, str):
        raise invalid_field("chunked_upload", "must be the id of an upload")
    return _from_chunks(call, upload)


def _receive(call: Call) -> Response:
    upload = secrets.token_hex(16)
    name = None
    for part in parts(call.request):
        if part.name == "file" and part.filename is not None and name is None:
            name = _leaf(part.filename)
            call.store.blobs.stage(upload, part.chunks)
    if name is None:
        raise invalid_field("file", "is required")
    return call.reply(_file(call, _keep(call, upload, name)), 201)


def _keep(call: Call, staged: str, name: str) -> int:
    """Make a staged file a data file; returns its id."""
    digests = call.store.blobs.staged(staged)
    if digests is None:
        raise not_found("The upload")
    [(file, _)] = publish(call.store, call.tenant, [(staged, name, digests)])
    return file


def _leaf(filename: str) -> str:
    leaf = filename.replace("\\", "/").rpartition("/")[2]
    return re.sub("[\x00-\x1f\x7f\ud800-\udfff]", "_", leaf)[:_MAX_NAME] or "file"


def _file(call: Call, file: int) -> dict[str, Any]:
    with call.store.reading() as db:
        row = one(db, "SELECT * FROM files WHERE id = ? AND tenant_id = ?", (file, call.tenant))
    assert row is not None
    return {
        "id": row["id"],
        "file": media_url(call.request.base_url, call.store.signer, row["sha256"], row["name"]),
        "checksum": row["sha1"],
        "size": row["size"],
        "created_at": row["created"],
        "updated_at": row["created"],
    }


def _from_chunks(call: Call, upload: str) -> Response:
    row = _find(call, upload)
    if row["completed"] is None:
        raise invalid_field("chunked_upload", "is not complete")
    file = row["file_id"]
    if file is None:
        file = _keep(call, _staged(upload), row["name"])
        with call.store.writing() as db:
            db.execute("UPDATE chunked_uploads SET file_id = ? WHERE id = ?", (file, upload))
    return call.reply(_file(call, file), 201)


def _staged(upload: str) -> str:
    return f"chunked-{upload}"


def _find(call: Call, upload: str) -> Row:
    with call.store.reading() as db:
        row = one(db, "SELECT * FROM chunked_uploads WHERE id = ? AND tenant_id = ?", (upload, call.tenant))
    if row is None:
        raise not_found("The upload")
    created = datetime.fromisoformat(row["created"])
    if row["file_id"] is None and datetime.fromtimestamp(call.store.clock(), UTC) - created > _LIFETIME:
        raise ApiError(410, "GONE", "The upload has expired.")
    return row


def begin(call: Call) -> Response:
    """`PUT /chunked_upload/`: the first chunk makes the upload."""
    start, stop, total = _content_range(call)
    if start:
        return _wrong_offset(0, start)
    upload = str(secrets.token_hex(16))
    name, received = _take_chunk(call, upload, 0, stop)
    with call.store.writing() as db:
        db.execute(
            "INSERT INTO chunked_uploads (id, tenant_id, name, received, total, created) VALUES (?, ?, ?, ?, ?, ?)",
            (upload, call.tenant, name, received, total, call.store.now()),
        )
    return call.reply(_state(call, upload))


def resume(call: Call) -> Response:
    """`PUT /chunked_upload/{id}/`: the next chunk, which must begin where the last one ended."""
    row = _find(call, call.request.params["id"])
    start, stop, total = _content_range(call)
    if row["completed"] is not None:
        raise invalid_field("upload", "is complete")
    if start != row["received"] or total != row["total"]:
        return _wrong_offset(row["received"], start)
    _, received = _take_chunk(call, row["id"], start, stop)
    with call.store.writing() as db:
        db.execute("UPDATE chunked_uploads SET received = ? WHERE id = ?", (received, row["id"]))
    return call.reply(_state(call, row["id"]))


def complete(call: Call) -> Response:
    """`POST /chunked_upload/{id}/`: close an upload whose bytes have this MD5."""
    row = _find(call, call.request.params["id"])
    md5 = call.request.object().get("md5")
    digests = call.store.blobs.staged(_staged(row["id"])) if row["completed"] is None else None
    if row["completed"] is None and (digests is None or row["received"] != row["total"]):
        raise invalid_field("upload", "is not complete")
    if digests is not None and (not isinstance(md5, str) or digests.md5 != md5.lower()):
        raise invalid_field("md5", "does not match the uploaded bytes")
    with call.store.writing() as db:
        db.execute(
            "UPDATE chunked_uploads SET completed = coalesce(completed, ?) WHERE id = ?", (call.store.now(), row["id"])
        )
    return call.reply(_state(call, row["id"]))


def state(call: Call) -> Response:
    """`GET /chunked_upload/{id}/`."""
    return call.reply(_state(call, _find(call, call.request.params["id"])["id"]))


def _state(call: Call, upload: str) -> dict[str, Any]:
    row = _find(call, upload)
    return {
        "id": row["id"],
        "url": f"{call.request.base_url}/chunked_upload/{row['id']}/",
        "offset": row["received"],
        "filename": row["name"],
        "file": None,
        "created_at": row["created"],
        "status": 1 if row["completed"] is None else 2,
        "completed_at": row["completed"],
    }


def _content_range(call: Call) -> tuple[int, int, int]:
    """Start, stop (behind the last byte) and total of the chunk. Raises `ApiError` 400 without a sane header."""
    found = _RANGE.fullmatch(call.request.header("Content-Range") or "")
    if not found:
        raise invalid_field("Content-Range", "must be given as bytes START-END/TOTAL")
    start, end, total = (int(text) for text in found.groups())
    if not start <= end < total:
        raise invalid_field("Content-Range", "does not make sense")
    return start, end + 1, total


def _wrong_offset(expected: int, provided: int) -> Response:
    """400 with the two offsets, which a client needs to resume."""
    body = {"detail": "Offsets do not match", "expected_offset": expected, "provided_offset": provided}
    return json_response(encode_json(body), 400)


def _take_chunk(call: Call, upload: str, start: int, stop: int) -> tuple[str, int]:
    """Append the chunk's bytes; returns the file name that came along, and the new size."""
    name, received = "", None
    for part in parts(call.request):
        if part.name == "filename" and part.filename is None:
            name = _leaf(part.text())
        elif part.name == "file" and received is None:
            name = name or _leaf(part.filename or "")
            received = _append(call, upload, part, start, stop)
    if received != stop:
        raise invalid_field("file", "does not have the announced size")
    return name, received


def _append(call: Call, upload: str, part: Part, start: int, stop: int) -> int:
    try:
        return call.store.blobs.append(_staged(upload), part.chunks, offset=start, limit=stop - start)
    except TooLarge as exc:
        raise invalid_field("file", "does not have the announced size") from exc


ROUTES = (
    Route("POST", "/data_files/", create_file, Work.NONE, "create"),
    Route("PUT", "/chunked_upload/", begin, Work.NONE, "create"),
    Route("PUT", "/chunked_upload/{id}/", resume, Work.NONE, "update"),
    Route("POST", "/chunked_upload/{id}/", complete, Work.NONE, "update"),
    Route("GET", "/chunked_upload/{id}/", state, Work.NONE),
)
