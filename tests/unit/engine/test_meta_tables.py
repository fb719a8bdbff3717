"""Tables of metadata that units have: what they hold reads back as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.engine.meta_tables import MetaTable, meta_tables
from reconciler.errors import Location
from reconciler.model.address import Address
from reconciler.model.json import canonical_json
from reconciler.model.resource import ColumnRule, Head, MetadataSource, TableMetadata
from reconciler.model.unit import Unit
from reconciler.providers.sage.provider import CAPABILITIES
from reconciler.providers.sage.values import from_wire, moment_text
from reconciler.sources.table import read_metadata


def _read(table: MetaTable, folder: Path) -> dict[str, dict[str, Any]]:
    (folder / f"t{table.suffix}").write_text(table.text, encoding="utf-8", newline="")
    rules = tuple(ColumnRule(name, name, kind) for name, kind in table.columns.items())
    head = Head(Address("MetadataSource", "t"), Location(""), folder, "b")
    source = MetadataSource(head, TableMetadata(f"t{table.suffix}", key=table.key, columns=rules))
    opened = read_metadata(source)
    found = {row.key: row.values for row in opened.rows}
    assert opened.problems == []
    return found


def _back(units: dict[str, dict[str, Any]], folder: Path) -> dict[str, dict[str, Any]]:
    """What the tables give, in the form of the backend."""
    found: dict[str, dict[str, Any]] = {}
    for table in meta_tables(units.items(), CAPABILITIES.fit).tables:
        for key, meta in _read(table, folder).items():
            found.setdefault(key, {}).update(_there(meta))
    return found


def _there(meta: dict[str, Any]) -> dict[str, Any]:
    """Metadata as the backend would tell it."""
    assert CAPABILITIES.fit is not None
    unit, flaws = CAPABILITIES.fit(Unit("unit", (), meta))
    assert flaws == ()
    return dict(unit.meta)


@pytest.mark.parametrize(
    ("values", "kind", "reason"),
    [
        ([True, False], "boolean", "truth values"),
        ([1, -(2**63)], "integer", "whole numbers"),
        ([1, 2.5, 7.0], "number", "whole numbers among others keep their type"),
        (["2024-05-06"], "date", "midnight in UTC"),
        (["a", "2024-05-06"], "string", "a date among texts is one by its look"),
        (["007", "true"], "string", "text that looks like something else"),
        ([1, "a"], None, "several types"),
        ([True, 1], None, "a truth value is no number"),
        ([[1, 2]], None, "lists"),
        ([{"text": "2024-05-06"}], None, "text that looks like a date and is none"),
        (["a\nb"], None, "several lines"),
        ([7.0, "a"], None, "a number with fraction 0 among texts"),
    ],
)
def test_values_of_a_key_read_back_as_they_are(
    values: list[Any], kind: str | None, reason: str, tmp_path: Path
) -> None:
    units = {f"f{number}": {"k": value} for number, value in enumerate(values)}
    (table,) = meta_tables(units.items(), CAPABILITIES.fit).tables
    assert table.columns == ({"k": kind} if kind else {}), reason
    assert canonical_json(_back(units, tmp_path)) == canonical_json(units), reason


def test_value_that_no_table_holds_is_left_out_and_counted() -> None:
    units = {"a": {"k": " ", "n": 1}, "b": {"k": "x"}}
    found = meta_tables(units.items(), CAPABILITIES.fit)
    assert found.left_out == {"k": 1}
    assert [table.text for table in found.tables] == ["path,k,n\na,,1\nb,x,\n"]


def test_key_column_is_no_key_of_the_metadata() -> None:
    (table,) = meta_tables({"a": {"Path": "x", "path-2": "y"}}.items(), None).tables
    assert table.text == "path-3,Path,path-2\na,x,y\n"


def test_unit_whose_key_no_cell_holds_is_counted() -> None:
    found = meta_tables({" a": {"k": 1}}.items(), None)
    assert (found.tables, found.unnamed) == ((), 1)


_TEXTS = st.sampled_from(["1", "1.0", "2024-05-06", "NA", "True", " x", "[1]", "é", '"', ","]) | st.text(max_size=5)
_WIRES = st.one_of(
    st.lists(st.sampled_from(["true", "false"]), min_size=1, max_size=2).map(lambda v: ("BOOLEAN", v)),
    st.lists(st.integers(-(2**63), 2**63 - 1).map(str), min_size=1, max_size=2).map(lambda v: ("LONG", v)),
    st.lists(st.floats().map(repr), min_size=1, max_size=2).map(lambda v: ("DOUBLE", v)),
    st.lists(_TEXTS, min_size=1, max_size=2).map(lambda v: ("STRING", v)),
    st.lists(st.integers(-(10**13), 10**13).map(str), min_size=1, max_size=2).map(lambda v: ("TIMESTAMP_MS", v)),
)


@given(st.dictionaries(st.sampled_from("abc"), st.dictionaries(st.sampled_from(["k", "path", "Path"]), _WIRES)))
def test_annotations_read_back_but_for_what_is_counted(tmp_path_factory: Any, wires: dict[str, Any]) -> None:
    units = {
        key: from_wire({name: {"type": kind, "value": texts} for name, (kind, texts) in entries.items()})
        for key, entries in wires.items()
    }
    units = {key: meta for key, meta in units.items() if meta}
    found = _back(units, tmp_path_factory.mktemp("t"))
    counted = meta_tables(units.items(), CAPABILITIES.fit)
    lost = [(key, name) for key, meta in units.items() for name in meta if name not in found.get(key, {})]
    assert len(lost) == sum(counted.left_out.values())
    for key, meta in found.items():
        assert canonical_json(meta) == canonical_json({name: units[key][name] for name in meta})


def test_moments_are_dates_or_times() -> None:
    units = {"a": {"k": moment_text(1_714_979_289_000)}}
    (table,) = meta_tables(units.items(), CAPABILITIES.fit).tables
    assert table.text == "path,k\na,2024-05-06T07:08:09Z\n"
