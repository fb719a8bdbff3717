"""What a plan was computed from, and what it adds up to. Values and their JSON form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields

from reconciler.errors import Location, Problem, Severity
from reconciler.model.json import JSON
from reconciler.plan.values import Action, Change, RowCounts, Totals

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class PlanHeader:
    """Identity of a plan.

    lineage, serial: of the state it was computed from. configuration: digest of the documents. plan_id: digest of
    everything that will be done; equal plans have equal ids. problems: warnings. unsafe, refused: limits it exceeds,
    and what policies forbid, so that it must not be applied. created: RFC 3339 UTC, the only part that differs between
    two computations of one plan. destroy: made by `destroy`. targets: addresses it was limited to, as text.
    """

    workspace: str
    environment: str | None
    lineage: str
    serial: int
    configuration: str
    plan_id: str
    created: str
    tool_version: str
    destroy: bool = False
    targets: tuple[str, ...] = ()
    totals: Totals = field(default_factory=Totals)
    problems: tuple[Problem, ...] = ()
    unsafe: tuple[Problem, ...] = ()
    refused: tuple[Problem, ...] = ()
    format_version: int = FORMAT_VERSION


def total(changes: Iterable[Change]) -> Totals:
    """Count resources, and the rows of asset sets.

    A replace counts as one to add and one to destroy, as Terraform counts it.
    """
    counts = dict.fromkeys(("add", "change", "destroy", "move", "adopt", "forget", "blocked", "calls"), 0)
    units = RowCounts()
    for change in changes:
        for name in _COUNTED.get(change.action, ()):
            counts[name] += 1
        counts["calls"] += change.calls
        if change.address.kind == "AssetSet" and change.rows:
            units = add_counts(units, change.rows)
    return Totals(units=units, **counts)


_COUNTED: Mapping[Action, tuple[str, ...]] = {
    Action.CREATE: ("add",),
    Action.UPDATE: ("change",),
    Action.REPLACE: ("add", "destroy"),
    Action.DELETE: ("destroy",),
    Action.MOVE: ("move",),
    Action.ADOPT: ("adopt",),
    Action.FORGET: ("forget",),
    Action.BLOCKED: ("blocked",),
}


def add_counts(left: RowCounts, right: RowCounts) -> RowCounts:
    """Add two counts, member by member."""
    return RowCounts(**{f.name: getattr(left, f.name) + getattr(right, f.name) for f in fields(RowCounts)})


def encode_header(header: PlanHeader) -> dict[str, JSON]:
    """A header as JSON."""
    result = asdict(header)
    result["problems"] = [encode_problem(problem) for problem in header.problems]
    result["unsafe"] = [encode_problem(problem) for problem in header.unsafe]
    result["refused"] = [encode_problem(problem) for problem in header.refused]
    return result


def decode_header(value: Mapping[str, JSON]) -> PlanHeader:
    """Inverse of `encode_header`."""
    totals = dict(value["totals"])
    totals["units"] = RowCounts(**totals["units"])
    return PlanHeader(
        **{
            **value,
            "targets": tuple(value["targets"]),
            "totals": Totals(**totals),
            "problems": tuple(decode_problem(problem) for problem in value["problems"]),
            "unsafe": tuple(decode_problem(problem) for problem in value["unsafe"]),
            "refused": tuple(decode_problem(problem) for problem in value.get("refused", ())),
        }
    )


def encode_problem(problem: Problem) -> dict[str, JSON]:
    """A problem as JSON."""
    result = asdict(problem)
    result["severity"] = problem.severity.value
    return result


def decode_problem(value: Mapping[str, JSON]) -> Problem:
    """Inverse of `encode_problem`."""
    at = Location(**value["at"]) if value["at"] else None
    return Problem(**{**value, "at": at, "severity": Severity(value["severity"])})
