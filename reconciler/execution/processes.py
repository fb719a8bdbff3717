"""Tasks in processes of this machine, for work that keeps a processor busy.

The processes are started anew rather than forked, since this one has threads and open databases; and they never import
the program that uses the package, as those of `multiprocessing` would.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from reconciler.errors import Transient
from reconciler.execution.local import LocalExecutor
from reconciler.execution.remote_task import Sealed, seal, unseal

T = TypeVar("T")
R = TypeVar("R")


class ProcessExecutor:
    """At most `workers` tasks at a time, each in its own process; processes start on first use and end with `close`."""

    is_remote = True

    def __init__(self, workers: int) -> None:
        self.workers = max(1, workers)
        self._threads = LocalExecutor(self.workers)
        self._idle: list[_Child] = []
        self._lock = threading.Lock()

    def submit(self, function: Callable[[T], R], item: T, *, repeatable: bool = True) -> Future[R]:
        """Queue a task; see `Executor`. It is packed here, so what cannot be sent raises at once."""
        task = seal(function, item)
        return self._threads.submit(lambda sealed: self._carry_out(sealed, 2 if repeatable else 1), task)

    def close(self) -> None:
        """Let running tasks finish and end the processes; it can be used again."""
        self._threads.close()
        with self._lock:
            children, self._idle = self._idle, []
        for child in children:
            child.close()

    def _carry_out(self, task: Sealed, attempts: int) -> Any:
        """Called from the threads, each of which waits for one process."""
        for _ in range(attempts):
            with self._lock:
                child = self._idle.pop() if self._idle else None
            child = child or _Child()
            try:
                answer = child.run(task)
            except (EOFError, OSError, pickle.UnpicklingError):
                child.close()
                continue
            with self._lock:
                self._idle.append(child)
            return unseal(answer)
        raise Transient("a process was lost in the middle of a task", fix="see whether memory ran out, then run again")


class _Child:
    """One process. It gets no signals from the terminal: this process decides what is finished and what is not."""

    def __init__(self) -> None:
        paths = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "reconciler.execution.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths},
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._tasks, self._answers = self._process.stdin, self._process.stdout

    def run(self, task: Sealed) -> Sealed:
        """Send a task and wait for its answer. Raises EOFError or OSError when the process is gone."""
        pickle.dump(task, self._tasks, protocol=5)
        self._tasks.flush()
        answer: Sealed = pickle.load(self._answers)
        return answer

    def close(self) -> None:
        """End the process, which has nothing to do."""
        for pipe in (self._tasks, self._answers):
            with contextlib.suppress(OSError):  # what was still to be sent goes nowhere
                pipe.close()
        self._process.wait()
