"""Making and showing plans, for every command that does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from reconciler.cli.console import Console
from reconciler.cli.diagnostics import report_warnings
from reconciler.cli.event_stream import EventStream
from reconciler.cli.options import PlanFormat
from reconciler.cli.progress import ProgressDisplay
from reconciler.cli.settings import Settings, ShownError
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from reconciler.engine.session import Session
    from reconciler.state.planfile import PlanFile


@contextmanager
def shown_session(
    settings: Settings, *, json: bool, parallelism: int, executor: str | None = None
) -> Iterator[tuple[Session, EventStream | None]]:
    """A session whose progress is shown: as events with `json`, which also carry errors, else on the error stream."""
    if json:
        stream = EventStream(settings.console)
        stream.open()
        try:
            with settings.session(stream, parallelism=parallelism, executor=executor) as session:
                stream.problems(session.configuration.warnings)
                yield session, stream
        except ReconcilerError as error:
            stream.error(error)
            raise ShownError(error) from error
        return
    display = ProgressDisplay(settings.console)
    try:
        with settings.session(display, parallelism=parallelism, executor=executor) as session:
            report_warnings(session.configuration.warnings, settings.console)
            yield session, None
    finally:
        display.close()


@contextmanager
def plan_place(out: Path | None) -> Iterator[Path]:
    """Where the plan file goes: `out`, or a folder that is gone afterwards."""
    if out is not None:
        yield out
        return
    with TemporaryDirectory(prefix="reconciler-") as folder:
        yield Path(folder) / "plan"


def render_plan(plan: PlanFile, form: PlanFormat, console: Console, rows: int | None) -> str:
    """The plan in a format. rows: shown per resource and action; None takes what suits the format."""
    match form:
        case PlanFormat.TEXT:
            from reconciler.render.rows import SAMPLES
            from reconciler.render.text import plan_text

            return plan_text(plan, style=console.style, samples=SAMPLES if rows is None else rows)
        case PlanFormat.JSON:
            from reconciler.render.plan_json import UNITS, plan_json

            return plan_json(plan, units=UNITS if rows is None else rows)
        case PlanFormat.MARKDOWN:
            from reconciler.render.markdown import plan_markdown

            return plan_markdown(plan)
        case PlanFormat.HTML:
            from reconciler.render.html import plan_html

            return plan_html(plan)


def show_plan(
    plan: PlanFile, form: PlanFormat, console: Console, stream: EventStream | None, rows: int | None = None
) -> None:
    """Print a plan; its warnings go to the error stream, or with the events."""
    if stream is not None:
        stream.plan(plan)
        stream.problems(plan.header.problems)
        return
    report_warnings(plan.header.problems, console)
    console.print(render_plan(plan, form, console, rows))
