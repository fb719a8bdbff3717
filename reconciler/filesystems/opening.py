"""From a remote URL to an fsspec file system: options translated, host keys verified, archives in place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from reconciler.errors import MissingExtra
from reconciler.model.json import JSON

EXTRAS: Mapping[str, str] = {
    "s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "abfs": "azure", "abfss": "azure",
    "adl": "azure", "sftp": "sftp", "ssh": "sftp", "http": "http", "https": "http", "smb": "smb",
}  # fmt: skip
# What tells two servers apart that know the same paths; none of these lets anybody in.
_ENDPOINTS = ("endpoint_url", "host", "port", "account_name", "project")


def open_filesystem(url: str, options: Mapping[str, JSON], folder: Path) -> tuple[Any, str]:
    """Open the file system of a URL. Returns it and the path inside it.

    Raises MissingExtra; ValueError, TypeError or whatever the file system raises for options that it refuses.
    """
    protocol = urlsplit(url).scheme
    try:
        return _open(_absolute(url, folder), protocol, dict(options))
    except ImportError as error:
        outer = next((p for p in _protocols(url) if p in EXTRAS), protocol)
        raise MissingExtra(f"reading {protocol}:// URLs", EXTRAS.get(outer, outer)) from error


def _open(url: str, protocol: str, options: dict[str, Any]) -> tuple[Any, str]:
    if "::" not in url and protocol in ("http", "https"):
        from reconciler.filesystems.http_index import open_index

        return open_index(url, options)
    if "::" not in url and protocol in ("sftp", "ssh"):
        return _open_sftp(url, options)
    if protocol in ("gs", "gcs"):
        # gcsfs asks a gRPC service for the kind of each bucket and waits a minute where there is none.
        os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    if "smb" in _protocols(url):
        _register_smb()
    from fsspec.core import url_to_fs

    filesystem, root = url_to_fs(url, **options)
    return filesystem, str(root)


def _register_smb() -> None:
    from fsspec import register_implementation

    from reconciler.filesystems.smb import SmbShare

    register_implementation("smb", SmbShare, clobber=True)


def _open_sftp(url: str, options: dict[str, Any]) -> tuple[Any, str]:
    """Over asyncssh, which verifies host keys; fsspec's own class accepts whatever key a server shows."""
    from sshfs import SSHFileSystem

    parts = urlsplit(url)
    given: dict[str, Any] = {"port": parts.port} if parts.port else {}
    given |= {"username": unquote(parts.username)} if parts.username else {}
    given |= {"password": unquote(parts.password)} if parts.password else {}
    keys = options.get("client_keys")
    if isinstance(keys, list) and keys and isinstance(keys[0], str):
        options["client_keys"] = [_private_key(key, options.get("passphrase")) for key in keys]
    # Without this the class would accept whatever key a server shows; () stands for the known hosts of this user.
    given["known_hosts"] = ()
    path = unquote(parts.path) or "/"
    return SSHFileSystem(parts.hostname or "", **{**given, **options}), path.rstrip("/") or "/"


def _private_key(key: str, passphrase: str | None) -> Any:
    """A key given as text, or the path of its file."""
    if "PRIVATE KEY" not in key:
        return str(Path(key).expanduser())
    import asyncssh

    return asyncssh.import_private_key(key, passphrase)


def _protocols(url: str) -> list[str]:
    return [part.partition("://")[0] for part in url.split("::")]


def _absolute(url: str, folder: Path) -> str:
    """The URL with the local archive at its end made absolute: fsspec would look in the working folder."""
    head, chain, last = url.rpartition("::")
    if not chain or "://" in last:
        return url
    return f"{head}::file://{(folder / Path(last).expanduser()).absolute()}"


def endpoint(options: Mapping[str, JSON]) -> str:
    """Text that tells a server from others that know the same URL; holds no secrets."""
    found = [f"{name}={options[name]}" for name in _ENDPOINTS if options.get(name)]
    connection = str(options.get("connection_string") or "")
    found += [part for part in connection.split(";") if part.startswith(("BlobEndpoint=", "AccountName="))]
    inner = [endpoint(value) for value in options.values() if isinstance(value, Mapping)]
    return " ".join([*found, *filter(None, inner)])
