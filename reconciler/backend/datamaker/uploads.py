"""Presigned uploads: URLs for single files and for parts, the PUT of bytes, and the finalize that verifies them.

Nothing is written when URLs are handed out: a file key carries the upload's number, size and part size, and a signature
over these, tenant and collection. The PUT writes one staged file and no row. Finalize checks size and checksum against
the bytes and commits all files of the request at once; repeating it gives the same files again.
"""

from __future__ import annotations

import errno
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, unquote

from reconciler.backend.blobs import Digests, TooLarge
from reconciler.backend.datamaker.call import Call
from reconciler.backend.datamaker.data_collections import find_collection
from reconciler.backend.datamaker.fields import Fields, check_bulk
from reconciler.backend.datamaker.files import find_files, publish
from reconciler.backend.file_response import xml_error
from reconciler.backend.routing import Route, Work
from reconciler.backend.store import Store
from reconciler.backend.wire import Response, invalid, invalid_field

BULK_LIMIT: Final = 1000
_PARTS_LIMIT: Final = 1000
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)
_MAX_SIZE: Final = 1 << 53
_KEY: Final = re.compile(r"([0-9]{1,10})/([0-9a-f]{32})\.([0-9]{1,16})\.([0-9]{1,16})\.([0-9a-f]{32})/(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Ticket:
    """One upload that was handed out. scope: id of the collection, 0 for v1. part_size: 0 for a single PUT."""

    scope: int
    upload: str
    size: int
    part_size: int
    name: str
    key: str

    @property
    def part_count(self) -> int:
        """How many parts there are, 0 for a single PUT."""
        return -(-self.size // self.part_size) if self.part_size else 0

    def staged_name(self, part: int) -> str:
        """Name of the staged file of a part, 0 for the whole."""
        return f"{self.upload}.{part}" if part else self.upload


def issue(call: Call, scope: int, filename: str, size: int) -> Ticket:
    """Make a ticket for a file."""
    threshold = call.settings.multipart_threshold
    part_size = max(threshold, -(-size // _PARTS_LIMIT)) if size > threshold else 0
    upload = secrets.token_hex(16)
    leaf = quote(filename.replace("\\", "/").rstrip("/").rpartition("/")[2] or "file", safe="")
    if len(leaf) > 800:  # a file key has at most 1024 characters
        leaf = re.sub("%[0-9A-F]{2}", "_", leaf)[-800:]
    signature = call.store.signer.sign("key", call.tenant, scope, upload, size, part_size, leaf)
    key = f"{scope}/{upload}.{size}.{part_size}.{signature}/{leaf}"
    return Ticket(scope, upload, size, part_size, unquote(leaf), key)


def read_key(key: str) -> tuple[Ticket, str] | None:
    """Take a file key apart into the ticket and its signature, unverified; None when it is malformed."""
    found = _KEY.fullmatch(key)
    if not found:
        return None
    scope, upload, size, part_size, signature, leaf = found.groups()
    return Ticket(int(scope), upload, int(size), int(part_size), unquote(leaf), key), signature


def verified_ticket(call: Call, scope: int, key: str) -> Ticket | None:
    """The ticket of a key that we handed out to this tenant for this scope, else None."""
    found = read_key(key)
    if found is None or found[0].scope != scope:
        return None
    ticket, signature = found
    parts = (call.tenant, scope, ticket.upload, ticket.size, ticket.part_size, key.split("/", 2)[2])
    return ticket if call.store.signer.is_valid(signature, "key", *parts) else None


def presigned_url(store: Store, base_url: str, ticket: Ticket, part: int, expires: int) -> str:
    """URL for the PUT of a whole file (part 0) or of one part. expires: seconds since the epoch."""
    signature = store.signer.sign("put", ticket.key, part, expires)
    return f"{base_url}/uploads/{quote(ticket.key)}?part={part}&expires={expires}&signature={signature}"


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
    return call.reply({"files": files, "expires_at": datetime.fromtimestamp(expires, UTC).isoformat()})


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


def put(call: Call) -> Response:
    """Take the bytes of a presigned URL. Errors are XML, as object stores give them; success has an `ETag`, MD5."""
    key, query = call.request.params["key"], call.query
    part, expires = query.text("part") or "", query.text("expires") or ""
    signature = query.text("signature") or ""
    found = read_key(key)
    if found is None or not call.store.signer.is_valid(signature, "put", key, part, expires):
        return xml_error(403, "SignatureDoesNotMatch", "The signature does not match the request.")
    if int(expires) < call.store.clock():
        return xml_error(403, "AccessDenied", "Request has expired")
    return _receive(call, found[0], int(part))


def _receive(call: Call, ticket: Ticket, part: int) -> Response:
    name = ticket.staged_name(part)
    limit = ticket.part_size if part else ticket.size
    announced = call.request.content_length()
    if announced is not None and announced > limit:
        return xml_error(400, "EntityTooLarge", "The upload is larger than announced.")
    try:
        digests = call.store.blobs.stage(name, call.request.chunks(), limit=limit, is_part=part > 0)
    except TooLarge:
        return xml_error(400, "EntityTooLarge", "The upload is larger than announced.")
    except OSError as exc:
        if exc.errno not in _NO_ROOM:
            raise
        return xml_error(507, "InsufficientStorage", "The disk of the server is full.")
    if announced is not None and digests.size < announced:
        call.store.blobs.discard(name)
        return xml_error(400, "IncompleteBody", "The connection ended before all bytes came.")
    return Response(200, headers=(("ETag", f'"{digests.md5}"'),))


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
