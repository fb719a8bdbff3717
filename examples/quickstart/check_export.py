"""Compare a COCO export with the COCO file it was imported from, using pycocotools and nothing of reconciler.

    python check_export.py IMPORTED.json IMAGES EXPORT

IMPORTED.json: the COCO file that was imported. IMAGES: folder with its pictures. EXPORT: folder that the export wrote.
Checks: the same pictures with the same bytes, the same categories, and for every annotation the same picture, category,
box, area, crowd flag, rings (number and coordinates), mask (IoU 1) and keypoints. Prints what was compared and ends
with 0, or prints every difference and ends with 1.
"""

# ruff: noqa: T201 - a script for people prints

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as masks
from pycocotools.coco import COCO

Annotation = dict[str, Any]


def load(path: Path) -> COCO:
    """Open a COCO file with the reference library, without its chatter."""
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


def differing_pictures(before: COCO, after: COCO, images: Path, export: Path) -> Iterator[str]:
    """Pictures whose entry or bytes differ. An export may put its pictures into a folder of its own."""
    old = {image["id"]: image for image in before.dataset["images"]}
    new = {image["id"]: image for image in after.dataset["images"]}
    if old.keys() != new.keys():
        yield f"pictures: {len(old)} were imported, {len(new)} exported"
    for number in sorted(old.keys() & new.keys()):
        name = old[number]["file_name"]
        for key in ("width", "height", "license", "date_captured"):
            if old[number].get(key) != new[number].get(key):
                yield f"picture {name}: {key} is {new[number].get(key)!r}, was {old[number].get(key)!r}"
        copies = sorted(export.rglob(Path(new[number]["file_name"]).name))
        if [copy.read_bytes() for copy in copies] != [(images / name).read_bytes()]:
            yield f"picture {name}: the exported file is missing or has other bytes"


def differing_categories(before: COCO, after: COCO) -> Iterator[str]:
    """Categories that differ in any member, unused ones included."""
    old = {category["id"]: category for category in before.dataset["categories"]}
    new = {category["id"]: category for category in after.dataset["categories"]}
    for number in sorted(old.keys() | new.keys()):
        if old.get(number) != new.get(number):
            yield f"category {number}: is {new.get(number)}, was {old.get(number)}"


def differing_annotations(before: COCO, after: COCO) -> Iterator[str]:
    """Annotations that are missing, added, or differ in any of their parts."""
    for number in sorted(before.anns.keys() ^ after.anns.keys()):
        yield f"annotation {number}: {'missing' if number in before.anns else 'was not imported'}"
    for number in sorted(before.anns.keys() & after.anns.keys()):
        old, new = before.anns[number], after.anns[number]
        for key in ("image_id", "category_id", "iscrowd", "keypoints", "num_keypoints"):
            if old.get(key) != new.get(key):
                yield f"annotation {number}: {key} is {new.get(key)!r}, was {old.get(key)!r}"
        for key in ("bbox", "area"):
            if not np.array_equal(old[key], new[key]):
                yield f"annotation {number}: {key} is {new[key]!r}, was {old[key]!r}"
        yield from differing_outline(before, after, old, new)


def differing_outline(before: COCO, after: COCO, old: Annotation, new: Annotation) -> Iterator[str]:
    """Rings are compared number by number, masks by their overlap."""
    number = old["id"]
    if isinstance(old["segmentation"], list):
        if old["segmentation"] != new["segmentation"]:
            yield f"annotation {number}: the rings differ"
        return
    overlap = masks.iou([before.annToRLE(old)], [after.annToRLE(new)], [0])[0][0]
    if overlap != 1.0:
        yield f"annotation {number}: the masks overlap by {overlap}"


def summary(dataset: COCO) -> str:
    """What was compared, in numbers."""
    annotations = list(dataset.anns.values())
    outlines = [annotation["segmentation"] for annotation in annotations]
    rings = sum(len(outline) for outline in outlines if isinstance(outline, list))
    runs = sum(not isinstance(outline, list) for outline in outlines)
    joints = sum(annotation.get("num_keypoints", 0) for annotation in annotations)
    text = f"{len(dataset.imgs)} pictures, {len(dataset.cats)} categories, {len(annotations)} annotations"
    text += f" ({rings} polygon rings, {runs} masks"
    return text + (f", {joints} keypoints)" if joints else ")")


def main(imported: Path, images: Path, export: Path) -> int:
    """Compare and report; 0 when nothing differs."""
    before, after = load(imported), load(export / "annotations" / "instances.json")
    differences = [
        *differing_pictures(before, after, images, export),
        *differing_categories(before, after),
        *differing_annotations(before, after),
    ]
    if differences:
        print(f"{export}: {len(differences)} differences from {imported.name}", *differences, sep="\n  ")
        return 1
    print(f"{export} equals {imported.name}: {summary(before)}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*(Path(argument) for argument in sys.argv[1:])))
