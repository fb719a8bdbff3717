"""From differing rows to row changes: the part that is the same for every row set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.model.json import JSON, canonical_json
from reconciler.plan.rows import RowRules, Stray, decide_row
from reconciler.plan.values import Action, Reason, RowChange, RowCounts
from reconciler.state.differences import RowDifferences, RowSides
from reconciler.state.populations import Population


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a row changes, for people, what must travel, and what apply must know besides the body.

    detail: (what, before, after) lines.
    """

    detail: tuple[tuple[str, JSON, JSON], ...] = ()
    files: int = 0
    bytes: int = 0
    context: Mapping[str, JSON] = field(default_factory=dict)


Explain = Callable[[RowSides, Action], Explanation]


@dataclass(slots=True)
class RowTally:
    """Counts rows while they stream by.

    drift: rows that others changed. adopted: remote id → key of adopted rows. lost: remote ids of rows that go.
    """

    drift: int = 0
    adopted: dict[str, str] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    _counts: Counter[str] = field(default_factory=Counter)

    def add(self, row: RowChange) -> None:
        """Count one row."""
        kept = row.action is Action.NO_OP and row.reason is Reason.LEFT_SOURCE
        self._counts["kept" if kept else "unchanged" if row.action is Action.NO_OP else row.action.value] += 1
        self._counts["files"] += row.files
        self._counts["bytes"] += row.bytes
        self.drift += row.drift
        if row.action is Action.ADOPT and row.remote_id is not None:
            self.adopted[row.remote_id] = row.key
        if row.action in (Action.DELETE, Action.REPLACE) and row.remote_id is not None:
            self.lost.add(row.remote_id)

    def counts(self, desired: int) -> RowCounts:
        """All counts; rows that never streamed by are the unchanged ones of `desired` rows."""
        differing = sum(self._counts[name] for name in ("create", "update", "replace", "move", "adopt", "blocked"))
        self._counts["unchanged"] = max(desired - differing, 0)
        return RowCounts(**self._counts)


def row_changes(
    differences: RowDifferences,
    population: Population | None,
    rules: RowRules,
    explain: Explain,
    tally: RowTally,
    *,
    only: Container[str] | None = None,
    protect: bool = False,
) -> Iterator[RowChange]:
    """Decide about every differing row, in key order; rows that stay as they are and did not drift are left out.

    only: keys that the user chose; None means all. protect: rows are neither deleted nor replaced, but blocked.
    """
    for sides in differences.rows(population, everything=rules.destroy or rules.rebound):
        if (sides.moved_away and sides.previous_key is None) or (only is not None and sides.key not in only):
            continue
        change = _move(sides, explain) if sides.previous_key else _change(sides, rules, explain, protect)
        tally.add(change)
        if change.action is not Action.NO_OP or change.drift:
            yield change
    for key, remote_id in differences.leftover_twins(population):
        change = RowChange(key, Action.DELETE, Reason.MARKED_AS_OURS, remote_id)
        tally.add(change)
        yield change


def _change(sides: RowSides, rules: RowRules, explain: Explain, protect: bool) -> RowChange:
    decision = decide_row(sides.desired.digests if sides.desired else None, sides.owned, sides.remote, rules)
    action, reason = decision.action, decision.reason
    if protect and action in (Action.DELETE, Action.REPLACE):
        action, reason = Action.BLOCKED, Reason.PROTECTED
    why = explain(sides, action)
    return RowChange(
        key=sides.key,
        action=action,
        reason=reason,
        remote_id=decision.remote_id,
        body=_body(sides, action),
        detail=why.detail,
        drift=decision.drift,
        files=why.files,
        bytes=why.bytes,
        context=why.context,
    )


def _body(sides: RowSides, action: Action) -> str | None:
    if action in _BODILESS:
        return None
    if sides.desired is not None:
        return sides.desired.body
    assert isinstance(sides.remote, Stray)  # an unwanted row that carries our marker: only recorded
    found = sides.remote.digests
    keys = sorted(sides.observed_meta or {})
    return canonical_json({"record": {"content": found.content, "fields": found.fields, "keys": keys}})


_BODILESS = (Action.DELETE, Action.FORGET, Action.NO_OP, Action.BLOCKED)


def _move(sides: RowSides, explain: Explain) -> RowChange:
    why = explain(sides, Action.MOVE)
    return RowChange(
        key=sides.key,
        action=Action.MOVE,
        reason=Reason.RENAMED,
        remote_id=sides.previous_remote_id,
        previous_key=sides.previous_key,
        body=sides.desired.body if sides.desired else None,
        detail=why.detail,
        context=why.context,
    )
