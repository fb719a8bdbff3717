"""`reconciler plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.group import Command
from reconciler.cli.options import (
    EventsFlag,
    ExecutorOption,
    FormatOption,
    MaxBytes,
    MaxCalls,
    MaxDelete,
    Parallelism,
    PlanFormat,
    RefreshChoice,
    RefreshOption,
    Rows,
    Targets,
    parse_budget,
    plan_options,
)
from reconciler.cli.settings import PARALLELISM, settings_of

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(cls=Command)
def plan(
    ctx: typer.Context,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Save the plan for apply.")] = None,
    target: Targets = None,
    refresh: RefreshOption = RefreshChoice.FULL,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 2 when there are changes.")
    ] = False,
    format: FormatOption = PlanFormat.TEXT,
    rows: Rows = None,
    max_delete: MaxDelete = None,
    max_bytes: MaxBytes = None,
    max_calls: MaxCalls = None,
    server_dry_run: Annotated[
        bool, typer.Option("--server-dry-run", help="Have the backend check the changes; it writes nothing.")
    ] = False,
    destroy: Annotated[bool, typer.Option("--destroy", help="Plan to delete everything that is owned.")] = False,
    refresh_only: Annotated[bool, typer.Option("--refresh-only", help="Show drift only, as `drift` does.")] = False,
    parallelism: Parallelism = PARALLELISM,
    executor: ExecutorOption = None,
    json: EventsFlag = False,
    no_lock: Annotated[bool, typer.Option("--no-lock", hidden=True, help="A plan never takes the lock.")] = False,
) -> int:
    """Show what apply would do. Reads only, and takes no lock.

    A plan that must not be applied (limits, protected or foreign objects) is shown, and then refused with the exit
    code of its obstacle.
    """
    from reconciler.cli.planning import plan_place, show_plan, shown_session
    from reconciler.engine.planning import make_plan, plan_obstacle
    from reconciler.errors import ExitCode

    del no_lock
    settings = settings_of(ctx)
    if refresh_only:
        from reconciler.cli.drifting import show_drift

        return show_drift(settings, target, parallelism, json=json, detailed=detailed_exitcode, rows=rows)
    budget = parse_budget(max_bytes, max_calls)
    options = plan_options(target, refresh, max_delete, destroy=destroy, server_dry_run=server_dry_run, budget=budget)
    with (
        shown_session(settings, json=json, parallelism=parallelism, executor=executor) as (session, stream),
        plan_place(out) as place,
    ):
        made = make_plan(session, options, place)
        try:
            show_plan(made, format, settings.console, stream, rows)
            obstacle = plan_obstacle(made)
            if obstacle:
                raise obstacle
            has_changes = not made.header.totals.is_empty
        finally:
            made.close()
    if out is not None and stream is None and format is PlanFormat.TEXT:
        settings.console.print(f"\nSaved as {out}. To do exactly this: reconciler apply {out}")
    return ExitCode.CHANGES if detailed_exitcode and has_changes else ExitCode.OK
