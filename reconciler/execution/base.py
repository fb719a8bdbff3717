"""What carries out heavy tasks, and what a task must be to be carried out anywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Task(Protocol[R_co]):
    """Something under way."""

    def result(self) -> R_co:
        """Wait for the end and give the result, or raise what the task raised."""

    def cancel(self) -> object:
        """Do not begin it any more, where that is still possible."""


class Executor(Protocol):
    """Carries out tasks. Safe to use from several threads.

    A task is a function and one argument. Both can be pickled and hold all that is needed (frozen values); what they
    give back can be pickled too. A task never writes the state or the journal: only the process that submits it does.
    """

    @property
    def workers(self) -> int:
        """How many tasks run at once."""

    @property
    def is_remote(self) -> bool:
        """True when tasks run in other processes, perhaps of other machines, which see other disks."""

    def submit(self, function: Callable[[T], R], item: T, *, repeatable: bool = True) -> Task[R]:
        """Begin a task, or queue it.

        repeatable: a task whose worker is lost is done again elsewhere. One that is not, or that is lost again and
        again, raises `Transient` from `result`: what it did is not known.
        """

    def close(self) -> None:
        """Cancel what has not begun, wait for the rest and release everything."""
