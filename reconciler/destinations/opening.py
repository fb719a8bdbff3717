"""From a URL to a destination."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.destinations.base import Destination
from reconciler.destinations.local import LocalDestination
from reconciler.destinations.remote import RemoteDestination
from reconciler.errors import ConfigError, MissingExtra, Problem
from reconciler.model.json import JSON

_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "abfs": "azure", "sftp": "sftp"}


def open_destination(url: str, options: Mapping[str, JSON] | None = None, *, folder: Path) -> Destination:
    """The destination a URL names. Touches neither disk nor network.

    url: a local path, relative to `folder`, a file:// URL, or any fsspec URL. options: for fsspec; secrets stay inside.

    Raises:
        ConfigError: no such protocol, or no path in the URL. MissingExtra: its package is not installed.
    """
    protocol, separator, rest = url.partition("://")
    if not separator or protocol in ("file", "local"):
        path = Path(rest if separator else url).expanduser()
        return LocalDestination(path if path.is_absolute() else folder / path)
    return _open_remote(url, protocol, dict(options or {}))


def shown(url: str) -> str:
    """The URL without user, password and query, for people and logs."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}" if parts.scheme else url


def _open_remote(url: str, protocol: str, options: dict[str, JSON]) -> Destination:
    import fsspec

    try:
        fs, root = fsspec.core.url_to_fs(url, **options)
    except ImportError as exc:
        raise MissingExtra(f"destination {shown(url)}", _EXTRAS.get(protocol, protocol)) from exc
    except (ValueError, TypeError) as exc:
        problem = Problem(
            f"destination {shown(url)} cannot be opened: {type(exc).__name__}", fix="check url and options"
        )
        raise ConfigError([problem]) from None
    root = root.rstrip("/")
    if not root:
        raise ConfigError([Problem(f"destination {shown(url)} names no folder", fix="add a path to the URL")])
    return RemoteDestination(fs, root, shown(url))
