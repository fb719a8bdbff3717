"""Files that the server itself writes, from bytes that it has at hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.backend.database import Row
from reconciler.backend.sage.call import Call, fresh_etag
from reconciler.backend.sage.file_handles import S3, NewHandle, add_handle, stored_details


@contextmanager
def written(call: Call, name: str, content_type: str, content: bytes) -> Iterator[Row]:
    """Give a new file handle of the caller's within a write transaction, which `call.connection` is, and commit."""
    blobs, staged = call.store.blobs, f"sage-small-{fresh_etag()}"
    digests = blobs.stage(staged, [content])
    try:
        with blobs.naming():
            blobs.keep(staged, digests)
            with call.store.writing() as call.connection:
                details = stored_details(call, name, fresh_etag())
                yield add_handle(
                    call,
                    NewHandle(
                        S3, name, content_type, digests.md5, digests.size, sha256=digests.sha256, details=details
                    ),
                )
    finally:
        blobs.discard(staged)
