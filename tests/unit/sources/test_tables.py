"""Metadata tables: formats, header, types, keys, limits."""

from __future__ import annotations

import datetime
import decimal
import io
import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import Severity, SourceError
from reconciler.model.resource import ColumnRule, SourceLocation
from reconciler.sources import read_metadata
from reconciler.sources.cells import coerce, key_text, plain

_BOOKS = Path(__file__).parents[2] / "data" / "excel"


def _rows(source: Any, kinds: dict[str, str] | None = None) -> dict[str, dict[str, Any]]:
    return {row.key: row.values for row in read_metadata(source, kinds).rows}


def _book(rows: list[list[Any]], merge: str = "") -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if merge:
        book.active.merge_cells(merge)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.csv", "unit,age\np1,4\n"),
        ("m.tsv", "unit\tage\np1\t4\n"),
        ("m.json", '[{"unit": "p1", "age": "4"}]'),
        ("m.jsonl", '{"unit": "p1", "age": "4"}\n\n'),
    ],
)
def test_text_table_of_each_format_gives_rows_by_key(ws: Any, name: str, content: str) -> None:
    ws.write(name, content)
    assert _rows(ws.table(name)) == {"p1": {"age": "4"}}


def test_json_object_of_objects_gives_rows_by_name(ws: Any) -> None:
    ws.write("m.json", '{"p1": {"age": 4, "tags": ["a"]}}')
    assert _rows(ws.table("m.json")) == {"p1": {"age": 4, "tags": ["a"]}}


def test_workbook_keeps_types_and_omits_empty_cells(ws: Any) -> None:
    row = [7, 4.0, 1.5, True, datetime.datetime(2024, 1, 2, 3, 4), None, "x"]
    ws.write("m.xlsx", _book([["unit", "a", "b", "c", "d", "e", "f"], row]))
    assert _rows(ws.table("m.xlsx")) == {"7": {"a": 4, "b": 1.5, "c": True, "d": "2024-01-02T03:04:00", "f": "x"}}


def test_header_is_the_first_row_that_names_the_key(ws: Any) -> None:
    ws.write("m.xlsx", _book([["Study metadata"], [], ["unit ", "촬영일"], [" p1 ", "x"]], merge="A1:D1"))
    assert _rows(ws.table("m.xlsx")) == {"p1": {"촬영일": "x"}}


def test_key_column_may_differ_in_letter_case(ws: Any) -> None:
    ws.write("m.csv", "Unit,age\np1,4\n")
    assert list(_rows(ws.table("m.csv"))) == ["p1"]


def test_missing_key_column_names_the_nearest(ws: Any) -> None:
    ws.write("m.csv", "units,age\np1,4\n")
    with pytest.raises(SourceError, match="did you mean 'units'"):
        read_metadata(ws.table("m.csv"))


def test_listed_columns_are_renamed_and_typed(ws: Any) -> None:
    ws.write("m.csv", "unit,Age (y),x\np1,4,drop\n")
    columns = (ColumnRule("age", "Age (y)", "integer"),)
    assert _rows(ws.table("m.csv", columns=columns, unlisted="drop")) == {"p1": {"age": 4}}


def test_key_column_is_metadata_only_when_listed(ws: Any) -> None:
    ws.write("m.csv", "unit,age\n1,4\n")
    assert _rows(ws.table("m.csv", columns=(ColumnRule("unit", "unit"),))) == {"1": {"unit": "1", "age": "4"}}


def test_schema_types_apply_to_columns_without_their_own(ws: Any) -> None:
    ws.write("m.csv", "unit,age,code,note\np1,4,007,n/a\n")
    kinds = {"age": "integer", "code": "string", "note": "number"}
    assert _rows(ws.table("m.csv"), kinds) == {"p1": {"age": 4, "code": "007", "note": "n/a"}}


def test_default_fills_empty_cells(ws: Any) -> None:
    ws.write("m.csv", "unit,age\np1,\n")
    assert _rows(ws.table("m.csv", columns=(ColumnRule("age", "age", "integer", 0),))) == {"p1": {"age": 0}}


def test_value_of_wrong_type_is_told_with_sheet_row_and_column(ws: Any) -> None:
    ws.write("m.xlsx", _book([["unit", "age"], ["p1", "old"]]))
    table = read_metadata(ws.table("m.xlsx", columns=(ColumnRule("age", "age", "integer"),)))
    list(table.rows)
    assert str(table.problems[0]).startswith("m.xlsx[Sheet]:2: 'old' is not of type integer")
    assert "(sheet 'Sheet', row 2, column B)" in table.problems[0].detail


@pytest.mark.parametrize(
    ("content", "part", "reason"),
    [
        ("unit,age,age\np1,4,5\n", "header 'age' is repeated in columns B, C", "two headers"),
        ("unit,age\np1,4,5\n", "cells beyond the header", "unquoted comma"),
    ],
)
def test_ambiguous_rows_are_problems(ws: Any, content: str, part: str, reason: str) -> None:
    ws.write("m.csv", content)
    table = read_metadata(ws.table("m.csv"))
    list(table.rows)
    assert part in table.problems[0].summary, reason


def test_listed_column_that_is_not_there_names_the_nearest(ws: Any) -> None:
    ws.write("m.csv", "unit,Age\np1,4\n")
    table = read_metadata(ws.table("m.csv", columns=(ColumnRule("age", "Agee"),)))
    assert table.problems[0].fix == "did you mean 'Age'?"


@pytest.mark.parametrize(
    ("name", "content", "part", "reason"),
    [
        ("m.csv", "unit\ncafé\n".encode("cp1252"), "byte 0xe9", "encoding"),
        ("m.csv", b"", "no row holds anything", "empty file"),
        ("m.csv", b'unit,age\np1,"' + b"x" * 200_000, "quotation mark", "open quotation"),
        ("m.json", b"[1]", "Item 1 is not an object", "list of numbers"),
        ("m.json", b'[{"unit": NaN}]', "NaN", "no JSON value"),
        ("m.json", b"[" * 100_000, "nested too deeply", "hostile nesting"),
        ("m.jsonl", b'{"unit": 1}\n{"unit"', "Line 2 is not valid JSON", "cut line"),
        ("m.xlsx", b"PK\x03\x04 no zip", "cannot be read as a workbook", "damaged zip"),
        ("m.xls", b"plain text", "cannot be read as a workbook", "no workbook"),
        ("m.doc", b"x", "No format is known", "format"),
    ],
)
def test_unusable_table_is_refused_with_a_reason(ws: Any, name: str, content: bytes, part: str, reason: str) -> None:
    ws.write(name, content)
    with pytest.raises(SourceError) as caught:
        _rows(ws.table(name))
    assert part in str(caught.value), reason


def test_utf16_with_mark_is_read(ws: Any) -> None:
    ws.write("m.tsv", "unit\tname\np1\tÄ\n".encode("utf-16"))
    assert _rows(ws.table("m.tsv")) == {"p1": {"name": "Ä"}}


def test_utf8_mark_is_not_part_of_the_header(ws: Any) -> None:
    ws.write("m.csv", b"\xef\xbb\xbfunit,age\np1,4\n")
    assert list(_rows(ws.table("m.csv"))) == ["p1"]


def test_unknown_sheet_lists_the_sheets(ws: Any) -> None:
    ws.write("m.xlsx", _book([["unit"], ["p1"]]))
    with pytest.raises(SourceError, match="its sheets are 1 'Sheet'"):
        _rows(ws.table("m.xlsx", sheet="meta"))


def test_merged_data_cells_are_a_warning(ws: Any) -> None:
    ws.write("m.xlsx", _book([["unit", "age"], ["p1", 4], ["p2", None]], merge="B2:B3"))
    table = read_metadata(ws.table("m.xlsx"))
    assert {row.key: row.values for row in table.rows} == {"p1": {"age": 4}, "p2": {}}
    assert (table.problems[0].summary, table.problems[0].severity) == ("cells B2:B3 are merged", Severity.WARNING)


def test_protected_workbook_is_refused(ws: Any) -> None:
    ws.write("m.xlsx", (_BOOKS / "calamine/pass_protected.xlsx").read_bytes())
    with pytest.raises(SourceError, match="protected with a password"):
        _rows(ws.table("m.xlsx"))


def test_published_workbook_with_banner_and_notes_gives_typed_rows(ws: Any) -> None:
    ws.write("m.xlsx", (_BOOKS / "readxl/deaths.xlsx").read_bytes())
    rows = _rows(ws.table("m.xlsx", "Name", columns=(ColumnRule("born", "Date of birth", "date"),)))
    assert rows["David Bowie"]["born"] == "1947-01-08"
    assert rows["David Bowie"]["Age"] == 69
    assert rows["David Bowie"]["Has kids"] is True


_CELLS = [
    ("4", "integer", 4),
    (4.0, "integer", 4),
    (" 4 ", "number", 4),
    ("1e3", "number", 1000.0),
    (True, "string", "true"),
    (7.0, "string", "7"),
    ("007", "string", "007"),
    ("yes", "boolean", True),
    (0.0, "boolean", False),
    (datetime.date(2024, 1, 2), "date", "2024-01-02"),
    ("2024-01-02 00:00:00", "date", "2024-01-02"),
    (datetime.date(2024, 1, 2), "datetime", "2024-01-02T00:00:00"),
    (2.0, None, 2),
    (datetime.time(1, 2), None, "01:02:00"),
    (datetime.timedelta(hours=30, seconds=5), None, "30:00:05"),
]
_MISFITS = [
    ("4.5", "integer"),
    (True, "integer"),
    ("inf", "number"),
    ("nan", "number"),
    ("1_0", "number"),
    ("maybe", "boolean"),
    ("2024-01-02 03:04", "date"),
    ("soon", "datetime"),
    (4, "date"),
    ({}, "string"),
]


@pytest.mark.parametrize(("cell", "kind", "expected"), _CELLS)
def test_coerce_of_fitting_cell_gives_json(cell: Any, kind: str | None, expected: Any) -> None:
    value = coerce(cell, kind)
    assert (value, type(value)) == (expected, type(expected))
    json.dumps(value, allow_nan=False)


@pytest.mark.parametrize(("cell", "kind"), _MISFITS)
def test_coerce_of_other_cell_is_refused(cell: Any, kind: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the caller words the message
        coerce(cell, kind)


def test_key_text_of_whole_float_has_no_fraction() -> None:
    assert [key_text(cell) for cell in (1.0, 17, " a ", True)] == ["1", "17", "a", "true"]


# -- keys of several columns, header, merged cells, place


_VISITS = "site,number,age\na,7,4\nb,12,5\nb,,6\n"


@pytest.mark.parametrize(
    ("key", "template", "expected"),
    [
        (("site", "number"), "", ["a/7", "b/12", ""]),
        (("number", "site"), "", ["7/a", "12/b", ""]),
        (("SITE", "number"), "{SITE}-{number:04}", ["a-0007", "b-0012", ""]),
        (("number",), "p{number:3}_{number}", ["p007_7", "p012_12", ""]),
    ],
)
def test_columns_make_the_key_together(ws: Any, key: tuple[str, ...], template: str, expected: list[str]) -> None:
    ws.write("m.csv", _VISITS)
    ws.write("m.json", json.dumps([{"site": "a", "number": 7}, {"site": "b", "number": 12}, {"site": "b"}]))
    for name in ("m.csv", "m.json"):
        source = ws.table(name, key, key_template=template)
        assert [row.key for row in read_metadata(source).rows] == expected, name


def test_columns_of_a_key_are_metadata_only_when_listed(ws: Any) -> None:
    ws.write("m.csv", _VISITS)
    source = ws.table("m.csv", ("site", "number"), columns=(ColumnRule("where", "site"),))
    assert _rows(source)["a/7"] == {"where": "a", "age": "4"}


def test_missing_column_of_a_key_is_named(ws: Any) -> None:
    ws.write("m.csv", _VISITS)
    with pytest.raises(SourceError, match="No column is called 'sites'") as caught:
        read_metadata(ws.table("m.csv", ("sites", "number")))
    assert caught.value.problems[0].fix == "did you mean 'site'?"


def test_object_of_objects_with_a_key_of_several_columns_is_refused(ws: Any) -> None:
    ws.write("m.json", '{"p1": {"site": "a"}}')
    with pytest.raises(SourceError, match="write a list of objects"):
        _rows(ws.table("m.json", ("site",), key_template="{site}"))


def test_header_row_that_was_named_is_taken(ws: Any) -> None:
    ws.write("m.xlsx", _book([["unit", "x"], ["unit", "y"], ["unit", "z"], ["p1", 4]]))
    assert _rows(ws.table("m.xlsx", header=2)) == {"unit": {"y": "z"}, "p1": {"y": 4}}


@pytest.mark.parametrize(("header", "part"), [(2, "Row 2 is to be the header"), (9, "Row 9 is to be the header")])
def test_header_row_that_is_empty_is_refused(ws: Any, header: int, part: str) -> None:
    ws.write("m.xlsx", _book([["unit"], [], ["p1"]]))
    with pytest.raises(SourceError, match=part):
        read_metadata(ws.table("m.xlsx", header=header))


def test_merged_cells_are_filled_when_asked(ws: Any) -> None:
    ws.write("m.xlsx", _book([["unit", "a", "b"], ["p1", 4, None], ["p2"], ["p3", None, 5]], merge="B2:C3"))
    table = read_metadata(ws.table("m.xlsx", fill_merged=True))
    rows = {row.key: row.values for row in table.rows}
    assert rows == {"p1": {"a": 4, "b": 4}, "p2": {"a": 4, "b": 4}, "p3": {"b": 5}}
    assert table.problems == []


def test_columns_are_named_as_in_the_sheet_when_the_first_are_empty(ws: Any) -> None:
    ws.write("m.xlsx", _book([[None, None, "unit", "age"], [None, None, "p1", "old"]]))
    table = read_metadata(ws.table("m.xlsx", columns=(ColumnRule("age", "age", "integer"),)))
    list(table.rows)
    assert "(sheet 'Sheet', row 2, column D)" in table.problems[0].detail


def test_formulas_without_result_are_a_warning(ws: Any) -> None:
    ws.write("m.xlsx", _book([["unit", "age"], ["p1", "=1+1"]]))
    table = read_metadata(ws.table("m.xlsx"))
    assert next(table.rows).values == {}
    assert table.problems[0].summary == "cells B2 hold formulas without a result and count as empty"


@pytest.mark.parametrize("url", ["", "data/"])
@pytest.mark.parametrize("name", ["meta.csv", "metadata.csv"])
def test_table_with_a_usual_name_beside_the_data_is_found(ws: Any, url: str, name: str) -> None:
    ws.write_all("data/1.png", "data/1.json")
    ws.write(f"data/{name}", "unit,age\n1,4\n")
    assembly = ws.assemble(metadata=(ws.table(url),))
    assert [dict(unit.meta) for unit in assembly.units()] == [{"age": "4"}]
    assert assembly.problems == ()


def _without_name(ws: Any) -> Any:
    return ws.assemble(metadata=(ws.table(""),))


def _with_two_names(ws: Any) -> Any:
    ws.write("data/meta.csv", "")
    ws.write("data/metadata.xlsx", "")
    return ws.assemble(metadata=(ws.table(""),))


def _with_two_sources(ws: Any) -> Any:
    sources = (SourceLocation("data", specification="image_1"), SourceLocation("data", specification="label_1"))
    return ws.assemble(metadata=(ws.table(""),), sources=sources)


@pytest.mark.parametrize(
    ("case", "part"),
    [
        (_without_name, "'data' holds no metadata table"),
        (_with_two_names, "'meta.csv', 'metadata.xlsx': which one counts is not said"),
        (_with_two_sources, "AssetSet/scans has 2 sources"),
    ],
)
def test_table_without_url_that_cannot_be_found_is_an_error(ws: Any, case: Any, part: str) -> None:
    ws.write_all("data/1.png", "data/1.json")
    with pytest.raises(SourceError) as caught:
        case(ws)
    assert part in str(caught.value)
    assert caught.value.problems[0].fix.startswith("name the file")


def test_table_without_url_and_without_source_is_an_error(ws: Any) -> None:
    with pytest.raises(SourceError, match=r"table\.url is missing"):
        read_metadata(ws.table(""))


_FROM_PARQUET = [
    (float("nan"), None),
    (decimal.Decimal("1.10"), 1.1),
    (decimal.Decimal("12345678901234567890.5"), "12345678901234567890.5"),
    (decimal.Decimal("7"), 7),
    (b"caf\xc3\xa9", "café"),
    ([1.0, datetime.date(2024, 1, 2), float("nan")], [1.0, "2024-01-02", None]),
    ({"a": [(b"x", 1)]}, {"a": [["x", 1]]}),
]


@pytest.mark.parametrize(("cell", "expected"), _FROM_PARQUET)
def test_plain_of_what_only_parquet_holds_is_json(cell: Any, expected: Any) -> None:
    assert json.dumps(plain(cell), allow_nan=False) == json.dumps(expected)


@pytest.mark.parametrize("cell", [float("inf"), b"\xff", decimal.Decimal("nan"), object()])
def test_plain_of_what_json_has_nothing_for_is_refused(cell: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the caller words the message
        plain(cell)
