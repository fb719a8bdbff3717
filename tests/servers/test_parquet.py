"""Parquet files as metadata tables and as rows of tables; they need a package that only this environment has."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import pytest

from reconciler.errors import SourceError
from reconciler.model.resource import ColumnRule, TableLimits
from reconciler.sources import read_metadata
from reconciler.sources.table_rows import find_rows

pyarrow = pytest.importorskip("pyarrow", reason="needs the extra parquet")
parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra parquet")


def _write(ws: Any, name: str = "m.parquet", **columns: Any) -> None:
    parquet.write_table(pyarrow.table(columns), ws.root / name)


def _rows(source: Any, kinds: dict[str, str] | None = None) -> dict[str, dict[str, Any]]:
    return {row.key: row.values for row in read_metadata(source, kinds).rows}


def test_parquet_file_gives_typed_cells(ws: Any) -> None:
    _write(ws, x=["a", None], n=[1, 2], tags=[["p"], []])
    found = list(find_rows("m.parquet", ws.root, {}).read())
    assert found == [(1, ["x", "n", "tags"]), (2, ["a", 1, ["p"]]), (3, [None, 2, []])]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([7], 7),
        ([1.5], 1.5),
        ([2.0], 2),
        ([True], True),
        (["x"], "x"),
        ([datetime.date(2024, 1, 2)], "2024-01-02"),
        ([datetime.datetime(2024, 1, 2, 3, 4, tzinfo=datetime.UTC)], "2024-01-02T03:04:00+00:00"),
        ([decimal.Decimal("1.10")], 1.1),
        ([b"caf\xc3\xa9"], "café"),
        ([["a", "b"]], ["a", "b"]),
        ([{"kv": 1.0}], {"kv": 1.0}),
    ],
)
def test_parquet_value_of_each_type_becomes_metadata(ws: Any, values: list[Any], expected: Any) -> None:
    _write(ws, unit=["p1"], v=values)
    assert _rows(ws.table("m.parquet")) == {"p1": {"v": expected}}


def test_parquet_cells_that_are_missing_are_omitted_or_get_the_default(ws: Any) -> None:
    _write(ws, unit=["p1", "p2"], a=[None, 1], b=[float("nan"), 2.5])
    columns = (ColumnRule("a", "a", "integer", 0),)
    assert _rows(ws.table("m.parquet", columns=columns)) == {"p1": {"a": 0}, "p2": {"a": 1, "b": 2.5}}


def test_parquet_columns_make_keys_and_take_the_types_of_the_schema(ws: Any) -> None:
    _write(ws, site=["a"], number=[7], age=["45"])
    source = ws.table("m.parquet", ("site", "number"), key_template="{site}-{number:03}")
    assert _rows(source, {"age": "integer"}) == {"a-007": {"age": 45}}


def test_parquet_rows_beyond_a_batch_all_come(ws: Any) -> None:
    _write(ws, unit=[str(number) for number in range(2500)], n=list(range(2500)))
    assert len(_rows(ws.table("m.parquet"))) == 2500


def test_parquet_value_that_json_has_nothing_for_is_told_with_its_row(ws: Any) -> None:
    _write(ws, unit=["p1", "p2"], v=[1.5, float("inf")])
    table = read_metadata(ws.table("m.parquet"))
    list(table.rows)
    assert str(table.problems[0]).startswith("m.parquet:3: inf is not a value of JSON")


@pytest.mark.parametrize(
    ("content", "limits", "part"),
    [
        (b"PAR1 no more", TableLimits(), "'m.parquet' cannot be read"),
        (None, TableLimits(max_columns=1), "has 2 columns; at most 1 are read"),
        (None, TableLimits(max_rows=1), "more than 1 rows"),
        (None, TableLimits(max_file_bytes=100), "more than 100 bytes"),
    ],
)
def test_parquet_file_that_cannot_be_used_is_refused(ws: Any, content: bytes | None, limits: Any, part: str) -> None:
    _write(ws, unit=["p1", "p2"], v=[1, 2])
    if content is not None:
        ws.write("m.parquet", content)
    with pytest.raises(SourceError) as caught:
        _rows(ws.table("m.parquet", limits=limits))
    assert part in str(caught.value)


def test_parquet_metadata_reaches_its_units(ws: Any) -> None:
    ws.write_all("data/1.png", "data/1.json")
    _write(ws, unit=[1], age=[45])
    assembly = ws.assemble(metadata=(ws.table("m.parquet"),), schema={"properties": {"age": {"type": "integer"}}})
    assert [dict(unit.meta) for unit in assembly.units()] == [{"age": 45}]
    assert assembly.problems == ()
