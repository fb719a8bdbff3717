"""Limits that stop a plan before it is carried out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.errors import BlockedPlan, PolicyViolation, Problem, ReconcilerError, UnsafePlan
from reconciler.model.workspace import Safety
from reconciler.plan.values import Action, Change, Reason, RowCounts, Totals


@dataclass(frozen=True, slots=True)
class DeleteLimit:
    """What `--max-delete` allows: a number of rows, a share of each set, or (both None) the workspace's limit."""

    rows: int | None = None
    fraction: float | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run may cost at most. bytes: uploaded for asset sets. calls: requests, as estimated. None: no limit."""

    bytes: int | None = None
    calls: int | None = None

    def over(self, other: Budget) -> Budget:
        """This budget, and where it sets no limit, the other one's."""
        return Budget(
            other.bytes if self.bytes is None else self.bytes, other.calls if self.calls is None else self.calls
        )


def over_budget(totals: Totals, budget: Budget) -> list[Problem]:
    """Say what a plan costs beyond its budget."""
    costs = (
        (totals.units.bytes, budget.bytes, "bytes would be uploaded", "--max-bytes"),
        (totals.calls, budget.calls, "requests would be made, as far as can be foreseen", "--max-calls"),
    )
    return [
        Problem(
            f"{cost:,} {what}; the budget is {most:,}",
            detail="Nothing was written.",
            fix=f"if it is meant, repeat with {option} {cost}; or apply a part with --target",
        )
        for cost, most, what, option in costs
        if most is not None and cost > most
    ]


def parse_delete_limit(text: str) -> DeleteLimit:
    """Read `25` or `80%`. Raises ValueError."""
    if text.endswith("%"):
        share = float(text[:-1]) / 100
        if not 0 <= share <= 1:
            raise ValueError(f"{text!r} is not between 0% and 100%")
        return DeleteLimit(fraction=share)
    if not text.isdecimal():
        raise ValueError(f"{text!r} is neither a number of units nor a percentage")
    return DeleteLimit(rows=int(text))


def unsafe_sets(changes: Iterable[Change], owned: dict[str, int], safety: Safety, limit: DeleteLimit) -> list[Problem]:
    """Name every row set of which more would be deleted or replaced than allowed.

    owned: address as text → rows owned now. A set is checked once it owns `safety.floor` rows.
    """
    return [
        problem
        for change in changes
        if change.rows and (problem := _excess(change, owned.get(str(change.address), 0), safety, limit))
    ]


def _excess(change: Change, owned: int, safety: Safety, limit: DeleteLimit) -> Problem | None:
    rows = change.rows or RowCounts()
    # An exported item that is written again loses nothing: its content is at the backend.
    lost = rows.delete + (0 if change.address.kind == "Export" else rows.replace)
    fraction = safety.max_change_fraction if limit.fraction is None else limit.fraction
    allowed = limit.rows if limit.rows is not None else int(owned * fraction)
    if owned < safety.floor or lost <= allowed:
        return None
    what = "rows" if change.address.kind == "Table" else "units"
    return Problem(
        f"{lost} of {owned} {what} would be deleted or replaced; the limit is {allowed}",
        address=str(change.address),
        detail="A source that shrank or moved looks like this; look at the plan before you go on.",
        fix=f"if it is meant, repeat with --max-delete {lost}",
    )


def obstacle(
    changes: Iterable[Change], unsafe: Sequence[Problem], refused: Sequence[Problem] = ()
) -> ReconcilerError | None:
    """The error that keeps a plan from being applied, None when there is none. refused: what policies forbid."""
    if refused:
        return PolicyViolation("\n".join(str(problem) for problem in refused), problems=refused)
    if unsafe:
        return UnsafePlan("\n".join(str(problem) for problem in unsafe), problems=unsafe)
    return _blocked(changes)


def _blocked(changes: Iterable[Change]) -> ReconcilerError | None:
    blocked = [change for change in changes if change.action is Action.BLOCKED]
    if not blocked:
        return None
    problems = [
        Problem(
            f"blocked: {change.reason.value.replace('_', ' ')}",
            address=str(change.address),
            fix="; ".join(change.notes),
        )
        for change in blocked
    ]
    text = "\n".join(str(problem) for problem in problems)
    if any(change.reason is Reason.PROTECTED for change in blocked):
        return PolicyViolation(text, problems=problems)
    return BlockedPlan(text, problems=problems)
