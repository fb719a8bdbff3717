"""Filling in of `${...}`."""

from __future__ import annotations

import pytest

from reconciler.config.interpolation import Fault, Interpolator, Lookups, Value
from reconciler.config.nodes import from_json, is_sensitive, shown, to_json
from reconciler.errors import Location

VARIABLES = {
    "n": Value(3),
    "flag": Value(True),
    "site": Value("a"),
    "names": Value(["x", "y"]),
    "key": Value("k3y", sensitive=True),
    "nobody": Fault("the variable 'nobody' has no value", missing=True),
}
LOOKUPS = Lookups(
    VARIABLES, lambda name: Value(f"env-{name}", sensitive=True), lambda path: Value(f"file-{path}", sensitive=True)
)


def fill(value: object, *, secrets: bool = True) -> tuple[object, Interpolator]:
    run = Interpolator(LOOKUPS, lambda _: secrets)
    return to_json(run.fill(from_json(value, Location("x", 1, 1)))), run


FILLED = [
    ("${var.n}", 3, "a whole text takes the type"),
    ("${var.flag}", True, "a whole text takes the type"),
    ("${var.names}", ["x", "y"], "a whole text takes the list"),
    ("n=${var.n}, ${var.flag}", "n=3, true", "inside a text values become text, as in JSON"),
    ("${var.site}${var.site}", "aa", "two expressions"),
    ("$${var.n}", "${var.n}", "an escape is a literal"),
    ("a $${ b ${var.site}", "a ${ b a", "an escape beside an expression"),
    ("$var.n {var.n} $", "$var.n {var.n} $", "no expression"),
    ("${env.HOME}/x", "env-HOME/x", "the environment"),
    ("${file.a/b.txt}", "file-a/b.txt", "a file"),
]


@pytest.mark.parametrize(("text", "expected", "reason"), FILLED)
def test_fill_expression_gives_value(text: str, expected: object, reason: str) -> None:
    got, run = fill({"a": [text]})
    assert got == {"a": [expected]}, reason
    assert (run.problems, run.missing) == ([], [])


REFUSED = [
    ("${var.m}", "the variable 'm' is not declared"),
    ("${vars.n}", "'${vars.n}' is not an expression"),
    ("${n}", "'${n}' is not an expression"),
    ("${var.}", "'${var.}' is not an expression"),
    ("x ${var.n", "'${var.n' is not closed"),
]


@pytest.mark.parametrize(("text", "summary"), REFUSED)
def test_fill_wrong_expression_is_a_problem_and_stays(text: str, summary: str) -> None:
    got, run = fill(text)
    assert (got, [p.summary for p in run.problems]) == (text, [summary])
    assert run.unresolved == {Location("x", 1, 1)}


def test_fill_variable_without_value_is_kept_apart() -> None:
    _, run = fill("${var.nobody}")
    assert (run.problems, [p.summary for p in run.missing]) == ([], ["the variable 'nobody' has no value"])


@pytest.mark.parametrize("text", ["${var.key}", "${env.A}", "${file.a}", "x-${var.key}"])
def test_fill_secret_where_it_may_not_stand_is_a_problem(text: str) -> None:
    got, run = fill(text, secrets=False)
    assert got == text
    assert "cannot be used here" in run.problems[0].summary
    assert "k3y" not in str(run.problems[0])


def test_fill_secret_marks_the_value_and_remembers_the_text() -> None:
    run = Interpolator(LOOKUPS, lambda _: True)
    node = run.fill(from_json({"token": "Bearer ${var.key}"}, Location("x", 1, 1)))
    assert is_sensitive(node)
    assert run.secrets == {"k3y"}
    assert "k3y" not in shown(node) + repr(node) + repr(run)


def test_fill_remembers_variables_that_were_used() -> None:
    _, run = fill(["${var.n}", "${var.site}"])
    assert run.used == {"n", "site"}
