"""The executor of threads."""

from __future__ import annotations

import threading

import pytest

from reconciler.execution.local import LocalExecutor
from reconciler.execution.opening import open_executor
from reconciler.model.workspace import Execution, ExecutorKind


def test_results_and_errors_come_from_result():
    executor = LocalExecutor(2)
    tasks = [executor.submit(lambda n: 6 // n, number) for number in (1, 2, 0)]
    assert [task.result() for task in tasks[:2]] == [6, 3]
    with pytest.raises(ZeroDivisionError):
        tasks[2].result()
    executor.close()


def test_no_more_than_workers_run_at_once():
    executor, gate = LocalExecutor(2), threading.Barrier(2, timeout=10)
    tasks = [executor.submit(lambda _: gate.wait(), n) for n in range(4)]  # a third one at a time would break pairs
    assert sorted(task.result() for task in tasks) == [0, 0, 1, 1]
    executor.close()


def test_closed_executor_leaves_no_threads():
    executor = LocalExecutor(3)
    executor.submit(str, 1).result()
    executor.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("task")]


def test_settings_without_a_word_give_threads():
    executor = open_executor(Execution(), threads=7)
    assert (type(executor), executor.workers, executor.is_remote) == (LocalExecutor, 7, False)


def test_ray_that_is_not_installed_names_the_extra(monkeypatch):
    import sys

    from reconciler.errors import MissingExtra

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match="ray") as caught:
        open_executor(Execution(ExecutorKind.RAY), threads=1)
    assert caught.value.fix == "pip install 'reconciler[ray]'"
