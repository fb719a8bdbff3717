"""Annotation tables as Parquet: read by pyarrow with the documented types, by ourselves as they were."""

from __future__ import annotations

import io

import pytest

from reconciler.formats.items import ExportItem, MediaFile
from reconciler.formats.table_columns import COLUMNS
from tests.support.tables import documents, table

pytest.importorskip("pyarrow", reason="needs the extra parquet")
parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra parquet")

RING = [{"x": 1, "y": 2}, {"x": 5.5, "y": 2}, {"x": 5, "y": 9}]
ROWS = {
    "bounding_box": {"coordinate": {"x": 1, "y": 2, "width": 3, "height": 4, "rotation": 0.5}},
    "polygon": {"coordinate": RING, "holes": [[{"x": 2, "y": 3}, {"x": 4, "y": 3}, {"x": 4, "y": 4}]]},
    "segmentation": {"pixel_indices": [[41, 2], [81, 3]], "isCompressed": True, "compressionFormat": "rle"},
    "keypoint": {"data": [[1, 2], [3, 4]], "keypoints": ["a", "b"], "visibility": [2, 1], "skeleton": [[1, 2]]},
    "relation": {"annotationId": "p", "targetAnnotationId": "q"},
}


def _item(key: str, name: str = "car") -> ExportItem:
    rows = [
        {"id": tool, "tool": tool, "classification": {"class": name, "n": [1, {"x": None}]}} for tool in sorted(ROWS)
    ]
    data = {
        "annotations": {"image_1": rows},
        "annotationsData": {"image_1": [{"id": tool, **fields} for tool, fields in ROWS.items()]},
        "extra": {"image_1": {"width": 40, "height": 30}},
    }
    return ExportItem(key, "1", data, {"image_1": MediaFile("a.png")})


def test_parquet_has_the_documented_columns_and_types() -> None:
    found = parquet.read_table(io.BytesIO(table("parquet", [_item("k")])))
    types = {field.name: str(field.type) for field in found.schema}
    assert list(types) == [column.name for column in COLUMNS]
    assert (types["width"], types["x"], types["attributes"]) == ("int64", "double", "string")
    assert types["points"] == "list<element: list<element: double>>"
    row = next(row for row in found.to_pylist() if row["tool"] == "polygon")
    assert (row["points"], row["holes"]) == ([[1, 2], [5.5, 2], [5, 9]], [[[2, 3], [4, 3], [4, 4]]])


@pytest.mark.parametrize("name", ["car", "a\0b", "=1", "x\r\ny", "나무", "x" * 100_000])
def test_parquet_comes_back_as_the_other_forms_do(name: str) -> None:
    found, problems = documents("parquet", table("parquet", [_item("k", name)]))
    expected, _ = documents("jsonl", table("jsonl", [_item("k", name)]))
    assert (problems, found) == ([], expected)


def test_parquet_of_many_rows_is_written_in_groups_and_the_same_again() -> None:
    items = [_item(f"k{number:05}") for number in range(2_100)]
    content = table("parquet", items)
    assert [parquet.ParquetFile(io.BytesIO(content)).metadata.row_group(n).num_rows for n in (0, 1)] == [10_000, 500]
    assert content == table("parquet", items)
    assert len(documents("parquet", content)[0]) == 2_100


def test_parquet_without_items_has_its_columns() -> None:
    assert parquet.read_schema(io.BytesIO(table("parquet", []))).names == [column.name for column in COLUMNS]


@pytest.mark.parametrize("content", [b"", b"PAR1 no more"])
def test_damaged_parquet_is_told(content: bytes) -> None:
    found, problems = documents("parquet", content)
    assert (found, "cannot be read" in str(problems[0])) == ({}, True)
