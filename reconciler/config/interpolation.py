"""`${var.NAME}`, `${env.NAME}` and `${file.PATH}` in texts. `$${` is a literal `${`.

A text that is one expression takes the value with its type; expressions inside a longer text are filled in as text.
Values from the environment, from files and of sensitive variables are secrets: they may stand only where nothing
compares, shows or stores them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconciler.config.nodes import ListNode, MapNode, Node, Path, ScalarNode, from_json
from reconciler.config.suggestion import did_you_mean, listed
from reconciler.errors import Location, Problem
from reconciler.model.json import JSON

_EXPRESSION = re.compile(r"\$\$\{|\$\{([^{}]*)(\})?")
_PARTS = re.compile(r"(var|env|file)\.(.+)")

_FORMS = "Expressions: ${var.NAME}, ${env.NAME}, ${file.PATH}."


@dataclass(frozen=True, slots=True)
class Value:
    """A value to fill in."""

    value: JSON = field(repr=False)
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no value.

    missing: the text is right, only nobody gave the value (yet). reported: the problem is known already.
    """

    summary: str
    detail: str = ""
    fix: str = ""
    missing: bool = False
    reported: bool = False


@dataclass(frozen=True, slots=True)
class Lookups:
    """Where values come from. Each function gives a value or says why there is none."""

    variables: Mapping[str, Value | Fault]
    env: Callable[[str], Value | Fault]
    file: Callable[[str], Value | Fault]


@dataclass(slots=True)
class Interpolator:
    """Fills in one document, or a part of one.

    secrets_at: whether secrets may stand at a path. problems: what is wrong with the text; missing: values that nobody
    gave; unresolved: places that keep their expression for one of these reasons; used: names of variables.
    """

    lookups: Lookups
    secrets_at: Callable[[Path], bool]
    problems: list[Problem] = field(default_factory=list)
    missing: list[Problem] = field(default_factory=list)
    unresolved: set[Location] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set, repr=False)

    def fill(self, node: Node, path: Path = ()) -> Node:
        """Return the node with every expression replaced; one that has no value is left as it is."""
        match node:
            case ScalarNode(value=str() as text) if "${" in text:
                return self._scalar(node, text, path)
            case ListNode():
                return ListNode(tuple(self.fill(v, (*path, i)) for i, v in enumerate(node.items)), node.at)
            case MapNode():
                filled = {k: self.fill(v, (*path, k)) for k, v in node.entries.items()}
                return MapNode(filled, node.keys, node.at)
            case _:
                return node

    def _scalar(self, node: ScalarNode, text: str, path: Path) -> Node:
        whole = _EXPRESSION.fullmatch(text)
        if whole and whole[1] is not None and whole[2]:
            found = self._value(whole[1], node.at, path)
            return node if found is None else self._as_node(found, node.at)
        return self._embedded(node, text, path)

    def _as_node(self, found: Value, at: Location) -> Node:
        if found.sensitive and not isinstance(found.value, list):
            return ScalarNode(found.value, at, sensitive=True)
        if found.sensitive:
            return ListNode(tuple(ScalarNode(v, at, sensitive=True) for v in found.value), at)
        return from_json(found.value, at)

    def _embedded(self, node: ScalarNode, text: str, path: Path) -> Node:
        sensitive = False
        parts: list[str] = []
        position = 0
        for match in _EXPRESSION.finditer(text):
            parts.append(text[position : match.start()])
            position = match.end()
            if match[0] == "$${":
                parts.append("${")
                continue
            found = self._closed_value(match, node.at, path)
            if found is None:
                return node
            sensitive |= found.sensitive
            parts.append(found.value if isinstance(found.value, str) else json.dumps(found.value, ensure_ascii=False))
        parts.append(text[position:])
        return ScalarNode("".join(parts), node.at, sensitive=sensitive)

    def _closed_value(self, match: re.Match[str], at: Location, path: Path) -> Value | None:
        if not match[2]:
            self._report(Fault(f"'{match[0]}' is not closed", _FORMS, "add '}', or write $${ for a literal ${"), at)
            return None
        return self._value(match[1], at, path)

    def _value(self, expression: str, at: Location, path: Path) -> Value | None:
        found = self._look_up(expression)
        if isinstance(found, Fault):
            self._report(found, at)
            return None
        if found.sensitive:
            if not self.secrets_at(path):
                self._report(_misplaced(expression), at)
                return None
            self.secrets.update(_texts(found.value))
        return found

    def _look_up(self, expression: str) -> Value | Fault:
        match = _PARTS.fullmatch(expression)
        if not match:
            return _unknown(expression)
        source, name = match[1], match[2]
        if source == "env":
            return self.lookups.env(name)
        if source == "file":
            return self.lookups.file(name)
        self.used.add(name)
        if name in self.lookups.variables:
            return self.lookups.variables[name]
        return _undeclared(name, self.lookups.variables)

    def _report(self, fault: Fault, at: Location) -> None:
        self.unresolved.add(at)
        if fault.reported:
            return
        problem = Problem(fault.summary, at, fault.detail, fault.fix)
        (self.missing if fault.missing else self.problems).append(problem)


def _undeclared(name: str, known: Mapping[str, object]) -> Fault:
    detail = f"Declared: {listed(sorted(known))}." if known else "The workspace declares no variables."
    return Fault(
        f"the variable '{name}' is not declared",
        detail,
        did_you_mean(name, known, "declare it under spec.variables of the workspace"),
    )


def _unknown(expression: str) -> Fault:
    source, dot, rest = expression.partition(".")
    fix = "write $${ for a literal ${"
    if dot and rest:
        fix = did_you_mean(source, ("var", "env", "file"), fix)
    return Fault(f"'${{{expression}}}' is not an expression", _FORMS, fix)


def _misplaced(expression: str) -> Fault:
    return Fault(
        f"the secret ${{{expression}}} cannot be used here",
        "This field is compared, shown in plans and stored in the state. Secrets may stand in settings of a backend"
        " and in the options of sources, tables, annotations and destinations, and in credentials.",
        "use a variable that is not sensitive"
        if expression.startswith("var.")
        else "use a variable: ${var.NAME}, given by RECONCILER_VAR_NAME, --var or --var-file",
    )


def _texts(value: JSON) -> set[str]:
    values = value if isinstance(value, list) else [value]
    texts = {v if isinstance(v, str) else json.dumps(v) for v in values}
    return {text for text in texts if text}
