"""What metadata sources say about units, and where two of them say different things."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconciler.errors import Location, Problem, Severity
from reconciler.model.json import JSON
from reconciler.model.resource import Policy
from reconciler.sources.account import Fault, Finding, plural

_SAMPLES = 3
_VALUE_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Piece:
    """What one source says about one unit.

    at: where it says so. inside: more about the place, for people. is_default: later sources may say otherwise.
    conflicts: what to do when an earlier one says otherwise.
    """

    values: dict[str, JSON]
    at: Location
    inside: str = ""
    is_default: bool = False
    conflicts: Policy = Policy.SKIP
    source: str = ""


@dataclass(slots=True)
class _Conflict:
    """One field on which two sources disagree. count: units. samples: the first few, for people."""

    first: Piece
    key: str
    count: int
    samples: list[str]


class Conflicts:
    """Counts units for which a later source gives a field otherwise than an earlier one; the later one wins."""

    def __init__(self, add: Callable[[Finding], None]) -> None:
        self._add = add
        self._found: dict[tuple[str, str, str], _Conflict] = {}

    def note(self, key: str, piece: Piece, givers: Mapping[str, Piece]) -> None:
        """Compare what a source says of a unit with what earlier ones said, by field."""
        for name in piece.values.keys() & givers.keys():
            if _differ(givers[name].values[name], piece.values[name]):
                self._count(key, name, piece, givers[name])

    def _count(self, key: str, name: str, later: Piece, earlier: Piece) -> None:
        pair = (later.source, earlier.source, name)
        found = self._found.setdefault(pair, _Conflict(later, key, 0, []))
        found.count += 1
        if len(found.samples) < _SAMPLES:
            ours, theirs = _shown(later.values[name]), _shown(earlier.values[name])
            found.samples.append(f"unit {key!r} has {ours} of {later.at}, not {theirs} of {earlier.at}")

    def report(self) -> None:
        """Tell about every field that two sources give differently."""
        for (source, earlier, name), found in sorted(self._found.items(), key=lambda item: item[0]):
            what = f"{name!r} of {plural(found.count, 'unit')} is not what {earlier or 'the manifest'} says"
            more = " …" if found.count > len(found.samples) else ""
            fix = "correct one of them, or set conflicts: skip where the later source is to win"
            severity = Severity.ERROR if found.first.conflicts is Policy.FAIL else Severity.WARNING
            detail = f"{'; '.join(found.samples)}{more}."
            problem = Problem(what, found.first.at, detail, fix, severity, source)
            self._add(Finding(Fault.CONFLICT, problem, found.key))


def _differ(one: JSON, other: JSON) -> bool:
    return one != other or isinstance(one, bool) != isinstance(other, bool)


def _shown(value: JSON) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _VALUE_CHARACTERS else f"{text[:_VALUE_CHARACTERS]}…"
