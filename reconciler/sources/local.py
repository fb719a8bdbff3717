"""The walk over a local tree: `os.scandir` and one stat per file, nothing read, nothing opened.

File symlinks are followed. Folder symlinks are followed too, except into a folder above themselves. Whatever cannot
be read is a problem; it is never taken for "no files".
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reconciler.errors import Location, Problem, SourceError
from reconciler.sources.advice import folder_instead
from reconciler.sources.listing import ListedFolders, Listing
from reconciler.sources.location import Place, failure
from reconciler.sources.names import hidden_rule
from reconciler.sources.selection import Selection

_MAX_DEPTH = 100
# Regular file, readable by others: nearly every file passes with one comparison.
_PLAIN_MASK, _PLAIN = stat.S_IFMT(0o177777) | stat.S_IROTH, stat.S_IFREG | stat.S_IROTH
# First letters of the names that `hidden_rule` knows; saves the call for nearly every file.
_SUSPECT = frozenset(".~@#_$TtEeDdSsLlIi")


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder still to be searched. hops: real paths of the folders that held the symlinks on the way here."""

    prefix: str
    hops: tuple[str, ...] = ()


def list_local(
    place: Place, selection: Selection, *, recursive: bool = True, limit: int | None = None
) -> tuple[Listing, list[Problem]]:
    """Walk a local folder.

    Returns the listing and the problems: broken symlinks and what cannot be read. limit: stop after so many files.

    Raises:
        SourceError: the folder itself is missing, not a folder, or unreadable.
    """
    check_root(place)
    listing = Listing()
    walk = Walk(place, selection, recursive, listing)
    walk.search([Folder("")], limit)
    return listing, walk.problems


def check_root(place: Place) -> None:
    """Raise SourceError unless the place is a folder that is there."""
    try:
        mode = os.stat(place.path).st_mode
    except OSError as error:
        what = "does not exist" if isinstance(error, FileNotFoundError) else "cannot be read"
        raise SourceError([failure(place, "", what, error)]) from error
    if not stat.S_ISDIR(mode):
        fix = folder_instead(place.shown)
        raise SourceError([Problem(f"{place.shown!r} is not a folder", Location(place.shown), fix=fix)])


def _until(entries: Iterable[os.DirEntry[str]], rows: list[str], room: int) -> Iterator[os.DirEntry[str]]:
    """The entries until there are so many rows."""
    for entry in entries:
        if len(rows) >= room:
            return
        yield entry


class Walk:
    """The state of one walk. listing: takes what is found."""

    def __init__(self, place: Place, selection: Selection, recursive: bool, listing: Listing | ListedFolders) -> None:
        self.listing = listing
        self.problems: list[Problem] = []
        self._place = place
        self._selection = selection
        self._recursive = recursive

    def search(self, folders: Sequence[Folder], limit: int | None = None) -> None:
        """Search folders and all below them, each before what it holds, in order of name; stop after `limit` files."""
        pending = list(reversed(folders))
        while pending and (limit is None or self.listing.file_count < limit):
            room = None if limit is None else limit - self.listing.file_count
            pending.extend(reversed(self.scan(pending.pop(), room)))

    def scan(self, folder: Folder, room: int | None = None) -> list[Folder]:
        """Add the files of one folder, at most `room` of them, to the listing.

        Returns its sub-folders to search, in order of name.
        """
        rows: list[str] = []
        folders: list[Folder] = []
        total = 0
        append, suspect, prefix = rows.append, _SUSPECT, folder.prefix
        try:
            with os.scandir(self._place.below(prefix)) as entries:
                for entry in entries if room is None else _until(entries, rows, room):
                    name = entry.name
                    if name[0] in suspect and self._is_hidden(prefix, entry):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(Folder(f"{prefix}{name}/", folder.hops))
                        continue
                    try:
                        found = entry.stat()
                    except OSError as error:
                        self._unreadable(prefix + name, error)
                        continue
                    if found.st_mode & _PLAIN_MASK != _PLAIN and not self._is_plain(folder, entry, found, folders):
                        continue
                    total += found.st_size
                    append(f"{name}/{found.st_size}/{found.st_mtime_ns}.{found.st_ino}")
        except OSError as error:
            self._unreadable(prefix, error)
            return []
        if rows:
            self.listing.add_folder(prefix, rows, total)
        return sorted(self._wanted(folders), key=lambda folder: folder.prefix)

    def _is_hidden(self, prefix: str, entry: os.DirEntry[str]) -> bool:
        rule = hidden_rule(entry.name)
        if rule is None:
            return False
        skipped = self.listing.skipped
        (skipped.folders if entry.is_dir() else skipped.files).add(rule, prefix + entry.name)
        return True

    def _is_plain(self, folder: Folder, entry: os.DirEntry[str], found: os.stat_result, folders: list[Folder]) -> bool:
        """Judge what is not simply a readable file: a linked folder, a special file, a file without read permission."""
        path = folder.prefix + entry.name
        if stat.S_ISDIR(found.st_mode):
            self._follow(folder, path, folders)
            return False
        if not stat.S_ISREG(found.st_mode):
            self.listing.skipped.files.add("not a regular file", path)
            return False
        if not os.access(entry.path, os.R_OK):
            self._unreadable(path, PermissionError(13, "Permission denied"))
            return False
        return True

    def _follow(self, folder: Folder, path: str, folders: list[Folder]) -> None:
        """Queue a linked folder unless it lies above the link, which would go round for ever."""
        here = os.path.realpath(self._place.below(folder.prefix))
        target = os.path.realpath(self._place.below(path))
        hops = (*folder.hops, here)
        if any(os.path.commonpath((target, hop)) == target for hop in hops):
            self.listing.skipped.folders.add("symbolic link to a folder above it", path)
        else:
            folders.append(Folder(f"{path}/", hops))

    def _wanted(self, folders: list[Folder]) -> Iterator[Folder]:
        for folder in folders:
            rule = self._selection.prunes(folder.prefix)
            if not self._recursive:
                rule = "below the top folder (recursive: false)"
            if rule:
                self.listing.skipped.folders.add(rule, folder.prefix)
            elif folder.prefix.count("/") > _MAX_DEPTH:
                self.problems.append(self._too_deep(folder.prefix))
            else:
                yield folder

    def _too_deep(self, prefix: str) -> Problem:
        shown = self._place.show(prefix[:80] + "…")
        detail = f"More than {_MAX_DEPTH} folders lie within each other."
        return Problem(f"{shown!r} is nested too deeply", Location(self._place.shown), detail, "exclude the folder")

    def _unreadable(self, path: str, error: OSError) -> None:
        broken = isinstance(error, FileNotFoundError) and os.path.islink(self._place.below(path))
        if not broken:
            self.problems.append(failure(self._place, path, "cannot be read", error))
            return
        shown, fix = self._place.show(path), "restore what it points to, delete it, or exclude it"
        what, detail = f"{shown!r} is a broken symbolic link", "What it points to does not exist."
        self.problems.append(Problem(what, Location(shown), detail, fix))
