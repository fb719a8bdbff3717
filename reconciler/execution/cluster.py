"""Tasks on a Ray cluster that exists already. Ray repeats a task elsewhere when its worker or node is lost."""

from __future__ import annotations

import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from reconciler.errors import MissingExtra, ReconcilerError, Transient
from reconciler.execution.remote_task import Sealed, run_sealed, seal, unseal
from reconciler.model.workspace import Execution

if TYPE_CHECKING:
    from reconciler.model.json import JSON

T = TypeVar("T")
R = TypeVar("R")

_KNOCK_S = 10.0
_NOT_THERE = "start one with `ray start --head`, set execution.address, or use --executor local"
_NOT_INSTALLED = "install the same version of reconciler on every worker, or name it in execution.runtimeEnv"


class RayExecutor:
    """Submits tasks to a cluster and waits for them; the cluster itself is neither started nor stopped.

    Tasks are spread over all nodes. Raises MissingExtra without Ray, Transient when no cluster is at the address.
    """

    is_remote = True

    def __init__(self, settings: Execution) -> None:
        ray = import_ray()
        self._retries = settings.retries
        self._stdout = ExitStack()
        self._is_ours = not ray.is_initialized()
        if self._is_ours:
            _connect(ray, settings.address, settings.runtime_env)
        # Ray tells of lost nodes on standard output, where only results belong.
        self._stdout.enter_context(redirect_stdout(sys.stderr))
        total = float(ray.cluster_resources().get("CPU", 1))
        self.workers = max(1, int(total / settings.cpus_per_task))
        options = {"num_cpus": settings.cpus_per_task, "scheduling_strategy": "SPREAD", "name": "reconciler"}
        self._remote = ray.remote(**options)(run_sealed)

    def submit(self, function: Callable[[T], R], item: T, *, repeatable: bool = True) -> RayTask[R]:
        """Queue a task at the cluster; see `Executor`."""
        retries = self._retries if repeatable else 0
        return RayTask(self._remote.options(max_retries=retries).remote(seal(function, item)))

    def close(self) -> None:
        """Leave the cluster, which ends what this process still has there."""
        if self._is_ours:
            import_ray().shutdown()
        self._stdout.close()


@dataclass(frozen=True, slots=True)
class RayTask(Generic[R]):
    """A task at the cluster."""

    reference: Any

    def result(self) -> R:
        """Wait for the answer. Raises what the task raised; Transient when it was lost with its worker."""
        ray = import_ray()
        try:
            answer: Sealed = ray.get(self.reference)
        except ray.exceptions.RayError as error:
            raise _told(error) from None
        result: R = unseal(answer)
        return result

    def cancel(self) -> object:
        """Take the task back if it has not begun."""
        return import_ray().cancel(self.reference, force=False)


def import_ray() -> Any:
    """The package. Raises MissingExtra."""
    try:
        import ray
    except ImportError as error:
        raise MissingExtra("the executor 'ray'", "ray") from error
    return ray


def _connect(ray: Any, address: str, runtime_env: Mapping[str, JSON]) -> None:
    given = {"runtime_env": dict(runtime_env)} if runtime_env else {}
    quiet = {"log_to_driver": False, "configure_logging": False}
    try:
        _knock(address)
        with _signals_kept(), redirect_stdout(sys.stderr):
            ray.init(address=address, **quiet, **given)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        reason = str(error).strip().partition("\n")[0][:200]
        raise Transient(f"no Ray cluster was reached at {address!r}: {reason}", fix=_NOT_THERE) from None


def _knock(address: str) -> None:
    """Raise OSError when nobody listens at the address: Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_KNOCK_S).close()


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray takes SIGTERM over when it starts; ours stops a run after what is in flight."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def _told(error: Exception) -> ReconcilerError:
    """What became of a task that gave no answer. Ray's own text may hold paths and code, so little of it is shown."""
    if "No module named" in str(error):
        return ReconcilerError("a worker of the cluster cannot import reconciler", fix=_NOT_INSTALLED)
    what = f"a task was lost with its worker ({type(error).__name__}); what it did is not known"
    return Transient(what, fix="see the state of the cluster with `ray status`, then run again")
