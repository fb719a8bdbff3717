"""What happens to one row (data unit, task, exported item): the three-way decision, as a pure function.

The engine narrows millions of rows down to those that differ by set operations on digests; this module alone
decides what a difference means. See the table in docs/planning.md.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from reconciler.plan.values import Action, Reason


@dataclass(frozen=True, slots=True)
class RowDigests:
    """Digests of one row: content (cannot change in place) and fields (can). remote_id: None for desired rows."""

    content: str
    fields: str
    remote_id: str | None = None


class Remote(Enum):
    """What a refresh found for a row that we own."""

    AS_OWNED = "as_owned"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Stray:
    """A remote row that the state does not own. ours: its marker names this very row."""

    digests: RowDigests
    ours: bool


@dataclass(frozen=True, slots=True)
class RowRules:
    """How a row set behaves. prune: delete rows that left the source. adopt: `lifecycle.onExists` is adopt.

    destroy: the whole set goes. rebound: its parent has another identity, so every row must be made again.
    keeps_foreign_edits: an edit by others is reported and never overwritten (annotation work). content_reason: what a
    difference of content means here. versions_content: content changes in place.
    """

    prune: bool = False
    adopt: bool = False
    destroy: bool = False
    rebound: bool = False
    keeps_foreign_edits: bool = False
    content_reason: Reason = Reason.CONTENT_DIFFERS
    versions_content: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Outcome for one row. drift: others changed it since we applied. remote_id: the row to act upon, if any."""

    action: Action
    reason: Reason
    drift: bool = False
    remote_id: str | None = None


def decide_row(
    desired: RowDigests | None,
    owned: RowDigests | None,
    remote: RowDigests | Remote | Stray,
    rules: RowRules,
) -> Decision:
    """Decide about one row. At least one of `desired`, `owned` and a `Stray` is there."""
    if owned is not None:
        return _owned_row(desired, owned, remote, rules)
    if isinstance(remote, Stray):
        return _stray_row(desired, remote, rules)
    return Decision(Action.CREATE, Reason.NOT_REMOTE)


def _owned_row(
    desired: RowDigests | None, owned: RowDigests, remote: RowDigests | Remote | Stray, rules: RowRules
) -> Decision:
    if desired is None or rules.destroy:
        if remote is Remote.ABSENT:
            return Decision(Action.FORGET, Reason.GONE, drift=True)
        if rules.destroy:
            return Decision(Action.DELETE, Reason.DESTROY, remote_id=owned.remote_id)
        action = Action.DELETE if rules.prune else Action.NO_OP
        return Decision(action, Reason.LEFT_SOURCE, remote_id=owned.remote_id)
    if remote is Remote.ABSENT:
        return Decision(Action.CREATE, Reason.DELETED_OUTSIDE, drift=True)
    there = remote if isinstance(remote, RowDigests) else owned
    drift = there.content != owned.content or there.fields != owned.fields
    if rules.rebound:
        return Decision(Action.REPLACE, Reason.CANNOT_UPDATE, drift, owned.remote_id)
    if desired.content != there.content:
        action = Action.UPDATE if rules.versions_content else Action.REPLACE
        return Decision(action, rules.content_reason, drift, owned.remote_id)
    if drift and rules.keeps_foreign_edits:
        return Decision(Action.NO_OP, Reason.CHANGED_OUTSIDE, drift, owned.remote_id)
    if desired.fields != owned.fields:
        return Decision(Action.UPDATE, Reason.FIELDS_DIFFER, drift, owned.remote_id)
    if drift:
        return Decision(Action.UPDATE, Reason.CHANGED_OUTSIDE, drift, owned.remote_id)
    return Decision(Action.NO_OP, Reason.UNCHANGED, remote_id=owned.remote_id)


def _stray_row(desired: RowDigests | None, stray: Stray, rules: RowRules) -> Decision:
    found = stray.digests
    if desired is None:
        return Decision(Action.ADOPT, Reason.MARKED_AS_OURS, remote_id=found.remote_id)
    if stray.ours:
        if desired.content != found.content and not rules.versions_content:
            return Decision(Action.REPLACE, rules.content_reason, remote_id=found.remote_id)
        return Decision(Action.ADOPT, Reason.MARKED_AS_OURS, remote_id=found.remote_id)
    if rules.adopt:
        return Decision(Action.ADOPT, Reason.EXISTS, remote_id=found.remote_id)
    return Decision(Action.BLOCKED, Reason.EXISTS_FOREIGN, remote_id=found.remote_id)


def pair_moves(created: Iterable[tuple[str, str]], left: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Match new rows with rows that left the source by equal content: new key → old key.

    created, left: (content digest, key). Among several of one content, keys are paired in sorted order.
    """
    waiting: dict[str, list[str]] = {}
    for content, key in sorted(left, reverse=True):
        waiting.setdefault(content, []).append(key)
    return {key: waiting[content].pop() for content, key in sorted(created) if waiting.get(content)}


def settled_moves(pairs: Mapping[str, str], rewritten: Container[str]) -> dict[str, str]:
    """Keep the moves (new key → old key) that can be carried out by moving alone.

    rewritten: keys that are there before and after, with other content. Such a key must both give its row away and
    take another's, as in a swap or when files are numbered anew; otherwise its content simply changes, and the moves
    that needed its place are off.
    """
    kept = dict(pairs)
    targets = {old: new for new, old in pairs.items()}
    waiting = [key for key in (*pairs, *targets) if key in rewritten]
    while waiting:
        key = waiting.pop()
        if key in kept and key in targets:
            continue
        if key in kept:
            old = kept.pop(key)
            del targets[old]
            waiting += [old] if old in rewritten else []
        elif key in targets:
            new = targets.pop(key)
            del kept[new]
            waiting += [new] if new in rewritten else []
    return kept
