"""Hostile and careless workbooks: refused or read within bounds, and nothing else ever happens."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.errors import SourceError
from reconciler.model.resource import TableLimits
from reconciler.sources import read_metadata
from reconciler.sources.workbook import TableRefused, read_sheet
from tests.support.hostile_workbooks import SHEET, STRINGS, lying, ods, packed, xlsx

_BOOKS = Path(__file__).parents[2] / "data" / "excel"
_MIB = 1024 * 1024
_TEXT = "<c t='s'><v>0</v></c>"
_DOCTYPE = (
    b"<!DOCTYPE sst [<!ENTITY a 'lol'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>]><sst><si><t>&b;</t></si></sst>"
)


def _cell(name: str) -> str:
    return f"<c r='{name}'><v>1</v></c>"


def _row(*cells: str, at: str = "1") -> str:
    return f"<row r='{at}'>{''.join(cells)}</row>"


def _ods_row(rows: int, columns: int) -> str:
    value = f"office:value-type='float' office:value='1' table:number-columns-repeated='{columns}'"
    return f"<table:table-row table:number-rows-repeated='{rows}'><table:table-cell {value}/></table:table-row>"


_HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "stray cell in the last corner": (
        lambda: xlsx(_row(_cell("A1")) + _row(_cell("XFD1048576"), at="1048576")),
        "span 1,048,576 rows and 16,384 columns",
    ),
    "stray cell without its name": (
        lambda: xlsx(_row(_cell("A1")) + _row("<c><v>1</v></c>", at="4000000000")),
        "takes more than 268,435,456 bytes of memory",
    ),
    "a million columns": (lambda: xlsx(_row("<c><v>1</v></c>" * 1_000_000)), "has 1,000,000 columns"),
    "one long text ten thousand times": (
        lambda: xlsx(_row(_TEXT * 10_000), f"<si><t>{'x' * _MIB}</t></si>"),
        "takes more than 268,435,456 bytes of memory",
    ),
    "unpacks to more than it may": (lambda: xlsx(" " * 150 * _MIB), "unpacks to"),
    "unpacks to more than it says": (lambda: lying(xlsx(" " * 150 * _MIB), SHEET, 100), "unpacks to"),
    "entities": (lambda: xlsx(_row(_TEXT), **{STRINGS: _DOCTYPE}), "declares a document type"),
    "too many parts": (lambda: packed({f"a{i}": b"" for i in range(10_001)}), "has 10,001 parts"),
    "larger than allowed": (lambda: b"PK" + b"x" * 60 * _MIB, "at most 52,428,800 are read"),
    "container of nothing": (lambda: bytes.fromhex("d0cf11e0a1b11ae1") + b"\xff" * 5000, "cannot be read"),
    "tags that never end": (lambda: xlsx("<c " * 3_000_000), "cannot be read as a workbook"),
    "repeated rows of repeated cells": (lambda: ods(_ods_row(4_000, 16_384)), "takes more than"),
}
_HARMLESS: dict[str, tuple[Callable[[], bytes], int]] = {
    "says it has all cells, and has one": (
        lambda: xlsx(_row(_cell("A1")), before="<dimension ref='A1:XFD1048576'/>"), 1,
    ),
    "merged over the whole sheet": (
        lambda: xlsx(_row(_cell("A1")) + "</sheetData><mergeCells><mergeCell ref='A1:XFD1048576'/></mergeCells>"), 1,
    ),
    "empty cells to the end": (
        lambda: ods(_ods_row(1, 1) + "<table:table-row table:number-rows-repeated='1048575'/>"), 1,
    ),
}  # fmt: skip
_LIMITS = TableLimits(max_file_bytes=50 * _MIB, max_memory_bytes=256 * _MIB)


@pytest.mark.parametrize("name", _HOSTILE)
def test_hostile_workbook_is_refused_and_costs_little_memory(name: str) -> None:
    make, reason = _HOSTILE[name]
    content = make()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TableRefused) as caught:
        read_sheet(content, 1, _LIMITS)
    assert reason in caught.value.reason
    assert caught.value.fix
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30 * 1024


@pytest.mark.parametrize("name", _HARMLESS)
def test_workbook_that_only_claims_much_is_read(name: str) -> None:
    make, count = _HARMLESS[name]
    assert len(list(read_sheet(make(), 1, _LIMITS).rows())) == count


@pytest.mark.parametrize("book", ["calamine/merge_cells.xlsx", "frictionless/table.xls", "calamine/any_sheets.ods"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=20), st.booleans()
)
def test_damaged_workbook_is_read_or_refused(book: str, changes: list[tuple[float, int]], cut: bool) -> None:
    content = bytearray((_BOOKS / book).read_bytes())
    for place, value in changes:
        content[int(place * len(content))] = value
    try:
        sheet = read_sheet(bytes(content[: int(changes[0][0] * len(content))] if cut else content), 1, _LIMITS)
    except TableRefused:
        return
    assert all(isinstance(cells, list) for _, cells in sheet.rows())


def test_formula_without_result_is_named() -> None:
    formulas = "<c r='B2'><f>A1+1</f></c><c r='C2'><f>A1+2</f><v>3</v></c><c r='D2' s='1'><f>A1</f><v></v></c>"
    sheet = read_sheet(xlsx(_row(_cell("A1")) + _row(formulas, at="2")), 1)
    assert sheet.notes.uncalculated == ["B2", "D2"]


def test_error_cells_of_other_sheets_are_not_named() -> None:
    content = (_BOOKS / "calamine/errors.xlsx").read_bytes()
    assert read_sheet(content, 1).notes.errors == ["A1", "A2", "A3", "A4", "A5", "A6", "A7"]
    assert read_sheet(content, 2).notes.errors == []


_ROWS = "unit,age\n1,4\n2,5\n3,6\n"


@pytest.mark.parametrize(
    ("name", "content", "limits", "part"),
    [
        ("m.csv", _ROWS, TableLimits(max_rows=2), "more than 2 rows"),
        ("m.csv", _ROWS, TableLimits(max_file_bytes=10), "more than 10 bytes"),
        ("m.csv", _ROWS, TableLimits(max_columns=1), "2 columns; at most 1 are read"),
        ("m.csv", "unit," * 20_000, TableLimits(), "20,001 columns; at most 16,384 are read"),
        ("m.csv", "unit\n" + '"a\n",' * 7_000_000, TableLimits(), "is too long"),
        ("m.tsv", "unit\n" + "a" * 40_000_000, TableLimits(), "is too long"),
        ("m.json", '[{"unit": 1}, {"unit": 2}]', TableLimits(max_rows=1), "more than 1 rows"),
        ("m.json", '[{"unit": 1}]', TableLimits(max_file_bytes=5), "more than 5 bytes"),
        ("m.jsonl", '{"unit": 1, "a": 2}\n', TableLimits(max_columns=1), "2 columns; at most 1 are read"),
        ("m.jsonl", '{"unit": "' + "a" * 40_000_000 + '"}', TableLimits(), "Line 1 has more than"),
    ],
)
def test_table_beyond_its_limits_is_refused(ws: Any, name: str, content: str, limits: TableLimits, part: str) -> None:
    ws.write(name, content)
    with pytest.raises(SourceError) as caught:
        list(read_metadata(ws.table(name, limits=limits)).rows)
    assert part in str(caught.value)


def test_workbook_beyond_its_limits_is_refused_as_a_table(ws: Any) -> None:
    ws.write("m.xlsx", (_BOOKS / "readxl/datasets.xlsx").read_bytes())
    with pytest.raises(SourceError, match=r"raise table\.limits\.maxRows"):
        list(read_metadata(ws.table("m.xlsx", "mpg", limits=TableLimits(max_rows=10))).rows)
