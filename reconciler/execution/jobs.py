"""Jobs of a Ray cluster: command lines that the cluster runs by itself, and what they print."""

from __future__ import annotations

import shlex
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.errors import MissingExtra, ReconcilerError, Transient

# The console script need not be on the cluster's PATH where the package is.
_COMMAND = ("python", "-c", "from reconciler.cli.main import run; run()")
_NOT_SENT = ["/.reconciler", ".git"]
_REASON_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What to run. arguments: of our command line. environ: variables to set; the cluster shows them to its users.

    folder: where to run. is_sent: a copy of it is sent to the cluster; else the cluster sees it under the same path.
    """

    arguments: Sequence[str]
    folder: Path
    is_sent: bool = False
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def entrypoint(self) -> str:
        """The shell command."""
        place = () if self.is_sent else ("--chdir", str(self.folder))
        return shlex.join([*_COMMAND, "--no-input", *place, *self.arguments])

    @property
    def runtime_env(self) -> dict[str, Any]:
        """What Ray is to prepare."""
        sent = {"working_dir": str(self.folder), "excludes": _NOT_SENT} if self.is_sent else {}
        return {**sent, **({"env_vars": dict(self.environ)} if self.environ else {})}


class JobService:
    """The job service of a cluster.

    address: http://HOST:PORT of its dashboard; None for what RAY_API_SERVER_ADDRESS or RAY_ADDRESS says, else the
    cluster on this machine. Raises MissingExtra without Ray, Transient when no service answers.
    """

    def __init__(self, address: str | None) -> None:
        try:
            from ray.job_submission import JobSubmissionClient
        except ImportError as error:
            raise MissingExtra("`reconciler submit`", "ray") from error
        self._client: Any = _translated("the job service cannot be reached", lambda: JobSubmissionClient(address))

    @property
    def address(self) -> str:
        """Where it is."""
        return str(self._client.get_address())

    def submit(self, request: JobRequest) -> str:
        """Start a job; returns its id. Raises Transient when the service refuses it."""
        submit = self._client.submit_job
        what = "the job was not accepted"
        job_id = _translated(what, lambda: submit(entrypoint=request.entrypoint, runtime_env=request.runtime_env))
        return str(job_id)

    def follow(self, job_id: str, write: Callable[[str], None]) -> None:
        """Pass on what a job prints, until it ends. Raises Transient when the connection is lost."""
        import asyncio

        _translated(
            "its log cannot be followed", lambda: asyncio.run(_copied(self._client.tail_job_logs(job_id), write))
        )

    def exit_code(self, job_id: str) -> int | None:
        """The exit code of a job that ended; None when it never ran, or was stopped."""
        code = _translated("its end is not known", lambda: self._client.get_job_info(job_id)).driver_exit_code
        return int(code) if code is not None and int(code) >= 0 else None

    def status(self, job_id: str) -> tuple[str, str]:
        """The status of a job in Ray's words (SUCCEEDED, FAILED, STOPPED, …), and its message."""
        found = _translated("its status is not known", lambda: self._client.get_job_info(job_id))
        return str(getattr(found.status, "value", found.status)), str(found.message or "")


async def _copied(lines: AsyncIterator[str], write: Callable[[str], None]) -> None:
    async for text in lines:
        write(text)


def _translated(what: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except ReconcilerError:
        raise
    except Exception as error:  # noqa: BLE001  the client raises whatever its HTTP library does
        reason = str(error).strip().partition("\n")[0][:_REASON_CHARACTERS]
        fix = "give --address http://HOST:8265 of the cluster's dashboard, and see that it runs"
        raise Transient(f"{what}: {reason or type(error).__name__}", fix=fix) from None
