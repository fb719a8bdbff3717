"""Applies field changes to observed fields, so that exactly what was planned is written. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.model.change import FieldChange, Missing
from reconciler.model.json import JSON

ORDER = "(order)"


def patched(
    observed: Mapping[str, JSON],
    changes: Iterable[FieldChange],
    keyed: Mapping[str, str] | None = None,
    desired: Mapping[str, JSON] | None = None,
) -> dict[str, JSON]:
    """Give the fields as they are after `changes`.

    keyed: top-level list → item key by which the paths of changes name its items. A list that changes takes the order
    that `desired` has, items it does not name go last; the pseudo path "(order)" says that nothing but the order
    differs.
    """
    names = keyed or {}
    result: dict[str, JSON] = {k: _index(v, names[k]) if k in names else v for k, v in observed.items()}
    touched = set()
    for change in changes:
        touched.add(change.path[0])
        if len(change.path) == 1 and change.path[0] in names:
            result = _set(result, change.path, _index(change.after, names[change.path[0]]))
        elif change.path[1:] != (ORDER,):
            result = _set(result, change.path, change.after)
    for key, name in names.items():
        if isinstance(result.get(key), Mapping):
            wanted = (desired or {}).get(key) if key in touched else None
            result[key] = _ordered(result[key], [str(item[name]) for item in wanted or ()])
    return result


def _ordered(items: Mapping[str, JSON], order: list[str]) -> list[JSON]:
    first = [name for name in order if name in items]
    return [items[name] for name in (*first, *(name for name in items if name not in first))]


def _index(value: JSON | Missing, name: str) -> JSON:
    return {str(item[name]): item for item in value} if isinstance(value, (list, tuple)) else value


def _set(value: JSON, path: tuple[str, ...], after: JSON | Missing) -> dict[str, JSON]:
    """A copy of `value` with `after` at `path`; mappings are made where there are none."""
    result = dict(value) if isinstance(value, Mapping) else {}
    step = path[0]
    if len(path) > 1:
        result[step] = _set(result.get(step), path[1:], after)
    elif isinstance(after, Missing):
        result.pop(step, None)
    else:
        result[step] = after
    return result
