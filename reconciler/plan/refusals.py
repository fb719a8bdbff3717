"""What a backend cannot do to a field, or only once, found while planning, with the reason. Pure."""

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

    path: keys from the top; "*" stands for any key; () is the object as a whole. why: a sentence for people, what to do
    included.
    """

    path: tuple[str, ...]
    bar: Bar
    why: str


@dataclass(frozen=True, slots=True)
class Remark:
    """A change that people should think about before it is made.

    path: as for `Fixed`. says: the sentence. after: the new values that it is about; empty: any that is not removed.
    only_changed: nothing is said of a value where none was.
    """

    path: tuple[str, ...]
    says: str
    after: tuple[JSON, ...] = ()
    only_changed: bool = False


def remarks(changes: Iterable[FieldChange], rules: Iterable[Remark]) -> tuple[str, ...]:
    """The sentences of all rules that one of these changes meets, in the order of the rules."""
    known = tuple(changes)
    return tuple(dict.fromkeys(rule.says for rule in rules if any(_meets(change, rule) for change in known)))


def _meets(change: FieldChange, rule: Remark) -> bool:
    """Whether a change writes a value that the rule is about, at its path or in a mapping above or below."""
    length = min(len(change.path), len(rule.path))
    if not all(map(_matches, rule.path[:length], change.path[:length])):
        return False
    if rule.only_changed and isinstance(change.before, Missing):
        return False
    values: list[JSON | Missing] = [change.after]
    for step in rule.path[length:]:
        values = [inner for value in values if isinstance(value, Mapping) for inner in _inner(value, step)]
    return any(not isinstance(value, Missing) and (not rule.after or value in rule.after) for value in values)


def _inner(value: Mapping[str, JSON], step: str) -> list[JSON | Missing]:
    return list(value.values()) if step == "*" else [value[step]] if step in value else []


def indelible(fixed: Iterable[Fixed]) -> str | None:
    """Why objects of a kind cannot be deleted, None when they can."""
    return next((rule.why for rule in fixed if rule.path == () and rule.bar is Bar.REMOVE), None)


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
