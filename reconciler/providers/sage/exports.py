"""What an export is made of: everything below a collection, told as records, and the bytes of its files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from reconciler.errors import BackendError, Denied, Invalid, NotFound
from reconciler.model.json import JSON
from reconciler.model.observed import AnnotationRecord, RemoteFile
from reconciler.providers.base import NotModified, RecordListing
from reconciler.providers.http import HttpClient
from reconciler.providers.pool import Pool
from reconciler.providers.sage import entities, units
from reconciler.providers.sage.connection import Clients
from reconciler.providers.sage.tree import ANY_TYPE, MARKER, Tree
from reconciler.providers.sage.wire import FILE, FOLDER, LINK, Row, object_in

_AT_ONCE = 64
_ADDRESSES = 3  # times that the address of one file is asked for: they expire
_EXPIRED = 403

Entry = tuple[str, Row]


def below(clients: Clients, pool: Pool, collection_id: str, etag: str | None) -> RecordListing | NotModified:
    """Everything below a collection by path: a call per folder and 50 entries, and one per file and folder.

    The latter are spared when the listing is as it was. The data of a record: `kind` (file, folder, link, other),
    `type`, `parent`, and of files and folders `version`, `description`, `meta` and `attributes`.
    """
    tree = Tree(clients.repo, pool, collection_id)
    entries = sorted((entry for page in tree.entries(ANY_TYPE) for entry in page), key=lambda entry: entry[0])
    found = _digest(collection_id, entries)
    if found == etag:
        return NotModified()
    folders = {path: str(row["id"]) for path, row in entries if row.get("type") == FOLDER} | {"": collection_id}
    return RecordListing(found, _records(clients.repo, pool, entries, folders))


def _digest(collection_id: str, entries: list[Entry]) -> str:
    found = hashlib.sha256(collection_id.encode())
    for path, row in entries:
        found.update(f"{path}\n{row['id']}\n{row.get('type')}\n{entities.token_of(row)}\n".encode())
    return found.hexdigest()[:32]


def _records(
    client: HttpClient, pool: Pool, entries: list[Entry], folders: dict[str, str]
) -> Iterator[AnnotationRecord]:
    def read(entry: Entry) -> AnnotationRecord | None:
        return _record(client, entry, folders[entry[0].rpartition("/")[0]])

    for start in range(0, len(entries), _AT_ONCE):
        found = pool.map(read, entries[start : start + _AT_ONCE])
        yield from (record for record in found if record is not None)


def _record(client: HttpClient, entry: Entry, parent_id: str) -> AnnotationRecord | None:
    """The record of one entity; None when it is gone meanwhile."""
    path, row = entry
    remote_id, kind = str(row["id"]), str(row.get("type"))
    head: dict[str, JSON] = {"kind": "link" if kind == LINK else "other", "type": kind.rpartition(".")[2]}
    if kind not in (FILE, FOLDER):
        return AnnotationRecord(remote_id, parent_id, path, head | {"parent": parent_id}, ())
    head |= {"kind": "file" if kind == FILE else "folder", "parent": parent_id}
    try:
        there = entities.bundle(client, remote_id)
    except NotFound:
        return None
    except Denied as error:
        if error.status != _EXPIRED:
            raise
        return AnnotationRecord(remote_id, parent_id, path, head, (), fault="you may not read it")
    entity = entities.object_of(there)
    found = units.from_bundle(entity, there, path)
    meta = {key: value for key, value in found.meta.items() if key != MARKER or kind != FOLDER}
    data = head | {"version": entity.get("versionNumber"), "meta": meta, "attributes": dict(found.attributes)}
    if kind == FOLDER or found.attributes.get("externalURL"):
        return AnnotationRecord(remote_id, parent_id, path, data, ())
    handle = units.handle_of(entity, there)
    fault = None if handle else "you may not download its file"
    return AnnotationRecord(remote_id, parent_id, path, data, (_file(entity, handle),) if handle else (), fault=fault)


def _file(entity: Row, handle: Row) -> RemoteFile:
    url = f"{handle['id']}/FileEntity/{entity['id']}"
    name = str(handle.get("fileName") or entity["name"])
    return RemoteFile(units.SPEC, name, url, handle.get("contentSize"), handle.get("contentMd5"), is_primary=True)


def fetch(client: HttpClient, file: RemoteFile) -> Iterator[bytes]:
    """Stream a file. A lost connection goes on where it stopped, at a new address when the first has expired.

    client: of the file service.
    """
    seen = 0
    for left in reversed(range(_ADDRESSES)):
        url = _address(client, file)
        try:
            for chunk in client.download(url, offset=seen):
                seen += len(chunk)
                yield chunk
            return
        except (Denied, Invalid) as error:
            if seen and seen == file.size_bytes:  # all of it came, only its end did not
                return
            if error.status != _EXPIRED or not left:
                raise


def _address(client: HttpClient, file: RemoteFile) -> str:
    """`POST /fileHandle/batch`: where the bytes are, for a while."""
    handle_id, kind, owner_id = file.url.split("/")
    asked = {"fileHandleId": handle_id, "associateObjectType": kind, "associateObjectId": owner_id}
    body = {"requestedFiles": [asked], "includePreSignedURLs": True, "includeFileHandles": False}
    answer = object_in(client.call("POST", "/fileHandle/batch", body=body, repeatable=True), "POST /fileHandle/batch")
    rows = answer.get("requestedFiles") or [{}]
    url = rows[0].get("preSignedURL")
    if not url:
        reason = str(rows[0].get("failureCode") or "no address was given").lower()
        raise BackendError(f"{file.name} cannot be downloaded: {reason}", operation="POST /fileHandle/batch")
    return str(url)
