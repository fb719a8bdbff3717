"""The outline of a YAML text: which lines begin an entry of which block, and the column that they should have."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.config.yaml_reader import parse_events

STEP = 2

_DASHES = re.compile(r"(?:-[ ]+)+(?=[^ #])")


@dataclass(slots=True)
class _Open:
    """A list or object. flow: written in brackets. first: its line. old, new: its column."""

    flow: bool
    is_map: bool
    first: int
    old: int
    new: int


@dataclass(slots=True)
class Outline:
    """inside: lines that continue a value. owners: such a line → where the value began. columns: line that begins an
    entry → its old and new column."""

    inside: set[int] = field(default_factory=set)
    owners: dict[int, int] = field(default_factory=dict)
    columns: dict[int, tuple[int, int]] = field(default_factory=dict)

    def indented(self, lines: Sequence[str]) -> list[str]:
        """The lines with blocks in steps of two; lines inside values and comments move with what they belong to."""
        entries = sorted(self.columns)
        return [self._shifted(number, line, entries) for number, line in enumerate(lines)]

    def _shifted(self, number: int, line: str, entries: Sequence[int]) -> str:
        if not line.strip():
            return line
        if number in self.inside:
            return _moved(line, self._delta(self.owners[number]))
        if number in self.columns:
            return " " * self.columns[number][1] + _DASHES.sub(_single_spaced, line.lstrip(" "), count=1)
        return _moved(line, self._comment_delta(number, line, entries))

    def _delta(self, number: int) -> int:
        old, new = self.columns.get(number, (0, 0))
        return new - old

    def _comment_delta(self, number: int, line: str, entries: Sequence[int]) -> int:
        """A comment moves with the next entry of its column, else with the one before, else with the next."""
        if not line.lstrip().startswith("#"):
            return 0
        position = bisect_left(entries, number)
        near = [*entries[position : position + 1], *entries[max(position - 1, 0) : position]]
        same = [entry for entry in near if self.columns[entry][0] == _indent(line)]
        return self._delta((same or near)[0]) if near else 0


def outline_of(text: str) -> Outline:
    """Read the outline from the parser's events. The text must be valid YAML."""
    outline = Outline()
    indents = {number: _indent(line) for number, line in enumerate(text.split("\n")) if _has_content(line)}
    stack: list[_Open] = []
    closed: list[tuple[_Open, int]] = []
    for event in parse_events(text):
        match type(event).__name__:
            case "MappingStartEvent" | "SequenceStartEvent":
                stack.append(_opened(event, stack))
            case "MappingEndEvent" | "SequenceEndEvent":
                end = event.end_mark.line + (event.end_mark.column > 0)
                closed.append((stack.pop(), end))
                if closed[-1][0].flow:
                    _cover(outline, closed.pop()[0].first, event.end_mark.line)
            case "ScalarEvent":
                _cover(outline, event.start_mark.line, event.end_mark.line - (event.style in ("|", ">")))
            case _:
                pass
    for block, end in reversed(closed):  # outer blocks first, so that inner ones win
        _claim(outline, block, end, indents)
    return outline


def _opened(event: Any, stack: Sequence[_Open]) -> _Open:
    is_map = type(event).__name__ == "MappingStartEvent"
    old = event.start_mark.column
    new = old
    if not stack:
        new = 0
    elif not stack[-1].flow:
        parent = stack[-1]
        same_column = parent.is_map and not is_map and old == parent.old
        new = parent.new if same_column else parent.new + STEP
    return _Open(bool(event.flow_style), is_map, event.start_mark.line, old, new)


def _claim(outline: Outline, block: _Open, end: int, indents: Mapping[int, int]) -> None:
    for number in range(block.first, end):
        if number not in outline.inside and indents.get(number) == block.old:
            outline.columns[number] = (block.old, block.new)


def _cover(outline: Outline, first: int, last: int) -> None:
    for number in range(first + 1, last + 1):
        outline.inside.add(number)
        outline.owners.setdefault(number, first)
    if first in outline.owners:
        for number in range(first + 1, last + 1):
            outline.owners[number] = outline.owners[first]


def _single_spaced(dashes: re.Match[str]) -> str:
    return "- " * dashes[0].count("-")


def _moved(line: str, delta: int) -> str:
    if delta >= 0:
        return " " * delta + line
    return line[min(-delta, _indent(line)) :]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _has_content(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#") and not line.startswith(("---", "...", "%"))
