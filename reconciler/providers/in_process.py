"""Calls a WSGI application as if it were a server, in the caller's thread: a transport for httpx.

Unlike httpx's own, it streams request bodies, so that a large upload is never whole in memory, and an error raised
while the body is read goes to the caller, past the application.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

import httpx

WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class InProcessTransport(httpx.BaseTransport):
    """Serves every request from `app`, whatever its host."""

    def __init__(self, app: WSGI) -> None:
        self._app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Run the application for one request; its answer is streamed."""
        body = _Incoming(request.stream)
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], _exc_info: Any = None
        ) -> Callable[[bytes], None]:
            started.append((status, headers))
            return lambda _: None

        chunks = self._app(_environ(request, body), start_response)
        if body.failure:
            _close(chunks)
            raise body.failure
        content = _Outgoing(chunks)
        if not started:
            raise httpx.RemoteProtocolError("the application did not answer", request=request)
        status, headers = started[-1]
        return httpx.Response(int(status[:3]), headers=headers, stream=content, request=request)


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


class _Outgoing(httpx.SyncByteStream):
    """The answer; its first chunk is produced at once, since an application may call `start_response` only then."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._iterator = iter(chunks)
        self._first = next(self._iterator, b"")

    def __iter__(self) -> Iterator[bytes]:
        yield self._first
        yield from self._iterator

    def close(self) -> None:
        _close(self._chunks)


def _close(chunks: Iterable[bytes]) -> None:
    close = getattr(chunks, "close", None)
    if close:
        close()


def _environ(request: httpx.Request, body: io.RawIOBase) -> dict[str, Any]:
    """PEP 3333 environment; path and headers as latin-1 text of their bytes."""
    url = request.url
    raw_path, _, query = url.raw_path.partition(b"?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(raw_path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_NAME": url.host,
        "SERVER_PORT": str(url.port or (443 if url.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BufferedReader(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.raw:
        key = name.decode("latin-1").upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value.decode("latin-1")
    return environ
