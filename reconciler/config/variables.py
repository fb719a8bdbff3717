"""Variables of the workspace: what is declared, what is given, and the value that wins.

Order, later ones win: the declared default, the environment block (`--env`), `RECONCILER_VAR_NAME` in the process
environment, `*.auto.vars.yaml` in lexical order, `--var-file` in the order given, `--var`. Same as Terraform's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from reconciler.config.interpolation import Fault, Value
from reconciler.config.nodes import MapNode, Node, ScalarNode, find, list_at, map_at, shown, to_json
from reconciler.config.scalars import NotJSON, resolve
from reconciler.config.suggestion import did_you_mean, listed
from reconciler.errors import Location, Problem, Severity
from reconciler.model.json import JSON

ENVIRONMENT_PREFIX = "RECONCILER_VAR_"

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "list": (list,),
}


@dataclass(frozen=True, slots=True)
class Variable:
    """A declared variable. default: None when it has none. at: where it is declared."""

    name: str
    type: str
    default: Node | None
    allowed: tuple[JSON, ...]
    pattern: str | None
    sensitive: bool
    at: Location


@dataclass(frozen=True, slots=True)
class Given:
    """Values from one place. typed: texts are converted to the variable's type when False.

    unknown: what a name that is not declared means: an error, a warning, or nothing.
    """

    values: Mapping[str, Node]
    typed: bool = True
    unknown: Literal["error", "warn", "ignore"] = "error"


@dataclass(slots=True)
class Resolved:
    """The outcome. values: by name, a Fault where a variable has no usable value."""

    values: dict[str, Value | Fault] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


class UnknownVariables(dict[str, Value | Fault]):
    """Stands for variables whose declarations cannot be read: every name may exist, none has a value."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Fault:
        return _wrong(name)


def declared_variables(spec: Node | None) -> dict[str, Variable]:
    """Read `spec.variables` of a workspace; parts of the wrong shape are passed over (the schema names them)."""
    return {name: _declared(name, node, spec) for name, node in map_at(spec, "variables")}


def _declared(name: str, node: Node, spec: Node | None) -> Variable:
    variables = find(spec, "variables")
    at = variables.keys[name] if isinstance(variables, MapNode) else node.at
    kind, pattern, sensitive = find(node, "type"), find(node, "pattern"), find(node, "sensitive")
    return Variable(
        name,
        kind.value if isinstance(kind, ScalarNode) and kind.value in _TYPES else "string",  # type: ignore[arg-type]
        find(node, "default"),
        tuple(to_json(v) for v in list_at(node, "enum")),
        pattern.value if isinstance(pattern, ScalarNode) and isinstance(pattern.value, str) else None,
        isinstance(sensitive, ScalarNode) and sensitive.value is True,
        at,
    )


def given_by_environment(environ: Mapping[str, str]) -> Given:
    """Values in `RECONCILER_VAR_NAME`; names that are not declared are somebody else's."""
    found = {
        name.removeprefix(ENVIRONMENT_PREFIX): ScalarNode(text, Location(f"${name}"))
        for name, text in sorted(environ.items())
        if name.startswith(ENVIRONMENT_PREFIX) and len(name) > len(ENVIRONMENT_PREFIX)
    }
    return Given(found, typed=False, unknown="ignore")


def given_on_command_line(variables: Mapping[str, str]) -> Given:
    """Values of `--var NAME=VALUE`."""
    found = {name: ScalarNode(text, Location(f"--var {name}")) for name, text in sorted(variables.items())}
    return Given(found, typed=False)


def resolve_variables(declared: Mapping[str, Variable], layers: Iterable[Given]) -> Resolved:
    """Find the value of every declared variable. layers: weakest first.

    A wrong value is a problem at once, also when a stronger layer overrides it; a missing one becomes a Fault, which
    matters only where the variable is used.
    """
    resolved = Resolved()
    for variable in declared.values():
        resolved.values[variable.name] = _default(variable, resolved.problems)
    for layer in layers:
        for name, node in layer.values.items():
            if name in declared:
                value = _checked(declared[name], node, layer.typed, resolved.problems)
                resolved.values[name] = _wrong(name) if value is None else value
            elif layer.unknown != "ignore":
                resolved.problems.append(_undeclared(name, node, declared, layer))
    return resolved


def _default(variable: Variable, problems: list[Problem]) -> Value | Fault:
    name = variable.name
    if variable.default is not None:
        value = _checked(variable, variable.default, True, problems)
        return _wrong(name) if value is None else value
    return Fault(
        f"the variable '{name}' has no value",
        f"It is declared at {variable.at} without a default.",
        f"give one with --var {name}=..., --var-file, {ENVIRONMENT_PREFIX}{name}, or a default",
        missing=True,
    )


def _wrong(name: str) -> Fault:
    return Fault(f"the variable '{name}' has a wrong value", reported=True)


def _checked(variable: Variable, node: Node, typed: bool, problems: list[Problem]) -> Value | None:
    """The value with the declared type, or None and a problem."""
    value = to_json(node) if typed else _converted(variable.type, to_json(node))
    found = "(sensitive value)" if variable.sensitive else shown(node)
    fault = _fault(variable, value, found)
    if fault is None:
        return Value(value, variable.sensitive)
    problems.append(Problem(fault.summary, node.at, fault.detail, fault.fix))
    return None


def _fault(variable: Variable, value: JSON, found: str) -> Fault | None:
    name = variable.name
    if not _has_type(variable.type, value):
        fixes = {"string": "put it in quotes", "boolean": "write true or false", "list": "write [a, b]"}
        fix = fixes.get(variable.type, f"give a value of type {variable.type}")
        return Fault(f"the variable '{name}' is of type {variable.type}, not {found}", fix=fix)
    for item in value if isinstance(value, list) else [value]:
        fault = _limits(variable, item, "(sensitive value)" if variable.sensitive else repr(item))
        if fault:
            return fault
    return None


def _limits(variable: Variable, item: JSON, found: str) -> Fault | None:
    name = variable.name
    if variable.allowed and item not in variable.allowed:
        allowed = listed(str(v) for v in variable.allowed)
        detail = f"Allowed: {allowed}."
        fix = did_you_mean(str(item), map(str, variable.allowed)) if not variable.sensitive else ""
        return Fault(f"the variable '{name}' cannot be {found}", detail, fix or "give an allowed value")
    if variable.pattern and isinstance(item, str) and not _matches(variable.pattern, item):
        return Fault(
            f"the variable '{name}' cannot be {found}", f"It must match {variable.pattern}.", "change the value"
        )
    return None


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error:
        return True  # reported with the declaration


def _has_type(kind: str, value: JSON) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return False
    if kind == "list":
        return isinstance(value, list) and all(isinstance(v, str | int | float) for v in value)
    return isinstance(value, _TYPES[kind])


def _converted(kind: str, text: str) -> JSON:
    """A text from the command line or the environment as the declared type; unchanged when it does not fit."""
    converters: Mapping[str, Callable[[str], JSON]] = {
        "integer": _number,
        "number": _number,
        "boolean": lambda t: {"true": True, "false": False}.get(t.lower(), t),
        "list": _list,
    }
    return converters[kind](text) if kind in converters else text


def _number(text: str) -> JSON:
    try:
        value = resolve(text.strip())
    except NotJSON:
        return text
    return value if isinstance(value, int | float) and not isinstance(value, bool) else text


def _list(text: str) -> JSON:
    """`["a", "b"]` as JSON, or `a,b`."""
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return [part.strip() for part in text.split(",")] if text else []


def _undeclared(name: str, node: Node, declared: Mapping[str, Variable], layer: Given) -> Problem:
    known = f"Declared: {listed(sorted(declared))}." if declared else "The workspace declares no variables."
    return Problem(
        f"the variable '{name}' is not declared",
        node.at,
        known,
        did_you_mean(name, declared, "declare it under spec.variables of the workspace"),
        Severity.WARNING if layer.unknown == "warn" else Severity.ERROR,
    )


def declaration_problems(declared: Mapping[str, Variable], spec: Node | None) -> list[Problem]:
    """Patterns that do not compile and allowed values of another type than declared."""
    problems = []
    for variable in declared.values():
        problems.extend(_pattern_problems(variable, spec))
        kind = variable.type
        for index, value in enumerate(variable.allowed):
            if kind != "list" and not _has_type(kind, value):
                at = find(spec, "variables", variable.name, "enum", index)
                summary = f"{value!r} is not of type {kind}"
                problems.append(Problem(summary, at.at if at else variable.at, fix="change the value or the type"))
    return problems


def _pattern_problems(variable: Variable, spec: Node | None) -> list[Problem]:
    if variable.pattern is None:
        return []
    try:
        re.compile(variable.pattern)
    except re.error as exc:
        at = find(spec, "variables", variable.name, "pattern")
        summary = f"{variable.pattern!r} is not a regular expression: {exc.msg}"
        return [Problem(summary, at.at if at else variable.at, fix="correct it")]
    return []


def given_by_node(node: Node | None, *, unknown: Literal["error", "warn"]) -> Given:
    """Values in an object: the environment block or a variables file."""
    return Given(dict(map_at(node)) if node is not None else {}, unknown=unknown)
