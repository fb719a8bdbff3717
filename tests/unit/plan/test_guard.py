"""Limits that stop a plan."""

from __future__ import annotations

import pytest

from reconciler.errors import BlockedPlan, ExitCode, PolicyViolation, Problem, UnsafePlan
from reconciler.model.address import Address
from reconciler.model.workspace import Safety
from reconciler.plan.guard import Budget, DeleteLimit, obstacle, over_budget, parse_delete_limit, unsafe_sets
from reconciler.plan.values import Action, Change, Reason, RowCounts, Totals

SET = Address("AssetSet", "ct")


def _change(delete: int = 0, replace: int = 0) -> Change:
    return Change(SET, Action.UPDATE, Reason.FIELDS_DIFFER, rows=RowCounts(delete=delete, replace=replace))


@pytest.mark.parametrize(
    ("owned", "delete", "replace", "limit", "stops", "reason"),
    [
        (9, 9, 0, DeleteLimit(), False, "below the floor"),
        (10, 3, 0, DeleteLimit(), False, "30 % is allowed"),
        (10, 4, 0, DeleteLimit(), True, "more than 30 %"),
        (10, 2, 2, DeleteLimit(), True, "replaces count too"),
        (10, 4, 0, DeleteLimit(rows=4), False, "raised to a number"),
        (10, 5, 0, DeleteLimit(rows=4), True, "raised, and still more"),
        (10, 8, 0, DeleteLimit(fraction=0.8), False, "raised to a share"),
        (1000, 31, 0, DeleteLimit(rows=30), True, "a number may also be stricter"),
    ],
)
def test_unsafe_sets_limit(owned, delete, replace, limit, stops, reason):
    found = unsafe_sets([_change(delete, replace)], {str(SET): owned}, Safety(), limit)
    assert bool(found) is stops, reason


def test_unsafe_sets_rewriting_an_export_loses_nothing_but_shrinking_it_counts():
    address = Address("Export", "out")
    for rows, stops in ((RowCounts(replace=10), False), (RowCounts(delete=10), True)):
        change = Change(address, Action.UPDATE, Reason.FIELDS_DIFFER, rows=rows)
        assert bool(unsafe_sets([change], {str(address): 10}, Safety(), DeleteLimit())) is stops


@pytest.mark.parametrize(("text", "limit"), [("25", DeleteLimit(rows=25)), ("80%", DeleteLimit(fraction=0.8))])
def test_parse_delete_limit_reads_numbers_and_shares(text, limit):
    assert parse_delete_limit(text) == limit


@pytest.mark.parametrize("text", ["", "-1", "101%", "many", "x%"])
def test_parse_delete_limit_refuses_nonsense(text):
    with pytest.raises(ValueError, match=r"."):
        parse_delete_limit(text)


def test_obstacle_unsafe_comes_first_and_says_how_to_go_on():
    error = obstacle([], unsafe_sets([_change(9)], {str(SET): 10}, Safety(), DeleteLimit()))
    assert isinstance(error, UnsafePlan)
    assert error.exit_code is ExitCode.SAFETY
    assert "--max-delete 9" in str(error)


@pytest.mark.parametrize(
    ("reason", "kind", "code"),
    [(Reason.PROTECTED, PolicyViolation, 14), (Reason.EXISTS_FOREIGN, BlockedPlan, 17)],
)
def test_obstacle_blocked_change_stops_the_plan(reason, kind, code):
    error = obstacle([Change(SET, Action.BLOCKED, reason, notes=("do this",))], [])
    assert isinstance(error, kind)
    assert (error.exit_code, "do this" in str(error)) == (code, True)


TOTALS = Totals(calls=120, units=RowCounts(create=3, files=6, bytes=2_000_000))


@pytest.mark.parametrize(
    ("budget", "beyond", "reason"),
    [
        (Budget(), [], "no limit"),
        (Budget(bytes=2_000_000, calls=120), [], "exactly what it costs"),
        (Budget(bytes=1_999_999), ["2,000,000 bytes"], "one byte too many"),
        (Budget(calls=119), ["120 requests"], "one request too many"),
        (Budget(bytes=0, calls=0), ["2,000,000 bytes", "120 requests"], "both are told"),
    ],
)
def test_over_budget_names_what_costs_more(budget, beyond, reason):
    found = over_budget(TOTALS, budget)
    assert [" ".join(problem.summary.split()[:2]) for problem in found] == beyond, reason


def test_budget_of_the_command_line_goes_before_that_of_the_workspace():
    assert Budget(bytes=5).over(Budget(bytes=1, calls=2)) == Budget(bytes=5, calls=2)


def test_refused_plan_is_a_violation_of_policy() -> None:
    error = obstacle([], [], [Problem("a file breaks content.type")])
    assert isinstance(error, PolicyViolation)
    assert "breaks content.type" in str(error)
