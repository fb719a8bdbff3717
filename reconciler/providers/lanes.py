"""A connection per uploading thread, so that uploads do not queue for a shared pool.

There are as many uploads as files. A shared pool looks at every connection, under one lock, for each request.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

import httpx

from reconciler.providers.answer import Answer
from reconciler.providers.direct import DirectLane

if TYPE_CHECKING:
    import ssl

_UNDONE = frozenset({"content-encoding", "content-length", "transfer-encoding"})  # httpx gives the bytes without these


class Lane(Protocol):
    """Puts bytes, one request after the other."""

    def put(self, url: str, headers: Mapping[str, str], content: bytes | Iterator[bytes]) -> Answer:
        """PUT bytes to an absolute URL. Raises what `content` raises, or the exceptions of httpx."""
        ...

    def close(self) -> None:
        """Release the connection."""
        ...


class HttpxLane:
    """A lane through a client of httpx."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def put(self, url: str, headers: Mapping[str, str], content: bytes | Iterator[bytes]) -> Answer:
        """PUT bytes; redirects are not followed."""
        response = self._client.send(httpx.Request("PUT", url, headers=headers, content=content))
        headers_kept = [(name, value) for name, value in response.headers.items() if name not in _UNDONE]
        return Answer(response.status_code, headers_kept, response.content)

    def close(self) -> None:
        """Close the client."""
        self._client.close()


def lane(certificates: Callable[[], ssl.SSLContext], timeout: httpx.Timeout) -> Lane:
    """A lane with a single connection. Proxies, which the environment may name, are left to httpx."""
    from urllib.request import getproxies

    if getproxies().keys() & {"http", "https", "all"}:
        limits = httpx.Limits(max_connections=1)
        return HttpxLane(httpx.Client(verify=certificates(), timeout=timeout, limits=limits))
    return DirectLane(certificates, timeout)


class Lanes:
    """Gives each thread a lane of its own. make: makes one; called in the thread that needs it."""

    def __init__(self, make: Callable[[], Lane]) -> None:
        self._make = make
        self._own = threading.local()
        self._all: list[Lane] = []
        self._lock = threading.Lock()

    def put(self, url: str, headers: Mapping[str, str], content: bytes | Iterator[bytes]) -> Answer:
        """PUT bytes in this thread's lane."""
        return self.lane().put(url, headers, content)

    def lane(self) -> Lane:
        """This thread's lane."""
        found: Lane | None = getattr(self._own, "lane", None)
        if found is None:
            with self._lock:
                found = self._own.lane = self._make()
                self._all.append(found)
        return found

    def close(self) -> None:
        """Release all connections; no upload may be under way."""
        with self._lock:
            lanes, self._all = self._all, []
        for one in lanes:
            one.close()
