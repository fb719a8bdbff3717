"""Calls a WSGI application as if it were a server, in the caller's thread: a transport for httpx.

Unlike httpx's own, it streams request bodies, so that a large upload is never whole in memory, and an error raised
while the body is read goes to the caller, past the application. Bytes can be put without httpx in between: there are
as many uploads as files, and its values cost more than all that the application does for a small one.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import httpx

from reconciler.providers.answer import Answer

WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class InProcessTransport(httpx.BaseTransport):
    """Serves every request from `app`, whatever its host."""

    def __init__(self, app: WSGI) -> None:
        self._app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Run the application for one request; its answer is streamed."""
        url, body = request.url, _Incoming(request.stream)
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
        path, _, query = url.raw_path.decode("ascii").partition("?")
        environ = _environ(request.method, (url.scheme, url.netloc.decode("ascii")), path, query, headers)
        status, answered, chunks = self._run(environ, io.BufferedReader(body), body)
        return httpx.Response(status, headers=answered, stream=_Outgoing(chunks), request=request)

    def put(self, url: str, headers: Mapping[str, str], content: bytes | Iterator[bytes]) -> Answer:
        """PUT bytes. url: absolute, quoted.

        Raises what `content` raises, or httpx.RemoteProtocolError when the application does not answer.
        """
        parts = urlsplit(url)
        environ = _environ("PUT", (parts.scheme, parts.netloc), parts.path, parts.query, headers.items())
        if isinstance(content, bytes):
            found = self._run(environ, io.BytesIO(content), None)
        else:
            body = _Incoming(content)
            found = self._run(environ, io.BufferedReader(body), body)
        status, answered, chunks = found
        try:
            return Answer(status, answered, b"".join(chunks))
        finally:
            _close(chunks)

    def whole_file(self, url: str) -> str | None:
        """Path of the file that a GET answers with, None when it answers with anything else.

        url: absolute, quoted. Whoever takes it reads it, and changes nothing of it.
        """
        parts = urlsplit(url)
        environ = _environ("GET", (parts.scheme, parts.netloc), parts.path, parts.query, ())
        status, _, chunks = self._run(environ, io.BytesIO(), None)
        try:
            path = getattr(chunks, "path", None)
            return path if status == 200 and isinstance(path, str) else None
        finally:
            _close(chunks)

    def _run(
        self, environ: dict[str, Any], stream: io.BufferedIOBase, body: _Incoming | None
    ) -> tuple[int, list[tuple[str, str]], Iterable[bytes]]:
        """Status, headers and chunks. body: what may fail while it is read."""
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], _exc_info: Any = None
        ) -> Callable[[bytes], None]:
            started.append((status, headers))
            return lambda _: None

        chunks = self._app({**environ, "wsgi.input": stream}, start_response)
        if body is not None and body.failure:
            _close(chunks)
            raise body.failure
        if not started:
            chunks = _Begun(chunks)
        if not started:
            raise httpx.RemoteProtocolError("the application did not answer")
        status, headers = started[-1]
        return int(status[:3]), headers, chunks


class _Incoming(io.RawIOBase):
    """`wsgi.input` over the chunks of a request."""

    def __init__(self, stream: Any) -> None:
        self._chunks: Iterator[bytes] = iter(stream)
        self._rest = b""
        self.failure: Exception | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = self._next()
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def _next(self) -> bytes:
        """The next chunk; a failure looks to the application like a client that went away."""
        try:
            return next((chunk for chunk in self._chunks if chunk), b"")
        except Exception as exc:  # noqa: BLE001 - raised again in handle_request, to the caller
            self.failure = exc
            return b""


class _Begun:
    """Chunks whose first is produced at once, since an application may call `start_response` only then."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._iterator = iter(chunks)
        self._first = next(self._iterator, b"")

    def __iter__(self) -> Iterator[bytes]:
        yield self._first
        yield from self._iterator

    def close(self) -> None:
        _close(self._chunks)


class _Outgoing(httpx.SyncByteStream):
    """The answer."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks

    def close(self) -> None:
        _close(self._chunks)


def _close(chunks: Iterable[bytes]) -> None:
    close = getattr(chunks, "close", None)
    if close:
        close()


def _environ(
    method: str, origin: tuple[str, str], path: str, query: str, headers: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    """PEP 3333 environment without its body; path and headers as latin-1 text of their bytes.

    origin: scheme, and host with its port.
    """
    scheme, place = origin
    host, _, port = place.rpartition(":") if place.rpartition(":")[2].isdigit() else (place, "", "")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": host,
        "SERVER_PORT": port or ("443" if scheme == "https" else "80"),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": place,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers:
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    return environ
