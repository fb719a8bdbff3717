"""`reconciler destroy`."""

from __future__ import annotations

import typer

from reconciler.cli.group import Command
from reconciler.cli.options import AutoApprove, EventsFlag, LockTimeout, Parallelism, Rows, Targets
from reconciler.cli.settings import PARALLELISM, settings_of

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(cls=Command)
def destroy(
    ctx: typer.Context,
    auto_approve: AutoApprove = False,
    target: Targets = None,
    parallelism: Parallelism = PARALLELISM,
    lock_timeout: LockTimeout = None,
    rows: Rows = None,
    json: EventsFlag = False,
) -> int:
    """Delete everything that is owned; the same as `apply --destroy`. Protected resources stop it."""
    from reconciler.cli.applying import ApplyChoices, run_apply

    choices = ApplyChoices(
        auto_approve=auto_approve,
        targets=target,
        lock_timeout=lock_timeout,
        parallelism=parallelism,
        rows=rows,
        destroy=True,
        json=json,
    )
    return run_apply(settings_of(ctx), choices)
