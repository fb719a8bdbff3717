"""A bounded pool of threads, shared by everything one provider does at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Pool:
    """At most `size` calls at a time; threads start on first use. Calls must not wait for other calls of the pool."""

    def __init__(self, size: int) -> None:
        self.size = max(1, size)
        self._executor: ThreadPoolExecutor | None = None
        self._lock = Lock()

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Apply `function` to all items, results in their order. The first exception is raised; the rest is dropped."""
        work = list(items)
        if len(work) < 2 or self.size == 1:
            return [function(item) for item in work]
        executor = self._started()
        futures = [executor.submit(function, item) for item in work]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()

    def _started(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(self.size, thread_name_prefix="provider")
            return self._executor

    def close(self) -> None:
        """Let running calls finish and end the threads."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None
