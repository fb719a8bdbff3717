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
from urllib.parse import unquote

from reconciler.errors import Location, Problem, ReconcilerError, SourceError
from reconciler.filesystems.opening import endpoint, open_filesystem
from reconciler.filesystems.unc import unc_url
from reconciler.model.json import JSON
from reconciler.sources.advice import advice

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*@")
_QUERY = re.compile(r"\?\S*")


@dataclass(frozen=True, slots=True)
class Place:
    """A resolved URL. path: absolute local path, or the path inside `filesystem` (None for local).

    shown: the URL as the user wrote it, without credentials and query. secrets: texts that no message may hold.
    server: what tells its server from others that know the same paths. archive: where the archive lies whose members
    these are.
    """

    shown: str
    path: str
    filesystem: Any = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    server: str = ""
    archive: Place | None = None

    @property
    def is_local(self) -> bool:
        """True for a path of this machine."""
        return self.filesystem is None

    @property
    def identity(self) -> str:
        """Text that tells this place from every other, for the digest cache; holds no secrets."""
        if self.is_local:
            return self.path
        inner = f" {self.archive.identity}" if self.archive else ""
        return f"{self.shown}#{self.path} {self.server}{inner}".rstrip()

    def below(self, path: str) -> str:
        """The full path of something below this place."""
        # An empty path is the root of an archive, whose members have no leading "/".
        return f"{self.path.rstrip('/')}/{path}" if self.path else path

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
    with translated(Place(url, ""), "cannot be used"):
        url = unc_url(url) or url
    path = local_path(url, folder)
    if path is not None:
        return Place(shown_url(url), str(path.absolute()))
    shown, secrets = shown_url(url), (*_CREDENTIALS.findall(url), *_QUERY.findall(url), *_texts(options))
    with translated(Place(shown, "", secrets=secrets), "cannot be opened"):
        filesystem, root = open_filesystem(url, options, folder)
    return Place(shown, root, filesystem, secrets, endpoint(options), _archive(url, folder, options))


def _archive(url: str, folder: Path, options: Mapping[str, JSON]) -> Place | None:
    """Where the archive of a chained URL such as `tar://::s3://bucket/a.tar` lies."""
    rest = url.partition("::")[2]
    given = options.get(rest.partition("://")[0])
    return locate(rest, folder, given if isinstance(given, Mapping) else {}) if rest else None


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
    return Problem(f"{shown!r} {what}", Location(shown), detail=_reason(place, error), fix=advice(place.shown, error))


def _reason(place: Place, error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}."
    text = _QUERY.sub("", _CREDENTIALS.sub("", str(error)))
    for secret in place.secrets:
        text = text.replace(secret, "***")
    return f"{type(error).__name__}: {text[:200]}".rstrip(": ")
