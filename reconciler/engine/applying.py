"""Carry out a plan, exactly: in its order, each step journalled, failures isolated, interruptible, resumable."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.engine.apply_objects import apply_object
from reconciler.engine.apply_rows import apply_rows
from reconciler.engine.apply_tables import apply_holder, holds_rows
from reconciler.engine.events import Failed, Finished, Started
from reconciler.engine.export_apply import apply_export
from reconciler.engine.planning import ROW_KINDS, plan_obstacle
from reconciler.engine.report import ApplyReport, Outcome
from reconciler.engine.running import Applying, Control
from reconciler.engine.session import Session
from reconciler.errors import Problem, ReconcilerError, StalePlan
from reconciler.graph import edges
from reconciler.model.address import Address
from reconciler.plan.values import Action, Change, RowCounts
from reconciler.state.planfile import PlanFile
from reconciler.state.store import StateStore


def apply_plan(session: Session, store: StateStore, plan: PlanFile, control: Control | None = None) -> ApplyReport:
    """Carry out a plan. The caller holds the state lock.

    Raises:
        StalePlan: the state or the configuration is not what the plan was computed from.
        UnsafePlan, BlockedPlan, PolicyViolation: it must not be applied; nothing was done.
    """
    check_fresh(session, store, plan)
    error = plan_obstacle(plan)
    if error:
        raise error
    declared = {resource.head.address: resource for resource in session.configuration.resources}
    run = Applying(session, store, plan, control or Control(), declared)
    return _Executor(run).execute()


def check_fresh(session: Session, store: StateStore, plan: PlanFile) -> None:
    """Raise StalePlan unless state and configuration are what the plan was computed from."""
    header, version = plan.header, store.version
    fix = "make a new plan: reconciler plan -o FILE"
    first = header.serial == 0 and version.serial == 0
    if header.lineage != version.lineage and not first:
        raise StalePlan("the plan was made for another state (its lineage differs)", fix=fix)
    if header.serial != version.serial:
        raise StalePlan(
            f"the state changed since the plan was made (serial {header.serial} then, {version.serial} now)", fix=fix
        )
    if header.configuration != session.configuration.digest:
        raise StalePlan("the configuration changed since the plan was made", fix=fix)


@dataclass(slots=True)
class _Executor:
    run: Applying
    outcomes: list[Outcome] = field(default_factory=list)
    bad: set[Address] = field(default_factory=set)
    cause: ReconcilerError | None = None

    def execute(self) -> ApplyReport:
        needs = edges(self.run.declared.values())
        for change in self.run.plan.changes():
            if self.run.control.is_stopping:
                self._skip(change, "the run was interrupted")
            elif blocked := self._failed_need(change, needs.get(change.address, ())):
                self._skip(change, f"{blocked} failed")
            else:
                self._step(change)
        return ApplyReport(tuple(self.outcomes), self.cause, self.run.control.is_stopping)

    def _failed_need(self, change: Change, needs: tuple[Address, ...]) -> Address | None:
        if change.action in (Action.DELETE, Action.FORGET):
            return None
        return next((address for address in needs if address in self.bad), None)

    def _skip(self, change: Change, why: str) -> None:
        if change.action is Action.NO_OP and not change.deferred:
            return
        problem = Problem(f"not begun: {why}", address=str(change.address), fix="apply again")
        self.bad.add(change.address)
        self.outcomes.append(Outcome(change.address, change.action, skipped=True))
        self.run.session.events(Failed(change.address, change.action, problem, skipped=True))

    def _step(self, change: Change) -> None:
        is_quiet = change.action is Action.NO_OP and not change.deferred
        started = self.run.session.now()
        if not is_quiet:
            rows = change.rows or RowCounts()
            self.run.session.events(Started(change.address, change.action, rows.changed, rows.bytes))
        try:
            outcome = self._carry_out(change)
        except ReconcilerError as error:
            problem = Problem(error.message, address=str(change.address), fix=error.fix)
            outcome = Outcome(change.address, change.action, failures=(problem,))
            self.cause = self.cause or error
        if outcome.ok:
            self._settle(change)
        else:
            self.bad.add(change.address)
            for problem in outcome.failures[:1]:
                self.run.session.events(Failed(change.address, change.action, problem))
        if is_quiet and outcome.ok:
            return
        self.outcomes.append(outcome)
        if outcome.ok:
            owned = self.run.store.resource(change.address)
            elapsed = (self.run.session.now() - started).total_seconds()
            remote_id = owned.remote_id if owned else None
            self.run.session.events(
                Finished(change.address, change.action, remote_id, outcome.rows, elapsed, outcome.note)
            )

    def _carry_out(self, change: Change) -> Outcome:
        if holds_rows(change.address):
            return apply_holder(self.run, change)
        if change.address.kind not in ROW_KINDS:
            apply_object(self.run, change)
            return Outcome(change.address, change.action)
        if change.address.kind == "Export":
            return apply_export(self.run, change)
        return apply_rows(self.run, change)

    def _settle(self, change: Change) -> None:
        """What was once begun here and cut is settled now."""
        stale = [intent.id for intent in self.run.store.intents() if intent.address == change.address]
        self.run.store.end(*stale)
