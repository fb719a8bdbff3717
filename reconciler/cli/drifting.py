"""Showing drift, for `drift` and `plan --refresh-only`."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.cli.diagnostics import report_warnings
from reconciler.cli.options import RefreshChoice, plan_options
from reconciler.cli.planning import plan_place, shown_session
from reconciler.cli.settings import Settings
from reconciler.errors import ExitCode

NO_DRIFT = "No drift. Nobody changed what the last apply made."


def show_drift(
    settings: Settings,
    targets: Sequence[str] | None,
    parallelism: int,
    *,
    json: bool,
    detailed: bool,
    rows: int | None = None,
) -> int:
    """Print what others changed since the last apply; returns the exit code."""
    from reconciler.engine.drift import detect_drift
    from reconciler.render.rows import SAMPLES
    from reconciler.render.text import drift_text, has_drift

    options = plan_options(targets, RefreshChoice.FULL, None)
    console = settings.console
    with shown_session(settings, json=json, parallelism=parallelism) as (session, stream), plan_place(None) as place:
        plan = detect_drift(session, options, place)
        try:
            found = [change for change in plan.changes() if has_drift(change)]
            if stream is not None:
                for change in found:
                    stream.drift(change)
                stream.drift_summary(found)
            else:
                report_warnings(plan.header.problems, console)
                samples = SAMPLES if rows is None else rows
                console.print(drift_text(plan, style=console.style, samples=samples) or NO_DRIFT)
        finally:
            plan.close()
    return ExitCode.CHANGES if detailed and found else ExitCode.OK
