"""Data sets in several formats, carried through the backend and read by datumaro: it sees the same before and after."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.carrying import Carried, carry, picture, pictures_of
from tests.support.shared_data import COPIED, shared


@dataclass(frozen=True)
class Case:
    """A data set as its tool wrote it. peer: datumaro's name of the format. reading, options: of TaskSet and Export.

    labels: for datumaro, which knows other classes than its own only from a file that the data set lacks.
    """

    place: str
    format: str
    peer: str
    reading: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    is_shared: bool = False
    labels: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.place.replace('/', '-')}-{self.peer}"

    @property
    def folder(self) -> Path:
        return shared(self.place) if self.is_shared else COPIED / self.place


_VOC_LABELS = ("RBC", "WBC", "Platelets")
_NAMES = {"reference": "given/data.yaml"}
CASES = [
    Case("voc/bccd", "voc", "voc_detection", labels=_VOC_LABELS),
    Case("voc/voc2007", "voc", "voc_detection"),
    Case("voc/voc2007", "voc", "voc_segmentation"),
    Case("cvat/export_task", "cvat", "cvat"),
    Case("yolo/yolov8_detection", "yolo", "yolo", {}, _NAMES),
    Case("yolo/yolo", "yolo", "yolo", {}, {"layout": "legacy", "reference": "given/obj.names"}),
    Case("bccd_voc", "voc", "voc_detection", is_shared=True, labels=_VOC_LABELS),
    Case("formats/voc/voc_dataset1", "voc", "voc_detection", is_shared=True),
    Case("formats/cvat/for_images/export_task", "cvat", "cvat", is_shared=True),
]


def _pictures(case: Case) -> dict[str, bytes]:
    """Those of the data set, and grey ones in place of those that are not there."""
    found = {
        p.name: p.read_bytes()
        for p in sorted(case.folder.rglob("*"))
        if p.suffix in (".jpg", ".png") and "Segmentation" not in str(p)
    }
    return found or {f"{p.stem}.jpg": picture(640, 480) for p in sorted(case.folder.rglob("*.xml"))}


def _seen(folder: Path, peer: str) -> dict[str, list[Any]]:
    """Picture → class, shape with two decimals and attributes of everything that datumaro finds on it."""
    from datumaro.components.annotation import AnnotationType
    from datumaro.components.dataset import Dataset

    dataset = Dataset.import_from(str(folder), peer)
    labels = dataset.categories()[AnnotationType.label]
    return {
        item.id.rpartition("/")[2]: sorted((_row(a, labels) for a in item.annotations), key=str) for item in dataset
    }


def _row(annotation: Any, labels: Any) -> Any:
    name = labels[annotation.label].name if annotation.label is not None else None
    said = {k: str(v) for k, v in annotation.attributes.items() if v is not False}
    if annotation.type.name == "mask":
        return name, "mask", annotation.image.astype(bool).tobytes().hex(), said
    points = getattr(annotation, "points", ())
    return name, annotation.type.name, [round(float(value), 2) for value in points], said


@pytest.mark.parametrize("case", CASES, ids=str)
def test_datumaro_sees_the_same_before_and_after(case: Case, tmp_path: Path) -> None:
    shutil.copytree(case.folder, tmp_path / "given")
    shutil.copytree(case.folder, tmp_path / "before")
    if case.labels:
        rows = "".join(f"{name}:::\n" for name in ("background", *case.labels))
        (tmp_path / "before/labelmap.txt").write_text(rows)
    given = {"format": case.format, "url": "given", **({"formatOptions": case.reading} if case.reading else {})}
    spec = {
        "format": case.format,
        "geometry": "keep",
        "options": dict(case.options),
        "splits": {"train": 1.0, "seed": 1},
    }
    carried = carry(tmp_path, _pictures(case), given, {"out": spec})
    before, after = _seen(tmp_path / "before", case.peer), _seen(carried.exports["out"], case.peer)
    assert any(before.values())
    assert {key: after.get(key) for key in before if before[key]} == {key: rows for key, rows in before.items() if rows}


COCO = COPIED / "coco_mini/instances_val.json"
# How far a number of the format may be from the one given, in pixels of a picture of at most 640.
CROSSED = {
    "yolo": ("yolo", {}, 640e-6),
    "legacy": ("yolo", {"layout": "legacy"}, 640e-6),
    "voc": ("voc", {"origin": 0, "coordinates": "exact", "planes": False}, 1e-3),
    "whole": ("voc", {"origin": 0, "planes": False}, 0.5),
}


@pytest.fixture(scope="module")
def crossed(tmp_path_factory: pytest.TempPathFactory) -> Carried:
    """Objects of COCO, crowds left out, in formats that know boxes."""
    root = tmp_path_factory.mktemp("crossed")
    coco = json.loads(COCO.read_text())
    coco["annotations"] = [{**row, "segmentation": []} for row in coco["annotations"] if not row["iscrowd"]]
    (root / "given.json").write_text(json.dumps(coco))
    always = {"geometry": "keep", "splits": {"train": 1.0, "seed": 1}}
    exports = {name: {"format": format, "options": options, **always} for name, (format, options, _) in CROSSED.items()}
    return carry(root, pictures_of(COCO), {"format": "coco", "url": "given.json"}, exports)


@pytest.mark.parametrize("name", CROSSED)
def test_boxes_of_coco_are_where_datumaro_finds_them(crossed: Carried, name: str) -> None:
    format, _, tolerance = CROSSED[name]
    seen = _seen(crossed.exports[name], "voc_detection" if format == "voc" else "yolo")
    coco = json.loads((crossed.root / "given.json").read_text())
    classes = {row["id"]: row["name"] for row in coco["categories"]}
    boxes: dict[str, list[Any]] = {}
    for row in coco["annotations"]:
        x, y, width, height = row["bbox"]
        boxes.setdefault(f"{row['image_id']:012}", []).append(
            (classes[row["category_id"]], [x, y, x + width, y + height])
        )
    for key, given in boxes.items():
        found = [(label, points) for label, kind, points, _ in seen[key] if kind == "bbox"]
        assert len(found) == len(given)
        for label, corners in given:
            off = (
                max(abs(a - b) for a, b in zip(corners, points, strict=True)) for one, points in found if one == label
            )
            assert min(off) <= tolerance + 0.01  # two decimals are compared
