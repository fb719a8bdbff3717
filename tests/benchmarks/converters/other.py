"""Runs in an environment with datumaro: the same payloads as its items, written by its own exporters.

It reads no DM, so the few lines from a payload to its annotations are ours, and as plain as they can be.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from datumaro.components.annotation import AnnotationType, Bbox, LabelCategories, Mask, Polygon
from datumaro.components.dataset import Dataset
from datumaro.components.dataset_base import DatasetItem
from datumaro.components.media import Image

from tests.benchmarks.converters.timing import run

_FORMATS = {"coco": "coco_instances", "yolo": "yolo", "voc": "voc"}


def convert(name: str, lines: Iterator[str], folder: Path) -> int:
    """Convert all lines."""
    labels = LabelCategories.from_iterable(f"class_{number}" for number in range(5))
    items = [_item(number, orjson.loads(line)) for number, line in enumerate(lines)]
    found = Dataset.from_iterable(items, categories={AnnotationType.label: labels}, media_type=Image)
    found.export(str(folder), _FORMATS[name], save_media=False)
    return len(items)


def _item(number: int, payload: Any) -> DatasetItem:
    size = payload["extra"]["image_1"]
    height, width = size["height"], size["width"]
    shapes = {row["id"]: row for row in payload["annotationsData"]["image_1"]}
    annotations: list[Any] = []
    for row in payload["annotations"]["image_1"]:
        label = row["classification"]
        number_of_class = int(label["class"][-1])
        attributes = {key: value for key, value in label.items() if key != "class"}
        rest = {"label": number_of_class, "attributes": attributes, "id": len(annotations), "group": len(annotations)}
        shape = shapes[row["id"]]
        if row["tool"] == "bounding_box":
            box = shape["coordinate"]
            annotations.append(Bbox(box["x"], box["y"], box["width"], box["height"], **rest))
        elif row["tool"] == "polygon":
            annotations.append(Polygon([v for p in shape["coordinate"] for v in (p["x"], p["y"])], **rest))
        else:
            plane = np.zeros(width * height, dtype=np.uint8)
            for start, length in shape["pixel_indices"]:
                plane[start : start + length] = 1
            annotations.append(Mask(plane.reshape(height, width), **rest))
    media = Image.from_file(f"item_{number:06}.jpg", size=(height, width))
    return DatasetItem(f"item_{number:06}", media=media, annotations=annotations, subset="train")


if __name__ == "__main__":
    run(convert)
