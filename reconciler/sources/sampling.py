"""A sample of a source too large to list: the first files of every branch, so that what belongs together is there.

Every folder gets an equal part of what its parent may take, first names first. Neighbouring folders that were cut are
cut at the same stem, so that `images/` and `labels/` show the same units.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from reconciler.errors import Problem
from reconciler.sources.listing import Listing
from reconciler.sources.location import Place, failure, translated
from reconciler.sources.names import hidden_rule, split_suffix

# So many folders beside each other are all looked at: they are kinds of files. Of more, which are units, as many as
# have room for so many files each.
_ALL, _LEAST = 12, 20
_LOCAL, _REMOTE = 20_000, 5000
_PAGE = 1000


@dataclass(slots=True)
class _Children:
    """The first entries of a folder: (stem, name, size) of files, names of folders. cut: there are more files."""

    files: list[tuple[str, str, int]] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    cut: bool = False

    def add(self, name: str, size_bytes: int, *, is_folder: bool) -> None:
        if is_folder:
            self.folders.append(name)
        else:
            self.files.append((split_suffix(name)[0], name, size_bytes))

    def trim(self, most: int) -> None:
        """Keep the first ones; called now and then while a long folder is read."""
        self.files.sort()
        self.folders.sort()
        self.cut |= len(self.files) > most
        del self.files[most:], self.folders[most:]


def sample(place: Place, limit: int) -> tuple[Listing, list[Problem]]:
    """Look at the first files of every branch: about `limit` of them at most, and never more than time allows.

    Raises:
        SourceError: the source cannot be read.
    """
    room = min(limit, _LOCAL if place.is_local else _REMOTE)
    walk = _Sampling(place, room)
    walk.branch("", room)
    return walk.listing, walk.problems


class _Sampling:
    """The state of one sample."""

    def __init__(self, place: Place, most: int) -> None:
        self.listing = Listing()
        self.problems: list[Problem] = []
        self._place = place
        self._room = most

    def branch(self, prefix: str, room: int) -> None:
        """Sample a folder and all below it."""
        found = self._children(prefix, room)
        most = room // 2 if found.folders else room
        found.cut |= len(found.files) > most
        self._add(prefix, found.files[: max(1, most)])
        self._room -= min(len(found.files), most)
        self._below(prefix, found.folders, room - min(len(found.files), most))

    def _below(self, prefix: str, names: list[str], room: int) -> None:
        visited = names if len(names) <= _ALL else names[: max(1, room // _LEAST)]
        share = max(2, room // max(1, len(visited)))
        leaves: dict[str, _Children] = {}
        for name in visited:
            if self._room <= 0:
                break
            inner = self._children(f"{prefix}{name}/", share)
            if inner.folders:
                self.branch(f"{prefix}{name}/", share)
            else:
                leaves[f"{prefix}{name}/"] = inner
                self._room -= len(inner.files)
        last = min((leaf.files[-1][0] for leaf in leaves.values() if leaf.cut), default=None)
        for folder, leaf in leaves.items():
            self._add(folder, [row for row in leaf.files if last is None or row[0] <= last])

    def _add(self, prefix: str, files: list[tuple[str, str, int]]) -> None:
        if files:
            self.listing.add_folder(prefix, [f"{name}/{size}/" for _, name, size in files], sum(f[2] for f in files))

    def _children(self, prefix: str, most: int) -> _Children:
        found = _Children()
        try:
            for number, (name, size_bytes, is_folder) in enumerate(self._entries(prefix, most), 1):
                if not hidden_rule(name):
                    found.add(name, size_bytes, is_folder=is_folder)
                if number % (_PAGE + 2 * most) == 0:
                    found.trim(most)
        except OSError as error:
            self.problems.append(failure(self._place, prefix, "cannot be read", error))
        found.trim(most)
        return found

    def _entries(self, prefix: str, most: int) -> Iterator[tuple[str, int, bool]]:
        if self._place.is_local:
            return _local(self._place.below(prefix))
        protocol = self._place.filesystem.protocol
        if "s3" in ((protocol,) if isinstance(protocol, str) else protocol):
            return _keys(self._place, prefix, most)
        return _listed(self._place, prefix)


def _local(folder: str) -> Iterator[tuple[str, int, bool]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            is_folder = entry.is_dir()
            # A broken link has no size, and is told when the source is listed as a whole.
            if is_folder or entry.is_file():
                yield entry.name, 0 if is_folder else entry.stat().st_size, is_folder


def _keys(place: Place, prefix: str, most: int) -> Iterator[tuple[str, int, bool]]:
    """The first pages of the keys of a bucket, which come in order."""
    bucket, _, root = place.path.strip("/").partition("/")
    full = (f"{root}/" if root else "") + prefix
    query: dict[str, Any] = {"Bucket": bucket, "Prefix": full, "Delimiter": "/", "MaxKeys": _PAGE}
    for _ in range(1 + most // _PAGE):
        with translated(place, "cannot be listed"):
            page = place.filesystem.call_s3("list_objects_v2", **query)
        yield from ((row["Prefix"].removeprefix(full)[:-1], 0, True) for row in page.get("CommonPrefixes", ()))
        rows = ((row["Key"].removeprefix(full), row["Size"], False) for row in page.get("Contents", ()))
        yield from (row for row in rows if row[0])
        if not page.get("IsTruncated"):
            return
        query["ContinuationToken"] = page["NextContinuationToken"]


def _listed(place: Place, prefix: str) -> Iterator[tuple[str, int, bool]]:
    with translated(place, "cannot be listed"):
        rows = place.filesystem.ls(place.below(prefix).rstrip("/") if prefix else place.path, detail=True)
    for row in rows:
        if row.get("type") in ("file", "directory"):
            name = str(row["name"]).rstrip("/").rpartition("/")[2]
            yield name, int(row.get("size") or 0), row["type"] == "directory"
