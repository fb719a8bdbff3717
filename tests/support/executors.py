"""An executor that treats every task as if it went to another machine, without one."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from reconciler.errors import Transient
from reconciler.execution.remote_task import Sealed, run_sealed, seal, unseal


@dataclass
class PicklingExecutor:
    """Pickles task and answer, and runs the task in a thread.

    lose: says of the number of an attempt whether its worker is lost after the work was done, before the answer.
    payloads: size of every task in bytes, as sent.
    """

    workers: int = 2
    lose: Callable[[int], bool] = lambda _: False
    retries: int = 3
    payloads: list[int] = field(default_factory=list)
    attempts: int = 0
    is_remote: bool = True
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(4))

    def submit(self, function: Callable[[Any], Any], item: Any, *, repeatable: bool = True) -> Task:
        task: Sealed = pickle.loads(pickle.dumps(seal(function, item)))
        self.payloads.append(len(task.content))
        return Task(self._pool.submit(self._run, task, self.retries if repeatable else 0))

    def _run(self, task: Sealed, retries: int) -> Sealed:
        for _ in range(retries + 1):
            self.attempts += 1
            lost = self.lose(self.attempts)
            answer = run_sealed(task)
            if not lost:
                return answer
        raise Transient("a task was lost with its worker; what it did is not known")

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


@dataclass
class Task:
    """What `PicklingExecutor` gives."""

    future: Future[Sealed]

    def result(self) -> Any:
        return unseal(self.future.result())

    def cancel(self) -> bool:
        return self.future.cancel()
