"""Cells of manifests: the official readers' results, strict refusals, and cells that are written."""

from __future__ import annotations

import json
from datetime import UTC, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from reconciler.formats.manifest_cells import CellTooComplex, Dialect, Wire, WireType, is_url, parse_cell, wire_form
from reconciler.formats.manifest_columns import Column, ColumnType, infer_column, piece_rows
from reconciler.formats.manifest_strict import Refusal, strict_cell
from reconciler.formats.manifest_writing import Unwritable, check_text_column, write_column

CELLS = json.loads((Path(__file__).parents[2] / "data/sage_manifests/annotation_cells.json").read_text())["cells"]
SEOUL = timezone(timedelta(hours=9))


def _outcome(column: list[str], dialect: Dialect) -> tuple[Any, str]:
    """(wire, fate of an existing value) of the first cell of a column."""
    value = infer_column(column)[0]
    if value is None or value == "":
        return None, "kept"
    wire = wire_form(parse_cell(value, dialect) if isinstance(value, str) else value, UTC)
    return (None, "removed") if wire is None else ({"type": wire.type, "value": list(wire.values)}, "set")


@pytest.mark.parametrize("dialect", [("legacy_tsv", Dialect.TSV), ("csv", Dialect.CSV)], ids=str)
@pytest.mark.parametrize("case", CELLS, ids=lambda case: case["id"])
def test_cell_is_read_as_the_official_reader_reads_it(case: dict[str, Any], dialect: tuple[str, Dialect]) -> None:
    wanted = case[dialect[0]]
    assert _outcome(case["column"], dialect[1]) == (wanted["wire"], wanted["existing_value"]), case["why"]


@pytest.mark.parametrize(
    ("cells", "values", "reason"),
    [
        (["042", "7"], [42, 7], "a column of digits loses leading zeros"),
        (["042", "x"], ["042", "x"], "beside text they stay"),
        (["3", ""], [3.0, None], "one blank makes decimals"),
        (["True", ""], [True, None], "truth values stay, whatever is blank"),
        (["9" * 20, "1.5"], ["9" * 20, "1.5"], "a number beyond 64 bits ends the attempt"),
        (["1.5", "1" + "0" * 20], [1.5, 1e20], "unless a decimal came first"),
        ([str(2**64 - 1), "NA"], [str(2**64 - 1), "NA"], "a conflict leaves even missing words as they are"),
        ([str(-(2**63)), ""], [None, None], "the mark for a missing integer"),
        (["1e400"], ["1e400"], "too large for a decimal"),
        (["0.30000000000000004"], [0.3], "17 digits count, and the first zero is one"),
        (["none", "-"], ["none", "-"], "words that are not on the list"),
    ],
)
def test_column_is_typed_as_a_whole(cells: list[str], values: list[Any], reason: str) -> None:
    assert infer_column(cells) == values, reason


def test_types_of_pieces_are_joined() -> None:
    column = Column(rows_per_piece=2)
    for cell in ("1", "2", "x", "3"):
        column.see(cell)
    assert column.types() == [ColumnType.INTEGER, ColumnType.TEXT]
    assert piece_rows(10) == 65_536


def test_naive_time_is_taken_in_the_given_zone() -> None:
    values = parse_cell("2020-01-01", Dialect.CSV)
    assert wire_form(values, UTC) == Wire(WireType.TIMESTAMP, ("1577836800000",))
    assert wire_form(values, SEOUL) == Wire(WireType.TIMESTAMP, ("1577804400000",))


def test_cell_that_nests_too_deeply_is_refused() -> None:
    with pytest.raises(CellTooComplex):
        parse_cell("-" * 100_000 + "1", Dialect.TSV)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a/b", True),
        ("s3://b/k", True),
        ("file:/a", True),
        ("C:/a", False),
        ("a:b", False),
        ("http://[", False),
    ],
)
def test_url_is_told_from_a_path(text: str, expected: bool) -> None:
    assert is_url(text) is expected


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("bar", Wire(WireType.STRING, ("bar",))),
        ("3", Wire(WireType.LONG, ("3",))),
        ("3.5", Wire(WireType.DOUBLE, ("3.5",))),
        ("TRUE", Wire(WireType.BOOLEAN, ("true",))),
        ("'007'", Wire(WireType.STRING, ("007",))),
        ("['2020-01-01',]", Wire(WireType.STRING, ("2020-01-01",))),
        ('[a, "b, c"]', Wire(WireType.STRING, ("a", "b, c"))),
        ("2023-12-20 23:55:08-07:00", Wire(WireType.TIMESTAMP, ("1703141708000",))),
        ("[]", None),
    ],
)
def test_strict_mode_takes_what_all_readers_agree_on(text: str, wire: Wire | None) -> None:
    assert strict_cell(text) == wire


@pytest.mark.parametrize(
    ("text", "reason", "fix"),
    [
        ("NA", "missing value", "'NA'"),
        (" NA ", "missing value", "'NA'"),
        ("007", "Beside numbers alone", "'007'"),
        ("1e3", "", ""),
        ("2_500", "notation of Python", "2500"),
        ("0xFF", "notation of Python", "255"),
        ("2020-01-01", "without offset", "2020-01-01T00:00:00Z"),
        ("20240101", "without offset", "+20240101"),
        ("2023-W10-1T00:00Z", "version of Python", "2023-03-06T00:00:00+00:00"),
        ("'2020-01-01'", "TSV reader", "['2020-01-01',]"),
        ("[1, 2.5]", "several types", "[1.0, 2.5]"),
        ("[7, false]", "several types", "quote every item"),
        ("[None, None]", "TSV reader", "'[None, None]'"),
        ("[[a],b]", "TSV reader", "'[[a],b]'"),
        ("(1, 2)", "TSV reader", "'(1, 2)'"),
        ("inf", "Beside numbers alone", "'inf'"),
        ('"q"', "taken away", "'q'"),
        ("9999999999999999999", "64 bits", "'9999999999999999999'"),
        ("[" + ",".join("a" * 101) + "]", "101 values", "shorten"),
        ("x" * 501, "501 characters", "shorten"),
    ],
)
def test_strict_mode_refuses_what_could_be_something_else(text: str, reason: str, fix: str) -> None:
    found = strict_cell(text)
    if not reason:
        assert not isinstance(found, Refusal)
        return
    assert isinstance(found, Refusal)
    assert reason in found.reason
    assert fix in found.fix


@pytest.mark.parametrize(
    ("values", "cells", "reason"),
    [
        ([Wire(WireType.STRING, ("NA",))], ["'NA'"], "a missing word"),
        ([Wire(WireType.LONG, ("3",)), ""], ["[3]", ""], "beside a blank it would become a decimal"),
        ([Wire(WireType.LONG, ("3",)), Wire(WireType.LONG, ("4",))], ["3", "4"], "plain where that is safe"),
        ([Wire(WireType.LONG, ("20240101",))], ["20240101"], ""),
        ([Wire(WireType.STRING, ("2020-01-01",))], ["['2020-01-01',]"], "a lone quoted date is a date in TSV"),
        ([Wire(WireType.STRING, ("a\tb",))], ["'a\\tb'"], "no table can hold a bare tab"),
        ([Wire(WireType.STRING, ("a]", "b, c"))], ["['a\\x5d', 'b\\x2c c']"], "brackets and commas of a list"),
        ([None, ""], ["[]", ""], "clear, and say nothing"),
    ],
)
def test_column_is_written_as_plainly_as_it_can_be_read(values: Any, cells: list[str], reason: str) -> None:
    found = write_column(values, 3)
    assert not reason or found == cells, reason


def test_value_that_no_cell_can_hold_is_refused() -> None:
    with pytest.raises(Unwritable, match="501 characters"):
        write_column([Wire(WireType.STRING, ("x" * 501,))], 3)


@pytest.mark.parametrize("cells", [["NA", "b"], ["1", "2"], ["true"]])
def test_verbatim_column_that_would_be_misread_is_refused(cells: list[str]) -> None:
    with pytest.raises(Unwritable):
        check_text_column(cells, 3)
