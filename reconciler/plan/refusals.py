"""What a backend cannot do to a field, found while planning, with the reason. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.change import FieldChange, Missing
from reconciler.model.json import JSON


class Bar(StrEnum):
    """What is impossible: a value that is there cannot change, or an item that is there cannot be removed."""

    CHANGE = "change"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Fixed:
    """A field that the backend fixes once it is written.

    path: keys from the top; "*" stands for any key. why: a sentence for people, what to do included.
    """

    path: tuple[str, ...]
    bar: Bar
    why: str


def refusals(changes: Iterable[FieldChange], fixed: Iterable[Fixed]) -> tuple[str, ...]:
    """Sentences that say which of these changes cannot be made and why, in the order of the changes."""
    rules = tuple(fixed)
    return tuple(
        dict.fromkeys(
            f"{'.'.join(path)}: {rule.why}" for change in changes for rule in rules for path in _barred(change, rule)
        )
    )


def _barred(change: FieldChange, rule: Fixed) -> Iterator[tuple[str, ...]]:
    """Paths of the change, or below it, that the rule bars."""
    for path, before, after in _leaves(change.path, change.before, change.after, len(rule.path)):
        if len(path) != len(rule.path) or not all(map(_matches, rule.path, path)):
            continue
        is_removed = isinstance(after, Missing)
        if not isinstance(before, Missing) and is_removed == (rule.bar is Bar.REMOVE):
            yield path


def _leaves(
    path: tuple[str, ...], before: JSON | Missing, after: JSON | Missing, depth: int
) -> Iterator[tuple[tuple[str, ...], JSON | Missing, JSON | Missing]]:
    """The parts of a change `depth` keys deep; a change of a whole mapping is one of everything that it held."""
    if len(path) == depth or not isinstance(before, Mapping):
        yield path, before, after
        return
    for key in sorted(before):
        inner = after.get(key, Missing()) if isinstance(after, Mapping) else after
        yield from _leaves((*path, key), before[key], inner, depth)


def _matches(pattern: str, key: str) -> bool:
    return pattern in ("*", key)
