"""Handing out URLs of files: for a handle, for a file of an object, for many at once; and look-up by MD5."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from reconciler.backend.database import Row
from reconciler.backend.sage.associations import (
    NOT_FOUND,
    UNAUTHORIZED,
    Association,
    read_association,
    resolve,
)
from reconciler.backend.sage.blob_urls import download_url
from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import Call, reply, url_reply
from reconciler.backend.sage.errors import bad, forbidden, missing
from reconciler.backend.sage.file_handles import EXTERNAL, OBJECT_STORE, PROXY, handle_wire, own_handle
from reconciler.backend.sage.nodes import NODE, Node, header_wire, may, readable_condition, readable_node, require
from reconciler.backend.sage.routes import DOWNLOAD, reads
from reconciler.backend.wire import Response

BATCH_LIMIT: Final = 100
_MD5_LIMIT: Final = 200


def url_of(call: Call, handle: Row) -> str | None:
    """Where the bytes of a handle are, None when they are in a store that this server has no way into."""
    if handle["sha256"] is not None:
        return download_url(call, handle)
    details: Mapping[str, Any] = json.loads(handle["details"])
    match handle["kind"]:
        case kind if kind == EXTERNAL:
            return str(details["externalURL"])
        case kind if kind == OBJECT_STORE:
            return f"{details['endpointUrl'].rstrip('/')}/{details['bucket']}/{details['fileKey']}"
        case kind if kind == PROXY:
            return f"{details['_proxyUrl'].rstrip('/')}/{details['filePath'].lstrip('/')}"
        case _:
            return None


def needed_url(call: Call, handle: Row) -> str:
    """Where the bytes of a handle are; 404 when nobody here knows."""
    url = url_of(call, handle)
    if url is None:
        raise missing(f"The bytes of FileHandle {handle['id']} are in a bucket that this server cannot reach.")
    return url


def handle_url(call: Call) -> Response:
    """`GET /fileHandle/{id}/url`: its creator's only."""
    return url_reply(call, needed_url(call, own_handle(call, call.id())))


def file_url(call: Call) -> Response:
    """`GET /file/{id}?fileAssociateType=&fileAssociateId=`."""
    query = {
        "fileHandleId": call.request.params["id"],
        "associateObjectType": call.query.text("fileAssociateType"),
        "associateObjectId": call.query.text("fileAssociateId"),
    }
    [found] = resolve(call, [read_association(Body(query))])
    if found == UNAUTHORIZED:
        raise forbidden("You are not authorized to download the requested file.")
    if isinstance(found, str):
        raise missing(f"FileHandle with id: '{query['fileHandleId']}' does not exist")
    return url_reply(call, needed_url(call, found))


def batch(call: Call) -> Response:
    """`POST /fileHandle/batch`: handles and URLs of up to 100 files, in order, each with its own failure."""
    body = call.body
    with_handles, with_urls = body.boolean("includeFileHandles"), body.boolean("includePreSignedURLs")
    if not (with_handles or with_urls or body.boolean("includePreviewPreSignedURLs")):
        raise bad("At least one of includeFileHandles, includePreSignedURLs, includePreviewPreSignedURLs must be true.")
    wanted = [read_association(one) for one in body.objects("requestedFiles", most=BATCH_LIMIT)]
    if not wanted:
        raise bad("requestedFiles must include at least one element.")
    if with_urls and not call.caller.scopes >= DOWNLOAD:
        raise forbidden("Request lacks scope(s) required by this service: download")
    found = resolve(call, wanted)
    results = [
        _result(call, asked, one, with_handles=with_handles, with_urls=with_urls)
        for asked, one in zip(wanted, found, strict=True)
    ]
    return reply({"requestedFiles": results}, 201)


def _result(call: Call, asked: Association, found: Row | str, *, with_handles: bool, with_urls: bool) -> dict[str, Any]:
    result: dict[str, Any] = {"fileHandleId": str(asked.handle)}
    url = None if isinstance(found, str) or not with_urls else url_of(call, found)
    if isinstance(found, str):
        return result | {"failureCode": found}
    if with_urls and url is None:
        return result | {"failureCode": NOT_FOUND}
    return result | {"preSignedURL": url, "fileHandle": handle_wire(found) if with_handles else None}


def _file_of(call: Call) -> tuple[Node, Row]:
    node = readable_node(call)
    if node["file_handle_id"] is None:
        raise missing(f"Entity syn{node['id']} has no file.")
    handle = call.db.execute("SELECT * FROM sage_file_handles WHERE id = ?", (node["file_handle_id"],)).fetchone()
    return node, handle


def entity_file(call: Call) -> Response:
    """`GET /entity/{id}/file` and `/entity/{id}/version/{version}/file`."""
    node, handle = _file_of(call)
    require(call, node, "DOWNLOAD")
    return url_reply(call, needed_url(call, handle))


def entity_handles(call: Call) -> Response:
    """`GET /entity/{id}/filehandles` and `/entity/{id}/version/{version}/filehandles`: none without DOWNLOAD."""
    node, handle = _file_of(call)
    return reply({"list": [handle_wire(handle)] if may(call, node, "DOWNLOAD") else []})


def by_md5(call: Call) -> Response:
    """`GET /entity/md5/{md5}`: every version that the caller may read and whose file has this MD5, up to 200."""
    md5 = call.request.params["md5"].lower()
    if not re.fullmatch("[0-9a-f]{32}", md5):
        raise bad("The MD5 must be 32 hexadecimal digits.")
    condition, values = readable_condition(call)
    rows = call.db.execute(
        f"SELECT {NODE} FROM sage_file_handles f JOIN sage_versions v ON v.file_handle_id = f.id"
        " JOIN sage_entities e ON e.id = v.entity_id"
        f" WHERE f.md5 = ? AND e.trash_root IS NULL AND {condition} ORDER BY e.id, v.number LIMIT ?",
        (md5, *values, _MD5_LIMIT),
    ).fetchall()
    return reply({"results": [header_wire(row) for row in rows], "totalNumberOfResults": len(rows)})


ROUTES: Final = (
    reads("GET", "/fileHandle/{id}/url", handle_url, scopes=DOWNLOAD),
    reads("GET", "/file/{id}", file_url, scopes=DOWNLOAD),
    reads("POST", "/fileHandle/batch", batch),
    reads("GET", "/entity/{id}/file", entity_file, scopes=DOWNLOAD),
    reads("GET", "/entity/{id}/version/{version}/file", entity_file, scopes=DOWNLOAD),
    reads("GET", "/entity/{id}/filehandles", entity_handles),
    reads("GET", "/entity/{id}/version/{version}/filehandles", entity_handles),
    reads("GET", "/entity/md5/{md5}", by_md5),
)
