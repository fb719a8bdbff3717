"""Payloads for the benchmarks of exports, in the platform's own dialect, each with the size of its picture."""

from __future__ import annotations

import json
from math import isqrt
from pathlib import Path

OBJECTS = 10


def drawn(number: int) -> str:
    """One document of version 1: five boxes and five polygons of 640 x 480, with attributes."""
    rows, shapes = [], []
    for index in range(OBJECTS):
        name, x, y = (
            f"a{number}_{index}",
            (number * 7 + index * 31) % 500 + 0.5,
            (number * 13 + index * 17) % 300 + 0.25,
        )
        tool = "polygon" if index % 2 else "bounding_box"
        label = {"class": f"class_{index % 5}", "occluded": index % 3 == 0}
        rows.append({"id": name, "tool": tool, "isLocked": False, "isVisible": True, "classification": label})
        ring = [{"x": x + dx, "y": y + dy, "id": f"{name}{dx}{dy}"} for dx, dy in ((0, 0), (40, 5), (50, 60), (5, 45))]
        box = {"x": x, "y": y, "width": 40.5, "height": 30.25}
        shapes.append({"id": name, "coordinate": ring if index % 2 else box})
    size = {"image_1": {"width": 640, "height": 480}}
    return json.dumps({"annotations": {"image_1": rows}, "annotationsData": {"image_1": shapes}, "extra": size})


def masked(number: int) -> str:
    """One document with one mask of 1920 x 1080: a disc that wanders over the picture."""
    width, height, radius = 1920, 1080, 200 + number % 100
    x, y = 400 + number * 37 % 1000, 400 + number * 23 % 200
    runs = []
    for line in range(y - radius, y + radius):
        half = isqrt(radius**2 - (line - y) ** 2)
        if half:
            runs.append([line * width + x - half, 2 * half])
    label = {"class": f"class_{number % 5}"}
    row = {"id": "m", "tool": "segmentation", "isLocked": False, "isVisible": True, "classification": label}
    shape = {"id": "m", "pixel_indices": runs, "isCompressed": True, "compressionFormat": "rle"}
    size = {"image_1": {"width": width, "height": height}}
    return json.dumps({"annotations": {"image_1": [row]}, "annotationsData": {"image_1": [shape]}, "extra": size})


KINDS = {"drawn": drawn, "masked": masked}


def write_payloads(path: Path, items: int, kind: str = "drawn") -> None:
    """One document a line."""
    with path.open("w") as lines:
        for number in range(items):
            lines.write(KINDS[kind](number) + "\n")
