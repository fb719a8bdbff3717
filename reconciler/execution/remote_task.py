"""A task on its way to another process and its result on the way back: pickled, with errors as values.

What a task raises on purpose comes back as it was raised. Nothing of a task is ever written to a log.
"""

from __future__ import annotations

import pickle
import platform
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reconciler import __version__
from reconciler.errors import ReconcilerError

_FIX = "install the same version of reconciler, with the extras that the sources need, on every worker"


@dataclass(frozen=True, slots=True)
class Sealed:
    """Pickled content that no repr, log or traceback shows. version: of the package that made it."""

    version: str
    content: bytes

    def __repr__(self) -> str:
        return f"Sealed({len(self.content)} bytes)"


def seal(function: Callable[[Any], Any], item: object) -> Sealed:
    """Pack a task."""
    return Sealed(__version__, pickle.dumps((function, item), protocol=5))


def run_sealed(task: Sealed) -> Sealed:
    """Carry a task out; called on the worker. Never raises what the task raises: that is part of the answer."""
    answer: tuple[object, Exception | None]
    try:
        if task.version != __version__:
            what = f"worker {platform.node()} has reconciler {__version__}, this is {task.version}"
            raise ReconcilerError(what, fix=_FIX)
        function, item = pickle.loads(task.content)
        answer = (function(item), None)
    except ImportError as error:
        answer = (None, ReconcilerError(f"worker {platform.node()} lacks a package: {error.name}", fix=_FIX))
    except Exception as error:  # noqa: BLE001  it is raised again where the result is asked for
        answer = (None, error)
    return Sealed(__version__, _packed(answer))


def _packed(answer: tuple[object, Exception | None]) -> bytes:
    try:
        return pickle.dumps(answer, protocol=5)
    except Exception as error:  # noqa: BLE001  foreign errors may hold anything, such as open connections
        cause = answer[1] or error
        return pickle.dumps((None, RuntimeError(f"{type(cause).__name__} in a task of worker {platform.node()}")))


def unseal(answer: Sealed) -> Any:
    """Give the result of a task, or raise what it raised."""
    value, error = pickle.loads(answer.content)
    if error is not None:
        raise error
    return value
