"""Rows of uploads in parts: how large each part is, which ones were added, and where their bytes wait."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from reconciler.backend.blobs import BlobStore, read
from reconciler.backend.database import Connection, Row, one
from reconciler.backend.sage.file_handles import lookup_handle
from reconciler.backend.store import Store

MAX_PART: Final = 5 << 30


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload. size, part_size: bytes. source: the handle that it copies, None when bytes are sent.
    result: the handle that it became, None while it is going on."""

    id: int
    user: int
    name: str
    content_type: str
    md5: str
    size: int
    part_size: int
    location: int
    source: int | None
    result: int | None
    started_on: str
    updated_on: str

    @property
    def is_done(self) -> bool:
        """Whether it became a handle."""
        return self.result is not None

    @property
    def part_count(self) -> int:
        """How many parts there are."""
        return max(1, -(-self.size // self.part_size))

    @property
    def staged_parts(self) -> list[str]:
        """Names of the staged files of all parts, in order."""
        return [staged_name(self.id, part) for part in range(1, self.part_count + 1)]

    def size_of(self, part: int) -> int:
        """Announced size of a part in bytes; only the last one is smaller. More may come, see `blob_urls`."""
        return min(self.part_size, self.size - (part - 1) * self.part_size)


def staged_name(upload: int, part: int) -> str:
    """Name of the staged file of a part; 0 is for the whole."""
    return f"sage-{upload}.{part}"


def upload_of(row: Row) -> Upload:
    """An upload from its row."""
    return Upload(
        row["id"], row["user_id"], row["name"], row["content_type"], row["md5"], row["size"], row["part_size"],
        row["storage_location_id"], row["source_id"], row["result_id"], row["started_on"], row["updated_on"],
    )  # fmt: skip


def read_upload(db: Connection, number: int) -> Upload | None:
    """An upload, None when there is none."""
    row = one(db, "SELECT * FROM sage_uploads WHERE id = ?", (number,))
    return None if row is None else upload_of(row)


def added_parts(db: Connection, upload: int) -> dict[int, str]:
    """Number → MD5 of the parts that were added."""
    rows = db.execute("SELECT number, md5 FROM sage_upload_parts WHERE upload_id = ? ORDER BY number", (upload,))
    return {row["number"]: row["md5"] for row in rows}


def parts_state(upload: Upload, added: Iterable[int]) -> str:
    """A digit for each part: 1 when it was added, else 0."""
    there = set(added)
    return "".join("1" if part in there else "0" for part in range(1, upload.part_count + 1))


def lost_parts(blobs: BlobStore, upload: Upload, added: Iterable[int]) -> list[int]:
    """Parts that were added and whose bytes are gone, as they are from what nobody completes for days."""
    if upload.is_done or upload.source is not None:
        return []
    sizes = {part: blobs.staged_size(staged_name(upload.id, part)) or 0 for part in added}
    return [part for part, size in sizes.items() if size < upload.size_of(part)]


def drop_parts(db: Connection, upload: int, parts: Iterable[int]) -> None:
    """Forget that parts were added."""
    sql = "DELETE FROM sage_upload_parts WHERE upload_id = ? AND number = ?"
    db.executemany(sql, [(upload, part) for part in parts])


def part_md5(store: Store, upload: Upload, part: int) -> str | None:
    """The MD5 of the bytes that a part has, None when it has none, or not all of them."""
    if upload.source is not None:
        return copied_md5(store, upload, part)
    digests = store.blobs.staged(staged_name(upload.id, part))
    return digests.md5 if digests is not None and digests.size >= upload.size_of(part) else None


def copied_md5(store: Store, upload: Upload, part: int) -> str | None:
    """The MD5 of a part of the file that is copied, None when that is gone."""
    assert upload.source is not None
    with store.reading() as db:
        row = lookup_handle(db, upload.source)
    if row is None or row["sha256"] is None:
        return None
    md5 = hashlib.md5(usedforsecurity=False)
    for chunk in read(store.blobs.path(row["sha256"]), (part - 1) * upload.part_size, upload.size_of(part)):
        md5.update(chunk)
    return md5.hexdigest()
