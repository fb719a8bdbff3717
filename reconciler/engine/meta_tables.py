"""Tables of the metadata that units have already, for documents that are written for them.

Keys whose values have one type become a CSV with typed columns; the others, as lists and values of several types, JSON
Lines, which keep every value as it is. What would not read back as it is there is left out, and told.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.engine.leftovers import Parent, unowned_units
from reconciler.engine.session import Session
from reconciler.model.address import Address
from reconciler.model.json import JSON, canonical_json
from reconciler.model.observed import ObservedUnit
from reconciler.model.unit import Unit
from reconciler.providers.base import Provider
from reconciler.state.store import StateStore

# Key of a unit → its metadata.
Held = Mapping[str, Mapping[str, JSON]]
# As `Capabilities.fit`.
Fit = Callable[[Unit], tuple[Unit, tuple[str, ...]]]

_KINDS = ("boolean", "integer", "number", "date", "datetime", "string")
_TYPES: Mapping[str, type | tuple[type, ...]] = {"boolean": bool, "integer": int, "number": (int, float)}
_FIELD_CHARACTERS = 100_000  # the reader of CSV takes 131,072


@dataclass(frozen=True, slots=True)
class MetaTable:
    """A table, its rows sorted by key. suffix: of its file. key: name of the column with the keys of the units.

    columns: metadata key → type; {} where the file itself tells types.
    """

    suffix: str
    key: str
    columns: Mapping[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class MetaTables:
    """What the metadata of units becomes. left_out: metadata key → number of units whose value no table can hold.

    unnamed: number of units with metadata whose key no table can hold.
    """

    tables: tuple[MetaTable, ...]
    left_out: Mapping[str, int]
    unnamed: int


def held_meta(
    session: Session, store: StateStore, collection: Parent, owners: Collection[Address | None]
) -> Iterator[tuple[str, Mapping[str, JSON]]]:
    """Key and metadata of units without a marker that no declared set owns. owners: undeclared sets that the state
    gives them to, None for units that it gives to none."""
    provider = session.provider(collection.backend)
    for page in unowned_units(session, store, collection):
        units = [unit for unit, owner in page if unit.owner is None and owner in owners]
        for unit in _complete(provider, units):
            if unit.key is not None and unit.meta:
                yield unit.key, unit.meta


def _complete(provider: Provider, units: Sequence[ObservedUnit]) -> Sequence[ObservedUnit]:
    return provider.read_units(units) if provider.capabilities.by_place and units else units


def meta_tables(units: Iterable[tuple[str, Mapping[str, JSON]]], fit: Fit | None) -> MetaTables:
    """Lay out metadata as tables. All of it is held in memory."""
    from reconciler.sources.cells import key_text

    held: dict[str, dict[str, JSON]] = {}
    left_out: Counter[str] = Counter()
    unnamed = 0
    for key, meta in units:
        if key_text(key) != key or key in held:
            unnamed += 1
            continue
        held[key] = {name: value for name, value in meta.items() if _is_kept(name, value, fit)}
        left_out.update(meta.keys() - held[key].keys())
    names = sorted({name for meta in held.values() for name in meta})
    kinds = {name: _kind([meta[name] for meta in held.values() if name in meta]) for name in names}
    columns = {name: kind for name, kind in kinds.items() if kind is not None}
    others = [name for name in names if name not in columns]
    key = _key_column(names)
    tables = [MetaTable(".csv", key, columns, _csv(held, key, columns))] if columns else []
    tables += [MetaTable(".jsonl", key, {}, _json_lines(held, key, others))] if others else []
    return MetaTables(tuple(tables), dict(sorted(left_out.items())), unnamed)


def _is_kept(name: str, value: JSON, fit: Fit | None) -> bool:
    """Whether a record that holds the value reads back as what is there."""
    from reconciler.sources.cells import header_text, is_empty

    return header_text(name) == name and not is_empty(value) and _reads_as(name, _record_value(value), value, fit)


def _reads_as(name: str, read: JSON, value: JSON, fit: Fit | None) -> bool:
    if fit is None:
        return canonical_json(read) == canonical_json(value)
    unit, flaws = fit(Unit("unit", (), {name: read}))
    return not flaws and name in unit.meta and canonical_json(unit.meta[name]) == canonical_json(value)


def _record_value(value: JSON) -> JSON:
    """A whole number with a fraction loses it in a cell, not in a list; where a list of one value is that value, it
    stays what it is."""
    return [value] if isinstance(value, float) and value.is_integer() else value


def _kind(values: Sequence[JSON]) -> str | None:
    """The type of a column that keeps all of these values as they are, None when there is none."""
    return next((kind for kind in _KINDS if all(_is_of(kind, value) for value in values)), None)


def _is_of(kind: str, value: JSON) -> bool:
    from reconciler.sources.cells import coerce, is_empty

    wanted = _TYPES.get(kind, str)
    if not isinstance(value, wanted) or (kind != "boolean" and isinstance(value, bool)):
        return False
    cell = _cell(value)
    if is_empty(cell) or not cell.isprintable() or len(cell) > _FIELD_CHARACTERS:
        return False
    try:
        return canonical_json(coerce(cell, kind)) == canonical_json(value)
    except ValueError:
        return False


def _cell(value: JSON) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _key_column(names: Collection[str]) -> str:
    """The name of the key column, which is no metadata: `path`, or that with a number."""
    taken = {name.casefold() for name in names}
    return next(name for name in ("path", *(f"path-{n}" for n in range(2, len(taken) + 3))) if name not in taken)


def _csv(held: Held, key: str, columns: Mapping[str, str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([key, *columns])
    for unit, meta in sorted(held.items()):
        if not meta.keys().isdisjoint(columns):
            writer.writerow([unit, *(_cell(meta[name]) if name in meta else "" for name in columns)])
    return out.getvalue()


def _json_lines(held: Held, key: str, names: Sequence[str]) -> str:
    records = (
        {key: unit} | {name: _record_value(meta[name]) for name in names if name in meta}
        for unit, meta in sorted(held.items())
    )
    return "".join(f"{json.dumps(record)}\n" for record in records if len(record) > 1)
