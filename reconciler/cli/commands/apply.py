"""`reconciler apply`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.group import Command
from reconciler.cli.options import (
    AutoApprove,
    BandwidthLimit,
    EventsFlag,
    ExecutorOption,
    LockTimeout,
    MaxBytes,
    MaxCalls,
    MaxDelete,
    Parallelism,
    RefreshChoice,
    RefreshOption,
    Rows,
    Targets,
)
from reconciler.cli.settings import PARALLELISM, settings_of

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(cls=Command)
def apply(
    ctx: typer.Context,
    plan: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="A plan saved by `plan -o`.")] = None,
    auto_approve: AutoApprove = False,
    target: Targets = None,
    refresh: RefreshOption = RefreshChoice.FULL,
    max_delete: MaxDelete = None,
    max_bytes: MaxBytes = None,
    max_calls: MaxCalls = None,
    bwlimit: BandwidthLimit = None,
    destroy: Annotated[bool, typer.Option("--destroy", help="Delete everything that is owned.")] = False,
    parallelism: Parallelism = PARALLELISM,
    executor: ExecutorOption = None,
    lock_timeout: LockTimeout = None,
    rows: Rows = None,
    json: EventsFlag = False,
) -> int:
    """Make the backend hold what the documents declare.

    Makes a plan, shows it and asks; a saved plan is carried out as it is. Interrupted or cut, it goes on where it
    stopped when it is run again.
    """
    from reconciler.cli.applying import ApplyChoices, run_apply

    choices = ApplyChoices(
        saved=plan,
        auto_approve=auto_approve,
        targets=target,
        refresh=refresh,
        max_delete=max_delete,
        max_bytes=max_bytes,
        max_calls=max_calls,
        bwlimit=bwlimit,
        lock_timeout=lock_timeout,
        parallelism=parallelism,
        executor=executor,
        rows=rows,
        destroy=destroy,
        json=json,
    )
    return run_apply(settings_of(ctx), choices)
