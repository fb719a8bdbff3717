"""DM documents that never were COCO, exported: equal to the reference, ids aside."""

import json
from pathlib import Path

import pytest
from pycocotools import mask as coco_mask

from reconciler.formats.categories import CategoryRules
from reconciler.formats.coco_write import CocoOptions, CocoWriter, write_coco
from reconciler.formats.items import ExportItem, MediaFile

DATA = Path(__file__).parents[2] / "data" / "dm_assignments"
FOLDERS = sorted(p.name for p in DATA.iterdir() if p.is_dir())
# What the payloads do not hold: the area of an outline that was not drawn, a person's box when only joints were, and
# that box and area of the mask were taken from something else than its pixels.
NOT_IN_PAYLOAD = {
    "boxes_seed": {"area"},
    "keypoints_sdk": {"area", "bbox"},
    "keypoints_seed": {"area"},
    "masks_sdk": set(),
}


def _items(folder):
    for line in (DATA / folder / "assignments.jsonl").read_text().splitlines():
        record = json.loads(line)
        name = record["file"]["file_name_original"]
        media = {"image_1": MediaFile(name, is_primary=True)}
        yield ExportItem(name.removesuffix(".jpg"), str(record["id"]), record["data"], media)


def _comparable(written):
    images = {row["id"]: row["file_name"] for row in written["images"]}
    names = {row["id"]: row["name"] for row in written["categories"]}
    rows = [
        {**row, "image_id": images[row["image_id"]], "category_id": names[row["category_id"]], "id": 0}
        for row in written["annotations"]
    ]
    return sorted(rows, key=lambda row: row["image_id"])


def _export(folder, reference):
    order = [row["name"] for row in reference["categories"]]
    options = CocoOptions(categories=CategoryRules(order=order), crowd_masks=True)
    return write_coco(_items(folder), options)["annotations/instances.json"]


def _is_mask(row):
    return isinstance(row["segmentation"], dict)


def _close(mine, theirs, key):
    if key == "bbox":
        return mine == pytest.approx(theirs, abs=1e-6)
    return mine == pytest.approx(theirs, abs=1e-3) if key == "area" else mine == theirs


@pytest.mark.parametrize("folder", FOLDERS)
def test_export_equals_the_reference(folder):
    reference = json.loads((DATA / folder / "reference.json").read_text())
    mine, theirs = _comparable(_export(folder, reference)), _comparable(reference)
    assert len(mine) == len(theirs) > 0
    for left, right in zip(mine, theirs, strict=True):
        unknown = {"area", "bbox", "segmentation"} if _is_mask(right) else NOT_IN_PAYLOAD.get(folder, set())
        assert left.keys() == right.keys()
        assert [k for k in left if k not in unknown and not _close(left[k], right[k], k)] == []


def test_mask_equals_the_reference_pixel_by_pixel():
    reference = json.loads((DATA / "masks_sdk" / "reference.json").read_text())
    (mine,) = (r["segmentation"] for r in _comparable(_export("masks_sdk", reference)) if _is_mask(r))
    (theirs,) = (r["segmentation"] for r in _comparable(reference) if _is_mask(r))
    theirs = coco_mask.frPyObjects(theirs, *theirs["size"])
    assert coco_mask.iou([mine], [theirs], [0])[0][0] == 1.0
    assert mine["counts"].encode() == theirs["counts"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_skeletons_equal_the_reference(folder):
    reference = json.loads((DATA / folder / "reference.json").read_text())
    got = _export(folder, reference)["categories"]
    wanted = reference["categories"]
    pick = [[(row["name"], row.get("keypoints"), row.get("skeleton")) for row in rows] for rows in (got, wanted)]
    assert pick[0] == pick[1]


@pytest.mark.parametrize("folder", FOLDERS)
def test_account_covers_every_annotation(folder):
    writer = CocoWriter()
    for item in _items(folder):
        account = writer.write_item(item).account
        assert account.read == account.written + account.dropped + account.failed
        assert account.read == len(item.data["annotations"]["image_1"])


def test_both_dialects_give_the_same_export():
    reference = json.loads((DATA / "instances_sdk" / "reference.json").read_text())
    assert _export("instances_sdk", reference) == _export("instances_seed", reference)
