"""Events as NDJSON on standard output, in the manner of Terraform's `-json`; additive types are ours.

Common members: @level, @message, @module, @timestamp, type. The first line has type `version`. Readers ignore unknown
members and show @message for unknown types. `ui` is the version of this form: minor additive, major breaking.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from reconciler import __version__
from reconciler.cli.console import Console
from reconciler.cli.diagnostics import file_lines, problems_of
from reconciler.cli.rates import Meter
from reconciler.engine.events import (
    Event,
    Failed,
    Finished,
    Progress,
    Refreshing,
    RowDone,
    RowFailed,
    Scanning,
    Started,
)
from reconciler.engine.report import ApplyReport
from reconciler.errors import Problem, ReconcilerError, Severity
from reconciler.model.address import Address
from reconciler.model.json import JSON
from reconciler.plan.values import Action, Change, Totals
from reconciler.render.problems import diagnostic
from reconciler.render.summary import plan_line, units_line
from reconciler.render.text import change_title, has_drift
from reconciler.state.planfile import PlanFile

UI_VERSION = "1.3"
_INTERVAL_S = 1.0  # between two events about the progress of one resource
_ACTIONS: Mapping[Action, str] = {
    Action.CREATE: "create",
    Action.UPDATE: "update",
    Action.REPLACE: "replace",
    Action.DELETE: "delete",
    Action.MOVE: "move",
    Action.ADOPT: "import",
    Action.FORGET: "remove",
    Action.NO_OP: "noop",
    Action.BLOCKED: "noop",
}


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class EventStream:
    """An event sink that writes lines; called from several threads. now: clock of the timestamps."""

    console: Console
    now: Callable[[], datetime] = _utc_now
    clock: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _meters: dict[Address, Meter] = field(default_factory=dict)
    _started: dict[Address, Started] = field(default_factory=dict)
    _told_at: dict[tuple[type[Event], Address], float] = field(default_factory=dict)

    def open(self) -> None:
        """Write the first line."""
        self._write("version", f"reconciler {__version__}", reconciler=__version__, ui=UI_VERSION)

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._event(event)

    def plan(self, plan: PlanFile) -> None:
        """Drift, then what is planned, then what it adds up to."""
        changes = plan.changes()
        for change in changes:
            if has_drift(change):
                self.drift(change)
        for change in changes:
            if change.action is not Action.NO_OP or change.deferred:
                self._change("planned_change", change, change_title(change), _ACTIONS[change.action])
        self.summary(plan.header.totals, "destroy" if plan.header.destroy else "plan")

    def drift(self, change: Change) -> None:
        """One resource that others changed."""
        gone = not change.drift and not change.row_drift
        action = "delete" if gone else "update"
        message = f"{change.address}: changed outside of the configuration"
        self._change("resource_drift", change, message, action)

    def summary(self, totals: Totals, operation: str) -> None:
        """`change_summary` of a plan."""
        changes: JSON = {
            "add": totals.add,
            "change": totals.change,
            "import": totals.adopt,
            "remove": totals.destroy,
            "forget": totals.forget,
            "move": totals.move,
            "blocked": totals.blocked,
            "operation": operation,
            "units": _units(totals),
            "calls": totals.calls,
        }
        self._write("change_summary", f"{plan_line(totals)} {units_line(totals.units)}", changes=changes)

    def drift_summary(self, changes: Sequence[Change]) -> None:
        """How much drift there is."""
        rows = sum(change.row_drift for change in changes)
        message = f"Drift: {len(changes)} resources, {rows} rows."
        self._write("drift_summary", message, drift={"resources": len(changes), "rows": rows})

    def imported(self, message: str, resources: int, rows: int) -> None:
        """`change_summary` of an import."""
        changes = {"add": 0, "change": 0, "import": resources, "remove": 0, "operation": "import", "rows": rows}
        self._write("change_summary", message, changes=changes)

    def applied(self, report: ApplyReport, message: str, *, destroy: bool) -> None:
        """The `change_summary` of an apply. Failures were told when they happened."""
        changes = {
            "add": report.added,
            "change": report.changed,
            "import": 0,
            "remove": report.destroyed,
            "failed": len(report.failures),
            "operation": "destroy" if destroy else "apply",
        }
        level = "info" if report.exit_code == 0 else "error"
        self._write("change_summary", message, level=level, changes=changes)

    def problems(self, problems: Iterable[Problem]) -> None:
        """One `diagnostic` each."""
        for problem in problems:
            self._diagnostic(problem)

    def error(self, error: ReconcilerError) -> None:
        """The problems of an error."""
        self.problems(problems_of(error))

    def _event(self, event: Event) -> None:
        match event:
            case Scanning():
                done = {"phase": "scan", "files": event.files, "bytes_done": event.hashed_bytes}
                self._passing(event, f"{event.address}: reading the source", {**done, "bytes_total": event.total_bytes})
            case Refreshing():
                self._passing(event, f"{event.address}: reading the backend", {"phase": "refresh", "done": event.rows})
            case Started():
                self._begin(event)
            case Progress():
                self._progress(event)
            case RowDone():
                self._row_done(event)
            case RowFailed():
                self._diagnostic(event.problem)
            case Finished():
                self._finish(event)
            case Failed():
                hook = {
                    "resource": _resource(event.address),
                    "action": _ACTIONS[event.action],
                    "skipped": event.skipped,
                }
                message = f"{event.address}: {event.problem.summary}"
                self._write("apply_errored", message, level="error", hook=hook)
                if event.problem.address == str(event.address):  # those of rows were told when they happened
                    self._diagnostic(event.problem)

    def _begin(self, event: Started) -> None:
        self._meters[event.address] = Meter(event.rows, event.total_bytes, self.clock())
        self._started[event.address] = event
        hook = {"resource": _resource(event.address), "action": _ACTIONS[event.action]}
        self._write("apply_start", f"{event.address}: {event.action.value} begins", hook=hook)

    def _progress(self, event: Progress) -> None:
        meter = self._meters.setdefault(event.address, Meter(0, 0, self.clock()))
        now = self.clock()
        meter.update(event.rows, event.bytes, now)
        started = self._started.get(event.address)
        if not self._is_due(event) or started is None:
            return
        elapsed = round(now - meter.start_s, 3)
        hook = {"resource": _resource(event.address), "action": _ACTIONS[started.action], "elapsed_seconds": elapsed}
        message = f"{event.address}: {event.rows} of {meter.total_rows} done"
        self._write("apply_progress", message, hook=hook)
        figures = {
            "phase": "apply",
            "resource": _resource(event.address),
            "done": meter.rows,
            "total": meter.total_rows,
            "bytes_done": meter.bytes,
            "bytes_total": meter.total_bytes,
            "rate": round(meter.bytes_per_s, 1),
            "eta_seconds": None if meter.eta_s is None else round(meter.eta_s, 1),
        }
        self._write("progress", message, progress=figures)

    def _row_done(self, event: RowDone) -> None:
        row = event.address.row(event.key)
        hook = {
            "resource": _resource(row),
            "action": _ACTIONS[event.action],
            "id_key": "id",
            "id_value": event.remote_id,
            "bytes": event.bytes,
        }
        self._write("row_complete", f"{row}: {event.action.value} complete", hook=hook)

    def _finish(self, event: Finished) -> None:
        hook = {
            "resource": _resource(event.address),
            "action": _ACTIONS[event.action],
            "id_key": "id",
            "id_value": event.remote_id,
            "elapsed_seconds": round(event.elapsed_s, 3),
            "rows": event.counts.changed,
            **({"note": event.note} if event.note else {}),
        }
        self._write("apply_complete", f"{event.address}: {event.action.value} complete", hook=hook)

    def _passing(self, event: Scanning | Refreshing, message: str, figures: Mapping[str, JSON]) -> None:
        if self._is_due(event):
            self._write("progress", message, progress={"resource": _resource(event.address), **figures})

    def _is_due(self, event: Event) -> bool:
        key, now = (type(event), event.address), self.clock()
        if now - self._told_at.get(key, float("-inf")) < _INTERVAL_S:
            return False
        self._told_at[key] = now
        return True

    def _change(self, kind: str, change: Change, message: str, action: str) -> None:
        value: dict[str, JSON] = {
            "resource": _resource(change.address),
            "action": action,
            "reason": change.reason.value,
        }
        if change.previous:
            value["previous_resource"] = _resource(change.previous)
        if change.action is Action.ADOPT:
            value["importing"] = {"id": change.remote_id}
        if change.rows:
            value["rows"] = change.rows.changed
        if change.row_drift:
            value["row_drift"] = change.row_drift
        self._write(kind, message, change=value)

    def _diagnostic(self, problem: Problem) -> None:
        label = "Error" if problem.severity is Severity.ERROR else "Warning"
        level = "error" if problem.severity is Severity.ERROR else "warn"
        place = f"{problem.at or problem.address}: " if problem.at or problem.address else ""
        value = diagnostic(problem, lines=file_lines)
        self._write("diagnostic", f"{label}: {place}{problem.summary}", level=level, diagnostic=value)

    def _write(self, kind: str, message: str, *, level: str = "info", **members: JSON) -> None:
        line = {
            "@level": level,
            "@message": message,
            "@module": "reconciler.ui",
            "@timestamp": self.now().isoformat(timespec="milliseconds"),
            "type": kind,
            **members,
        }
        self.console.print(json.dumps(line, ensure_ascii=False))


def _resource(address: Address) -> JSON:
    return {
        "addr": str(address),
        "module": "",
        "resource": str(address),
        "implied_provider": "reconciler",
        "resource_type": address.kind,
        "resource_name": address.name,
        "resource_key": address.key,
    }


def _units(totals: Totals) -> JSON:
    units = totals.units
    return {
        "add": units.create,
        "change": units.update,
        "replace": units.replace,
        "move": units.move,
        "delete": units.delete,
        "files": units.files,
        "bytes": units.bytes,
    }
