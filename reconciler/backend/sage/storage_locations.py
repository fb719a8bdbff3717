"""Storage locations: where a project's files are to be kept. They never change; the same content is the same location.

Buckets, proxies and servers outside are described, not contacted: nobody checks here that a bucket belongs to its user.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from reconciler.backend.database import Row, insert, one
from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import Call, P, fresh_etag, reply
from reconciler.backend.sage.errors import bad, forbidden, missing
from reconciler.backend.sage.file_handles import DEFAULT_BUCKET, DEFAULT_LOCATION
from reconciler.backend.sage.routes import reads, writes
from reconciler.backend.wire import Response

_PREFIX: Final = f"{P}.project."
_UPLOAD_TYPES: Final = frozenset({"S3", "GOOGLECLOUDSTORAGE", "SFTP", "HTTPS", "PROXYLOCAL", "NONE"})

# Type → usual upload type, texts that must be there, texts that may be, truth values.
_TYPES: Final[Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]]] = {
    "S3StorageLocationSetting": ("S3", (), ("baseKey",), ("stsEnabled",)),
    "ExternalS3StorageLocationSetting": ("S3", ("bucket",), ("baseKey", "endpointUrl"), ("stsEnabled",)),
    "ExternalGoogleCloudStorageLocationSetting": ("GOOGLECLOUDSTORAGE", ("bucket",), ("baseKey",), ()),
    "ExternalObjectStorageLocationSetting": ("S3", ("endpointUrl", "bucket"), (), ()),
    "ExternalStorageLocationSetting": ("SFTP", ("url",), (), ("supportsSubfolders",)),
    "ProxyStorageLocationSettings": ("PROXYLOCAL", ("proxyUrl", "secretKey", "benefactorId"), (), ()),
}

_DEFAULT: Final[Mapping[str, Any]] = {
    "storageLocationId": DEFAULT_LOCATION,
    "concreteType": f"{_PREFIX}S3StorageLocationSetting",
    "uploadType": "S3",
    "bucket": DEFAULT_BUCKET,
}


def read_location(body: Body) -> dict[str, Any]:
    """What is kept of a location that a body describes, in the form in which equal locations are equal."""
    concrete = body.needed("concreteType")
    short = concrete.removeprefix(_PREFIX)
    if concrete == short or short not in _TYPES:
        raise bad(f"Unknown concreteType of a storage location: {concrete[:200]}")
    usual, needed, optional, flags = _TYPES[short]
    upload_type = body.text("uploadType") or usual
    if upload_type not in _UPLOAD_TYPES:
        raise bad(f"Unknown uploadType: {upload_type[:100]}")
    kept: dict[str, Any] = {"concreteType": concrete, "uploadType": upload_type}
    kept |= {key: body.needed(key).strip() for key in needed}
    kept |= {key: body.text(key) for key in (*optional, "banner", "description")}
    kept |= {key: body.boolean(key) for key in flags}
    return {key: value for key, value in sorted(kept.items()) if value is not None}


def create_location(call: Call) -> Response:
    """`POST /storageLocation`: the caller's location of the same content, when there is one."""
    kept = json.dumps(read_location(call.body), sort_keys=True)
    hashed = hashlib.sha256(kept.encode()).hexdigest()
    sql = "SELECT * FROM sage_storage_locations WHERE created_by = ? AND content_hash = ?"
    row = one(call.db, sql, (call.caller.id, hashed))
    if row is None:
        values = {"created_by": call.caller.id, "content_hash": hashed, "body": kept}
        insert(call.db, "sage_storage_locations", {**values, "etag": fresh_etag(), "created_on": call.now})
        row = one(call.db, sql, (call.caller.id, hashed))
    assert row is not None
    return reply(_wire(row), 201)


def _wire(row: Row) -> dict[str, Any]:
    return {
        "storageLocationId": row["id"],
        "etag": row["etag"],
        "createdOn": row["created_on"],
        "createdBy": row["created_by"],
        **json.loads(row["body"]),
    }


def _find(call: Call, location: int) -> Row:
    row = one(call.db, "SELECT * FROM sage_storage_locations WHERE id = ?", (location,))
    if row is None:
        raise missing(f"StorageLocation with ID {location} not found")
    return row


def find_location(call: Call, location: int) -> Mapping[str, Any]:
    """A location, whoever made it; 404 when there is none."""
    return _DEFAULT if location == DEFAULT_LOCATION else _wire(_find(call, location))


def own_location(call: Call, location: int, kind: str | None = None) -> Mapping[str, Any]:
    """A location of the caller's, or the default one. 403 for others'. kind: its type, else 400."""
    if location == DEFAULT_LOCATION:
        found: Mapping[str, Any] = _DEFAULT
    else:
        row = _find(call, location)
        if row["created_by"] != call.caller.id and not call.caller.is_admin:
            raise forbidden(f"Only the creator of storage location {location} can use it.")
        found = _wire(row)
    if kind is not None and found["concreteType"] != f"{_PREFIX}{kind}":
        raise bad(f"Storage location {location} is not of type {kind}.")
    return found


def get_location(call: Call) -> Response:
    """`GET /storageLocation/{id}`: its creator's only."""
    return reply(own_location(call, call.id()))


def list_locations(call: Call) -> Response:
    """`GET /storageLocation`: the caller's."""
    rows = call.db.execute(
        "SELECT * FROM sage_storage_locations WHERE created_by = ? ORDER BY id DESC", (call.caller.id,)
    )
    return reply({"list": [_wire(row) for row in rows]})


ROUTES: Final = (
    writes("POST", "/storageLocation", create_location),
    reads("GET", "/storageLocation", list_locations),
    reads("GET", "/storageLocation/{id}", get_location),
)
