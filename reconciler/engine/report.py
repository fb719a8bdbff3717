"""The outcome of an apply, as values."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.errors import ExitCode, Problem, ReconcilerError
from reconciler.model.address import Address
from reconciler.plan.values import Action, RowCounts


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one resource. rows: done. failures: of its rows, or of itself. skipped: not begun.

    note: what else there is to know of it, "" when nothing.
    """

    address: Address
    action: Action
    rows: RowCounts = field(default_factory=RowCounts)
    failures: tuple[Problem, ...] = ()
    skipped: bool = False
    note: str = ""

    @property
    def ok(self) -> bool:
        """True when everything planned was done."""
        return not self.failures and not self.skipped


@dataclass(frozen=True, slots=True)
class ApplyReport:
    """Outcomes in order. cause: the first error that decides the exit code. interrupted: stopped by the user."""

    outcomes: tuple[Outcome, ...]
    cause: ReconcilerError | None = None
    interrupted: bool = False

    @property
    def failures(self) -> tuple[Problem, ...]:
        """Everything that failed."""
        return tuple(problem for outcome in self.outcomes for problem in outcome.failures)

    @property
    def added(self) -> int:
        """Resources created (a replaced one counts here too)."""
        return self._count(Action.CREATE, Action.REPLACE)

    @property
    def changed(self) -> int:
        """Resources changed in place."""
        return self._count(Action.UPDATE)

    @property
    def destroyed(self) -> int:
        """Resources deleted (a replaced one counts here too)."""
        return self._count(Action.DELETE, Action.REPLACE)

    @property
    def exit_code(self) -> ExitCode:
        """130 when interrupted, 0 when all was done, 16 when only a part was, else the code of the first error."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if all(outcome.ok for outcome in self.outcomes):
            return ExitCode.OK
        if any(_did_something(outcome) for outcome in self.outcomes):
            return ExitCode.PARTLY_APPLIED
        return self.cause.exit_code if self.cause else ExitCode.FAILED

    def _count(self, *actions: Action) -> int:
        return sum(outcome.action in actions and outcome.ok for outcome in self.outcomes)


def _did_something(outcome: Outcome) -> bool:
    return outcome.rows.changed > 0 or (outcome.ok and outcome.action is not Action.NO_OP)
