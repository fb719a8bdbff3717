"""The course of an apply, for `apply` and `destroy`: plan, show, ask, carry out, report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.console import Console
from reconciler.cli.event_stream import EventStream
from reconciler.cli.options import PlanFormat, RefreshChoice, lock_wait_s, parse_budget, parse_size, plan_options
from reconciler.cli.planning import plan_place, show_plan, shown_session
from reconciler.cli.settings import Settings
from reconciler.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from reconciler.engine.report import ApplyReport
    from reconciler.engine.session import Session
    from reconciler.state.planfile import PlanFile
    from reconciler.state.store import StateStore


@dataclass(frozen=True, slots=True)
class ApplyChoices:
    """What the command line says about an apply. saved: a plan file to carry out."""

    saved: Path | None = None
    auto_approve: bool = False
    targets: Sequence[str] | None = None
    refresh: RefreshChoice = RefreshChoice.FULL
    max_delete: str | None = None
    max_bytes: str | None = None
    max_calls: int | None = None
    bwlimit: str | None = None
    lock_timeout: str | None = None
    parallelism: int = 10
    executor: str | None = None
    rows: int | None = None
    destroy: bool = False
    json: bool = False

    @property
    def is_approved(self) -> bool:
        """Whether nobody has to be asked: a saved plan was looked at when it was made."""
        return self.auto_approve or self.saved is not None


def run_apply(settings: Settings, choices: ApplyChoices) -> int:
    """Carry out an apply from beginning to end; returns the exit code."""
    _check(settings, choices)
    wait_s = lock_wait_s(choices.lock_timeout, in_ci=bool(settings.console.environ.get("CI")))
    operation = "destroy" if choices.destroy else "apply"
    pace = _pace(choices.bwlimit)
    with (
        shown_session(settings, json=choices.json, parallelism=choices.parallelism, executor=choices.executor) as (
            session,
            stream,
        ),
        session.lock(operation, wait_s),
    ):
        session.pace = pace
        store = session.open_state()
        with _the_plan(session, store, choices) as plan:
            return _approve_and_apply(settings, choices, session, store, plan, stream)


def _check(settings: Settings, choices: ApplyChoices) -> None:
    """Refuse what could only fail later. Raises UsageError."""
    planning = [
        name
        for name, given in (
            ("--target", choices.targets),
            ("--destroy", choices.destroy),
            ("--max-delete", choices.max_delete),
            ("--refresh", choices.refresh is not RefreshChoice.FULL),
        )
        if given
    ]
    if choices.saved is not None and planning:
        raise UsageError(
            f"a saved plan cannot be changed by {', '.join(planning)}", fix="give them to `reconciler plan`"
        )
    if choices.is_approved:
        return
    if choices.json:
        raise UsageError("--json cannot ask", fix="add --auto-approve, or apply a saved plan")
    if not settings.can_ask:
        raise UsageError("nobody is there to approve the plan", fix="add --auto-approve, or apply a saved plan")


def _pace(limit: str | None) -> Callable[[int], None]:
    """What holds uploads to a rate. Raises UsageError."""
    from reconciler.engine.pace import Pace, unlimited

    if limit is None:
        return unlimited
    rate = parse_size(limit, "--bwlimit")
    if not rate:
        raise UsageError("--bwlimit 0 would send nothing", fix="leave it out to send without a limit")
    return Pace(rate)


@contextmanager
def _the_plan(session: Session, store: StateStore, choices: ApplyChoices) -> Iterator[PlanFile]:
    """The saved plan, or one made now."""
    from reconciler.engine.planning import make_plan
    from reconciler.state.planfile import PlanFile

    budget = parse_budget(choices.max_bytes, choices.max_calls)
    options = plan_options(choices.targets, choices.refresh, choices.max_delete, destroy=choices.destroy, budget=budget)
    with plan_place(choices.saved) as place:
        plan = PlanFile(place) if choices.saved else make_plan(session, options, place, store=store)
        try:
            yield plan
        finally:
            plan.close()


def _approve_and_apply(
    settings: Settings,
    choices: ApplyChoices,
    session: Session,
    store: StateStore,
    plan: PlanFile,
    stream: EventStream | None,
) -> int:
    from reconciler.cli.interrupts import stop_on_signal
    from reconciler.engine.applying import apply_plan, check_fresh
    from reconciler.engine.planning import plan_obstacle
    from reconciler.engine.running import Control

    check_fresh(session, store, plan)
    show_plan(plan, PlanFormat.TEXT, settings.console, stream, choices.rows)
    # A plan that was made just now knows the budget already.
    obstacle = plan_obstacle(plan, parse_budget(choices.max_bytes, choices.max_calls) if choices.saved else None)
    if obstacle:
        raise obstacle
    if not plan.header.totals.is_empty and not choices.is_approved and not _confirm(settings.console, choices.destroy):
        settings.console.tell(f"{'Destroy' if choices.destroy else 'Apply'} cancelled.")
        return ExitCode.FAILED
    control = Control()
    with stop_on_signal(control.stop, settings.console.tell):
        report = apply_plan(session, store, plan, control)
    _report(report, plan, settings.console, stream)
    return report.exit_code


def _confirm(console: Console, destroy: bool) -> bool:
    import sys

    question = "Do you really want to destroy all this?" if destroy else "Do you want to perform these actions?"
    console.print(f"\n{question}\n  Only 'yes' will be accepted to approve.\n")
    console.prompt("  Enter a value: ")
    return sys.stdin.readline().strip() == "yes"


def _report(report: ApplyReport, plan: PlanFile, console: Console, stream: EventStream | None) -> None:
    """Tell all failures, then what was done."""
    from reconciler.cli.diagnostics import report_warnings
    from reconciler.plan.header import add_counts
    from reconciler.plan.values import RowCounts
    from reconciler.render.report import Ending, apply_lines

    done = [outcome.rows for outcome in report.outcomes if outcome.address.kind == "AssetSet"]
    units = reduce(add_counts, done, RowCounts())
    complete = Ending.COMPLETE if report.exit_code is ExitCode.OK else Ending.PARTIAL
    ending = Ending.INTERRUPTED if report.interrupted else complete
    lines = apply_lines(
        ending,
        added=report.added,
        changed=report.changed,
        destroyed=report.destroyed,
        units=units,
        destroy=plan.header.destroy,
    )
    if stream is not None:
        stream.applied(report, lines[0], destroy=plan.header.destroy)
        return
    report_warnings(report.failures, console)
    console.print("\n" + "\n".join(console.style.paint(line, "bold") for line in lines))
