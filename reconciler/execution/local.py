"""Tasks in threads of this process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


class LocalExecutor:
    """At most `workers` tasks at a time; threads start on first use. Nothing is pickled, nothing is repeated."""

    is_remote = False

    def __init__(self, workers: int) -> None:
        self.workers = max(1, workers)
        self._pool: ThreadPoolExecutor | None = None
        self._lock = Lock()

    def submit(self, function: Callable[[T], R], item: T, *, repeatable: bool = True) -> Future[R]:
        """Queue a task; see `Executor`. A thread is not lost, so nothing ever has to be repeated."""
        del repeatable
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="task")
            return self._pool.submit(function, item)

    def close(self) -> None:
        """Let running tasks finish and end the threads; it can be used again."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
