"""Declared and given values of variables."""

from __future__ import annotations

import pytest

from reconciler.config.interpolation import Fault, Value
from reconciler.config.nodes import from_json
from reconciler.config.reading import read_text
from reconciler.config.variables import (
    Resolved,
    declared_variables,
    given_by_environment,
    given_by_node,
    given_on_command_line,
    resolve_variables,
)
from reconciler.errors import Location, Severity


def resolve(declaration: str, *layers: object) -> Resolved:
    spec = read_text(f"variables: {declaration}\n", "reconciler.yaml").documents[0]
    return resolve_variables(declared_variables(spec), layers)  # type: ignore[arg-type]


def test_resolve_default_is_used_without_other_values() -> None:
    assert resolve("{site: {default: a}}").values == {"site": Value("a")}


def test_resolve_later_layers_win() -> None:
    block = given_by_node(from_json({"s": "block"}, Location("x")), unknown="error")
    environment = given_by_environment({"RECONCILER_VAR_s": "environment"})
    line = given_on_command_line({"s": "line"})
    assert resolve("{s: {}}", block).values["s"] == Value("block")
    assert resolve("{s: {}}", block, environment).values["s"] == Value("environment")
    assert resolve("{s: {}}", block, environment, line).values["s"] == Value("line")


CONVERTED = [
    ("integer", "12", 12),
    ("number", "1e3", 1000.0),
    ("number", "3", 3),
    ("boolean", "TRUE", True),
    ("boolean", "false", False),
    ("string", "12", "12"),
    ("string", "true", "true"),
    ("list", "a, b", ["a", "b"]),
    ("list", '["a,b", 2]', ["a,b", 2]),
    ("list", "", []),
]


@pytest.mark.parametrize(("kind", "text", "expected"), CONVERTED)
def test_resolve_text_becomes_the_declared_type(kind: str, text: str, expected: object) -> None:
    resolved = resolve(f"{{v: {{type: {kind}}}}}", given_on_command_line({"v": text}))
    assert resolved.problems == []
    assert resolved.values["v"] == Value(expected)


@pytest.mark.parametrize(
    ("kind", "text"), [("integer", "1.5"), ("integer", "x"), ("boolean", "yes"), ("number", ".inf"), ("list", "[1")]
)
def test_resolve_text_of_another_type_is_a_problem(kind: str, text: str) -> None:
    resolved = resolve(f"{{v: {{type: {kind}}}}}", given_on_command_line({"v": text}))
    assert [str(p.at) for p in resolved.problems] == ["--var v"]
    assert isinstance(resolved.values["v"], Fault)


def test_resolve_value_in_a_file_keeps_its_type() -> None:
    resolved = resolve("{v: {type: string}}", given_by_node(from_json({"v": 5}, Location("f", 1, 4)), unknown="warn"))
    assert [p.summary for p in resolved.problems] == ["the variable 'v' is of type string, not 5"]


def test_resolve_sensitive_value_is_not_in_the_problem() -> None:
    resolved = resolve("{v: {sensitive: true, enum: [hunter2]}}", given_on_command_line({"v": "hunter3"}))
    assert "hunter3" not in str(resolved.problems[0])
    assert resolve("{v: {sensitive: true, default: x}}").values["v"] == Value("x", sensitive=True)


def test_resolve_undeclared_name_is_an_error_on_the_command_line_and_a_warning_in_a_file() -> None:
    line = resolve("{site: {default: a}}", given_on_command_line({"stie": "b"})).problems
    file = resolve(
        "{site: {default: a}}", given_by_node(from_json({"stie": "b"}, Location("f")), unknown="warn")
    ).problems
    assert [p.severity for p in (*line, *file)] == [Severity.ERROR, Severity.WARNING]
    assert line[0].fix == "did you mean 'site'?"


def test_resolve_undeclared_name_in_the_environment_is_passed_over() -> None:
    assert resolve("{}", given_by_environment({"RECONCILER_VAR_other": "x"})).problems == []


def test_resolve_pattern_must_match_the_whole_text() -> None:
    resolved = resolve("{v: {pattern: '[a-z]+', default: ok}}", given_on_command_line({"v": "abc1"}))
    assert [p.summary for p in resolved.problems] == ["the variable 'v' cannot be 'abc1'"]


def test_resolve_enum_applies_to_every_item_of_a_list() -> None:
    resolved = resolve("{v: {type: list, enum: [a, b], default: [a, c]}}")
    assert [p.summary for p in resolved.problems] == ["the variable 'v' cannot be 'c'"]
