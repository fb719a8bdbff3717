"""Takes the bytes of presigned uploads: a file or a part by its own PUT, or several small files by one, a pack.

Errors are XML, as object stores give them. A pack is an extension of this server, announced by `announced`. Its body:

    4 bytes   length of the index, big-endian
    index     {"files": [{"url", "size", "checksum"}, …]}, JSON; url: the presigned URL of one whole file
    bytes     of all files, one after the other, nothing between and after them

Each file is let in by the signature in its URL, as by its own PUT, and staged when its bytes have its checksum. The
answer tells the outcome of each, in order: `{"results": [{"status", "etag"} or {"status", "code", "message"}]}`.
"""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from reconciler.backend.blobs import TooLarge, WrongChecksum
from reconciler.backend.datamaker.call import Call
from reconciler.backend.datamaker.tickets import Ticket, read_key
from reconciler.backend.file_response import xml_error
from reconciler.backend.store import Store
from reconciler.backend.wire import ApiError, Response, decode_json, encode_json, json_response

PACK_FILES: Final = 200
PACK_BYTES: Final = 448 * 1024  # with its index less than what waitress keeps in memory of a body
_INDEX_BYTES: Final = 1024 * 1024
_LENGTH_BYTES: Final = 4
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)
_ADDRESS: Final = re.compile(r"[^?#]*/uploads/([^?#]+)\?part=(0)&expires=([0-9]{1,16})&signature=([0-9a-f]{32})")


class _Refused(Exception):
    """Why bytes are not taken. code: of object stores."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True, slots=True)
class _Entry:
    """One file of a pack."""

    url: str
    size: int
    checksum: str


def announced(base_url: str) -> dict[str, Any]:
    """Where packs go and how large they may be, for the answer that hands out presigned URLs."""
    return {"url": f"{base_url}/uploads/", "files": PACK_FILES, "bytes": PACK_BYTES}


def put(call: Call) -> Response:
    """Take the bytes of a presigned URL; success has an `ETag`, MD5."""
    query = call.query
    part, expires = query.text("part") or "", query.text("expires") or ""
    try:
        ticket = _admitted(call.store, call.request.params["key"], part, expires, query.text("signature") or "")
        return Response(200, headers=(("ETag", f'"{_received(call, ticket, int(part))}"'),))
    except _Refused as refused:
        return xml_error(refused.status, refused.code, refused.message)


def put_pack(call: Call) -> Response:
    """Take several small files at once; each fails or succeeds for itself, unless the pack cannot be read."""
    try:
        entries, content = _unpacked(call)
        results, start = [], 0
        for entry in entries:
            results.append(_outcome(call, entry, content[start : start + entry.size]))
            start += entry.size
    except _Refused as refused:
        return xml_error(refused.status, refused.code, refused.message)
    return json_response(encode_json({"results": results}))


def _admitted(store: Store, key: str, part: str, expires: str, signature: str) -> Ticket:
    """The ticket that a presigned URL stands for."""
    found = read_key(key)
    if found is None or not store.signer.is_valid(signature, "put", key, part, expires):
        raise _Refused(403, "SignatureDoesNotMatch", "The signature does not match the request.")
    if int(expires) < store.clock():
        raise _Refused(403, "AccessDenied", "Request has expired")
    return found[0]


def _received(call: Call, ticket: Ticket, part: int) -> str:
    """Stage the body; returns its MD5."""
    name = ticket.staged_name(part)
    limit = ticket.part_size if part else ticket.size
    length = call.request.content_length()
    if length is not None and length > limit:
        raise _too_large()
    try:
        digests = call.store.blobs.stage(name, call.request.chunks(), limit=limit, is_part=part > 0)
    except TooLarge:
        raise _too_large() from None
    except OSError as exc:
        raise _no_room(exc) from exc
    if length is not None and digests.size < length:
        call.store.blobs.discard(name)
        raise _incomplete()
    return digests.md5


def _unpacked(call: Call) -> tuple[list[_Entry], memoryview]:
    """The files of a pack, and their bytes, which have their sizes together."""
    length = call.request.content_length()
    if length is None:
        raise _Refused(411, "MissingContentLength", "A pack needs a Content-Length.")
    if length > _LENGTH_BYTES + _INDEX_BYTES + PACK_BYTES:
        raise _Refused(400, "EntityTooLarge", f"A pack holds at most {PACK_BYTES} bytes of files.")
    body = memoryview(b"".join(call.request.chunks()))
    if len(body) < length:
        raise _incomplete()
    start = _LENGTH_BYTES + int.from_bytes(body[:_LENGTH_BYTES], "big")
    if start > min(length, _LENGTH_BYTES + _INDEX_BYTES):
        raise _malformed("The index is longer than the body or than allowed.")
    entries, content = _entries(bytes(body[_LENGTH_BYTES:start])), body[start:]
    if len(content) > PACK_BYTES or sum(entry.size for entry in entries) != len(content):
        raise _malformed("The sizes in the index are not those of the body.")
    return entries, content


def _entries(index: bytes) -> list[_Entry]:
    try:
        value = decode_json(index)
    except ApiError as error:
        raise _malformed(error.message) from error
    listed = value.get("files") if isinstance(value, dict) else None
    if not isinstance(listed, list) or not 0 < len(listed) <= PACK_FILES:
        raise _malformed(f"The index must list 1 to {PACK_FILES} files.")
    return [_entry(one) for one in listed]


def _entry(value: Any) -> _Entry:
    if isinstance(value, dict):
        url, size, checksum = value.get("url"), value.get("size"), value.get("checksum")
        if isinstance(url, str) and type(size) is int and size >= 0 and isinstance(checksum, str):
            return _Entry(url, size, checksum)
    raise _malformed("Each file needs url, size and checksum.")


def _outcome(call: Call, entry: _Entry, content: memoryview) -> dict[str, Any]:
    """Stage one file of a pack. Raises _Refused only for what concerns all of them."""
    found = _ADDRESS.fullmatch(entry.url)
    try:
        if found is None:
            raise _Refused(403, "SignatureDoesNotMatch", "This is no presigned URL of a whole file.")
        key, part, expires, signature = found.groups()
        ticket = _admitted(call.store, unquote(key), part, expires, signature)
        return {"status": 200, "etag": f'"{_staged(call, ticket, entry, content)}"'}
    except _Refused as refused:
        if refused.status >= 500:
            raise
        return {"status": refused.status, "code": refused.code, "message": refused.message}


def _staged(call: Call, ticket: Ticket, entry: _Entry, content: memoryview) -> str:
    name = ticket.staged_name(0)
    try:
        digests = call.store.blobs.stage(name, (content,), limit=ticket.size, checksum=entry.checksum)
    except TooLarge:
        raise _too_large() from None
    except WrongChecksum:
        raise _Refused(400, "BadDigest", "The bytes do not have the checksum.") from None
    except OSError as exc:
        raise _no_room(exc) from exc
    return digests.md5


def _too_large() -> _Refused:
    return _Refused(400, "EntityTooLarge", "The upload is larger than announced.")


def _incomplete() -> _Refused:
    return _Refused(400, "IncompleteBody", "The connection ended before all bytes came.")


def _malformed(why: str) -> _Refused:
    return _Refused(400, "MalformedPack", why)


def _no_room(error: OSError) -> Exception:
    """The refusal when the disk is full, else the error itself."""
    if error.errno not in _NO_ROOM:
        return error
    return _Refused(507, "InsufficientStorage", "The disk of the server is full.")
