"""Regular expressions and templates in documents."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reconciler.config.nodes import Node, ScalarNode
from reconciler.errors import Problem

_FIELD = re.compile(r"\{([^{}]*)\}")


def compiled(node: Node | None) -> re.Pattern[str] | Problem | None:
    """The expression at a node, a problem when it does not compile, None when there is no text."""
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
        return None
    try:
        return re.compile(node.value)
    except re.error as exc:
        position = f" at position {exc.pos + 1}" if exc.pos is not None else ""
        summary = f"{node.value!r} is not a regular expression: {exc.msg}{position}"
        return Problem(summary, node.at, fix="correct it; single quotes keep backslashes as they are")


def template_problems(regex: re.Pattern[str], template: Node | None, place: Node) -> Iterator[Problem]:
    """Fields of a key template that name no group of the expression. place: the expression, for the default `{1}`."""
    if template is None:
        if not regex.groups:
            fix = "put the part that is the key in brackets: (...)"
            yield Problem(f"{regex.pattern!r} has no group for the key", place.at, fix=fix)
        return
    if not isinstance(template, ScalarNode) or not isinstance(template.value, str):
        return
    fields = _FIELD.findall(template.value)
    if not fields:
        fix = "use a group: {1}, {name}"
        yield Problem(f"the template {template.value!r} gives every file the same key", template.at, fix=fix)
    for name in fields:
        if not _has_group(regex, name):
            yield Problem(f"the expression has no group '{name}'", template.at, _groups(regex), "use one of its groups")


def _has_group(regex: re.Pattern[str], name: str) -> bool:
    return int(name) <= regex.groups if name.isdecimal() else name in regex.groupindex


def _groups(regex: re.Pattern[str]) -> str:
    names = [*map(str, range(1, regex.groups + 1)), *regex.groupindex]
    return f"Its groups: {', '.join(names)}." if names else "It has no groups."
