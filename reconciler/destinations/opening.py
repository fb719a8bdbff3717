"""From a URL to a destination."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.destinations.base import Destination
from reconciler.destinations.local import LocalDestination
from reconciler.destinations.remote import RemoteDestination
from reconciler.errors import ConfigError, MissingExtra, Problem, Transient
from reconciler.filesystems.opening import open_filesystem
from reconciler.filesystems.unc import unc_url
from reconciler.model.json import JSON


def open_destination(url: str, options: Mapping[str, JSON] | None = None, *, folder: Path) -> Destination:
    """The destination a URL names. Touches neither disk nor network.

    url: a local path, relative to `folder`, a file:// URL, or any fsspec URL, or a share as Windows names it.
    options: for fsspec; secrets stay inside.

    Raises:
        ConfigError: no such protocol, or no path in the URL. MissingExtra: its package is not installed.
    """
    try:
        url = unc_url(url) or url
    except ValueError as exc:
        raise ConfigError([Problem(f"destination {url!r} cannot be opened", detail=f"{exc}.")]) from None
    protocol, separator, rest = url.partition("://")
    if not separator or protocol in ("file", "local"):
        path = Path(rest if separator else url).expanduser()
        return LocalDestination(path if path.is_absolute() else folder / path)
    return _open_remote(url, options or {}, folder)


def versioned(destination: Destination, retain: int | None) -> Destination:
    """The destination with `retain` versions in it, or as it is. Touches neither disk nor network."""
    if retain is None:
        return destination
    from reconciler.destinations.versions import VersionedDestination

    if isinstance(destination, RemoteDestination):
        from reconciler.destinations.remote_shelf import RemoteShelf

        return VersionedDestination(RemoteShelf(destination), retain)
    from reconciler.destinations.local_shelf import LocalShelf

    assert isinstance(destination, LocalDestination)
    return VersionedDestination(LocalShelf(Path(os.path.realpath(destination.root))), retain)


def shown(url: str) -> str:
    """The URL without user, password and query, for people and logs."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if parts.scheme else url


def _open_remote(url: str, options: Mapping[str, JSON], folder: Path) -> Destination:
    try:
        fs, root = open_filesystem(url, options, folder)
    except MissingExtra:
        raise
    except OSError as exc:  # over SSH the connection is made here; the text may hold names and addresses
        raise Transient(f"{shown(url)} does not work: {type(exc).__name__}", operation="export") from exc
    except (ValueError, TypeError) as exc:
        problem = Problem(
            f"destination {shown(url)} cannot be opened: {type(exc).__name__}", fix="check url and options"
        )
        raise ConfigError([problem]) from None
    root = root.rstrip("/")
    if not root:
        raise ConfigError([Problem(f"destination {shown(url)} names no folder", fix="add a path to the URL")])
    return RemoteDestination(fs, root, shown(url))
