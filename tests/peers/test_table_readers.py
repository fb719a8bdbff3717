"""Tables of annotations, carried through the backend and read by pandas and pyarrow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.carrying import Carried, carry, pictures_of
from tests.support.shared_data import COPIED

COCO = COPIED / "coco_mini/instances_val.json"


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Carried:
    """Boxes of COCO as all three tables."""
    root = tmp_path_factory.mktemp("tables")
    coco = json.loads(COCO.read_text())
    coco["annotations"] = [{**row, "segmentation": []} for row in coco["annotations"] if not row["iscrowd"]]
    (root / "given.json").write_text(json.dumps(coco))
    exports = {name: {"format": name, "geometry": "keep"} for name in ("csv", "jsonl", "parquet")}
    return carry(root, pictures_of(COCO), {"format": "coco", "url": "given.json"}, exports)


def _frame(folder: Path) -> Any:
    import pandas
    import pyarrow.parquet

    name = folder.name
    path = folder / f"annotations.{name}"
    if name == "csv":
        return pandas.read_csv(
            path, keep_default_na=False, na_values=[""], float_precision="round_trip", dtype={"key": str}
        )
    if name == "jsonl":
        return pandas.read_json(path, lines=True, precise_float=True, dtype={"key": str})
    return pyarrow.parquet.read_table(path).to_pandas()


@pytest.mark.parametrize("name", ["csv", "jsonl", "parquet"])
def test_boxes_of_coco_are_rows_of_the_table(carried: Carried, name: str) -> None:
    coco = json.loads((carried.root / "given.json").read_text())
    classes = {row["id"]: row["name"] for row in coco["categories"]}
    given = sorted((f"{row['image_id']:012}", classes[row["category_id"]], *row["bbox"]) for row in coco["annotations"])
    frame = _frame(carried.exports[name])
    rows = frame[frame["annotation"].notna()][["key", "class", "x", "y", "w", "h"]].itertuples(index=False, name=None)
    assert sorted(rows) == given


def test_columns_of_parquet_are_typed(carried: Carried) -> None:
    import pyarrow.parquet

    schema = pyarrow.parquet.read_schema(carried.exports["parquet"] / "annotations.parquet")
    assert [str(schema.field(name).type) for name in ("key", "width", "x", "points")] == [
        "string",
        "int64",
        "double",
        "list<element: list<element: double>>",
    ]
