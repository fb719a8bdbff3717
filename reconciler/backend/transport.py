"""An httpx transport that calls the application in process and streams both ways.

`httpx.WSGITransport` works too, but reads every request body whole before the application sees a byte of it; with
several large uploads at once that is memory nobody planned for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import RawIOBase
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import httpx

if TYPE_CHECKING:
    from reconciler.backend.app import App


class InProcessTransport(httpx.BaseTransport):
    """Hands requests to an application. Safe to use from several threads."""

    def __init__(self, app: App) -> None:
        self._app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; the response body is read as it is consumed."""
        seen: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> None:
            seen.append((status, headers))

        assert isinstance(request.stream, httpx.SyncByteStream)
        chunks = self._app(_environ(request, request.stream), start_response)
        status, headers = seen[0]
        return httpx.Response(int(status.split(" ", 1)[0]), headers=headers, stream=_Chunks(chunks))


class _Chunks(httpx.SyncByteStream):
    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks

    def close(self) -> None:
        if hasattr(self._chunks, "close"):
            self._chunks.close()


class _Input(RawIOBase):
    """The request body as `wsgi.input`: gives at most what is asked for, pulling one piece at a time."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            return self.readall()
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._held = memoryview(piece)
        taken, self._held = self._held[:size], self._held[size:]
        return bytes(taken)

    def readall(self) -> bytes:
        return b"".join(iter(lambda: self.read(1 << 20), b""))


def _environ(request: httpx.Request, stream: httpx.SyncByteStream) -> dict[str, Any]:
    url = request.url
    path = url.raw_path.partition(b"?")[0]
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": url.query.decode("ascii"),
        "SERVER_NAME": url.host,
        "SERVER_PORT": str(url.port or (443 if url.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": _Input(iter(stream)),
        "wsgi.input_terminated": True,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    return environ
