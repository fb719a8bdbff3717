"""The course of `submit`: check what would be lost, start the job, follow its log, give its exit code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.console import Console
from reconciler.cli.settings import Settings
from reconciler.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from reconciler.execution.jobs import JobService
    from reconciler.model.workspace import Workspace

APPLY = ("apply", "--auto-approve", "--executor", "ray")


@dataclass(frozen=True, slots=True)
class SubmitChoices:
    """What the command line says. names: environment variables to pass on. upload: send a copy of the folder."""

    arguments: Sequence[str]
    address: str | None
    folder: Path
    names: Sequence[str] = ()
    upload: bool = False


def run_submit(settings: Settings, choices: SubmitChoices) -> int:
    """Run a command line as a job; returns its exit code.

    Raises UsageError for what could only go wrong, MissingExtra, Transient when the cluster cannot be reached.
    """
    from reconciler.execution.jobs import JobRequest, JobService

    _refuse_global_options(settings)
    console, folder = settings.console, choices.folder.absolute()
    environ = passed_environment(choices.names, console.environ)
    console.hide(environ.values())
    if choices.upload:
        _check_upload(settings, folder)
    service = JobService(choices.address)
    request = JobRequest(tuple(choices.arguments) or APPLY, folder, choices.upload, environ)
    job_id = service.submit(request)
    console.tell(f"Job {job_id} at {service.address}: reconciler {' '.join(request.arguments)}")
    return _followed(service, job_id, console)


def passed_environment(names: Sequence[str], environ: Mapping[str, str]) -> dict[str, str]:
    """The variables of these names. Raises UsageError naming all that are not set, and values given for names."""
    wrong = [name for name in names if name not in environ]
    if wrong:
        shown = ", ".join(name.partition("=")[0] for name in wrong)
        fix = "set them, and give their names alone: --pass-env NAME"
        raise UsageError(f"--pass-env: not set in this environment: {shown}", fix=fix)
    return {name: environ[name] for name in names}


def _refuse_global_options(settings: Settings) -> None:
    """They would say nothing to the job."""
    given = (settings.environment, *settings.variables, *settings.var_files, *settings.files)
    if any(given):
        fix = "reconciler submit -- --env prod apply --auto-approve"
        raise UsageError("--env, --var, --var-file and --file belong behind '--', to what the job runs", fix=fix)


def _check_upload(settings: Settings, folder: Path) -> None:
    """Refuse to send a copy of a folder in which the job would keep what must outlive it."""
    workspace = settings.configuration().workspace
    kept = [place for place in _kept(workspace) if (workspace.root / place).resolve().is_relative_to(folder.resolve())]
    if kept:
        fix = "name places outside of it that the cluster sees, or leave --upload out and share the folder"
        raise UsageError(f"the copy would be thrown away with what the job keeps in it: {', '.join(kept)}", fix=fix)


def _kept(workspace: Workspace) -> list[str]:
    backend = workspace.backends.get(workspace.default_backend)
    embedded = [str(backend.settings["path"])] if backend and backend.type == "embedded" else []
    return [workspace.state_url, *embedded]


def _followed(service: JobService, job_id: str, console: Console) -> int:
    try:
        service.follow(job_id, console.prompt)
    except KeyboardInterrupt:
        console.tell(
            f"\nNot followed any more; job {job_id} goes on.\n"
            f"  to stop it: ray job stop {job_id} --address {service.address}\n"
            f"  its log:    ray job logs --follow {job_id} --address {service.address}"
        )
        return int(ExitCode.INTERRUPTED)
    code = service.exit_code(job_id)
    status, message = service.status(job_id)
    console.tell(f"Job {job_id}: {status.lower()}{'' if code == 0 or not message else f' ({message.splitlines()[0]})'}")
    if code is None:
        return int(ExitCode.OK) if status == "SUCCEEDED" else int(ExitCode.FAILED)
    return code
