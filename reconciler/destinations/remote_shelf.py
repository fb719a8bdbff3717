"""Versions on an fsspec file system; the pointer is a small file, `latest.json`, written last."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from reconciler.destinations.base import LATEST, Standing
from reconciler.destinations.remote import RemoteDestination, RemoteStaging
from reconciler.model.json import canonical_json

_POINTER: Final = f"{LATEST}.json"


@dataclass(frozen=True, slots=True)
class RemoteShelf:
    """See `Shelf`. root: the folder in which the versions are."""

    root: RemoteDestination

    @property
    def place(self) -> str:
        """See `Shelf.place`."""
        return self.root.place

    @property
    def pointer(self) -> str:
        """See `Shelf.pointer`."""
        return _POINTER

    def entries(self) -> list[str]:
        """See `Shelf.entries`."""
        fs, folder = self.root.fs, self.root.root
        self.root.reach(fs.invalidate_cache)
        try:
            found = self.root.reach(lambda: fs.ls(folder, detail=False))
        except FileNotFoundError:
            return []
        names = {
            str(name).rstrip("/").rpartition("/")[2] for name in found if str(name).strip("/") != folder.strip("/")
        }
        return sorted(names - {_POINTER})

    def version(self, number: int) -> RemoteDestination:
        """See `Shelf.version`."""
        return self.root.below(f"v{number}")

    def open_staging(self, owner: str, standing: Standing, number: int, base: int) -> RemoteStaging:
        """See `Shelf.open_staging`."""
        target = self.version(number)
        target.inspect(owner, {})  # refuses a folder of others
        return target.open_staging(owner, standing, self.version(base) if base else None)

    def pointed(self) -> str | None:
        """See `Shelf.pointed`."""
        try:
            found = json.loads(self.root.read(_POINTER) or b"null")
        except ValueError:
            return None
        name = found.get("version") if isinstance(found, dict) else None
        return name if isinstance(name, str) else None

    def point(self, name: str | None) -> None:
        """See `Shelf.point`."""
        if name is not None and self.pointed() != name:
            self.root.write(_POINTER, f"{canonical_json({'version': name})}\n".encode())
        elif name is None:
            self.root.delete(_POINTER)
