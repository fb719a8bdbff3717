"""The rows of one resource in a few lines: exact counts, equal changes folded, a sample of the rest.

Counting happens inside the plan file, so that a million rows cost no memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.model.address import Address
from reconciler.model.json import JSON
from reconciler.plan.values import Action, RowChange
from reconciler.render.amounts import count_text
from reconciler.render.shown import detail_line, value_text
from reconciler.render.words import LOOKS, ORDER, REASONS, USUAL, row_noun
from reconciler.state.planfile import PlanFile

SAMPLES = 10
FOLDS = 10


@dataclass(frozen=True, slots=True)
class Fold:
    """One change that several rows share. detail: (what, before, after); text: the same as in the plan file."""

    text: str
    detail: tuple[str, JSON, JSON]
    count: int


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Rows with one action. folds: changes shared by at least two rows, most frequent first.

    samples: the first rows with a change that is not in `folds`. omitted: how many more of those there are.
    """

    action: Action
    total: int
    folds: tuple[Fold, ...]
    samples: tuple[RowChange, ...]
    omitted: int


@dataclass(frozen=True, slots=True)
class RowLine:
    """One line for people. depth: 0 for a row or fold, 1 for what changes in it. action: gives the colour."""

    depth: int
    symbol: str
    text: str
    action: Action


def row_groups(plan: PlanFile, address: Address, *, samples: int = SAMPLES) -> list[RowGroup]:
    """Group the rows of a resource by action, in the order in which actions are listed; what stays is left out."""
    _, found = plan.query(f"SELECT action, count(*) FROM row_change WHERE {_of(address)} GROUP BY action")
    counts = {Action(str(action)): int(str(count)) for action, count in found}
    return [_group(plan, address, action, counts[action], samples) for action in ORDER if action in counts]


def row_lines(plan: PlanFile, address: Address, *, samples: int = SAMPLES) -> Iterator[RowLine]:
    """The lines to show below a resource."""
    for group in row_groups(plan, address, samples=samples):
        look = LOOKS[group.action]
        for fold in group.folds:
            noun = row_noun(address.kind, fold.count)
            text = f"on {count_text(fold.count)} {noun}: {detail_line(*fold.detail)}"
            yield RowLine(0, look.symbol, text, group.action)
        hidden = {_signature(fold.detail) for fold in group.folds}
        for row in group.samples:
            yield RowLine(0, look.symbol, row_title(row), group.action)
            for line in row.detail:
                if _signature(line) not in hidden:
                    yield RowLine(1, " ", detail_line(*line), group.action)
        if group.omitted:
            yield RowLine(0, "…", f"and {count_text(group.omitted)} more to {look.verb}", group.action)


def row_title(row: RowChange) -> str:
    """A row by its key, with the key it had, and with the reason unless it goes without saying."""
    key = value_text(row.key)
    if row.previous_key is not None:
        key = f"{value_text(row.previous_key)} -> {key}"
    return key if USUAL.get(row.action) is row.reason else f"{key}  ({REASONS[row.reason]})"


def _group(plan: PlanFile, address: Address, action: Action, total: int, samples: int) -> RowGroup:
    folds = _folds(plan, address, action) if total > 1 else ()
    rest = _not_told(address, action, folds)
    (count,) = plan.query(f"SELECT count(*) FROM row_change WHERE {rest}")[1][0] if folds else (total,)
    keys = [str(key) for (key,) in plan.query(f"SELECT key FROM row_change WHERE {rest} ORDER BY n LIMIT {samples}")[1]]
    shown = _by_keys(plan, address, action, keys)
    return RowGroup(action, total, folds, shown, int(str(count)) - len(shown))


def _by_keys(plan: PlanFile, address: Address, action: Action, keys: list[str]) -> tuple[RowChange, ...]:
    """The rows of these keys, which are in plan order."""
    waiting, found = set(keys), []
    for row in plan.rows(address, [action]):
        if not waiting:
            break
        if row.key in waiting:
            waiting.discard(row.key)
            found.append(row)
    return tuple(found)


def _not_told(address: Address, action: Action, folds: tuple[Fold, ...]) -> str:
    """Condition for rows with something that no fold tells."""
    base = f"{_of(address)} AND action = '{action.value}'"
    if not folds:
        return base
    listed = ", ".join(_quoted(fold.text) for fold in folds)
    lines = f"SELECT 1 FROM json_each(row_change.detail) AS line WHERE line.value NOT IN ({listed})"
    return f"{base} AND (detail IS NULL OR EXISTS ({lines}))"


def _folds(plan: PlanFile, address: Address, action: Action) -> tuple[Fold, ...]:
    sql = (
        "SELECT line.value, count(*) FROM row_change, json_each(row_change.detail) AS line"
        f" WHERE {_of(address)} AND action = '{action.value}'"
        f" GROUP BY line.value HAVING count(*) > 1 ORDER BY 2 DESC, 1 LIMIT {FOLDS}"
    )
    return tuple(Fold(str(text), _detail(json.loads(str(text))), int(str(count))) for text, count in plan.query(sql)[1])


def _detail(line: JSON) -> tuple[str, JSON, JSON]:
    what, before, after = line
    return (what, before, after)


def _signature(line: tuple[str, JSON, JSON]) -> str:
    return json.dumps(line, sort_keys=True)


def _of(address: Address) -> str:
    return f"change = (SELECT n FROM change WHERE address = {_quoted(str(address))})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
