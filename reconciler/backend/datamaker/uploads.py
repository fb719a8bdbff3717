"""Presigned uploads: URLs for single files and for parts, and the finalize that verifies what came in by them.

Nothing is written when URLs are handed out (see `tickets`). The PUT writes one staged file, no row (see `receiving`).
Finalize checks size and checksum against the bytes and commits all files of the request at once; repeating it gives the
same files again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from reconciler.backend.blobs import Digests
from reconciler.backend.datamaker.call import Call
from reconciler.backend.datamaker.data_collections import find_collection
from reconciler.backend.datamaker.fields import Fields, check_bulk
from reconciler.backend.datamaker.files import find_files, publish
from reconciler.backend.datamaker.receiving import announced
from reconciler.backend.datamaker.tickets import Ticket, issue, presigned_url, verified_ticket
from reconciler.backend.routing import Route, Work
from reconciler.backend.wire import Response, invalid, invalid_field

BULK_LIMIT: Final = 1000
_MAX_SIZE: Final = 1 << 53


def upload_urls(call: Call, scope: int) -> Response:
    """Hand out presigned URLs, in the order of the request."""
    body = call.request.object()
    fields = Fields(body)
    fields.integer("expiration", least=60, most=86_400, default=3600)
    wanted = _read_files(body, fields, least_size=1 if call.is_v2 else 0)
    expires = int(call.store.clock()) + fields.done()["expiration"]
    files = [
        _presigned(call, issue(call, scope, one["filename"], one["size"]), one["filename"], expires) for one in wanted
    ]
    answer: dict[str, Any] = {"files": files, "expires_at": datetime.fromtimestamp(expires, UTC).isoformat()}
    if call.takes_packs and call.is_v2:
        answer["pack"] = announced(call.request.base_url)
    return call.reply(answer)


def _read_files(body: dict[str, Any], outer: Fields, *, least_size: int) -> list[dict[str, Any]]:
    listed = _list(body, "files")
    found = []
    for index, item in enumerate(listed):
        fields = Fields(item if isinstance(item, dict) else {}, where=f"files[{index}].")
        fields.text("filename", shortest=1, longest=255, required=True)
        fields.integer("size", least=least_size, most=_MAX_SIZE, required=True)
        if isinstance(item, dict) and item.get("content_type") is not None:
            fields.text("content_type", shortest=1, longest=255)
        outer.errors.extend(fields.errors)
        found.append(fields.values)
    if outer.errors:
        raise invalid(outer.errors)
    return found


def _list(body: dict[str, Any], name: str) -> list[Any]:
    value = body.get(name)
    if not isinstance(value, list):
        raise invalid_field(name, "must be a list")
    check_bulk(name, value, most=BULK_LIMIT)
    return value


def _presigned(call: Call, ticket: Ticket, filename: str, expires: int) -> dict[str, Any]:
    def url(part: int) -> str:
        return presigned_url(call.store, call.request.base_url, ticket, part, expires)

    multipart = None
    if ticket.part_size:
        parts = [{"part_number": n, "presigned_url": url(n)} for n in range(1, ticket.part_count + 1)]
        multipart = {"upload_id": ticket.upload, "part_size": ticket.part_size, "parts": parts}
    return {
        "filename": filename,
        "file_key": ticket.key,
        "presigned_url": None if multipart else url(0),
        "multipart": multipart,
    }


@dataclass(slots=True)
class _Confirmation:
    """One file of a finalize request, and what became of it."""

    key: str
    checksum: str
    size: int
    multipart: dict[str, Any] | None
    ticket: Ticket | None = None
    digests: Digests | None = None
    file: int | None = None
    is_new: bool = False
    error: str | None = None

    def wire(self, *, with_created: bool) -> dict[str, Any]:
        created = {"created": self.is_new} if with_created else {}
        return {
            "file_key": self.key,
            "checksum": self.checksum,
            "data_file_id": self.file,
            "success": self.error is None,
            **created,
            "error": self.error,
        }


def finalize(call: Call, scope: int) -> Response:
    """Verify uploads against size and checksum and make files of them; each fails or succeeds for itself."""
    wanted = _read_confirmations(call)
    for one in wanted:
        _verify(call, scope, one)
    good = [one for one in wanted if one.error is None]
    if not call.is_dry_run:
        _commit(call, good)
    return call.reply(
        {
            "results": [one.wire(with_created=call.is_v2) for one in wanted],
            "created_count": len(good),
            "failed_count": len(wanted) - len(good),
        }
    )


def _read_confirmations(call: Call) -> list[_Confirmation]:
    found, errors = [], []
    for index, item in enumerate(_list(call.request.object(), "files")):
        fields = Fields(item if isinstance(item, dict) else {}, where=f"files[{index}].")
        fields.text("file_key", shortest=1, longest=1024, required=True)
        fields.text("checksum", shortest=1, longest=128, required=True)
        fields.integer("size", least=1 if call.is_v2 else 0, most=_MAX_SIZE, required=True)
        multipart = item.get("multipart") if isinstance(item, dict) else None
        if multipart is not None and not isinstance(multipart, dict):
            fields.fail("multipart", "must be an object or null")
        errors.extend(fields.errors)
        if not fields.errors:
            values = fields.values
            found.append(_Confirmation(values["file_key"], values["checksum"], values["size"], multipart))
    if errors:
        raise invalid(errors)
    return found


def _verify(call: Call, scope: int, one: _Confirmation) -> None:
    one.ticket = verified_ticket(call, scope, one.key)
    if one.ticket is None:
        one.error = "The file key is unknown."
        return
    if one.ticket.part_size:
        one.error = _join(call, one.ticket, one.multipart)
    digests = None if one.error else call.store.blobs.staged(one.ticket.upload)
    if digests is None:
        _reuse(call, one)
    elif digests.size != one.size:
        one.error = f"The uploaded file has {digests.size} bytes, not {one.size}."
    elif not digests.matches(one.checksum):
        one.error = "The checksum does not match the uploaded bytes."
    else:
        one.digests = digests


def _reuse(call: Call, one: _Confirmation) -> None:
    """Without staged bytes, a file that the tenant has already serves: that is how a repeated finalize succeeds."""
    with call.store.reading() as db:
        row = find_files(db, call.tenant, [one.checksum.lower()]).get(one.checksum.lower())
    if row is not None and row["size"] == one.size:
        one.file, one.error = row["id"], None
    else:
        one.error = one.error or "The file was not uploaded."


def _join(call: Call, ticket: Ticket, multipart: dict[str, Any] | None) -> str | None:
    """Put the parts together, unless that was done before. Returns what is wrong, None when nothing is."""
    blobs = call.store.blobs
    if blobs.staged_size(ticket.upload) == ticket.size:
        return None
    if multipart is None or multipart.get("upload_id") != ticket.upload:
        return "The upload has parts: multipart with its upload_id is needed."
    etags = _etags(multipart.get("parts"))
    names = [ticket.staged_name(part) for part in range(1, ticket.part_count + 1)]
    if etags is None or sorted(etags) != list(range(1, ticket.part_count + 1)):
        return f"All {ticket.part_count} parts are needed, each with part_number and etag."
    for part, name in enumerate(names, start=1):
        staged = blobs.staged(name)
        if staged is None or staged.md5 != etags[part]:
            return f"Part {part} was not uploaded, or its etag differs."
    if blobs.join(ticket.upload, names).size != ticket.size:
        blobs.discard(ticket.upload)
        return f"The parts do not have {ticket.size} bytes together."
    return None


def _etags(parts: Any) -> dict[int, str] | None:
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        return None
    pairs = [(part.get("part_number"), part.get("etag")) for part in parts]
    if not all(type(number) is int and isinstance(etag, str) for number, etag in pairs):
        return None
    return {number: etag.strip('"').lower() for number, etag in pairs}


def _commit(call: Call, good: Sequence[_Confirmation]) -> None:
    """Make files of what was staged, all or none; then let go of its parts."""
    staged = [(one, one.ticket, one.digests) for one in good if one.ticket and one.digests]
    if not staged:
        return
    files = [(ticket.upload, ticket.name, digests) for _, ticket, digests in staged]
    for (one, _, _), (file, is_new) in zip(staged, publish(call.store, call.tenant, files), strict=True):
        one.file, one.is_new = file, is_new
    for _, ticket, _ in staged:
        for part in range(1, ticket.part_count + 1):
            call.store.blobs.discard(ticket.staged_name(part))


def _collection(call: Call) -> int:
    with call.store.reading() as db:
        return int(find_collection(db, call.tenant, call.id())["id"])


def upload_urls_v2(call: Call) -> Response:
    """`POST /v2/data-collections/{id}/upload-urls/`."""
    return upload_urls(call, _collection(call))


def finalize_v2(call: Call) -> Response:
    """`POST /v2/data-collections/{id}/finalize-upload/`."""
    return finalize(call, _collection(call))


def upload_urls_v1(call: Call) -> Response:
    """`POST /data_files/presigned_upload/upload/`."""
    return upload_urls(call, 0)


def finalize_v1(call: Call) -> Response:
    """`POST /data_files/presigned_upload/confirm_upload/`."""
    return finalize(call, 0)


ROUTES = (
    Route("POST", "/v2/data-collections/{id}/upload-urls/", upload_urls_v2, Work.NONE, "create"),
    Route("POST", "/v2/data-collections/{id}/finalize-upload/", finalize_v2, Work.NONE, "create"),
    Route("POST", "/data_files/presigned_upload/upload/", upload_urls_v1, Work.NONE, "create"),
    Route("POST", "/data_files/presigned_upload/confirm_upload/", finalize_v1, Work.NONE, "create"),
)
