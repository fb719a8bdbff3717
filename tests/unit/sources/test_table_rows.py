from __future__ import annotations

import sys

import pytest

from reconciler.errors import MissingExtra, SourceError
from reconciler.sources.table_rows import find_rows


def read(folder, name):
    return list(find_rows(name, folder, {}).read())


@pytest.mark.parametrize(("name", "separator"), [("a.csv", ","), ("a.tsv", "\t")])
def test_delimited_file_gives_lines_with_their_numbers(tmp_path, name, separator):
    (tmp_path / name).write_text(f'x{separator}y\n1{separator}"a\nb"\n')
    assert read(tmp_path, name) == [(1, ["x", "y"]), (3, ["1", "a\nb"])]


def test_fingerprint_changes_with_the_bytes_alone(tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n")
    before = find_rows("a.csv", tmp_path, {}).fingerprint
    (tmp_path / "b.csv").write_text("x\n1\n")
    assert find_rows("b.csv", tmp_path, {}).fingerprint == before
    (tmp_path / "a.csv").write_text("x\n2\n")
    assert find_rows("a.csv", tmp_path, {}).fingerprint != before


def test_file_of_another_format_is_refused_with_those_that_are_known(tmp_path):
    with pytest.raises(SourceError) as caught:
        find_rows("a.xlsx", tmp_path, {})
    assert "use one of .csv, .tsv, .tab, .parquet, .pq" in str(caught.value.problems[0])


def test_missing_file_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"'a\.csv' cannot be read"):
        find_rows("a.csv", tmp_path, {})


def test_file_in_another_encoding_says_how_to_save_it(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"x\n\xe4\n")
    with pytest.raises(SourceError, match="save it as UTF-8"):
        read(tmp_path, "a.csv")


def test_parquet_without_its_package_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(MissingExtra, match="Parquet"):
        read(tmp_path, "a.parquet")
