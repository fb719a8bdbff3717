"""Field-by-field differences of declared values, as values. Pure; hides the diff library.

Only what is declared is compared: keys that occur on the observed side alone are someone else's and stay, except
inside values that are compared whole (plain lists).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

from reconciler.diff.rules import Rules
from reconciler.model.change import MISSING, FieldChange, Missing
from reconciler.model.json import JSON, canonical_json

_ORDER = "(order)"


def diff_fields(
    desired: Mapping[str, JSON], observed: Mapping[str, JSON], rules: Rules, *, owned: Mapping[str, JSON] | None = None
) -> tuple[FieldChange, ...]:
    """Return what must change so that `observed` holds everything that `desired` declares, sorted by path.

    Lists named in `rules.keyed` are matched by their key; items that `desired` does not list are removed, and a mere
    change of order is one change at "(order)". Other mappings are open: undeclared keys stay, unless `owned` (what we
    last applied) has them, for then we declared them once and they are removed; a mapping named in `rules.open` loses
    no others when it is declared no more.

    Text is compared in Unicode NFC; True never equals 1, while 1 equals 1.0.
    """
    ours = _index(owned or {}, rules, "")
    wanted = _kept_open(_index(desired, rules, ""), ours, rules, ())
    there = _declared_part(_index(observed, rules, ""), wanted, ours)
    if same(wanted, there):
        return ()
    return tuple(sorted(_differences(there, wanted), key=lambda change: change.path))


class _Keyed(dict[str, JSON]):
    """A list indexed by one key of its items, in order."""


def _index(value: JSON, rules: Rules, path: str) -> JSON:
    if isinstance(value, Mapping):
        return {key: _index(item, rules, f"{path}.{key}" if path else key) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        if path in rules.keyed:
            name = rules.keyed[path]
            return _Keyed({_key(item, name): _index(item, rules, f"{path}.*") for item in value})
        return sorted(value, key=canonical_json) if path in rules.unordered else list(value)
    return value


def _key(item: JSON, name: str) -> str:
    """What tells an item apart; one that lacks it, since no backend was asked, is told by all that it has."""
    return str(item[name]) if name in item else canonical_json(item)


def _kept_open(wanted: Mapping[str, JSON], owned: Mapping[str, JSON], rules: Rules, path: tuple[str, ...]) -> JSON:
    """Put an empty mapping where an open one was declared before, so that what others keep in it stays."""
    result = dict(wanted)
    for key, ours in owned.items():
        here = (*path, key)
        there = result.get(key, {} if _is_open(here, rules) else None)
        if isinstance(ours, Mapping) and isinstance(there, Mapping) and not isinstance(there, _Keyed):
            result[key] = _kept_open(there, ours, rules, here)
    return result


def _is_open(path: tuple[str, ...], rules: Rules) -> bool:
    patterns = (pattern.split(".") for pattern in rules.open)
    return any(
        len(pattern) == len(path) and all(p in ("*", key) for p, key in zip(pattern, path, strict=True))
        for pattern in patterns
    )


def _declared_part(observed: JSON, wanted: JSON, owned: JSON) -> JSON:
    """Drop from `observed` the mapping keys that neither `wanted` nor `owned` declares."""
    if isinstance(wanted, _Keyed) and isinstance(observed, _Keyed):
        ours: Mapping[str, JSON] = owned if isinstance(owned, _Keyed) else {}
        return _Keyed({k: _declared_part(v, wanted.get(k, v), ours.get(k, {})) for k, v in observed.items()})
    if isinstance(wanted, Mapping) and isinstance(observed, Mapping):
        ours = owned if isinstance(owned, Mapping) else {}
        return {
            k: _declared_part(v, wanted.get(k, v), ours.get(k, {}))
            for k, v in observed.items()
            if k in wanted or k in ours
        }
    return observed


def _differences(before: JSON, after: JSON) -> Iterator[FieldChange]:
    """Walk two indexed values with DeepDiff and yield changes with the original values."""
    from deepdiff import DeepDiff

    tree = DeepDiff(_comparable(before), _comparable(after), view="tree", threshold_to_diff_deeper=0)
    for nodes in tree.values():
        for node in nodes:
            path = tuple(str(step) for step in node.path(output_format="list"))
            old, new = _at(before, path), _at(after, path)
            if _differ(old, new, path):
                yield FieldChange(path, _plain(old), _plain(new))


def _differ(old: JSON | Missing, new: JSON | Missing, path: tuple[str, ...]) -> bool:
    if isinstance(old, Missing) or isinstance(new, Missing):
        return True
    if path[-1] == _ORDER:
        return [key for key in old if key in new] != [key for key in new if key in old]
    return not same(old, new)


def _comparable(value: JSON) -> JSON:
    """Give DeepDiff mappings and scalars only: plain lists become canonical text, text becomes NFC."""
    if isinstance(value, Mapping):
        result = {key: _comparable(item) for key, item in value.items()}
        return result | {_ORDER: canonical_json(list(value))} if isinstance(value, _Keyed) else result
    if isinstance(value, list):
        return canonical_json(value)
    return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


def _at(value: JSON, path: tuple[str, ...]) -> JSON | Missing:
    for step in path:
        if step == _ORDER and isinstance(value, _Keyed):
            return list(value)
        if not isinstance(value, Mapping) or step not in value:
            return MISSING
        value = value[step]
    return value


def _plain(value: JSON | Missing) -> JSON | Missing:
    if isinstance(value, _Keyed):
        return [_plain(item) for item in value.values()]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


def same(left: JSON, right: JSON) -> bool:
    """Compare two JSON values: NFC text, True is not 1, 1 is 1.0, mappings and lists whole, keyed lists in order."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, str) and isinstance(right, str):
        return left == right or unicodedata.normalize("NFC", left) == unicodedata.normalize("NFC", right)
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        if isinstance(left, _Keyed) and list(left) != list(right):
            return False
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)
