"""The listing of a remote source through fsspec: names, sizes and version tokens, nothing read."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from typing import Any

from reconciler.errors import Location, Problem
from reconciler.filesystems.freshness import is_fresh
from reconciler.sources.listing import Listing
from reconciler.sources.location import Place, translated
from reconciler.sources.names import hidden_rule
from reconciler.sources.remote_entries import entries
from reconciler.sources.selection import Selection

# What the filesystems call a version token or a time of change, most telling first.
_TOKENS = (
    "ETag", "etag", "e_tag", "md5Hash", "content_md5", "checksum", "crc32c", "CRC", "generation", "version_id",
    "mtime", "LastModified", "last_modified", "updated", "ModifiedTime", "created",
)  # fmt: skip


def version_token(info: Mapping[str, Any]) -> str:
    """Return what tells two contents of one remote file apart, or "" when there is nothing to trust."""
    for name in _TOKENS:
        value = info.get(name)
        if name == "mtime" and is_fresh(value):
            return ""
        if value not in (None, "", 0, 0.0):
            return f"{name}:{value.hex() if isinstance(value, bytes | bytearray) else value}"
    return ""


def list_remote(
    place: Place, selection: Selection, *, recursive: bool = True, limit: int | None = None
) -> tuple[Listing, list[Problem]]:
    """List a remote folder; sizes and version tokens come from the listing itself.

    A file without a token gets a stamp that never repeats, so that an unchanged survey is never assumed for it. What
    is kept of a file while listing is one row of text. limit: stop after so many files.

    Returns the listing and the problems: folders that cannot be read, names that lead out of the source.

    Raises:
        SourceError: the folder is missing, or the filesystem cannot be reached.
    """
    problems: list[Problem] = []
    listing, folders, sizes = Listing(), _Folders(), Counter[str]()
    base = _archive_stamp(place)

    def skips(folder: str) -> bool:
        if _leads_out(folder):
            problems.append(_unsafe(place, folder))
            return True
        rule = _folder_rule(selection, folder) or (None if recursive else "below the top folder (recursive: false)")
        if rule:
            listing.skipped.folders.add(rule, folder)
        return rule is not None

    with translated(place, "cannot be listed"):
        for path, info in islice(entries(place, recursive, skips, problems), limit):
            if _leads_out(path):
                problems.append(_unsafe(place, path))
                continue
            prefix, slash, name = path.rpartition("/")
            if hidden := _folder_rule(selection, prefix + slash) or hidden_rule(name):
                listing.skipped.files.add(hidden, path)
                continue
            size, token = int(info.get("size") or 0), version_token(info)
            stamp = base + token if token else UNTRUSTED + os.urandom(12).hex()
            folders.setdefault(prefix + slash, []).append(f"{name}/{size}/{stamp}")
            sizes[prefix + slash] += size
    for prefix in sorted(folders):
        listing.add_folder(prefix, folders[prefix], sizes[prefix])
    return listing, problems


_Folders = dict[str, list[str]]


def _archive_stamp(place: Place) -> str:
    """What tells two versions of an archive apart: the times of its members alone do not."""
    if place.archive is None:
        return ""
    with translated(place.archive, "cannot be read"):
        if place.archive.is_local:
            found = os.stat(place.archive.path)
            return f"{found.st_size}.{found.st_mtime_ns}.{found.st_ino};"
        info = place.archive.filesystem.info(place.archive.path)
        return f"{info.get('size')}.{version_token(info) or UNTRUSTED + os.urandom(12).hex()};"


def _leads_out(path: str) -> bool:
    return path.startswith("/") or any(part in ("..", ".") for part in path.split("/"))


def _unsafe(place: Place, path: str) -> Problem:
    fix = "rename it at the source, or exclude its folder"
    return Problem(f"{path!r} does not name a file below {place.shown!r}", Location(place.shown), fix=fix)


def _folder_rule(selection: Selection, prefix: str) -> str | None:
    """The rule that leaves a whole folder out: a hidden part, or an exclude."""
    parts = prefix.split("/")[:-1]
    for depth, part in enumerate(parts, 1):
        rule = hidden_rule(part) or selection.prunes("/".join(parts[:depth]) + "/")
        if rule:
            return rule
    return None


UNTRUSTED = "untrusted:"
