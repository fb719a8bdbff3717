"""Where a source lies: a local folder or an fsspec URL, how it is shown, and how its failures are told.

Passwords, query strings and options never reach a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from reconciler.errors import Location, MissingExtra, Problem, ReconcilerError, SourceError
from reconciler.model.json import JSON

_EXTRAS = {
    "s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "abfs": "azure", "abfss": "azure",
    "adl": "azure", "sftp": "sftp", "ssh": "sftp", "http": "http", "https": "http",
}  # fmt: skip
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*@")
_QUERY = re.compile(r"\?\S*")


@dataclass(frozen=True, slots=True)
class Place:
    """A resolved URL. path: absolute local path, or the path inside `filesystem` (None for local).

    shown: the URL as the user wrote it, without credentials and query. secrets: texts that no message may hold.
    """

    shown: str
    path: str
    filesystem: Any = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_local(self) -> bool:
        """True for a path of this machine."""
        return self.filesystem is None

    @property
    def identity(self) -> str:
        """Text that tells this place from every other, for the digest cache; holds no secrets."""
        if self.is_local:
            return self.path
        protocol = self.filesystem.protocol
        return f"{protocol if isinstance(protocol, str) else protocol[0]}://{self.path}"

    def below(self, path: str) -> str:
        """The full path of something below this place."""
        return f"{self.path.rstrip('/')}/{path}"

    def show(self, path: str) -> str:
        """How a path below this place is shown to people."""
        return f"{self.shown.rstrip('/')}/{path}" if self.shown not in ("", ".") else path


def shown_url(url: str) -> str:
    """Return the URL without credentials and without the query, which may hold a signature."""
    if "://" not in url:
        return url
    return _QUERY.sub("", _CREDENTIALS.sub("", url))


def local_path(url: str, folder: Path) -> Path | None:
    """Return the absolute local path that a URL stands for, relative to `folder`; None for a remote URL."""
    if url.startswith(("file://", "local://")):
        return folder / Path(unquote(url.split("://", 1)[1])).expanduser()
    return None if "://" in url or "::" in url else folder / Path(url).expanduser()


def locate(url: str, folder: Path, options: Mapping[str, JSON]) -> Place:
    """Resolve a URL without touching it.

    Raises MissingExtra when the protocol needs a package, SourceError when it is unknown or refuses the options.
    """
    path = local_path(url, folder)
    if path is not None:
        return Place(shown_url(url), str(path.absolute()))
    shown, secrets = shown_url(url), (*_CREDENTIALS.findall(url), *_QUERY.findall(url), *_texts(options))
    with translated(Place(shown, "", secrets=secrets), "cannot be opened"):
        from fsspec.core import url_to_fs

        filesystem, root = _open_filesystem(url_to_fs, url, options)
    return Place(shown, root, filesystem, secrets)


def _texts(value: JSON) -> Iterator[str]:
    """Every text in the options that is long enough to be a secret."""
    if isinstance(value, str) and len(value) >= 4:
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _open_filesystem(url_to_fs: Any, url: str, options: Mapping[str, JSON]) -> tuple[Any, str]:
    protocol = urlsplit(url).scheme
    try:
        filesystem, root = url_to_fs(url, **options)
    except ImportError as error:
        raise MissingExtra(f"reading {protocol}:// URLs", _EXTRAS.get(protocol, protocol)) from error
    return filesystem, str(root)


@contextmanager
def translated(place: Place, what: str) -> Iterator[None]:
    """Turn any failure of a filesystem into SourceError with one problem about `place`."""
    try:
        yield
    except ReconcilerError:
        raise
    except Exception as error:
        raise SourceError([failure(place, "", what, error)]) from error


def failure(place: Place, path: str, what: str, error: BaseException) -> Problem:
    """Describe an input or output failure; the text of remote errors is cut and cleaned of secrets."""
    shown = place.show(path) if path else place.shown
    return Problem(f"{shown!r} {what}", Location(shown), detail=_reason(place, error), fix=_advice(error))


def _reason(place: Place, error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}."
    text = _QUERY.sub("", _CREDENTIALS.sub("", str(error)))
    for secret in place.secrets:
        text = text.replace(secret, "***")
    return f"{type(error).__name__}: {text[:200]}".rstrip(": ")


def _advice(error: BaseException) -> str:
    if isinstance(error, PermissionError):
        return "give the user that runs this read access, or exclude it"
    if isinstance(error, FileNotFoundError):
        return "check the spelling; relative paths start from the folder of the document"
    return "check the URL, the network and the options of the source"
