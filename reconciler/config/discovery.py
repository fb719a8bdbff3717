"""Walk a workspace for document files, shallow folders first; source and destination folders are not entered.

Dot files and dot folders, symbolic links to folders, and folders that hold a workspace of their own are passed over.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

WORKSPACE_FILES = ("reconciler.yaml", "reconciler.yml", "reconciler.json")
DEFAULT_GLOBS = ("**/*.yaml", "**/*.yml")


class Glob:
    """A path pattern: `*` and `?` within a name, `**` for any number of folders, `[...]` sets, `{a,b}` is literal."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._parts = [part for part in pattern.split("/") if part not in ("", ".")]

    @cached_property
    def _regexes(self) -> list[re.Pattern[str] | None]:
        import fnmatch

        return [None if part == "**" else re.compile(fnmatch.translate(part)) for part in self._parts]

    def matches(self, path: Sequence[str]) -> bool:
        """Whether the names of a path match; names that begin with a dot only where the pattern says so."""
        return self._match(self._regexes, self._parts, list(path), partly=False)

    def may_hold(self, folder: Sequence[str]) -> bool:
        """Whether anything below a folder can match."""
        return self._match(self._regexes, self._parts, list(folder), partly=True)

    def _match(
        self, regexes: Sequence[re.Pattern[str] | None], parts: Sequence[str], names: Sequence[str], *, partly: bool
    ) -> bool:
        if not names:
            return partly or not regexes or (len(regexes) == 1 and regexes[0] is None)
        if not regexes:
            return False
        name = names[0]
        first = regexes[0]
        if first is None:
            if self._match(regexes[1:], parts[1:], names, partly=partly):
                return True
            return not name.startswith(".") and self._match(regexes, parts, names[1:], partly=partly)
        if name.startswith(".") and not parts[0].startswith("."):
            return False
        return first.match(name) is not None and self._match(regexes[1:], parts[1:], names[1:], partly=partly)


@dataclass(slots=True)
class Walk:
    """One walk. excluded: folders that are not entered; may grow while the walk goes on.

    nested: folders with a workspace of their own, found on the way.
    """

    root: Path
    globs: tuple[Glob, ...]
    excluded: set[Path] = field(default_factory=set)
    nested: list[Path] = field(default_factory=list)

    def levels(self) -> Iterator[list[Path]]:
        """Give matching files, one folder depth at a time, each level sorted.

        Folders excluded between two steps are not entered by the next. Raises OSError when the root cannot be listed;
        folders below it that cannot be listed are passed over.
        """
        folders: list[tuple[str, ...]] = [()]
        while folders:
            found: list[Path] = []
            below: list[tuple[str, ...]] = []
            for names in folders:
                if self._is_open(names):
                    self._list(names, found, below)
            yield sorted(found)
            folders = sorted(below)

    def _is_open(self, names: tuple[str, ...]) -> bool:
        return self.root.joinpath(*names) not in self.excluded and any(glob.may_hold(names) for glob in self.globs)

    def _list(self, names: tuple[str, ...], found: list[Path], below: list[tuple[str, ...]]) -> None:
        folder = self.root.joinpath(*names)
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError:
            if not names:
                raise
            return
        if names and any(entry.name in WORKSPACE_FILES and entry.is_file() for entry in entries):
            self.nested.append(folder)
            return
        for entry in entries:
            path = (*names, entry.name)
            if entry.is_dir(follow_symlinks=False):
                below.append(path)
            elif any(glob.matches(path) for glob in self.globs) and entry.is_file():
                found.append(folder / entry.name)
