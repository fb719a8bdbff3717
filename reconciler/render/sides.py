"""What a resource is before and after a change, as whole JSON values, from the declared fields and the differences."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from reconciler.diff.rules import RULES, Rules
from reconciler.model.change import FieldChange, Missing
from reconciler.model.json import JSON
from reconciler.plan.values import Action, Change

_ORDER = "(order)"


def before_and_after(change: Change) -> tuple[JSON, JSON]:
    """Both sides; None for what does not exist. The id of an existing object is under "id"."""
    known = {"id": change.remote_id} if change.remote_id else {}
    if change.action is Action.CREATE:
        return None, dict(change.desired or {})
    if change.action in (Action.DELETE, Action.FORGET):
        return known, None
    after = dict(change.desired or {})
    before = undo(after, change.fields, RULES.get(change.address.kind, Rules()))
    return {**known, **before}, {**known, **after}


def drift_sides(change: Change) -> tuple[JSON, JSON]:
    """What we applied and what was found, for the fields that others changed, by dotted path."""
    before = {".".join(c.path): c.before for c in change.drift if not isinstance(c.before, Missing)}
    after = {".".join(c.path): c.after for c in change.drift if not isinstance(c.after, Missing)}
    return before, after


def undo(after: JSON, changes: Sequence[FieldChange], rules: Rules) -> JSON:
    """Return `after` with every change taken back. Lists in `rules.keyed` are entered by the key of their items."""
    value = copy.deepcopy(after)
    for change in changes:
        _put(value, change.path, change.before, rules, ())
    return value


def _put(value: JSON, path: tuple[str, ...], before: JSON | Missing, rules: Rules, at: tuple[str, ...]) -> None:
    head, rest = path[0], path[1:]
    if isinstance(value, list):
        _put_item(value, head, rest, before, rules, at)
    elif not isinstance(value, dict):
        return
    elif rest:
        _put(value.setdefault(head, {}), rest, before, rules, (*at, head))
    elif isinstance(before, Missing):
        value.pop(head, None)
    else:
        value[head] = before


def _put_item(
    items: list[JSON], key: str, rest: tuple[str, ...], before: JSON | Missing, rules: Rules, at: tuple[str, ...]
) -> None:
    name = rules.keyed.get(".".join(at), "name")
    if key == _ORDER:
        order = list(before) if isinstance(before, list) else []
        items.sort(key=lambda item: order.index(item[name]) if item.get(name) in order else len(order))
        return
    place = next((n for n, item in enumerate(items) if item.get(name) == key), None)
    if rest:
        if place is not None:
            _put(items[place], rest, before, rules, (*at, "*"))
    elif isinstance(before, Missing):
        items[:] = [item for item in items if item.get(name) != key]
    elif place is None:
        items.append(before)
    else:
        items[place] = before
