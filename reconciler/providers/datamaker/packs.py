"""Several small files in one request, to a service that says it takes them; the real one does not.

The form is that of the embedded backend (docs/embedded-backend.md, "Packs"): an index with the presigned URL, the size
and the checksum of each file, then the bytes of all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.model.json import JSON
from reconciler.model.unit import FileRef
from reconciler.providers.datamaker.envelope import Row
from reconciler.providers.datamaker.resuming import NOTED_BYTES, Upload

Work = tuple[str, FileRef, Upload]  # checksum hex, file, where it goes

_LENGTH_BYTES = 4
_FILE_SHARE = 4  # a file of more than this part of a pack gains little


@dataclass(frozen=True, slots=True)
class Packing:
    """Where packs go, and how many files and bytes one holds at most."""

    url: str
    files: int
    bytes: int

    def takes(self, work: Work) -> bool:
        """Whether a file is worth packing: small, new, and going whole."""
        _, ref, upload = work
        is_whole = bool(upload.slot.get("presigned_url")) and not upload.slot.get("multipart")
        return is_whole and not upload.resumed and ref.size_bytes < min(NOTED_BYTES, self.bytes // _FILE_SHARE)

    def packs(self, work: Sequence[Work]) -> Iterator[list[Work]]:
        """Cut into packs of at least two, in order; a file that is left alone is in none."""
        pack: list[Work] = []
        size = 0
        for one in work:
            if len(pack) == self.files or size + one[1].size_bytes > self.bytes:
                if len(pack) > 1:
                    yield pack
                pack, size = [], 0
            pack.append(one)
            size += one[1].size_bytes
        if len(pack) > 1:
            yield pack


def packing_in(answer: Row) -> Packing | None:
    """What the answer with the addresses says about packs; None when it says nothing that we understand."""
    found = answer.get("pack")
    if not isinstance(found, dict):
        return None
    url, files, size = found.get("url"), found.get("files"), found.get("bytes")
    if not isinstance(url, str) or type(files) is not int or type(size) is not int or files < 2:
        return None
    return Packing(url, files, size)


def encoded(files: Sequence[tuple[Work, bytes]]) -> bytes:
    """The body of a pack."""
    entries = [
        {"url": upload.slot["presigned_url"], "size": len(content), "checksum": hex}
        for (hex, _, upload), content in files
    ]
    index = json.dumps({"files": entries}, separators=(",", ":")).encode()
    return b"".join([len(index).to_bytes(_LENGTH_BYTES, "big"), index, *(content for _, content in files)])


def taken(value: JSON, files: Sequence[tuple[Work, bytes]]) -> list[Work]:
    """Those that the service says it took; all others are sent by themselves, which tells why they are refused."""
    results = value.get("results") if isinstance(value, dict) else None
    if not isinstance(results, list) or len(results) != len(files):
        return []
    pairs = zip(files, results, strict=True)
    return [work for (work, _), result in pairs if isinstance(result, dict) and result.get("status") == 200]
