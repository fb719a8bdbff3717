"""The error tree, problems and exit codes; imports nothing of ours.

    ReconcilerError                 exit 1
    ├── UsageError                  1   the command line makes no sense
    ├── ConfigError                10   the YAML is wrong; carries every problem found
    │   └── SourceError            10   a source is missing, empty, unreadable or ambiguous
    ├── MissingExtra               10   an optional package is not installed
    ├── ItemRefused                 1   one item of an export cannot be written; it alone is left out
    ├── BackendError                1   the backend refused or misbehaved
    │   ├── Invalid                 1   it rejects the request: fix the YAML
    │   ├── Denied                 11   credentials missing, wrong or not allowed
    │   ├── NotFound                1   the object is gone
    │   ├── Conflict               17   it changed meanwhile, or exists already: read again
    │   └── Transient              18   no answer, or a passing fault: retry
    │       └── Throttled          18   asked to slow down: retry after `retry_after_s`
    ├── TimedOut                   19
    ├── LockHeld                   12
    ├── StalePlan                  13
    ├── PolicyViolation            14
    ├── UnsafePlan                 15
    ├── BlockedPlan                17   something in the way must be settled first; nothing was done
    └── StateError                  1   the state file is damaged, foreign or from a newer version

Messages never hold secrets: whoever raises must pass text that was redacted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """Process exit codes; stable, documented in docs/cli.md."""

    OK = 0
    FAILED = 1
    CHANGES = 2
    CONFIGURATION = 10
    AUTHENTICATION = 11
    LOCK_HELD = 12
    STALE_PLAN = 13
    POLICY = 14
    SAFETY = 15
    PARTLY_APPLIED = 16
    CONFLICT = 17
    UNREACHABLE = 18
    TIMEOUT = 19
    INTERRUPTED = 130


class Severity(StrEnum):
    """How much a problem matters: errors stop the run, warnings are shown."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file.

    file: as the user would write it, "/"-separated, relative to the workspace; "-" for standard input.
    line, column: 1-based, columns in characters; 0 when unknown.
    """

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding: what is wrong, where, why, and what to do about it.

    summary: short, without trailing full stop; names the offending value.
    detail: a full sentence on why, or what is allowed.
    fix: what to do, phrased as an instruction or a question ("did you mean 'label_1'?").
    address: the resource it concerns, as text, when there is no better place.
    """

    summary: str
    at: Location | None = None
    detail: str = ""
    fix: str = ""
    severity: Severity = Severity.ERROR
    address: str = ""

    def __str__(self) -> str:
        place = str(self.at) if self.at else self.address
        text = f"{place}: {self.summary}" if place else self.summary
        if self.detail:
            text += f"\n  {self.detail}"
        if self.fix:
            text += f"\n  fix: {self.fix}"
        return text


def problem_order(problem: Problem) -> tuple[str, int, int, str, str]:
    """Sort key that keeps reports stable: by file, line, column, address, summary."""
    at = problem.at or Location("")
    return (at.file, at.line, at.column, problem.address, problem.summary)


class ReconcilerError(Exception):
    """Base of every error we raise on purpose; carries the exit code and, when there are any, problems."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED

    def __init__(self, message: str, *, fix: str = "", problems: Iterable[Problem] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.problems: tuple[Problem, ...] = tuple(problems)

    def __str__(self) -> str:
        return f"{self.message}\n  fix: {self.fix}" if self.fix else self.message

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by content, for errors come back from other processes: what classes are made with differs."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[ReconcilerError], args: tuple[object, ...], content: dict[str, object]) -> ReconcilerError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(content)
    return error


class UsageError(ReconcilerError):
    """The command line makes no sense."""


class ConfigError(ReconcilerError):
    """The configuration is wrong; `problems` lists everything that was found, in file order."""

    exit_code = ExitCode.CONFIGURATION

    def __init__(self, problems: Iterable[Problem], message: str = "") -> None:
        found = sorted(problems, key=problem_order)
        super().__init__(message or "\n".join(str(p) for p in found), problems=found)


class SourceError(ConfigError):
    """A source is missing, empty, unreadable or ambiguous. Never treated as "no files"."""


class ItemRefused(ReconcilerError):
    """One item of an export cannot be written, for a reason that lies in the code that writes it; others can."""


class MissingExtra(ReconcilerError):
    """An optional package is needed and not installed."""

    exit_code = ExitCode.CONFIGURATION

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional package", fix=f"pip install 'reconciler[{extra}]'")
        self.extra = extra


class BackendError(ReconcilerError):
    """The backend refused or misbehaved. operation: verb and path, without query strings or secrets."""

    def __init__(self, message: str, *, operation: str = "", status: int = 0, fix: str = "") -> None:
        super().__init__(f"{operation}: {message}" if operation else message, fix=fix)
        self.operation = operation
        self.status = status


class Invalid(BackendError):
    """The backend rejects what we sent (400, 422): the YAML or the data must change."""


class Denied(BackendError):
    """Credentials are missing, wrong or not allowed to do this (401, 403)."""

    exit_code = ExitCode.AUTHENTICATION


class NotFound(BackendError):
    """The object does not exist (404, 410)."""


class Conflict(BackendError):
    """The object changed meanwhile or exists already (409, 412): read again."""

    exit_code = ExitCode.CONFLICT


class Transient(BackendError):
    """No answer, or a passing fault (connection errors, 5xx): worth repeating."""

    exit_code = ExitCode.UNREACHABLE


class Throttled(Transient):
    """The backend asks to slow down (429, or 503 with Retry-After)."""

    def __init__(
        self, message: str, *, operation: str = "", status: int = 429, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, operation=operation, status=status)
        self.retry_after_s = retry_after_s


class TimedOut(ReconcilerError):
    """A time limit ran out."""

    exit_code = ExitCode.TIMEOUT


class LockHeld(ReconcilerError):
    """Someone else holds the state lock; the message names holder, operation and since when."""

    exit_code = ExitCode.LOCK_HELD


class StalePlan(ReconcilerError):
    """The saved plan was computed from another state."""

    exit_code = ExitCode.STALE_PLAN


class PolicyViolation(ReconcilerError):
    """A policy forbids the plan (protected resource, content policy)."""

    exit_code = ExitCode.POLICY


class UnsafePlan(ReconcilerError):
    """The plan would delete or replace more than the safety limit allows."""

    exit_code = ExitCode.SAFETY


class BlockedPlan(ReconcilerError):
    """The plan holds changes that cannot be carried out (foreign or ambiguous objects), so nothing was done."""

    exit_code = ExitCode.CONFLICT


class StateError(ReconcilerError):
    """The state is damaged, of another lineage, or written by a newer version."""
