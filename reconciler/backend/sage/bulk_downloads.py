"""Many files in one zip: written to disk entry by entry, then kept as a file handle of the caller's."""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import IO, Any, Final

from reconciler.backend.blobs import CHUNK_BYTES, Digests, read
from reconciler.backend.database import Row
from reconciler.backend.routing import Work
from reconciler.backend.sage.associations import NOT_FOUND, Association, read_association, resolve
from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import Call, P, fresh_etag
from reconciler.backend.sage.errors import bad
from reconciler.backend.sage.file_handles import S3, NewHandle, add_handle, stored_details
from reconciler.backend.sage.jobs import JobKind
from reconciler.backend.sage.routes import DOWNLOAD

FILES_LIMIT: Final = 1000
SIZE_LIMIT: Final = 1 << 30  # bytes in one zip; files beyond it are left out, with a code
_FORMATS: Final = ("CommandLineCache", "Flat")

_Entry = tuple[Association, "Row | str"]


def bulk_download(call: Call, body: Body) -> dict[str, Any]:
    """Zip the files that the caller may read; the others have a failure code in the summary."""
    wanted = [read_association(one) for one in body.objects("requestedFiles", most=FILES_LIMIT)]
    if not wanted:
        raise bad("requestedFiles must include at least one element.")
    style = body.text("zipFileFormat") or _FORMATS[0]
    if style not in _FORMATS:
        raise bad(f"Unknown zipFileFormat: {style[:100]}")
    name = body.text("zipFileName", longest=255) or "files.zip"
    with call.store.reading() as call.connection:
        entries = _decide(list(zip(wanted, resolve(call, wanted), strict=True)))
    summary = [_summary(one, found, style) for one, found in entries]
    files = [(_entry_name(found, style), found) for _, found in entries if not isinstance(found, str)]
    handle = _publish(call, name, files) if files else None
    return {
        "concreteType": f"{P}.file.BulkFileDownloadResponse",
        "resultZipFileHandleId": handle,
        "userId": str(call.caller.id),
        "fileSummary": summary,
    }


def _decide(found: Sequence[_Entry]) -> list[_Entry]:
    """Replace handles that do not go into the zip by the code of why."""
    seen: set[int] = set()
    total = 0
    decided: list[_Entry] = []
    for one, row in found:
        code = row if isinstance(row, str) else _refusal(row, seen, total)
        if not isinstance(row, str) and not code:
            seen.add(row["id"])
            total += row["size"]
        decided.append((one, code or row))
    return decided


def _refusal(row: Row, seen: set[int], total: int) -> str:
    if row["sha256"] is None:
        return NOT_FOUND
    if row["id"] in seen:
        return "DUPLICATE"
    return "EXCEEDS_SIZE_LIMIT" if total + row["size"] > SIZE_LIMIT else ""


def _summary(one: Association, found: Row | str, style: str) -> dict[str, Any]:
    line: dict[str, Any] = {
        "fileHandleId": str(one.handle),
        "associateObjectId": one.object or None,
        "associateObjectType": one.kind or None,
    }
    if isinstance(found, str):
        return {**line, "status": "FAILURE", "failureCode": found, "failureMessage": f"The file is left out: {found}"}
    return {**line, "status": "SUCCESS", "zipEntryName": _entry_name(found, style)}


def _entry_name(handle: Row, style: str) -> str:
    """Where a file is in the zip: unique by the handle's id, and never outside the folder it is unpacked in."""
    leaf = re.sub(r'[\x00-\x1f\\/:*?"<>|]', "_", PurePosixPath(handle["file_name"]).name)
    leaf = leaf if leaf.strip(". ") else "file"
    if style == "Flat":
        return f"{handle['id']}-{leaf}"
    return f"{handle['id'] % 1000}/{handle['id']}/{leaf}"


def _publish(call: Call, name: str, files: Sequence[tuple[str, Row]]) -> str:
    """Write the zip, keep it as a blob, and make a handle of it."""
    blobs, staged = call.store.blobs, f"sage-zip-{fresh_etag()}"
    with tempfile.TemporaryFile(dir=call.store.root / "staging") as file:
        _write_zip(call, file, files)
        file.seek(0)
        digests = blobs.stage(staged, _chunks(file))
    with blobs.naming():
        blobs.keep(staged, digests)
        with call.store.writing() as call.connection:
            handle = add_handle(call, _handle(call, name, digests))["id"]
    blobs.discard(staged)
    return str(handle)


def _write_zip(call: Call, file: IO[bytes], files: Sequence[tuple[str, Row]]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        for name, handle in files:
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as entry:
                for chunk in read(call.store.blobs.path(handle["sha256"])):
                    entry.write(chunk)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def _handle(call: Call, name: str, digests: Digests) -> NewHandle:
    details = stored_details(call, name, fresh_etag())
    return NewHandle(S3, name, "application/zip", digests.md5, digests.size, sha256=digests.sha256, details=details)


JOBS: Final = (
    JobKind("file.BulkFileDownloadRequest", "/file/bulk/async", bulk_download, work=Work.NONE, scopes=DOWNLOAD),
)
