"""Brings file bytes to the service: presigned uploads in batches, in parallel, each file apart from the others.

Flow: `POST /v2/data-collections/{id}/upload-urls/` → PUT to each address → `POST .../finalize-upload/`, at most 1000
files per call. Files without bytes cannot pass there (size ≥ 1) and go to `POST /data_files/`.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from io import BytesIO

from reconciler.errors import BackendError, Denied, Invalid, ReconcilerError, Transient
from reconciler.model.json import JSON
from reconciler.model.unit import FileRef
from reconciler.providers.base import Content
from reconciler.providers.body import Body
from reconciler.providers.datamaker.envelope import Row, object_in, rows_in
from reconciler.providers.datamaker.packs import Packing, Work, encoded, packing_in, taken
from reconciler.providers.datamaker.resuming import NOTED_BYTES, Memory, Upload
from reconciler.providers.http import HttpClient
from reconciler.providers.pool import Pool

Outcome = dict[str, JSON] | ReconcilerError  # of one file: what finalizing needs besides, or the error

BATCH = 1000
# From here on a look-up costs less than sending bytes that are there already.
LOOK_UP_BYTES = 8 * 1024 * 1024
_NAME_LIMIT = 255
_EXPIRY_S = (3600, 86400)
_LOST = (0, 507)  # no answer, or no room: not the matter of one file
_READ_BYTES_PER_S = 10 * 1024 * 1024
_SLOW_BYTES_PER_S = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of the files, by planned checksum. checksums: under which the service knows them. errors: why not.

    recalled: those that were not sent because they arrived earlier; the service was not asked about them.
    """

    checksums: dict[str, str] = field(default_factory=dict)
    errors: dict[str, ReconcilerError] = field(default_factory=dict)
    recalled: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Transfer:
    """Uploads into one collection. progress: called with bytes sent, from any thread. memory: of earlier runs.

    lost: why the service stopped answering; nothing more is tried then, or each file would wait as long by itself.
    """

    client: HttpClient
    pool: Pool
    collection_id: str
    content: Content
    progress: Callable[[int], None]
    memory: Memory = field(default_factory=lambda: Memory(None, ""))
    lost: list[Transient] = field(default_factory=list)

    def store(self, files: Mapping[str, FileRef], known: frozenset[str]) -> Stored:
        """Make the service hold the bytes of these files (checksum hex → file).

        known: checksums it is known to hold. Large files are looked up before they are sent. Raises Denied; every
        other failure is told per file.
        """
        stored = Stored(checksums={hex: hex for hex in files if hex in known})
        missing = {hex: ref for hex, ref in files.items() if hex not in known}
        stored.recalled.update(self.memory.arrived(missing))
        for hex in stored.recalled:
            stored.checksums[hex] = hex
            del missing[hex]
        for hex in self._held(missing):
            stored.checksums[hex] = hex
            del missing[hex]
        self._store_empty({hex: ref for hex, ref in missing.items() if ref.size_bytes == 0}, stored)
        rest = [(hex, ref) for hex, ref in missing.items() if ref.size_bytes]
        for start in range(0, len(rest), BATCH):
            self._store_batch(rest[start : start + BATCH], stored)
        return stored

    def _held(self, files: Mapping[str, FileRef]) -> list[str]:
        """Large files that the service holds already: `GET /v2/data-files/?checksum=`."""
        large = [hex for hex, ref in files.items() if ref.size_bytes > LOOK_UP_BYTES]
        answers = self.pool.map(self._is_held, large)
        return [hex for hex, held in zip(large, answers, strict=True) if held]

    def _is_held(self, hex: str) -> bool:
        try:
            rows = rows_in(self.client.get("/v2/data-files/", {"checksum": hex}).value, "GET /v2/data-files/")
        except Denied:
            raise
        except BackendError:
            return False
        return any(row.get("checksum") == hex for row in rows)  # an unknown filter would be ignored, not refused

    def _store_empty(self, files: Mapping[str, FileRef], stored: Stored) -> None:
        for hex, ref in files.items():
            try:
                with self.content.open(ref) as stream:
                    content = stream.read()
                row = object_in(self.client.post_file("/data_files/", _leaf(ref), content), "POST /data_files/")
                stored.checksums[hex] = str(row.get("checksum") or hex)
            except Denied:
                raise
            except ReconcilerError as error:
                stored.errors[hex] = error

    def _store_batch(self, batch: Sequence[tuple[str, FileRef]], stored: Stored) -> None:
        try:
            uploads, packing = self._uploads(batch)
        except Denied:
            raise
        except BackendError as error:
            self._fail_or_split(batch, error, stored)
            return
        work = [(hex, ref, uploads[hex]) for hex, ref in batch]
        outcomes = self._send_all(work, packing)
        done: dict[str, tuple[str, Row]] = {}
        for hex, ref, upload in work:
            outcome = outcomes[hex]
            if isinstance(outcome, ReconcilerError):
                stored.errors[hex] = outcome
            else:
                entry = {"file_key": upload.slot["file_key"], "checksum": hex, "size": ref.size_bytes, **outcome}
                done[str(upload.slot["file_key"])] = (hex, entry)
        self._finalize(done, stored)
        self._begin_again([(hex, ref) for hex, ref, upload in work if upload.resumed], stored)

    def _begin_again(self, resumed: Sequence[tuple[str, FileRef]], stored: Stored) -> None:
        """Send from the start what the service did not let us go on with, such as an upload that it has dropped."""
        refused = [(hex, ref) for hex, ref in resumed if isinstance(stored.errors.get(hex), Invalid)]
        if refused:
            self.memory.forget([hex for hex, _ in refused])
            for hex, _ in refused:
                del stored.errors[hex]
            self._store_batch(refused, stored)

    def _send_all(self, work: Sequence[Work], packing: Packing | None) -> dict[str, Outcome]:
        """Send files one by one, then small ones in packs where the service takes those.

        Small files come last, for nothing is noted of them: a run that is cut leaves fewer to be sent again.
        """
        packs = list(packing.packs([one for one in work if packing.takes(one)])) if packing else []
        packed = {hex for pack in packs for hex, _, _ in pack}
        outcomes = self._send_each([one for one in work if one[0] not in packed])
        if packing:
            for sent in self.pool.map(partial(self._send_pack, packing.url), packs):
                outcomes.update(sent)
        return outcomes | self._send_each([one for one in work if one[0] not in outcomes])

    def _send_each(self, work: Sequence[Work]) -> dict[str, Outcome]:
        return dict(zip((hex for hex, _, _ in work), self.pool.map(self._send, work), strict=True))

    def _send_pack(self, url: str, pack: Sequence[Work]) -> dict[str, Outcome]:
        """PUT several files at once. Returns what became of them; a file that is left out is to be sent by itself."""
        if self.lost:
            return {hex: self.lost[0] for hex, _, _ in pack}
        outcomes: dict[str, Outcome] = {}
        files: list[tuple[Work, bytes]] = []
        for one in pack:
            try:
                files.append((one, self._whole(one[1])))
            except (ReconcilerError, OSError) as error:
                outcomes[one[0]] = _unreadable(one[1], error)
        content = encoded(files)
        try:
            reply = self.client.upload(url, Body(lambda: BytesIO(content), len(content)))
        except Transient as error:
            if error.status in _LOST:
                self.lost.append(error)
                outcomes.update((hex, error) for (hex, _, _), _ in files)
            return outcomes
        except ReconcilerError:
            return outcomes
        for hex, ref, _ in taken(reply.value, files):
            outcomes[hex] = {}
            self.progress(ref.size_bytes)
        return outcomes

    def _whole(self, ref: FileRef) -> bytes:
        """The bytes of a small file, found to be the planned ones."""
        body = Body(lambda: self.content.open(ref), ref.size_bytes, ref.path)
        try:
            return b"".join(body.part(0, ref.size_bytes, lambda _: None))
        finally:
            body.close()

    def _uploads(self, batch: Sequence[tuple[str, FileRef]]) -> tuple[dict[str, Upload], Packing | None]:
        """An upload for each file: one that was cut earlier, else a new one; and how new ones may be packed."""
        packing = None
        uploads = self.memory.uploads([hex for hex, ref in batch if ref.size_bytes >= NOTED_BYTES])
        fresh = [(hex, ref) for hex, ref in batch if hex not in uploads]
        if fresh:
            made, packing = self._new_uploads([ref for _, ref in fresh])
            begun = {hex: upload for (hex, _), upload in zip(fresh, made, strict=True)}
            # Before the first byte: a part that arrives and is not noted any more is sent to the same address again.
            self.memory.note_uploads({hex: begun[hex] for hex, ref in fresh if ref.size_bytes >= NOTED_BYTES})
            uploads.update(begun)
        return uploads, packing

    def _fail_or_split(self, batch: Sequence[tuple[str, FileRef]], error: BackendError, stored: Stored) -> None:
        """One name that the service refuses must not cost the other files."""
        if isinstance(error, Invalid) and len(batch) > 1:
            half = len(batch) // 2
            self._store_batch(batch[:half], stored)
            self._store_batch(batch[half:], stored)
        else:
            stored.errors.update((hex, error) for hex, _ in batch)

    def _new_uploads(self, files: Sequence[FileRef]) -> tuple[list[Upload], Packing | None]:
        """Ask for upload addresses; the answer has the order of the request."""
        path = f"/v2/data-collections/{self.collection_id}/upload-urls/"
        total = sum(ref.size_bytes for ref in files)
        expiration = min(_EXPIRY_S[0] + total // _SLOW_BYTES_PER_S, _EXPIRY_S[1])
        body = {"files": [_request(ref) for ref in files], "expiration": expiration}
        answer = object_in(self.client.call("POST", path, body=body, repeatable=True), f"POST {path}")
        slots: JSON = answer.get("files")
        fits = isinstance(slots, list) and len(slots) == len(files)
        if not fits or not all(isinstance(slot, dict) and slot.get("file_key") for slot in slots):
            raise BackendError("the answer does not match the files asked for", operation=f"POST {path}")
        expires = self.memory.expiry(answer.get("expires_at"), expiration)
        return [Upload(slot, expires) for slot in slots], packing_in(answer)

    def _send(self, work: Work) -> Outcome:
        """PUT what is missing of one file, whole or in parts. Returns what finalizing needs besides, or the error."""
        hex, ref, upload = work
        if self.lost:
            return self.lost[0]
        body = Body(lambda: self.content.open(ref), ref.size_bytes, ref.path)
        try:
            if upload.slot.get("multipart"):
                return {"multipart": self._send_parts(hex, body, upload)}
            if not upload.slot.get("presigned_url"):
                return Invalid("the backend gave no upload address", operation=f"upload {ref.path}")
            if 0 not in upload.etags:
                self._send_whole(hex, ref, body, upload)
            return {}
        except Transient as error:
            if error.status in _LOST:
                self.lost.append(error)
            return error
        except (ReconcilerError, OSError) as error:
            return _unreadable(ref, error)
        except (KeyError, TypeError, ValueError):
            return BackendError("the upload address has an unknown form", operation=f"upload {ref.path}")
        finally:
            body.close()

    def _send_whole(self, hex: str, ref: FileRef, body: Body, upload: Upload) -> None:
        url = str(upload.slot["presigned_url"])
        reply = self.client.upload(url, body, content_type=_mime(ref), progress=self.progress)
        if ref.size_bytes >= NOTED_BYTES:
            upload.etags[0] = reply.etag or ""
            self.memory.note_uploads({hex: upload})

    def _send_parts(self, hex: str, body: Body, upload: Upload) -> Row:
        """PUT the parts one after the other, each with its own retries; their ETags are passed on as they came."""
        multipart = upload.slot["multipart"]
        size = int(multipart["part_size"])
        for part in sorted(multipart["parts"], key=lambda part: int(part["part_number"])):
            number = int(part["part_number"])
            if number in upload.etags:
                continue
            offset = (number - 1) * size
            length = min(size, body.size_bytes - offset)
            reply = self.client.upload(
                part["presigned_url"], body, offset=offset, size_bytes=length, progress=self.progress
            )
            if not reply.etag:
                raise Transient(f"part {number} was stored without an ETag", operation="PUT")
            upload.etags[number] = reply.etag
            self.memory.note_uploads({hex: upload})
        parts = [{"part_number": number, "etag": etag} for number, etag in sorted(upload.etags.items())]
        return {"upload_id": multipart["upload_id"], "parts": parts}

    def _finalize(self, done: Mapping[str, tuple[str, Row]], stored: Stored) -> None:
        """Tell the service which uploads are complete; it judges each file by itself."""
        if not done:
            return
        path = f"/v2/data-collections/{self.collection_id}/finalize-upload/"
        body = {"files": [entry for _, entry in done.values()]}
        # The service may read the bytes, to join parts and to compare checksums.
        patience_s = sum(entry["size"] for _, entry in done.values()) / _READ_BYTES_PER_S
        try:
            reply = self.client.call("POST", path, body=body, repeatable=True, patience_s=patience_s)
            answer = object_in(reply, f"POST {path}")
            results = {str(r.get("file_key")): r for r in answer.get("results") or [] if isinstance(r, dict)}
        except Denied:
            raise
        except BackendError as error:
            stored.errors.update((hex, error) for hex, _ in done.values())
            return
        for file_key, (hex, _) in done.items():
            result = results.get(file_key, {})
            if not result.get("success"):
                reason = str(result.get("error") or "no result for this file")
                stored.errors[hex] = Invalid(f"the upload was not accepted: {reason}", operation=f"POST {path}")
            elif str(result.get("checksum") or hex).lower() != hex:
                reason = f"it arrived as {result['checksum']}, and not as {hex}"
                stored.errors[hex] = Invalid(f"the upload was damaged: {reason}", operation=f"POST {path}")
            else:
                stored.checksums[hex] = hex
        self.memory.note_arrived([hex for hex, _ in done.values() if hex in stored.checksums])


def _unreadable(ref: FileRef, error: ReconcilerError | OSError) -> ReconcilerError:
    if isinstance(error, ReconcilerError):
        return error
    return Invalid(f"{ref.path} cannot be read: {error.strerror or type(error).__name__}")


def _request(ref: FileRef) -> Row:
    kind = _mime(ref)
    return {"filename": _leaf(ref), "size": ref.size_bytes, **({"content_type": kind} if kind else {})}


def _leaf(ref: FileRef) -> str:
    """The file's own name, cut at the front to what the service takes, so that its suffix stays."""
    return ref.path.rsplit("/", 1)[-1][-_NAME_LIMIT:]


def _mime(ref: FileRef) -> str | None:
    return _guessed(_leaf(ref))


@lru_cache(BATCH)  # asked for with the address, then with the bytes
def _guessed(name: str) -> str | None:
    return mimetypes.guess_type(name)[0]
