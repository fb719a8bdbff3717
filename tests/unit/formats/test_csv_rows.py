"""The result of a query as a file of an export: what is counted while it passes by."""

import csv
import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.formats.csv_rows import CsvWriter, RowMeter
from reconciler.formats.items import ExportItem, Fragment, MediaFile


def _passed(content: bytes, size: int) -> RowMeter:
    meter = RowMeter()
    chunks = [content[start : start + size] for start in range(0, len(content), size)]
    assert b"".join(meter.watch(chunks)) == content
    return meter


@pytest.mark.parametrize(
    ("content", "rows", "reason"),
    [
        (b"", 0, "nothing at all"),
        (b'"a"\n', 0, "a header alone"),
        (b'"a"\n"1"\n"2"', 2, "no line end at the end"),
        (b'"a"\n"1\n2"\n', 1, "a line end in quotes"),
        (b'"a"\n"say ""hi""\n"\n', 1, "doubled quotes before a line end"),
    ],
)
def test_rows_are_counted_as_csv_has_them(content, rows, reason):
    assert [_passed(content, size).rows for size in (1, 2, 3, 100)] == [rows] * 4, reason


@given(st.lists(st.lists(st.text(alphabet='a",\n', min_size=1), min_size=2, max_size=2)), st.integers(1, 9))
def test_rows_are_those_that_a_reader_finds(rows, size):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([["x", "y"], *rows])
    content = text.getvalue().encode()
    assert _passed(content, size).rows == len(rows)


def test_second_pass_counts_from_nothing():
    meter = _passed(b"a\n1\n2\n", 2)
    list(meter.watch([b"a\n1\n"]))
    found = meter.result(lambda: [Fragment("rows", None, '{"query":"q"}')])
    digest = hashlib.md5(b"a\n1\n").hexdigest()
    assert found == {"query": "q", "file": "rows.csv", "rows": 1, "bytes": 4, "md5": digest}


def test_row_ids_make_other_output():
    assert CsvWriter(row_ids=True).digest != CsvWriter().digest


def test_result_goes_to_one_file():
    item = ExportItem("rows", "syn1", {"query": "q"}, {"rows": MediaFile("rows.csv")})
    assert CsvWriter().paths(item).originals == {"rows": "rows.csv"}
