"""The listing of a remote source through fsspec: one recursive listing call, nothing read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from reconciler.errors import Location, Problem, SourceError
from reconciler.sources.listing import Listing
from reconciler.sources.location import Place, failure, translated
from reconciler.sources.names import hidden_rule
from reconciler.sources.selection import Selection

# What the filesystems call a version token or a time of change, most telling first.
_TOKENS = (
    "ETag", "etag", "e_tag", "md5Hash", "content_md5", "checksum", "crc32c", "generation", "version_id",
    "mtime", "LastModified", "last_modified", "updated", "ModifiedTime", "created",
)  # fmt: skip


def version_token(info: Mapping[str, Any]) -> str:
    """Return what tells two contents of one remote file apart, or "" when the filesystem says nothing to trust."""
    for name in _TOKENS:
        value = info.get(name)
        if value not in (None, "", 0, 0.0):
            return f"{name}:{value.hex() if isinstance(value, bytes | bytearray) else value}"
    return ""


def list_remote(
    place: Place, selection: Selection, *, recursive: bool = True, limit: int | None = None
) -> tuple[Listing, list[Problem]]:
    """List a remote folder; sizes and version tokens come from the listing itself.

    A file without a token gets a stamp that never repeats, so that an unchanged survey is never assumed for it.

    Raises:
        SourceError: the folder is missing, or the filesystem cannot be reached.
    """
    found = _find(place, recursive)
    listing = Listing()
    paths = sorted(_below(place, found))
    for prefix, group in groupby(paths[:limit], key=lambda item: item[0].rpartition("/")[0]):
        _add_folder(listing, selection, f"{prefix}/" if prefix else "", [(path, info) for path, info in group])
    return listing, []


def _find(place: Place, recursive: bool) -> dict[str, dict[str, Any]]:
    with translated(place, "cannot be listed"):
        place.filesystem.invalidate_cache()
        try:
            info = place.filesystem.info(place.path)
        except FileNotFoundError as error:
            raise SourceError([failure(place, "", "does not exist", error)]) from error
        if info.get("type") == "file":
            fix = "give the folder that holds the files"
            raise SourceError([Problem(f"{place.shown!r} is not a folder", Location(place.shown), fix=fix)])
        depth = None if recursive else 1
        found: dict[str, dict[str, Any]] = place.filesystem.find(place.path, maxdepth=depth, detail=True)
        return found


class _Item(tuple[str, dict[str, Any]]):
    """(path below the root, info), ordered by folder, then name."""

    def __lt__(self, other: tuple[Any, ...]) -> bool:
        return bool(self[0].rpartition("/")[::2] < other[0].rpartition("/")[::2])


def _below(place: Place, found: Mapping[str, dict[str, Any]]) -> Iterator[_Item]:
    root = place.path.strip("/")
    for full, info in found.items():
        path = full.strip("/").removeprefix(root).lstrip("/") if root else full.lstrip("/")
        if path and not full.endswith("/"):
            yield _Item((path, info))


def _add_folder(listing: Listing, selection: Selection, prefix: str, files: list[tuple[str, dict[str, Any]]]) -> None:
    rule = _folder_rule(selection, prefix)
    rows, total = [], 0
    for path, info in files:
        name = path.rpartition("/")[2]
        if hidden := rule or hidden_rule(name):
            listing.skipped.files.add(hidden, path)
            continue
        size = int(info.get("size") or 0)
        total += size
        rows.append(f"{name}/{size}/{version_token(info) or _never_again()}")
    if rows:
        listing.add_folder(prefix, rows, total)


def _folder_rule(selection: Selection, prefix: str) -> str | None:
    """The rule that leaves a whole folder out: a hidden part, or an exclude."""
    parts = prefix.split("/")[:-1]
    for depth, part in enumerate(parts, 1):
        rule = hidden_rule(part) or selection.prunes("/".join(parts[:depth]) + "/")
        if rule:
            return rule
    return None


UNTRUSTED = "untrusted:"


def _never_again() -> str:
    """A stamp that differs at every listing: there is nothing to recognise the content by."""
    return UNTRUSTED + os.urandom(12).hex()
