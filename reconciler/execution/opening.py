"""The executor that settings ask for, imported only when it is used."""

from __future__ import annotations

from reconciler.execution.base import Executor
from reconciler.execution.local import LocalExecutor
from reconciler.model.workspace import Execution, ExecutorKind


def open_executor(settings: Execution, *, threads: int) -> Executor:
    """Open an executor; the caller closes it. threads: of the local one.

    Raises:
        MissingExtra: the package that the executor needs is not installed.
        Transient: there is no cluster at the address.
    """
    match settings.executor:
        case ExecutorKind.LOCAL:
            return LocalExecutor(threads)
        case ExecutorKind.RAY:
            from reconciler.execution.cluster import RayExecutor

            return RayExecutor(settings)
