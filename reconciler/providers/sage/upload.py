"""Brings file bytes to the service: multipart upload, resumed part by part.

Flow: `POST file:/file/multipart` (the same request again gives the same upload and says which parts are there) →
`POST .../presigned/url/batch` → PUT of each part → `PUT .../add/{n}?partMD5Hex=` → `PUT .../complete`.
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock

from reconciler.errors import Invalid, ReconcilerError, SourceError, Transient
from reconciler.model.json import JSON
from reconciler.model.unit import FileRef
from reconciler.providers.base import Content
from reconciler.providers.body import Body
from reconciler.providers.http import HttpClient
from reconciler.providers.pool import Pool
from reconciler.providers.sage.wire import EXTERNAL, UPLOAD, Row, object_in, rows_in, text_in

PART_BYTES = 8 * 1024 * 1024
_MOST_PARTS = 10_000
_READERS = 4  # each reads the file from its start, for a checking stream must see every byte
_ATTEMPTS = 3


class HashedBody(Body):
    """A body that knows the MD5 of the part it gave out last."""

    _hash = hashlib.md5(usedforsecurity=False)

    @property
    def md5(self) -> str:
        """Hex of what was given out; a reader may stop at the last byte without asking for the end."""
        return self._hash.hexdigest()

    def part(self, offset: int, size_bytes: int, count: Callable[[int], None]) -> Iterator[bytes]:
        """See `Body.part`."""
        self._hash = hashlib.md5(usedforsecurity=False)
        for chunk in super().part(offset, size_bytes, count):
            self._hash.update(chunk)
            yield chunk


@dataclass(slots=True)
class Uploads:
    """Uploads through the file service. pool: for parts of large files."""

    client: HttpClient
    pool: Pool
    _places: dict[str, JSON] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def send(
        self,
        file: FileRef,
        name: str,
        kind: str | None,
        parent_id: str,
        content: Content,
        progress: Callable[[int], None],
    ) -> str:
        """Make the service hold a file; returns the id of its file handle. name: as downloads shall call it.

        kind: media type, None to guess. Bytes that the service holds already are not sent.
        """
        if not file.size_bytes:
            raise Invalid(f"{file.path} is empty: the backend takes no files without bytes", fix="exclude it")
        part_bytes = max(PART_BYTES, -(-file.size_bytes // _MOST_PARTS))
        upload = self._begun(file, name, kind or guessed(name), part_bytes, self._place(parent_id))
        if upload.get("state") != "COMPLETED":
            upload_id = text_in(upload, "uploadId", "POST /file/multipart")
            states = text_in(upload, "partsState", "POST /file/multipart")
            missing = [number for number, state in enumerate(states, 1) if state != "1"]
            self._send_parts(_Parts(upload_id, file, content, part_bytes, progress), missing)
            path = f"/file/multipart/{upload_id}/complete"
            upload = object_in(self.client.call("PUT", path), f"PUT {path}")
        return text_in(upload, "resultFileHandleId", "PUT /file/multipart/complete")

    def external(self, url: str, name: str, kind: str | None, md5: str | None) -> str:
        """`POST file:/externalFileHandle`: a handle of bytes that lie elsewhere."""
        body: Row = {"concreteType": EXTERNAL, "externalURL": url, "fileName": name}
        body |= {"contentType": kind or guessed(name)} | ({"contentMd5": md5} if md5 else {})
        reply = self.client.call("POST", "/externalFileHandle", body=body, repeatable=True)
        return text_in(object_in(reply, "POST /externalFileHandle"), "id", "POST /externalFileHandle")

    def retyped(self, handle_id: str, entity_id: str, kind: str) -> str:
        """`POST file:/filehandles/copy`: the same bytes with another media type."""
        original = {"fileHandleId": handle_id, "associateObjectId": entity_id, "associateObjectType": "FileEntity"}
        body = {"copyRequests": [{"originalFile": original, "newContentType": kind}]}
        operation = "POST /filehandles/copy"
        answer = object_in(self.client.call("POST", "/filehandles/copy", body=body, repeatable=True), operation)
        results = rows_in(answer, "copyResults", operation) or [{}]
        made = results[0].get("newFileHandle")
        if not isinstance(made, dict):
            reason = results[0].get("failureCode") or "no new file handle"
            raise Invalid(f"the media type cannot be changed: {reason}", operation=operation)
        return text_in(made, "id", operation)

    def _place(self, parent_id: str) -> JSON:
        """The storage location that a folder prescribes, asked for once."""
        with self._lock:  # held while asking, or all files of a folder would ask at once
            if parent_id not in self._places:
                self._places[parent_id] = self._asked_place(parent_id)
            return self._places[parent_id]

    def _asked_place(self, parent_id: str) -> JSON:
        path = f"/entity/{parent_id}/uploadDestination"
        found = object_in(self.client.get(path), f"GET {path}")
        if text_in(found, "uploadType", f"GET {path}") not in ("S3", "GOOGLECLOUDSTORAGE"):
            fix = "upload there by other means and declare externalURL"
            raise Invalid(f"files of this folder go to {found.get('uploadType')}, past the service", fix=fix)
        return found.get("storageLocationId")

    def _begun(self, file: FileRef, name: str, kind: str, part_bytes: int, place: JSON) -> Row:
        body: Row = {
            "concreteType": UPLOAD,
            "fileName": name,
            "fileSizeBytes": file.size_bytes,
            "contentMD5Hex": file.checksum.hex if file.checksum else "",
            "contentType": kind,
            "partSizeBytes": part_bytes,
            "generatePreview": True,
        }
        body |= {"storageLocationId": place} if place is not None else {}
        params = {"forceRestart": "false"}
        reply = self.client.call("POST", "/file/multipart", params=params, body=body, repeatable=True)
        return object_in(reply, "POST /file/multipart")

    def _send_parts(self, parts: _Parts, missing: list[int]) -> None:
        urls = self._urls(parts.upload_id, missing)
        readers = min(_READERS, self.pool.size, max(1, len(missing) // 4))
        runs = [missing[len(missing) * n // readers : len(missing) * (n + 1) // readers] for n in range(readers)]

        def send(run: list[int]) -> ReconcilerError | None:
            try:
                self._send_run(parts, run, urls)
            except ReconcilerError as error:
                return error
            return None

        errors = [error for error in self.pool.map(send, runs) if error is not None]
        for error in sorted(errors, key=lambda error: not isinstance(error, SourceError)):
            raise error

    def _send_run(self, parts: _Parts, numbers: list[int], urls: Mapping[int, str]) -> None:
        """Send parts one after the other, from one stream."""
        file = parts.file
        body = HashedBody(lambda: parts.content.open(file), file.size_bytes, file.path)
        try:
            for number in numbers:
                self._send_part(parts, body, number, urls[number])
        finally:
            body.close()

    def _send_part(self, parts: _Parts, body: HashedBody, number: int, url: str) -> None:
        """PUT one part and have it added; a part that was damaged on its way is sent again."""
        offset = (number - 1) * parts.part_bytes
        size = min(parts.part_bytes, body.size_bytes - offset)
        answer: Row = {}
        for attempt in range(_ATTEMPTS):
            self.client.upload(url, body, offset=offset, size_bytes=size, progress=None if attempt else parts.progress)
            path = f"/file/multipart/{parts.upload_id}/add/{number}"
            answer = object_in(self.client.call("PUT", path, params={"partMD5Hex": body.md5}), f"PUT {path}")
            if answer.get("addPartState") == "ADD_SUCCESS":
                return
        raise Transient(f"part {number} was not accepted: {answer.get('errorMessage')}", operation="PUT part")

    def _urls(self, upload_id: str, numbers: list[int]) -> dict[int, str]:
        if not numbers:
            return {}
        path = f"/file/multipart/{upload_id}/presigned/url/batch"
        body = {"uploadId": upload_id, "partNumbers": numbers}
        answer = object_in(self.client.call("POST", path, body=body, repeatable=True), f"POST {path}")
        rows = rows_in(answer, "partPresignedUrls", f"POST {path}")
        found = {int(row["partNumber"]): str(row["uploadPresignedUrl"]) for row in rows}
        if not set(numbers) <= found.keys():
            raise Transient("the answer lacks upload addresses", operation=f"POST {path}")
        return found


@dataclass(frozen=True, slots=True)
class _Parts:
    upload_id: str
    file: FileRef
    content: Content
    part_bytes: int
    progress: Callable[[int], None]


def guessed(name: str) -> str:
    """The media type that a file name suggests."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
