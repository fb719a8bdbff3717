"""A connection per uploading thread, so that uploads do not queue for a shared pool.

There are as many uploads as files. A shared pool looks at every connection, under one lock, for each request.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx


class Lanes:
    """Gives each thread a client of its own. make: makes one; called in the thread that needs it."""

    def __init__(self, make: Callable[[], httpx.Client]) -> None:
        self._make = make
        self._own = threading.local()
        self._all: list[httpx.Client] = []
        self._lock = threading.Lock()

    def client(self) -> httpx.Client:
        """This thread's client."""
        found: httpx.Client | None = getattr(self._own, "client", None)
        if found is None:
            with self._lock:
                found = self._own.client = self._make()
                self._all.append(found)
        return found

    def close(self) -> None:
        """Release all connections; no upload may be under way."""
        with self._lock:
            clients, self._all = self._all, []
        for client in clients:
            client.close()
