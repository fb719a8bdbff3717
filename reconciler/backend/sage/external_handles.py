"""Handles of files whose bytes are elsewhere, copies of handles, and putting another handle into a version."""

from __future__ import annotations

import json
import re
from typing import Any, Final
from urllib.parse import urlsplit

from reconciler.backend.database import Row
from reconciler.backend.sage.associations import read_association, resolve
from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import Call, P, empty, reply
from reconciler.backend.sage.errors import bad, stale
from reconciler.backend.sage.file_handles import (
    EXTERNAL,
    GOOGLE,
    NOT_SET,
    OBJECT_STORE,
    PROXY,
    S3,
    NewHandle,
    add_handle,
    find_handle,
    handle_wire,
    own_handle,
    read_md5,
    read_size,
)
from reconciler.backend.sage.nodes import readable_node, touch
from reconciler.backend.sage.routes import writes
from reconciler.backend.sage.storage_locations import own_location
from reconciler.backend.wire import ApiError, Response

COPY_LIMIT: Final = 100
_PREFIX: Final = f"{P}.file."


def _kind(body: Body, default: str) -> str:
    return (body.text("concreteType") or f"{_PREFIX}{default}").removeprefix(_PREFIX)


def _common(body: Body, kind: str, location: int | None, details: dict[str, Any]) -> NewHandle:
    """What all kinds have. Whatever is said to be the MD5 behind a URL is kept as it is, as on the real service."""
    return NewHandle(
        kind,
        body.text("fileName", longest=1024) or NOT_SET,
        body.text("contentType", longest=255) or NOT_SET,
        body.text("contentMd5", longest=100) if kind == EXTERNAL else read_md5(body.text("contentMd5")),
        read_size(body.integer("contentSize")),
        location,
        details=details,
    )


def _complete(body: Body, kind: str, location: int, details: dict[str, Any]) -> NewHandle:
    for key in ("contentMd5", "contentSize"):
        if body.values.get(key) is None:
            raise bad(f"{key} is required.")
    return _common(body, kind, location, details)


def _url(body: Body) -> str:
    url = body.needed("externalURL").strip()
    try:
        parts = urlsplit(url)
    except ValueError as exc:
        raise bad(f"The externalURL is not a valid URL: {url[:200]}") from exc
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.\-]*", parts.scheme) or not (parts.netloc or parts.path):
        raise bad(f"The externalURL is not a valid URL: {url[:200]}")
    return url


def _object_store(call: Call, body: Body) -> NewHandle:
    location = own_location(call, body.needed_integer("storageLocationId"), "ExternalObjectStorageLocationSetting")
    details = {
        "endpointUrl": location["endpointUrl"],
        "bucket": location["bucket"],
        "fileKey": body.needed("fileKey", longest=1024),
    }
    return _complete(body, OBJECT_STORE, location["storageLocationId"], details)


def _proxied(call: Call, body: Body) -> NewHandle:
    location = own_location(call, body.needed_integer("storageLocationId"), "ProxyStorageLocationSettings")
    details = {"filePath": body.needed("filePath", longest=1024), "_proxyUrl": location["proxyUrl"]}
    return _complete(body, PROXY, location["storageLocationId"], details)


def add_external(call: Call) -> Response:
    """`POST /externalFileHandle`: behind a URL, in an object store, or behind a proxy, by `concreteType`."""
    body = call.body
    match _kind(body, EXTERNAL):
        case kind if kind == EXTERNAL:
            new = _common(body, EXTERNAL, body.integer("storageLocationId"), {"externalURL": _url(body)})
        case kind if kind == OBJECT_STORE:
            new = _object_store(call, body)
        case kind if kind == PROXY:
            new = _proxied(call, body)
        case other:
            raise bad(f"A file handle of this type cannot be made here: {other[:200]}")
    return reply(handle_wire(add_handle(call, new)))


def _bucketed(call: Call, kind: str, location_type: str) -> Response:
    body = call.body
    location = own_location(call, body.needed_integer("storageLocationId"), location_type)
    bucket = body.text("bucketName") or location["bucket"]
    if bucket != location["bucket"]:
        raise bad(f"The bucket of the storage location is {location['bucket']}, not {bucket[:100]}.")
    details = {"bucketName": bucket, "key": body.needed("key", longest=1024), "isPreview": False}
    return reply(handle_wire(add_handle(call, _complete(body, kind, location["storageLocationId"], details))))


def add_s3(call: Call) -> Response:
    """`POST /externalFileHandle/s3`: an object in a bucket of the caller's. The server does not look whether it is."""
    return _bucketed(call, S3, "ExternalS3StorageLocationSetting")


def add_google(call: Call) -> Response:
    """`POST /externalFileHandle/googleCloud`."""
    return _bucketed(call, GOOGLE, "ExternalGoogleCloudStorageLocationSetting")


def add_proxy(call: Call) -> Response:
    """`POST /externalFileHandle/proxy`."""
    return reply(handle_wire(add_handle(call, _proxied(call, call.body))))


def copy_handles(call: Call) -> Response:
    """`POST /filehandles/copy`: new handles of the same bytes, perhaps of another name and content type."""
    requests = call.body.objects("copyRequests", most=COPY_LIMIT)
    originals = [one.object("originalFile") or Body(None, "originalFile") for one in requests]
    wanted = [read_association(one) for one in originals]
    if not wanted:
        raise bad("copyRequests must include at least one element.")
    if len({one.handle for one in wanted}) < len(wanted):
        raise bad("The same FileHandle is to be copied twice.")
    results: list[dict[str, Any]] = []
    for asked, one, found in zip(wanted, requests, resolve(call, wanted), strict=True):
        outcome = {"failureCode": found} if isinstance(found, str) else {"newFileHandle": _copy(call, found, one)}
        results.append({"originalFileHandleId": str(asked.handle), **outcome})
    return reply({"copyResults": results})


def _copy(call: Call, row: Row, wanted: Body) -> dict[str, Any]:
    new = NewHandle(
        row["kind"],
        wanted.text("newFileName", longest=1024) or row["file_name"],
        wanted.text("newContentType", longest=255) or row["content_type"],
        row["md5"],
        row["size"],
        row["storage_location_id"],
        row["sha256"],
        json.loads(row["details"]),
    )
    return handle_wire(add_handle(call, new))


def swap_handle(call: Call) -> Response:
    """`PUT /entity/{id}/version/{version}/filehandle`: another handle of the same MD5 in place of the old one."""
    node, body = readable_node(call, "UPDATE"), call.body
    old, new = body.needed_integer("oldFileHandleId"), body.needed_integer("newFileHandleId")
    if node["type"] != "file":
        raise bad("Only files have file handles.")
    if node["file_handle_id"] != old:
        raise stale(f"syn{node['id']}")
    replacement = own_handle(call, new)
    if replacement["md5"] is None or replacement["md5"] != find_handle(call.db, old)["md5"]:
        raise ApiError(412, "", "The MD5 of the two file handles differ.")
    call.db.execute(
        "UPDATE sage_versions SET file_handle_id = ? WHERE entity_id = ? AND number = ?",
        (new, node["id"], node["number"]),
    )
    touch(call, node["id"])
    return empty()


ROUTES: Final = (
    writes("POST", "/externalFileHandle", add_external),
    writes("POST", "/externalFileHandle/s3", add_s3),
    writes("POST", "/externalFileHandle/googleCloud", add_google),
    writes("POST", "/externalFileHandle/proxy", add_proxy),
    writes("POST", "/filehandles/copy", copy_handles),
    writes("PUT", "/entity/{id}/version/{version}/filehandle", swap_handle),
)
