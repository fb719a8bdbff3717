"""Sources on storages of the backend: the backend says where they are and how to get in, each time anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from reconciler.engine.session import Session
from reconciler.errors import ConfigError, Location, Problem
from reconciler.model.resource import AssetSet, SourceLocation
from reconciler.providers.base import HasStorages, StoragePlace


def located(session: Session, asset_set: AssetSet) -> AssetSet:
    """The same set with the URL and the options of every source on a storage; nothing of it may be stored.

    Raises ConfigError or BackendError when there is no way to a storage.
    """
    if all(source.storage is None for source in asset_set.sources):
        return asset_set
    sources = tuple(_located(session, asset_set, source) for source in asset_set.sources)
    return replace(asset_set, sources=sources)


def _located(session: Session, asset_set: AssetSet, source: SourceLocation) -> SourceLocation:
    if source.storage is None:
        return source
    at, provider = asset_set.head.location, session.provider(asset_set.head.backend)
    if not isinstance(provider, HasStorages):
        raise ConfigError([Problem(f"the backend {asset_set.head.backend!r} has no storages", at, fix="write a url")])
    place = provider.storage(source.storage, "read")
    _check_mounted(place, source.storage, at)
    try:
        url = place.below(source.url)
    except ValueError as error:
        problem = Problem(f"source on storage {source.storage}: {error}", at, fix="write the path without '..'")
        raise ConfigError([problem]) from None
    return replace(source, url=url, options=place.options, storage=None)


def _check_mounted(place: StoragePlace, storage: str, at: Location | None) -> None:
    if place.root.startswith("file://") and not Path(place.root.removeprefix("file://")).is_dir():
        what = f"storage {storage} is a folder of the backend's own machine"
        detail, fix = "That folder is not on this machine.", "run where the folder is mounted, or write a url"
        raise ConfigError([Problem(what, at, detail, fix)])
