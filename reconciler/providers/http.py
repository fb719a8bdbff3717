"""Sends requests to one service and gives back decoded answers or `reconciler.errors`; knows no resource.

Everything passes through here: base URL with prefix, headers per dialect, time limits, the retry budget, translation
of errors, redaction. One client serves many threads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reconciler.errors import BackendError, Conflict, Invalid, Transient
from reconciler.model.json import JSON
from reconciler.providers import retry as retrying
from reconciler.providers.body import CHUNK_BYTES, Body
from reconciler.providers.faults import error_of_exception, error_of_response
from reconciler.providers.gate import Gate
from reconciler.providers.redaction import redact
from reconciler.providers.retry import Clock, Retry

if TYPE_CHECKING:
    import ssl

    import httpx

    from reconciler.providers.answer import Answer

    Put = Callable[[str, Mapping[str, str], bytes | Iterator[bytes]], Answer]

_LIMITS = ("connect", "read", "write", "pool")  # in the order in which httpx takes them
_SAFE = frozenset({"GET", "HEAD", "PUT", "DELETE"})

Params = Mapping[str, str | int | list[str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """A success. value: decoded JSON, None without a body. headers: names in lower case. status 304 has no value."""

    status: int
    value: JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str | None:
        """The version token of what was asked for, as sent."""
        return self.headers.get("etag")


@dataclass(frozen=True, slots=True)
class Service:
    """Where a service is and how it lets us in.

    base_url: origin and optional path prefix. headers_for: path → authentication headers. denied_fix: what to do when
    it refuses the credentials. secrets: texts that must never be shown.
    """

    base_url: str
    headers_for: Callable[[str], Mapping[str, str]] = field(repr=False)
    denied_fix: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)


@cache
def _certificates() -> ssl.SSLContext:
    """The authorities that are trusted, read once for all clients: that takes a tenth of a second."""
    import httpx

    return httpx.create_ssl_context()


class HttpClient:
    """A client of one service; `transport` replaces the network (in-process application, tests).

    put: takes the bytes of uploads in its place; by default they go over connections of their own, see `lanes`.
    whole_file: path of the local file behind a URL.
    """

    def __init__(
        self,
        service: Service,
        *,
        transport: httpx.BaseTransport | None = None,
        put: Put | None = None,
        whole_file: Callable[[str], str | None] | None = None,
        retry: Retry | None = None,
        clock: Clock | None = None,
        timeout_s: float = 60.0,
        connections: int = 20,
    ) -> None:
        import httpx

        from reconciler.providers.lanes import HttpxLane, Lanes, lane

        self.service = service
        self._base = service.base_url.rstrip("/")
        self._retry, self._clock = retry or Retry(), clock or Clock()
        self._errors = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict)
        self._whole_file = whole_file
        self._added: Mapping[str, str] = {}
        self._gate = Gate(connections)
        self._timeout = httpx.Timeout(timeout_s, connect=10.0)
        self._client = httpx.Client(
            verify=transport is None and _certificates(),  # a replaced transport has none to check
            transport=transport,
            timeout=self._timeout,
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            headers={"user-agent": "reconciler"},
        )
        self._lanes = Lanes(partial(lane, _certificates, self._timeout))
        self._put = put or (self._lanes.put if transport is None else HttpxLane(self._client).put)

    def writing_with(self, params: Mapping[str, str]) -> HttpClient:
        """This client, but that its writes carry these parameters; it shares connections and must not be closed."""
        found = copy(self)
        found._added = params
        return found

    def close(self) -> None:
        """Release connections."""
        self._lanes.close()
        self._client.close()

    @property
    def prefix(self) -> str:
        """The path of the base URL, without trailing slash."""
        return urlsplit(self._base).path

    def get(self, path: str, params: Params | None = None, *, etag: str | None = None) -> Reply:
        """GET JSON. With an etag the answer may be a `Reply` of status 304."""
        return self.call("GET", path, params=params, headers={"if-none-match": etag} if etag else {})

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: JSON = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
        patience_s: float = 0.0,
    ) -> Reply:
        """Send JSON (when `body` is not None) to `path` below the base URL and decode the JSON answer.

        repeatable: whether sending it twice has the effect of sending it once; by default true for GET, HEAD, PUT and
        DELETE. patience_s: how much longer than usual the answer may take. Raises the errors of `reconciler.errors`; a
        success whose body cannot be decoded is `Transient`.
        """
        operation = f"{method} {path}"
        if self._added and method not in ("GET", "HEAD"):
            params = {**(params or {}), **self._added}
        content = None if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        head = {"accept": "application/json", **self.service.headers_for(path), **(headers or {})}
        if content is not None:
            head["content-type"] = "application/json"
        request: dict[str, Any] = {"params": params, "content": content, "headers": head}
        if patience_s:
            limits = self._timeout.as_dict()
            request["timeout"] = tuple((limits[n] or 0.0) + (patience_s if n == "read" else 0.0) for n in _LIMITS)

        def attempt() -> Reply:
            return self._decoded(self._send(operation, method, self._base + path, **request), operation)

        return self._repeat(attempt, method in _SAFE if repeatable is None else repeatable)

    def post_file(self, path: str, name: str, content: bytes) -> Reply:
        """POST one file as multipart form data, part `file`. Repeatable, for files are addressed by content."""
        operation = f"POST {path}"
        head = {"accept": "application/json", **self.service.headers_for(path)}

        def attempt() -> Reply:
            parts = {"file": (name, content)}
            return self._decoded(self._send(operation, "POST", self._base + path, files=parts, headers=head), operation)

        return self._repeat(attempt, True)

    def upload(
        self,
        url: str,
        body: Body,
        *,
        offset: int = 0,
        size_bytes: int | None = None,
        content_type: str | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Reply:
        """PUT a file, or `size_bytes` bytes of it from `offset` on, to a presigned URL, without our credentials.

        Streamed; read again for every attempt. A 4xx without an S3 `<Code>` element comes from something in between
        (a CDN) and is tried again; one with it is final. Redirects are not followed. progress: gets each byte once.
        """
        operation = f"PUT {redact(url.split('?', 1)[0])}"
        size = body.size_bytes if size_bytes is None else size_bytes
        head = {"content-length": str(size)} | ({"content-type": content_type} if content_type else {})
        meter = _Meter(progress)

        def attempt() -> Reply:
            stream = body.part(offset, size, meter.restart())
            content = b"".join(stream) if size <= CHUNK_BYTES else stream
            return self._carried(operation, self.absolute(url), head, content)

        reply = self._repeat(attempt, True)
        meter.reach(size)
        return reply

    def download(self, url: str, *, offset: int = 0) -> Iterator[bytes]:
        """Stream the bytes behind a URL that needs no credentials, from `offset` on; continues after a lost
        connection."""
        operation = f"GET {redact(url.split('?', 1)[0])}"
        seen, failures = offset, 0
        while True:
            try:
                for chunk in self._stream(self.absolute(url), operation, seen):
                    seen += len(chunk)
                    yield chunk
                return
            except Transient as error:
                pause_s = retrying.wait_s(error, failures, self._retry, self._clock)
                failures += 1
                if failures >= self._retry.attempts:
                    raise
            self._clock.sleep(pause_s)

    def local_file(self, url: str) -> Path | None:
        """The file of this machine whose bytes are behind a URL, when the service is in this process."""
        path = self._whole_file(self.absolute(url)) if self._whole_file is not None else None
        return Path(path) if path is not None else None

    def absolute(self, url: str) -> str:
        """Give an absolute URL; one that starts with "/" is on our service."""
        return self._base.removesuffix(self.prefix) + url if url.startswith("/") else url

    def _repeat(self, attempt: Callable[[], Reply], repeatable: bool) -> Reply:
        """Waiting between attempts is done outside of the gate."""
        return retrying.call(
            lambda: self._gate.run(attempt), repeatable=repeatable, retry=self._retry, clock=self._clock
        )

    def _send(
        self,
        operation: str,
        method: str,
        url: str,
        **request: Any,
    ) -> httpx.Response:
        try:
            response = self._client.request(method, url, **request)
        except self._errors as exc:
            raise error_of_exception(exc, operation, self.service.secrets) from exc
        if response.is_success or response.status_code == 304:
            return response
        raise self._refusal(response, operation)

    def _carried(self, operation: str, url: str, headers: Mapping[str, str], content: bytes | Iterator[bytes]) -> Reply:
        """PUT bytes. JSON is decoded, which object stores do not answer with."""
        import httpx

        try:
            answer = self._put(url, headers, content)
            found = {name.lower(): value for name, value in answer.headers}
            if 200 <= answer.status < 300 and not _is_json(found):
                return Reply(answer.status, None, found)
            response = httpx.Response(answer.status, headers=answer.headers, content=answer.body)
        except self._errors as exc:
            raise error_of_exception(exc, operation, self.service.secrets) from exc
        if not response.is_success:
            raise _by_store(response, self._refusal(response, operation))
        return self._decoded(response, operation)

    def _stream(self, url: str, operation: str, offset: int) -> Iterator[bytes]:
        headers = {"accept-encoding": "identity", **({"range": f"bytes={offset}-"} if offset else {})}
        try:
            with self._client.stream("GET", url, headers=headers, follow_redirects=True) as response:
                if not response.is_success:
                    response.read()
                    raise self._refusal(response, operation)
                skip = 0 if response.status_code == 206 else offset
                for chunk in response.iter_bytes():
                    if skip < len(chunk):
                        yield chunk[skip:]
                    skip = max(0, skip - len(chunk))
        except self._errors as exc:
            raise error_of_exception(exc, operation, self.service.secrets) from exc

    def _refusal(self, response: httpx.Response, operation: str) -> BackendError:
        if response.is_redirect:
            place = redact(response.headers.get("location", ""), self.service.secrets)
            return Invalid(
                f"redirected to {place}",
                operation=operation,
                status=response.status_code,
                fix="set the backend's url to where the service really is",
            )
        return error_of_response(response, operation, denied_fix=self.service.denied_fix, secrets=self.service.secrets)

    def _decoded(self, response: httpx.Response, operation: str) -> Reply:
        if response.status_code in (204, 304) or not response.content:
            return Reply(response.status_code, None, _headers(response))
        try:
            value = json.loads(response.content)
        except ValueError:
            raise Transient("the answer is not JSON", operation=operation, status=response.status_code) from None
        return Reply(response.status_code, value, _headers(response))


def _headers(response: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _is_json(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip() == "application/json"


def _by_store(response: httpx.Response, error: BackendError) -> BackendError:
    """Judge a refused upload: only an object store's own `<Code>` makes a 4xx final."""
    if (
        response.status_code < 500
        and b"<Code>" not in response.content
        and not isinstance(error, (Transient, Conflict))
    ):
        return Transient(error.message, status=response.status_code)
    if response.status_code in (401, 403):
        return Invalid(error.message, status=response.status_code, fix="run again: the upload address may have expired")
    return error


class _Meter:
    """Reports sent bytes once, however often a body is sent again."""

    def __init__(self, progress: Callable[[int], None] | None) -> None:
        self._progress, self._reported = progress, 0

    def restart(self) -> Callable[[int], None]:
        """A counter for one attempt, from 0."""
        sent = 0

        def count(size: int) -> None:
            nonlocal sent
            sent += size
            self.reach(sent)

        return count

    def reach(self, sent: int) -> None:
        """Note that so many bytes were sent in all."""
        if self._progress and sent > self._reported:
            self._progress(sent - self._reported)
            self._reported = sent
