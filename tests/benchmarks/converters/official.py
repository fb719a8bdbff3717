"""Runs in the official client's environment: its converters on the same payloads, as its own exporter calls them.

Every item goes from version 1 to version 2 and from there to the format; labels become files, COCO one document.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image
from synapse_sdk.utils.converters.coco.from_dm import FromDMToCOCOConverter
from synapse_sdk.utils.converters.dm import convert_v1_to_v2
from synapse_sdk.utils.converters.dm.types import build_export_contract
from synapse_sdk.utils.converters.pascal.from_dm import FromDMToPascalConverter
from synapse_sdk.utils.converters.yolo.from_dm import FromDMToYOLOConverter

from tests.benchmarks.converters.timing import run

_CLASSES = [f"class_{number}" for number in range(5)]
_CONTRACT = build_export_contract("instance")


def convert(name: str, lines: Iterator[str], folder: Path) -> int:
    """Convert all lines."""
    done = 0
    make = {"coco": _coco, "yolo": _yolo, "voc": _voc}[name](folder)
    next(make)
    for done, line in enumerate(lines, start=1):
        payload = json.loads(line)
        size = payload["extra"]["image_1"]
        make.send((f"item_{done - 1:06}", convert_v1_to_v2(payload), size["width"], size["height"]))
    make.close()
    return done


def _coco(folder: Path) -> Iterator[Any]:
    images: list[Any] = []
    annotations: list[Any] = []
    converter = FromDMToCOCOConverter(_CONTRACT)
    try:
        while True:
            key, found, width, height = yield
            result = converter.convert_item(
                found["annotation_data"],
                annotation_meta=found["annotation_meta"],
                item_id=key,
                file_name=f"images/{key}.jpg",
                width=width,
                height=height,
            )
            whole = result.datasets["instances"].model_dump(mode="json", exclude_none=True)
            images += whole["images"]
            annotations += whole["annotations"]
    finally:
        (folder / "instances.json").write_text(json.dumps({"images": images, "annotations": annotations}))


def _yolo(folder: Path) -> Iterator[Any]:
    converter = FromDMToYOLOConverter(is_single_conversion=True, export_contract=_CONTRACT)
    classes = {name: number for number, name in enumerate(_CLASSES)}
    while True:
        key, found, width, height = yield
        media = found["annotation_data"]["images"][0]
        result = converter.convert_annotations(media, width=width, height=height, item_id=key)
        rows = converter.serialize_segment(result.segment, classes)
        (folder / f"{key}.txt").write_text("\n".join(rows))


def _voc(folder: Path) -> Iterator[Any]:
    converter = FromDMToPascalConverter(is_single_conversion=True)
    converter.class_names = set()
    classes = {name: number for number, name in enumerate(_CLASSES, start=1)}
    while True:
        key, found, width, height = yield
        result = converter.convert_single_file(
            v2_result=found,
            export_contract=_CONTRACT,
            original_file=None,
            dimensions=(width, height),
            file_name=f"{key}.jpg",
            class_to_index=classes,
            item_id=key,
        )
        (folder / f"{key}.xml").write_text(result["xml_content"])
        for kind in ("class_plane", "object_plane"):
            if result[kind] is not None:
                plane = Image.fromarray(result[kind], mode="P")
                plane.putpalette(result["palette"])
                plane.save(folder / f"{key}_{kind}.png")


if __name__ == "__main__":
    run(convert)
