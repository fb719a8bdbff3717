"""`reconciler drift`."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli.group import Command
from reconciler.cli.options import EventsFlag, Parallelism, Rows, Targets
from reconciler.cli.settings import PARALLELISM, settings_of

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(cls=Command)
def drift(
    ctx: typer.Context,
    target: Targets = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 2 when there is drift.")
    ] = False,
    rows: Rows = None,
    parallelism: Parallelism = PARALLELISM,
    json: EventsFlag = False,
) -> int:
    """Show what others changed since the last apply. Reads only, and takes no lock."""
    from reconciler.cli.drifting import show_drift

    settings = settings_of(ctx)
    return show_drift(settings, target, parallelism, json=json, detailed=detailed_exitcode, rows=rows)
