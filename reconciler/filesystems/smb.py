"""Windows shares over smbprotocol: folders listed with one request, files opened beside other readers.

fsspec's own class asks the server about every entry of a folder again, locks every file that it reads, takes URLs
without decoding them, and raises errors that are no FileNotFoundError. It shares connections by the name of the server
alone: the first user who was let in would then stand for every other, and for every password.
"""

from __future__ import annotations

import atexit
import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import smbclient
from fsspec.implementations.smb import SMBFileSystem
from smbprotocol.exceptions import (
    AccessDenied,
    BadNetworkName,
    LogonFailure,
    SMBAuthenticationError,
    SMBException,
    SMBOSError,
)

_SCHEME = "smb://"
_SHARED = "rwd"
# Open connections by server, user and (hashed) password, for one user's sessions let nobody else in.
_Connections = dict[str, Any]
_CONNECTIONS: dict[tuple[object, ...], _Connections] = {}
_FIELDS = {"username": "username", "user": "username", "password": "password", "domain": "domain"}


class SmbShare(SMBFileSystem):  # type: ignore[misc]
    """A server. Paths are decoded: "/share/folder/file".

    Options besides those of fsspec's class: domain, and credentials, a file as `mount.cifs` reads it. Without a user
    name the ticket of Kerberos is used. Files are read, written and deleted, folders listed and made; nothing else.
    """

    cachable = False

    def __init__(self, host: str, **options: Any) -> None:
        given = {**_stored(options.pop("credentials", None)), **options}
        domain, user = given.pop("domain", None), given.get("username")
        if domain and user:
            given["username"] = f"{domain}\\{user}"
        with _plain_errors():
            super().__init__(host, **{"share_access": _SHARED, **given})

    def _connect(self) -> None:
        """Open a session, or find the one that these credentials opened. Denials are not tried again."""
        for attempts_left in range(self.register_session_retries, -1, -1):
            try:
                smbclient.register_session(self.host, port=self._port, connection_timeout=self.timeout, **self._access)
                return
            except (SMBAuthenticationError, LogonFailure, AccessDenied):
                raise
            except SMBException:
                if not attempts_left:
                    raise
            time.sleep(self.register_session_retry_wait)

    @property
    def _access(self) -> dict[str, Any]:
        """What every call is told, so that it uses no session but those of these credentials."""
        secret = hashlib.sha256((self.password or "").encode()).digest()
        key = (self.host.lower(), self._port, self.username, secret)
        connections = _CONNECTIONS.setdefault(key, {})
        return {
            "username": self.username,
            "password": self.password,
            "encrypt": self.encrypt,
            "connection_cache": connections,
        }

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        if not path.startswith(_SCHEME):
            return path
        # A share knows neither query nor fragment: both signs are letters of a name.
        return "/" + unquote(path.removeprefix(_SCHEME).partition("/")[2]).strip("/")

    @staticmethod
    def _get_kwargs_from_urls(path: str) -> dict[str, Any]:
        parts = urlsplit(path)
        domain, _, user = (parts.username or "").rpartition(";")
        found = {"host": parts.hostname or "", "port": parts.port, "username": unquote(user), "domain": unquote(domain)}
        found["password"] = unquote(parts.password or "")
        return {name: value for name, value in found.items() if value or name == "host"}

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """List a folder; sizes and times come with the names."""
        with _plain_errors(), smbclient.scandir(self._unc(path), port=self._port, **self._access) as entries:
            rows = [_row(path, entry) for entry in entries if entry.name not in (".", "..")]
        return rows if detail else [row["name"] for row in rows]

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Kind, size and time of change of a file or folder; links are followed."""
        with _plain_errors():
            found: dict[str, Any] = super().info(path, **self._access)
        return {**found, "mtime": float(found["mtime"])}

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        with _plain_errors():
            return super()._open(path, mode, **self._access, **options)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Make a folder of a share and those above it."""
        if path.strip("/").count("/"):  # the share itself is there, or is not ours to make
            with _plain_errors():
                smbclient.makedirs(self._unc(path), exist_ok=exist_ok, port=self._port, **self._access)

    def _rm(self, path: str) -> None:
        with _plain_errors():
            smbclient.remove(self._unc(path), port=self._port, **self._access)

    def _unc(self, path: str) -> str:
        return f"\\\\{self.host}{path}".replace("/", "\\")


def _row(folder: str, entry: Any) -> dict[str, Any]:
    kind = "link" if entry.is_symlink() else "directory" if entry.is_dir(follow_symlinks=False) else "file"
    found = entry.smb_info
    changed = found.last_write_time.timestamp()
    return {"name": f"{folder.rstrip('/')}/{entry.name}", "type": kind, "size": found.end_of_file, "mtime": changed}


def _stored(path: str | None) -> Mapping[str, str]:
    """User, password and domain of a file of lines such as `username=…`."""
    if not path:
        return {}
    lines = Path(path).expanduser().read_text("utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {_FIELDS[name.strip()]: value.strip() for name, _, value in pairs if name.strip() in _FIELDS}


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Raise errors of the library as those of the system that say the same."""
    try:
        yield
    except (SMBAuthenticationError, LogonFailure, AccessDenied) as error:
        raise PermissionError(13, "The server denies access") from error
    except BadNetworkName as error:
        raise FileNotFoundError(2, "No such share on the server") from error
    except SMBOSError as error:
        raise OSError(error.errno, error.strerror) from error
    except SMBException as error:
        raise OSError(f"the server answers: {type(error).__name__}") from error
    except ValueError as error:
        if "connect" in str(error).lower():
            raise ConnectionError("the server cannot be reached") from error
        raise


@atexit.register
def _disconnect() -> None:
    """Close what is open; the servers would wait for it."""
    while _CONNECTIONS:
        smbclient.reset_connection_cache(fail_on_error=False, connection_cache=_CONNECTIONS.popitem()[1])
