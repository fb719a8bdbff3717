"""Downloads from a Sage service: an address that expires, a connection that is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from reconciler.errors import BackendError, Denied
from reconciler.model.observed import RemoteFile
from reconciler.providers.http import HttpClient, Service
from reconciler.providers.retry import Clock, Retry
from reconciler.providers.sage.exports import fetch

CONTENT = bytes(range(100))
FILE = RemoteFile("file", "a.bin", "7/FileEntity/syn1", len(CONTENT))


class Broken(httpx.SyncByteStream):
    """Gives some bytes, then loses the connection."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self.content
        raise httpx.ReadError("lost")


class Store:
    """A file service whose addresses are good for one request each, and break off after `first` bytes."""

    def __init__(self, first: int = 40, refusal: str = "") -> None:
        self.first, self.refusal = first, refusal
        self.addresses = 0
        self.ranges: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/fileHandle/batch"):
            self.addresses += 1
            url = {"failureCode": self.refusal} if self.refusal else {"preSignedURL": f"https://s/{self.addresses}"}
            return httpx.Response(201, json={"requestedFiles": [{"fileHandleId": "7", **url}]})
        span = request.headers.get("range")
        if span and request.url.path == "/1":
            return httpx.Response(403, content=b"expired")
        self.ranges.append(span or "")
        if span is None:
            return httpx.Response(200, stream=Broken(CONTENT[: self.first]))
        start = int(span[6:-1])
        return httpx.Response(206 if start < len(CONTENT) else 416, content=CONTENT[start:])


def _client(serve: Callable[[httpx.Request], httpx.Response]) -> HttpClient:
    clock = Clock(now=lambda: 0.0, sleep=lambda _: None, chance=lambda: 0.0)
    service = Service("https://files/file/v1", lambda _: {"authorization": "Bearer t"})
    return HttpClient(service, transport=httpx.MockTransport(serve), retry=Retry(attempts=2), clock=clock)


def test_download_goes_on_at_a_new_address_where_it_stopped() -> None:
    store = Store()
    assert b"".join(fetch(_client(store), FILE)) == CONTENT
    assert (store.addresses, store.ranges) == (2, ["", "bytes=40-"])


def test_download_that_lost_nothing_but_its_end_is_whole() -> None:
    assert b"".join(fetch(_client(Store(first=100)), FILE)) == CONTENT


def test_refused_download_says_why() -> None:
    with pytest.raises(BackendError, match=r"a\.bin cannot be downloaded: unauthorized"):
        list(fetch(_client(Store(refusal="UNAUTHORIZED")), FILE))


def test_address_that_is_always_refused_ends_the_download() -> None:
    store = Store()

    def refuse(request: httpx.Request) -> httpx.Response:
        return store(request) if request.method == "POST" else httpx.Response(403, content=b"expired")

    with pytest.raises(Denied):
        list(fetch(_client(refuse), FILE))
    assert store.addresses == 3
