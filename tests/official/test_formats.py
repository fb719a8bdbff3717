"""Real documents as COCO, YOLO and VOC: the official converters' numbers wherever those are right.

What is taken out before comparing is a row of "Deliberate differences" in docs/exports.md or docs/formats/.
"""

import json
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from reconciler.formats.dm import decode_payload, encode_v1
from reconciler.formats.items import ExportItem, MediaFile
from reconciler.formats.writers import open_writer
from reconciler.model.resource import GeometryPolicy
from tests.official.conftest import PYTHON
from tests.support.every_format import write
from tests.support.exports import export_of
from tests.support.shared_data import COPIED, shared

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="make official installs the client")

PLACES = [COPIED, None]
"""Where the documents are: a few beside the tests, all in the shared data."""


def _payloads(folder, kind):
    """Version 1 in the SDK dialect without groups: the converters write every ring by itself. With the size."""
    found = []
    root = (folder or shared("dm_assignments").parent) / "dm_assignments" / kind
    for line in (root / "assignments.jsonl").read_text().splitlines():
        payload = json.loads(json.dumps(encode_v1(decode_payload(json.loads(line)["data"]).document)))
        payload["annotationGroups"] = payload["annotationGroups"] if "keypoints" in kind else {}
        extra = payload["extra"].get("image_1", {})
        if payload["annotations"].get("image_1"):
            found.append((payload, extra["width"], extra["height"]))
    return found


def _both(folder, kind, to, **options):
    """(files of our export, what the official converter gives, the classes in our order) of each document."""
    documents, task = _payloads(folder, kind), options.get("task", "detect")
    asked, ours = [], []
    for payload, width, height in documents:
        names = sorted(
            {row["classification"].get("class") or "" for row in payload["annotations"]["image_1"]} | {"person"}
        )
        media = {"image_1": MediaFile("a.jpg", width=width, height=height, is_primary=True)}
        export = export_of(format=to, options=options, classes=tuple(names), geometry=GeometryPolicy("keep"))
        ours.append(write(open_writer(export), ExportItem("a", "1", payload, media)).files)
        row = {"to": to, "value": payload, "width": width, "height": height, "task": task}
        asked.append({**row, "classes": {name: number for number, name in enumerate(names)}})
    lines = "".join(json.dumps(row) + "\n" for row in asked)
    program = [PYTHON, Path(__file__).with_name("formats.py")]
    run = subprocess.run(program, input=lines, capture_output=True, text=True, check=True)
    theirs = [json.loads(line) for line in run.stdout.splitlines()]
    assert sum(len(rows) for rows in theirs)
    return list(zip(ours, theirs, strict=True))


def _coco_rows(files):
    written = json.loads(files["annotations/instances.json"])
    names = {row["id"]: row["name"] for row in written["categories"]}
    return [{**row, "category": names[row["category_id"]]} for row in written["annotations"]]


def _places(row):
    """Everything that says where the object is, as numbers; ours are rounded to a millionth of a pixel."""
    rings = row.get("segmentation") or []
    values = [*row["bbox"], row["area"], *(v for ring in rings if isinstance(rings, list) for v in ring)]
    return (
        row["category"],
        tuple(round(float(v), 5) for v in values),
        rings["counts"] if isinstance(rings, dict) else "",
    )


@pytest.mark.parametrize("folder", PLACES, ids=["few", "all"])
@pytest.mark.parametrize("kind", ["boxes_seed", "instances_seed", "instances_sdk", "masks_sdk"])
def test_coco_numbers_are_the_official_ones(kind, folder):
    for files, theirs in _both(folder, kind, "coco"):
        assert sorted(map(_places, _coco_rows(files))) == sorted(map(_places, theirs))


@pytest.mark.parametrize("folder", PLACES, ids=["few", "all"])
def test_coco_joints_are_the_official_ones(folder):
    for files, theirs in _both(folder, "keypoints_sdk", "coco"):
        ours = sorted(row["keypoints"] for row in _coco_rows(files) if row.get("num_keypoints", 0) > 1)
        assert ours == sorted(row["keypoints"] for row in theirs if row.get("num_keypoints"))


@pytest.mark.parametrize("folder", PLACES, ids=["few", "all"])
@pytest.mark.parametrize(
    ("kind", "task"), [("boxes_seed", "detect"), ("instances_sdk", "segment"), ("instances_seed", "segment")]
)
def test_yolo_rows_are_the_official_ones(kind, task, folder):
    for files, theirs in _both(folder, kind, "yolo", task=task, crowds=True):
        ours = sorted(tuple(map(float, line.split())) for line in files["labels/a.txt"].decode().splitlines())
        for mine, official in zip(ours, sorted(tuple(map(float, line.split())) for line in theirs), strict=True):
            assert mine == pytest.approx(official, rel=0, abs=1.01e-6)  # one unit of the last digit


@pytest.mark.parametrize("folder", PLACES, ids=["few", "all"])
def test_voc_corners_are_the_official_ones(folder):
    for files, theirs in _both(folder, "boxes_seed", "voc", origin=0):
        root = ET.fromstring(files["Annotations/a.xml"])
        ours = [[one.findtext("name"), *(float(c.text) for c in one.find("bndbox"))] for one in root.iter("object")]
        for mine, official in zip(sorted(ours), sorted(theirs), strict=True):
            assert mine[0] == official[0]
            assert mine[1:] == pytest.approx(official[1:], rel=0, abs=1)
