"""What others changed since we applied: a plan of which only the drift is of interest."""

from __future__ import annotations

from pathlib import Path

from reconciler.engine.context import PlanOptions
from reconciler.engine.planning import make_plan
from reconciler.engine.session import Session
from reconciler.plan.values import Change, Reason
from reconciler.state.planfile import PlanFile


def detect_drift(session: Session, options: PlanOptions, path: Path) -> PlanFile:
    """Compute a plan with a full look at every backend; `drifted` picks what is drift in it."""
    return make_plan(session, options, path)


def drifted(plan: PlanFile) -> tuple[Change, ...]:
    """The changes that others brought about."""
    outside = (Reason.CHANGED_OUTSIDE, Reason.DELETED_OUTSIDE, Reason.GONE)
    return tuple(c for c in plan.changes() if c.drift or c.row_drift or c.reason in outside)
