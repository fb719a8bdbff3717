"""Where units come from: provenance that names other units, the order that follows, and the ids that stand for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from reconciler.errors import Problem
from reconciler.model.address import Address
from reconciler.model.json import JSON
from reconciler.model.resource import AssetSet
from reconciler.model.unit import Unit, unit_address
from reconciler.plan.values import RowChange
from reconciler.state.populations import DesiredRow
from reconciler.state.store import StateStore

LISTS = ("used", "executed")

# Whether a text names something at the backend or elsewhere, and no unit of ours.
IsOutside = Callable[[str], bool]


def with_provenance(units: Iterable[Unit], asset_set: AssetSet, is_outside: IsOutside) -> Iterator[Unit]:
    """Give the set's provenance to units without one of their own, but not to those that it names."""
    block = dict(asset_set.provenance)
    named = {a.key for a in unit_references(block, asset_set.head.address, is_outside)}
    for unit in units:
        if not block or "provenance" in unit.attributes or unit.key in named:
            yield unit
        else:
            yield replace(unit, attributes={**unit.attributes, "provenance": block})


def unit_references(provenance: JSON, address: Address, is_outside: IsOutside) -> list[Address]:
    """The units of ours that a provenance names. address: the set of texts that are bare keys."""
    return [found for text in _texts(provenance) if (found := _target(text, address, is_outside)) is not None]


def _texts(provenance: JSON) -> Iterator[str]:
    for name in LISTS:
        yield from (provenance or {}).get(name) or ()


def _target(text: str, address: Address, is_outside: IsOutside) -> Address | None:
    found = unit_address(text)
    if found is not None:
        return found
    return None if is_outside(text) else address.row(text.removeprefix("./"))


def unit_levels(
    rows: Iterable[DesiredRow], address: Address, is_outside: IsOutside
) -> tuple[dict[str, int], list[Problem]]:
    """How many steps of units of this set come before each unit, for those with any; names that are wrong.

    Problems: a name that is no unit of the set, and circles, with the units in them.
    """
    needs: dict[str, list[str]] = {}
    keys: set[str] = set()
    for row in rows:
        keys.add(row.key)
        provenance = (json.loads(row.body).get("attributes") or {}).get("provenance")
        found = [a.key or "" for a in unit_references(provenance, address, is_outside) if a.resource == address]
        if found:
            needs[row.key] = found
    problems = [
        Problem(
            f"provenance names {name!r}, which is no file of this set",
            address=str(address.row(key)),
            fix="correct the path, or write an id, id@version or URL",
        )
        for key, names in needs.items()
        for name in names
        if name not in keys
    ]
    levels, circle = _levels(needs)
    if circle:
        shown = " → ".join(circle)
        fix = "take one of these references out"
        problems.append(Problem(f"files come from each other in a circle: {shown}", address=str(address), fix=fix))
    return levels, problems


def _levels(needs: Mapping[str, list[str]]) -> tuple[dict[str, int], list[str]]:
    """Depth-first without recursion: chains may be long."""
    levels: dict[str, int] = {}
    for start in sorted(needs):
        path: list[str] = [start]
        on_path = {start: 0}
        while path:
            key = path[-1]
            waiting = next((n for n in needs.get(key, ()) if n in needs and n not in levels), None)
            if waiting is None:
                levels[key] = 1 + max((levels.get(n, 0) for n in needs.get(key, ())), default=-1)
                on_path.pop(path.pop(), None)
            elif waiting in on_path:
                return {}, [*path[on_path[waiting] :], waiting]
            else:
                on_path[waiting] = len(path)
                path.append(waiting)
    return levels, []


def resolved(
    row: RowChange, store: StateStore, address: Address, is_outside: IsOutside, moved: Mapping[str, str]
) -> RowChange:
    """Put ids in place of the units that the provenance of a row names; one that has none is told as `missing`.

    moved: key → id of the units of this set that this plan moves there; what stood there before is not meant.
    """
    if row.body is None or '"provenance"' not in row.body:
        return row
    provenance = (json.loads(row.body).get("attributes") or {}).get("provenance") or {}
    targets = unit_references(provenance, address, is_outside)
    if not targets:
        return row
    ids = {target: _remote_id(store, target) for target in targets}
    ids |= {
        target: moved[key] for target in targets if (key := target.key or "") in moved and target.resource == address
    }
    missing = next((target for target in targets if ids[target] is None), None)
    if missing is not None:
        return replace(row, context={**row.context, "missing": str(missing)})
    filled = dict(provenance)
    for name in LISTS:
        texts = provenance.get(name)
        if texts:
            filled[name] = [ids.get(t) if (t := _target(text, address, is_outside)) else text for text in texts]
    return replace(row, context={**row.context, "provenance": filled})


def _remote_id(store: StateStore, target: Address) -> str | None:
    row = next(store.rows(target.resource, [target.key or ""]), None)
    return row.remote_id if row else None
