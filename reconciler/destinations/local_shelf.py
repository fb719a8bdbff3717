"""Versions in a local folder; the pointer is a link to the latest, replaced in one step."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.destinations.base import LATEST, Standing
from reconciler.destinations.local import LocalDestination, LocalStaging, Places, unwritable
from reconciler.destinations.swap import flush_folder
from reconciler.errors import ConfigError, Problem

_LOCK: Final = ".publishing.lock"
_NEXT: Final = ".latest.new"
_CUT: Final = re.compile(r"\.(v[1-9][0-9]*)\.(new|old)")


@dataclass(frozen=True, slots=True)
class LocalShelf:
    """See `Shelf`. root: absolute; it need not exist yet."""

    root: Path

    @property
    def place(self) -> str:
        """See `Shelf.place`."""
        return str(self.root)

    @property
    def pointer(self) -> str:
        """See `Shelf.pointer`."""
        return LATEST

    def entries(self) -> list[str]:
        """See `Shelf.entries`; a version that was being replaced is there under its name."""
        try:
            names = os.listdir(self.root)
        except FileNotFoundError:
            return []
        except OSError as exc:
            problem = Problem(f"{self.root} cannot be read: {exc.strerror}", fix="choose a folder that can be read")
            raise ConfigError([problem]) from exc
        cut = {found[1] for name in names if (found := _CUT.fullmatch(name)) and found[2] == "old"}
        passing = {LATEST, _LOCK, _NEXT}
        return sorted(cut | {name for name in names if name not in passing and not _CUT.fullmatch(name)})

    def version(self, number: int) -> LocalDestination:
        """See `Shelf.version`."""
        return LocalDestination(self.root / f"v{number}", self.root / _LOCK)

    def open_staging(self, owner: str, standing: Standing, number: int, base: int) -> LocalStaging:
        """See `Shelf.open_staging`."""
        pointer = self.root / LATEST
        if os.path.lexists(pointer) and not pointer.is_symlink():
            problem = Problem(f"{pointer} is no link of ours and stands where the export writes", fix="move it away")
            raise ConfigError([problem])
        target = self.version(number)
        target.inspect(owner, {})  # refuses a folder of others
        before = self.root / f"v{base}" if base else None
        staging = target.open_staging(owner, standing, before)
        self._tidy(f"v{number}")
        return staging

    def pointed(self) -> str | None:
        """See `Shelf.pointed`."""
        try:
            return os.readlink(self.root / LATEST)
        except OSError:
            return None

    def point(self, name: str | None) -> None:
        """See `Shelf.point`."""
        try:
            self._point(name)
        except OSError as exc:
            raise unwritable(str(self.root / LATEST), exc) from exc

    def _point(self, name: str | None) -> None:
        if name is None:
            (self.root / LATEST).unlink(missing_ok=True)
            (self.root / _LOCK).unlink(missing_ok=True)
            if self.root.exists() and not any(self.root.iterdir()):
                self.root.rmdir()
        elif self.pointed() != name:
            following = self.root / _NEXT
            following.unlink(missing_ok=True)
            following.symlink_to(name)
            following.replace(self.root / LATEST)
            flush_folder(self.root)

    def _tidy(self, current: str) -> None:
        """Undo what cut publications of other versions left; called under the lock."""
        cut = (_CUT.fullmatch(name) for name in os.listdir(self.root))
        for name in sorted({found[1] for found in cut if found} - {current}):
            Places(self.root / name).recover()
