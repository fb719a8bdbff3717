"""Web servers that list their folders, as a file system: index pages of Apache, nginx and their like, over httpx.

fsspec's own HTTP file system takes every link of a page for a file, gives names percent-encoded, and returns whole
files where a server does not know ranges; here a link counts only when it leads to a direct child of the folder.
"""

from __future__ import annotations

import io
import weakref
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import Any, cast
from urllib.parse import quote, unquote, urljoin, urlsplit

import httpx
from fsspec.spec import AbstractFileSystem

from reconciler.filesystems.freshness import is_fresh

_TIMEOUT_S = 60.0
_HEADS_AT_ONCE = 8
_MAX_PAGE_BYTES = 256 * 1024 * 1024
_NO_HEAD = (405, 501)


class HttpIndex(AbstractFileSystem):  # type: ignore[misc]
    """A server, read only. Paths are decoded and start with "/"; folders have an index page of links.

    base: scheme, host and port. query: of the URL that was given, sent with its path alone, since it may be a
    signature for just this one. Options: headers, username, password, timeout_s, verify (false or a file of
    certificates).
    """

    protocol = ("http", "https")
    cachable = False

    def __init__(self, base: str, root: str, query: str = "", **options: Any) -> None:
        super().__init__()
        self._base, self._root, self._query = base, root, query
        user, password = options.pop("username", None), options.pop("password", "")
        self._client = httpx.Client(
            auth=(user, password) if user else None,
            headers={"Accept-Encoding": "identity", **options.pop("headers", {})},
            timeout=options.pop("timeout_s", _TIMEOUT_S),
            verify=_trusted(options.pop("verify", True)),
            follow_redirects=True,
        )
        self._closer = weakref.finalize(self, self._client.close)
        if options:
            raise TypeError(f"unknown options: {', '.join(sorted(options))}")

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """List a folder; sizes and version tokens cost a HEAD request per file. Raises NotADirectoryError."""
        folder = path.rstrip("/") + "/"
        names = self._links(folder)
        folders = [{"name": folder + name[:-1], "size": 0, "type": "directory"} for name in names if name[-1] == "/"]
        with ThreadPoolExecutor(_HEADS_AT_ONCE, thread_name_prefix="head") as pool:
            files = list(pool.map(self.info, [folder + name for name in names if name[-1] != "/"]))
        return folders + files if detail else [entry["name"] for entry in folders + files]

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Size and version token of a file; a path that leads to one ending in "/" is a folder."""
        reply = self._client.head(self._url(path))
        if reply.status_code in _NO_HEAD:
            with self._client.stream("GET", self._url(path)) as reply:
                pass
        _check(reply)
        if reply.url.path.endswith("/"):
            return {"name": path, "size": 0, "type": "directory"}
        size = reply.headers.get("Content-Length")
        changed = _time(reply.headers.get("Last-Modified"))
        # Servers make the ETag of size and time, so it says no more than the time does.
        tokens = {"ETag": None if is_fresh(changed) else reply.headers.get("ETag"), "mtime": changed}
        if size is None:
            raise OSError(f"the server does not tell the size of {path}")
        return {"name": path, "size": int(size), "type": "file", **tokens}

    def _open(self, path: str, mode: str = "rb", **_: Any) -> Any:
        if mode != "rb":
            raise OSError("web servers are read only")
        return io.BufferedReader(cast(io.RawIOBase, _Body(self._client, self._url(path))), 1024 * 1024)

    def _url(self, path: str) -> str:
        query = self._query if path == self._root else ""
        return self._base + quote(path or "/", safe="/") + query

    def _links(self, folder: str) -> list[str]:
        with self._client.stream("GET", self._url(folder)) as reply:
            _check(reply)
            if "html" not in reply.headers.get("Content-Type", ""):
                raise NotADirectoryError("the server gives no index page")
            page = _Page()
            for text in _bounded(reply.iter_text()):
                page.feed(text)
        # Where the request ended: a folder that moved lists links below its new address.
        return _children(page.links, str(reply.url.copy_with(query=None)))


class _Page(HTMLParser):
    """Collects the targets of links."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called by the parser."""
        self.links += [value for name, value in attrs if tag == "a" and name == "href" and value]


def _children(links: list[str], folder: str) -> list[str]:
    """Names of direct children, decoded, folders with their "/"; what sorts, downloads or leads up is left out."""
    base = urlsplit(folder)
    names: dict[str, None] = {}
    for link in links:
        target = urlsplit(urljoin(folder, link))
        if (target.scheme, target.netloc) != (base.scheme, base.netloc) or target.query or target.fragment:
            continue
        rest = target.path.removeprefix(base.path) if target.path.startswith(base.path) else ""
        name, slash, deeper = rest.partition("/")
        if name and not deeper:
            names[unquote(name) + slash] = None
    return list(names)


def _bounded(texts: Iterator[str]) -> Iterator[str]:
    size = 0
    for text in texts:
        size += len(text)
        if size > _MAX_PAGE_BYTES:
            raise OSError("the index page is too large")
        yield text


def _check(reply: httpx.Response) -> None:
    if reply.status_code in (404, 410):
        raise FileNotFoundError(2, "No such file or folder on the server")
    if reply.status_code in (401, 403):
        raise PermissionError(13, f"The server denies access ({reply.status_code})")
    if reply.status_code >= 300:
        raise OSError(f"the server answers {reply.status_code}")


def _time(text: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(text) if text else None
    except ValueError:
        return None


def _trusted(verify: bool | str) -> Any:
    if isinstance(verify, str):
        import ssl

        return ssl.create_default_context(cafile=verify)
    return verify


class _Body(io.RawIOBase):
    """The body of a reply, read once from the start."""

    def __init__(self, client: httpx.Client, url: str) -> None:
        super().__init__()
        self._reply = client.send(client.build_request("GET", url), stream=True)
        try:
            _check(self._reply)
        except OSError:
            self._reply.close()
            raise
        self._blocks, self._rest = self._reply.iter_raw(), b""

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read into a buffer. Raises OSError when the connection breaks or the body is shorter than announced."""
        try:
            while not self._rest:
                self._rest = next(self._blocks)
        except StopIteration:
            return 0
        except httpx.HTTPError as error:
            raise OSError(f"{type(error).__name__} while reading") from error
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size

    def close(self) -> None:
        """Give the connection back."""
        self._reply.close()
        super().close()


def open_index(url: str, options: Mapping[str, Any]) -> tuple[HttpIndex, str]:
    """The server of a URL and the path on it; user and password in the URL are taken as options."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    given = {"username": unquote(parts.username), "password": unquote(parts.password or "")} if parts.username else {}
    path = unquote(parts.path).rstrip("/")
    query = f"?{parts.query}" if parts.query else ""
    return HttpIndex(f"{parts.scheme}://{host}", path, query, **{**given, **options}), path
