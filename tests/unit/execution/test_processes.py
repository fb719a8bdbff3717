"""The executor of processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing

import pytest

from reconciler.errors import ConfigError, Problem, Transient
from reconciler.execution.processes import ProcessExecutor


def kill_me(_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_first(marker: str) -> str:
    """Dies, but only once."""
    if not os.path.exists(marker):
        open(marker, "w").close()
        kill_me(None)
    return "done"


def refuse(text: str) -> None:
    raise ConfigError([Problem(text)])


def say_and_double(number: int) -> int:
    print("a task may print")
    return 2 * number


def test_results_come_from_other_processes():
    with closing(ProcessExecutor(2)) as executor:
        tasks = [executor.submit(process_id, None) for _ in range(4)]
        pids = {task.result() for task in tasks}
    assert os.getpid() not in pids
    assert 1 <= len(pids) <= 2


def process_id(_: object) -> int:
    return os.getpid()


def test_output_of_a_task_does_not_disturb_the_answers():
    with closing(ProcessExecutor(1)) as executor:
        assert [executor.submit(say_and_double, n).result() for n in (1, 2)] == [2, 4]


def test_errors_come_back_as_they_were_raised():
    with closing(ProcessExecutor(1)) as executor:
        with pytest.raises(ConfigError) as caught:
            executor.submit(refuse, "no such class").result()
        assert caught.value.problems[0].summary == "no such class"
        assert executor.submit(say_and_double, 3).result() == 6


def test_a_task_whose_process_is_killed_is_done_again(tmp_path):
    with closing(ProcessExecutor(1)) as executor:
        assert executor.submit(kill_first, str(tmp_path / "marker")).result() == "done"


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_task_that_kills_its_process_is_told(repeatable):
    with closing(ProcessExecutor(1)) as executor, pytest.raises(Transient, match="lost in the middle"):
        executor.submit(kill_me, None, repeatable=repeatable).result()


def test_what_cannot_be_sent_raises_at_once():
    with closing(ProcessExecutor(1)) as executor, pytest.raises(Exception, match="pickle"):
        executor.submit(lambda value: value, 1)


def test_closing_ends_the_processes():
    executor = ProcessExecutor(1)
    pid = executor.submit(process_id, None).result()
    executor.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_program_that_is_killed_leaves_no_process():
    program = (
        "import os, signal\n"
        "from reconciler.execution.processes import ProcessExecutor\n"
        "print(ProcessExecutor(1).submit(os.path.abspath, '.').result() and 'ready', flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, timeout=60, check=False)
    assert (run.returncode, run.stdout.strip()) == (-signal.SIGKILL, b"ready")  # its pipes are closed at both ends
