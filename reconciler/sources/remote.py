"""The listing of a remote source through fsspec: names, sizes and version tokens, nothing read."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from reconciler.errors import Location, Problem
from reconciler.filesystems.freshness import is_fresh
from reconciler.sources.listing import Listing, Skipped
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
    sieve = Sieve(place, selection, recursive)
    with translated(place, "cannot be listed"):
        for path, info in islice(entries(place, recursive, sieve.skips, sieve.found.problems), limit):
            sieve.take(path, info)
    return sieve.found.listing(), sieve.found.problems


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of a remote source, or of a part of it; it can be sent between processes.

    rows: folder → rows of a listing. sizes: folder → bytes.
    """

    rows: dict[str, list[str]] = field(default_factory=dict)
    sizes: Counter[str] = field(default_factory=Counter)
    skipped: Skipped = field(default_factory=Skipped)
    problems: list[Problem] = field(default_factory=list)

    def merge(self, other: Found) -> None:
        """Take over what another part found; parts must come in the order of the store."""
        for prefix, rows in other.rows.items():
            self.rows.setdefault(prefix, []).extend(rows)
        self.sizes.update(other.sizes)
        self.skipped.files.merge(other.skipped.files)
        self.skipped.folders.merge(other.skipped.folders)
        self.problems.extend(other.problems)

    def listing(self) -> Listing:
        """The listing, folders in order of name."""
        listing = Listing()
        for prefix in sorted(self.rows):
            listing.add_folder(prefix, self.rows[prefix], self.sizes[prefix])
        listing.skipped.files.merge(self.skipped.files)
        listing.skipped.folders.merge(self.skipped.folders)
        return listing


class Sieve:
    """Judges what is found of one source. found: takes what counts, and what was left out."""

    def __init__(self, place: Place, selection: Selection, recursive: bool) -> None:
        self.found = Found()
        self._place = place
        self._selection = selection
        self._recursive = recursive
        self._base = _archive_stamp(place)

    def skips(self, folder: str) -> bool:
        """Whether to leave a folder unsearched, given with its final "/"."""
        if _leads_out(folder):
            self.found.problems.append(_unsafe(self._place, folder))
            return True
        rule = _folder_rule(self._selection, folder)
        rule = rule or (None if self._recursive else "below the top folder (recursive: false)")
        if rule:
            self.found.skipped.folders.add(rule, folder)
        return rule is not None

    def take(self, path: str, info: Mapping[str, Any]) -> None:
        """Add a file, given with what the file system says of it, unless a rule leaves it out."""
        if _leads_out(path):
            self.found.problems.append(_unsafe(self._place, path))
            return
        prefix, slash, name = path.rpartition("/")
        prefix += slash
        if hidden := _folder_rule(self._selection, prefix) or hidden_rule(name):
            self.found.skipped.files.add(hidden, path)
            return
        size, token = int(info.get("size") or 0), version_token(info)
        stamp = self._base + token if token else UNTRUSTED + os.urandom(12).hex()
        self.found.rows.setdefault(prefix, []).append(f"{name}/{size}/{stamp}")
        self.found.sizes[prefix] += size


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
