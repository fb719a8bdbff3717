"""Where an export is written: a URL, or a path on a storage, whose credentials the backend gives when needed."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.destinations.base import Destination
from reconciler.destinations.local import LocalDestination
from reconciler.destinations.manifest import is_safe_path
from reconciler.destinations.opening import open_destination, shown, versioned
from reconciler.engine.session import Session
from reconciler.errors import ConfigError, Location, Problem
from reconciler.model.resource import Export
from reconciler.providers.base import HasStorages

_STORAGE = "storage:"


def open_export(session: Session, export: Export) -> Destination:
    """The destination of an export. Raises ConfigError, MissingExtra or BackendError when there is no way to it."""
    place, at = export.destination, export.head.location
    if place.url is not None:
        found = open_destination(place.url, place.options, folder=export.head.folder)
    else:
        found = _open_storage(session, export.head.backend, place.storage or "", place.path or "", at)
    return versioned(found, export.retain)


def recorded_place(session: Session, export: Export) -> str:
    """The destination as the state names it: nothing in it lets anybody in."""
    url = export.destination.url
    if url is None:
        return f"{_STORAGE}{export.destination.storage}/{(export.destination.path or '').strip('/')}"
    if "://" in url:
        return shown(url)
    return os.path.relpath(export.head.folder / Path(url).expanduser(), session.configuration.workspace.root)


def open_recorded(session: Session, backend: str, place: str, retain: int | None) -> Destination:
    """The destination that the state names."""
    if place.startswith(_STORAGE):
        storage, _, path = place.removeprefix(_STORAGE).partition("/")
        found = _open_storage(session, backend, storage, path, session.configuration.workspace.location)
    else:
        found = open_destination(place, {}, folder=session.configuration.workspace.root)
    return versioned(found, retain)


def _open_storage(session: Session, backend: str, storage: str, path: str, at: Location | None) -> Destination:
    relative = path.strip("/")
    if not is_safe_path(relative):
        raise ConfigError([Problem(f"{path!r} is no path on a storage", at, fix="write a path without '..'")])
    provider = session.provider(backend)
    if not isinstance(provider, HasStorages):
        problem = Problem(f"the backend {backend!r} has no storages", at, fix="write destination: {url: …}")
        raise ConfigError([problem])
    found = provider.storage(storage)
    destination = open_destination(found.below(relative), found.options, folder=Path("/"))
    if isinstance(destination, LocalDestination) and not Path(found.root.removeprefix("file://")).is_dir():
        problem = Problem(
            f"storage {storage} is a folder of the backend's own machine",
            at,
            detail="That folder is not on this machine.",
            fix="run where the folder is mounted, or write destination: {url: …}",
        )
        raise ConfigError([problem])
    return destination
