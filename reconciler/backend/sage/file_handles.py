"""File handles: their rows, what they look like on the wire, who may touch them, and what they are linked to.

A handle never changes. `sha256` names its bytes in the blob store; without it they are somewhere else: behind a URL,
in an object store, behind a proxy. `details` has what only some kinds have; keys
that begin with `_` are not shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.backend.database import Connection, Row, insert, one, scalar
from reconciler.backend.sage.call import Call, P, empty, fresh_etag, reply
from reconciler.backend.sage.errors import bad, forbidden, missing, taken
from reconciler.backend.sage.routes import reads, writes
from reconciler.backend.wire import Response

S3: Final = "S3FileHandle"
GOOGLE: Final = "GoogleCloudFileHandle"
EXTERNAL: Final = "ExternalFileHandle"
OBJECT_STORE: Final = "ExternalObjectStoreFileHandle"
PROXY: Final = "ProxyFileHandle"
DEFAULT_LOCATION: Final = 1
DEFAULT_BUCKET: Final = "embedded"
NOT_SET: Final = "NOT_SET"
_MAX_SIZE: Final = 5 << 40

# What a handle may be linked to; a handle that is cannot be deleted.
_LINKS: Final = (
    "SELECT 1 FROM sage_versions WHERE file_handle_id = ?",
    "SELECT 1 FROM sage_table_files WHERE file_handle_id = ?",
    "SELECT 1 FROM sage_messages WHERE file_handle_id = ?",
    "SELECT 1 FROM sage_form_data WHERE file_handle_id = ?",
    "SELECT 1 FROM sage_submissions WHERE file_handle_id = ?",
    "SELECT 1 FROM sage_wiki_versions WHERE markdown_id = ?",
    "SELECT 1 FROM sage_wiki_attachments WHERE file_handle_id = ?",
)


@dataclass(frozen=True, slots=True)
class NewHandle:
    """A handle to be made. size: bytes. details: what only this kind has, as on the wire."""

    kind: str
    file_name: str
    content_type: str
    md5: str | None = None
    size: int | None = None
    location: int | None = DEFAULT_LOCATION
    sha256: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def add_handle(call: Call, new: NewHandle) -> Row:
    """Make a handle of the caller's. Bytes that it names are kept by whoever holds `BlobStore.naming`."""
    number = insert(
        call.db,
        "sage_file_handles",
        {
            "kind": new.kind,
            "etag": fresh_etag(),
            "file_name": new.file_name,
            "content_type": new.content_type,
            "md5": new.md5,
            "size": new.size,
            "storage_location_id": new.location,
            "sha256": new.sha256,
            "details": json.dumps(dict(new.details), sort_keys=True),
            "created_by": call.caller.id,
            "created_on": call.now,
        },
    )
    return find_handle(call.db, number)


def lookup_handle(db: Connection, handle: int) -> Row | None:
    """A handle, None when there is none."""
    return one(db, "SELECT * FROM sage_file_handles WHERE id = ?", (handle,))


def find_handle(db: Connection, handle: int) -> Row:
    """A handle; 404 when there is none."""
    row = lookup_handle(db, handle)
    if row is None:
        raise missing(f"FileHandle with id: '{handle}' does not exist")
    return row


def is_owner(call: Call, row: Row) -> bool:
    """Whether the caller made a handle, or may do everything anyway."""
    return bool(row["created_by"] == call.caller.id) or call.caller.is_admin


def own_handle(call: Call, handle: int) -> Row:
    """A handle that the caller made; 404 when there is none, 403 when somebody else made it."""
    row = find_handle(call.db, handle)
    if not is_owner(call, row):
        raise forbidden(f"Only the creator of a FileHandle can access it directly by its ID. FileHandle ID: {handle}")
    return row


def handle_wire(row: Row) -> dict[str, Any]:
    """A handle with all its fields."""
    return {
        "id": str(row["id"]),
        "etag": row["etag"],
        "createdBy": str(row["created_by"]),
        "createdOn": row["created_on"],
        "modifiedOn": row["created_on"],
        "concreteType": f"{P}.file.{row['kind']}",
        "contentType": row["content_type"],
        "contentMd5": row["md5"],
        "fileName": row["file_name"],
        "storageLocationId": row["storage_location_id"],
        "contentSize": row["size"],
        "status": "AVAILABLE",
        **{key: value for key, value in json.loads(row["details"]).items() if not key.startswith("_")},
    }


def stored_details(call: Call, name: str, key: str, bucket: str | None = None) -> dict[str, Any]:
    """Where a handle whose bytes are here says that they are. key: tells apart uploads of the same user."""
    return {
        "bucketName": bucket or DEFAULT_BUCKET,
        "key": f"{call.caller.id}/{key}/{name}",
        "isPreview": False,
    }


def read_md5(text: str | None) -> str | None:
    """An MD5 of a body in lower case; 400 when it is none."""
    if text is not None and not re.fullmatch("[0-9a-fA-F]{32}", text):
        raise bad("The MD5 must be 32 hexadecimal digits.")
    return None if text is None else text.lower()


def read_size(size: int | None, *, least: int = 0) -> int | None:
    """A size in bytes of a body; 400 when it cannot be one."""
    if size is not None and not least <= size <= _MAX_SIZE:
        raise bad(f"The size of a file must be between {least} and {_MAX_SIZE} bytes.")
    return size


def get_handle(call: Call) -> Response:
    """`GET /fileHandle/{id}`: its creator's only."""
    return reply(handle_wire(own_handle(call, call.id())))


def delete_handle(call: Call) -> Response:
    """`DELETE /fileHandle/{id}`: its creator's only; one that is not there is fine, one that is linked stays."""
    if lookup_handle(call.db, call.id()) is None:
        return empty()
    row = own_handle(call, call.id())
    if any(scalar(call.db, f"{link} LIMIT 1", (row["id"],)) for link in _LINKS):
        raise taken(f"The FileHandle {row['id']} is linked to an object and cannot be deleted.")
    call.db.execute("DELETE FROM sage_uploads WHERE result_id = ? OR source_id = ?", (row["id"], row["id"]))
    call.db.execute("DELETE FROM sage_file_handles WHERE id = ?", (row["id"],))
    return empty()


ROUTES: Final = (
    reads("GET", "/fileHandle/{id}", get_handle),
    writes("DELETE", "/fileHandle/{id}", delete_handle),
)
