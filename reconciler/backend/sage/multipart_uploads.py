"""Uploads in parts: the same request is the same upload, parts come in any order, completing makes a file handle.

No row is written while bytes arrive: a part is one staged file, and `add` notes it once its MD5 is right. Completing
checks the MD5 of the whole, which the real service trusts; not of more bytes than announced, whose MD5 and size the
official client announces wrongly when it splits CSV files. The handle has those of what came.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from reconciler.backend.blobs import Digests
from reconciler.backend.database import Connection, Row, insert, one
from reconciler.backend.sage.associations import read_association, resolve
from reconciler.backend.sage.blob_urls import part_url
from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import Call, P, reply
from reconciler.backend.sage.errors import bad, forbidden, missing
from reconciler.backend.sage.file_handles import (
    DEFAULT_LOCATION,
    GOOGLE,
    S3,
    NewHandle,
    add_handle,
    find_handle,
    read_md5,
    read_size,
    stored_details,
)
from reconciler.backend.sage.routes import moves_bytes, reads
from reconciler.backend.sage.storage_locations import find_location
from reconciler.backend.sage.upload_parts import (
    MAX_PART,
    Upload,
    added_parts,
    drop_parts,
    lost_parts,
    part_md5,
    parts_state,
    read_upload,
    staged_name,
    upload_of,
)
from reconciler.backend.wire import Response

MIN_PART: Final = 5 << 20
PARTS_LIMIT: Final = 10_000
_COPY: Final = f"{P}.file.MultipartUploadCopyRequest"
_NEW: Final = f"{P}.file.MultipartUploadRequest"


def start(call: Call) -> Response:
    """`POST /file/multipart?forceRestart=`: begin an upload, or find the one that this very request began before."""
    body = call.body
    hashed = _request_hash(body)
    is_forced = call.query.boolean("forceRestart") is True
    with call.store.writing() as call.connection:
        former = _former(call, hashed)
        if former is not None and is_forced:
            call.db.execute("DELETE FROM sage_uploads WHERE id = ?", (former.id,))
            former = None
        upload = former or upload_of(_begin(call, body, hashed))
        status = _status(call.db, upload)
    return reply(status, 201)


def _request_hash(body: Body) -> str:
    given = {key: value for key, value in body.values.items() if value is not None}
    return hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()


def _former(call: Call, hashed: str) -> Upload | None:
    row = one(call.db, "SELECT * FROM sage_uploads WHERE user_id = ? AND request_hash = ?", (call.caller.id, hashed))
    if row is None:
        return None
    upload = upload_of(row)
    drop_parts(call.db, upload.id, lost_parts(call.store.blobs, upload, added_parts(call.db, upload.id)))
    return upload


def _begin(call: Call, body: Body, hashed: str) -> Row:
    match body.text("concreteType") or _NEW:
        case kind if kind == _NEW:
            values = _new_values(body)
        case kind if kind == _COPY:
            values = _copy_values(call, body)
        case other:
            raise bad(f"Unknown concreteType of an upload: {other[:200]}")
    part_size = body.needed_integer("partSizeBytes")
    if not MIN_PART <= part_size <= MAX_PART:
        raise bad(f"partSizeBytes must be between {MIN_PART} and {MAX_PART}.")
    if -(-values["size"] // part_size) > PARTS_LIMIT:
        raise bad(f"An upload has at most {PARTS_LIMIT} parts: partSizeBytes is too small for this file.")
    location = body.integer("storageLocationId", DEFAULT_LOCATION) or DEFAULT_LOCATION
    _check_location(call, location)
    common = {"user_id": call.caller.id, "request_hash": hashed, "part_size": part_size}
    times = {"started_on": call.now, "updated_on": call.now}
    number = insert(call.db, "sage_uploads", {**values, **common, **times, "storage_location_id": location})
    row = one(call.db, "SELECT * FROM sage_uploads WHERE id = ?", (number,))
    assert row is not None
    return row


def _new_values(body: Body) -> dict[str, Any]:
    return {
        "name": body.needed("fileName", longest=1024),
        "content_type": body.text("contentType", longest=255) or "application/octet-stream",
        "md5": read_md5(body.needed("contentMD5Hex")),
        "size": read_size(body.needed_integer("fileSizeBytes"), least=1),
        "source_id": None,
    }


def _copy_values(call: Call, body: Body) -> dict[str, Any]:
    association = body.object("sourceFileHandleAssociation")
    if association is None:
        raise bad("sourceFileHandleAssociation is required.")
    [source] = resolve(call, [read_association(association)])
    if isinstance(source, str):
        raise forbidden("You are not authorized to copy the requested file.")
    if source["sha256"] is None:
        raise bad("Only files whose bytes are here can be copied.")
    return {
        "name": body.text("fileName", longest=1024) or source["file_name"],
        "content_type": source["content_type"],
        "md5": source["md5"],
        "size": source["size"],
        "source_id": source["id"],
    }


def _check_location(call: Call, number: int) -> None:
    location = find_location(call, number)
    if location["uploadType"] not in ("S3", "GOOGLECLOUDSTORAGE") or "ExternalObject" in location["concreteType"]:
        raise bad(f"Nothing can be uploaded through this server to storage location {number}.")


def _status(db: Connection, upload: Upload) -> dict[str, Any]:
    added = range(1, upload.part_count + 1) if upload.is_done else added_parts(db, upload.id)
    return {
        "uploadId": str(upload.id),
        "startedBy": str(upload.user),
        "startedOn": upload.started_on,
        "updatedOn": upload.updated_on,
        "partsState": parts_state(upload, added),
        "state": "COMPLETED" if upload.is_done else "UPLOADING",
        "resultFileHandleId": None if upload.result is None else str(upload.result),
    }


def _own(call: Call) -> Upload:
    """The upload that the path names, which the caller must have begun; opens no transaction."""
    upload = read_upload(call.db, call.id())
    if upload is None:
        raise missing(f"Upload {call.id()} does not exist.")
    if upload.user != call.caller.id:
        raise forbidden("Only the user that started an upload can access it.")
    return upload


def part_urls(call: Call) -> Response:
    """`POST /file/multipart/{id}/presigned/url/batch`."""
    upload = _own(call)
    numbers = [_part(upload, one) for one in call.body.items("partNumbers", most=PARTS_LIMIT)]
    if not numbers:
        raise bad("partNumbers must include at least one part number.")
    urls = [
        {"partNumber": part, "uploadPresignedUrl": part_url(call, upload.id, part), "signedHeaders": {}}
        for part in numbers
    ]
    return reply({"partPresignedUrls": urls}, 201)


def _part(upload: Upload, value: Any) -> int:
    part = Body({"part": value}, "partNumbers").needed_integer("part")
    if not 1 <= part <= upload.part_count:
        raise bad(f"Part numbers of this upload are between 1 and {upload.part_count}.")
    return part


def add_part(call: Call) -> Response:
    """`PUT /file/multipart/{id}/add/{part}?partMD5Hex=`: note a part whose bytes have this MD5."""
    with call.store.reading() as call.connection:
        upload = _own(call)
    part = _part(upload, call.id("part"))
    if upload.is_done:
        raise bad("The upload is complete.")
    asked = read_md5(call.query.text("partMD5Hex"))
    if asked is None:
        raise bad("partMD5Hex is required.")
    result = {"uploadId": str(upload.id), "partNumber": part}
    found = part_md5(call.store, upload, part)
    if found != asked:
        error = "The part was not uploaded in full." if found is None else f"The part has the MD5 {found}, not {asked}."
        return reply({**result, "addPartState": "ADD_FAILED", "errorMessage": error}, 201)
    with call.store.writing() as call.connection:
        _note_part(call, upload.id, part, asked)
    return reply({**result, "addPartState": "ADD_SUCCESS"}, 201)


def _note_part(call: Call, upload: int, part: int, md5: str) -> None:
    """Note a part, unless the upload was restarted meanwhile."""
    if read_upload(call.db, upload) is None:
        raise missing(f"Upload {upload} does not exist.")
    call.db.execute(
        "INSERT INTO sage_upload_parts (upload_id, number, md5) VALUES (?, ?, ?)"
        " ON CONFLICT (upload_id, number) DO UPDATE SET md5 = excluded.md5",
        (upload, part, md5),
    )
    call.db.execute("UPDATE sage_uploads SET updated_on = ? WHERE id = ?", (call.now, upload))


def complete(call: Call) -> Response:
    """`PUT /file/multipart/{id}/complete`: make the handle; fine when that was done before."""
    with call.store.reading() as call.connection:
        upload = _own(call)
        added = added_parts(call.db, upload.id)
    lacking = 0 if upload.is_done else _lacking(call, upload, added)
    if not upload.is_done and not lacking:
        _make(call, upload)
    with call.store.reading() as call.connection:
        upload = _own(call)
        if not upload.is_done:
            raise bad(f"Missing {lacking} part(s). All parts must be added before a file upload can be completed.")
        return reply(_status(call.db, upload), 201)


def _lacking(call: Call, upload: Upload, added: Mapping[int, str]) -> int:
    """How many parts there are not; the notes about those whose bytes are gone are removed."""
    lost = lost_parts(call.store.blobs, upload, added)
    if lost:
        with call.store.writing() as db:
            drop_parts(db, upload.id, lost)
    return upload.part_count - len(added) + len(lost)


def _make(call: Call, upload: Upload) -> None:
    """Make the handle, unless another request is faster."""
    if upload.source is None:
        with suppress(FileNotFoundError):
            _publish(call, upload)
        return
    with call.store.writing() as call.connection:
        source = find_handle(call.db, upload.source)
        _finish(call, upload.id, source["sha256"], upload.md5, upload.size)


def _publish(call: Call, upload: Upload) -> None:
    """Make a blob of the parts and a handle of the blob, then let go of what was staged."""
    blobs = call.store.blobs
    staged, digests = _whole(call, upload)
    if digests is None:
        return
    if digests.size == upload.size and digests.md5 != upload.md5:
        raise bad(f"The uploaded bytes have the MD5 {digests.md5}, not {upload.md5}.")
    with blobs.naming():
        blobs.keep(staged, digests)
        with call.store.writing() as call.connection:
            _finish(call, upload.id, digests.sha256, digests.md5, digests.size)
    for name in {staged, *upload.staged_parts}:
        blobs.discard(name)


def _whole(call: Call, upload: Upload) -> tuple[str, Digests | None]:
    """Name and checksums of the staged file of all bytes; a single part is that already."""
    if upload.part_count == 1:
        name = staged_name(upload.id, 1)
        return name, call.store.blobs.staged(name)
    name = staged_name(upload.id, 0)
    return name, call.store.blobs.join(name, upload.staged_parts)


def _finish(call: Call, number: int, sha256: str, md5: str, size: int) -> None:
    """Make the handle of an upload, of the bytes that really came, unless it has one or was restarted meanwhile."""
    upload = read_upload(call.db, number)
    if upload is None:
        raise missing(f"Upload {number} does not exist.")
    if upload.is_done:
        return
    location = find_location(call, upload.location)
    kind = GOOGLE if location["uploadType"] == "GOOGLECLOUDSTORAGE" else S3
    details = stored_details(call, upload.name, str(upload.id), location.get("bucket"))
    new = NewHandle(kind, upload.name, upload.content_type, md5, size, upload.location, sha256, details)
    handle = add_handle(call, new)["id"]
    call.db.execute("UPDATE sage_uploads SET result_id = ?, updated_on = ? WHERE id = ?", (handle, call.now, number))
    call.db.execute("DELETE FROM sage_upload_parts WHERE upload_id = ?", (number,))


ROUTES: Final = (
    moves_bytes("POST", "/file/multipart", start),
    reads("POST", "/file/multipart/{id}/presigned/url/batch", part_urls),
    moves_bytes("PUT", "/file/multipart/{id}/add/{part}", add_part),
    moves_bytes("PUT", "/file/multipart/{id}/complete", complete),
)
