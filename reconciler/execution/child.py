"""The process at the other end of `processes.ProcessExecutor`: tasks come on standard input, answers go out."""

from __future__ import annotations

import os
import pickle
import sys

from reconciler.execution.remote_task import run_sealed


def main() -> None:
    """Carry out tasks until nobody sends any more, which is also when the sender has died."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a task prints must not get between the answers
    while True:
        try:
            task = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(run_sealed(task), answers, protocol=5)
        answers.flush()


if __name__ == "__main__":
    main()
