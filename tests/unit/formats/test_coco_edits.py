"""Numbers kept from an import hold until someone edits the shapes they describe."""

import copy

import pytest

from reconciler.formats.coco_read import read_coco
from reconciler.formats.coco_write import write_coco
from reconciler.formats.dm import encode_v1
from reconciler.formats.items import ExportItem, MediaFile

RINGS = [[1, 1, 5, 1, 5, 4], [7, 7, 9, 7, 9, 9, 7, 9]]
DATASET = {
    "images": [{"id": 9, "file_name": "a.png", "width": 20, "height": 10, "license": 3}],
    "annotations": [
        {
            "id": 70,
            "image_id": 9,
            "category_id": 4,
            "segmentation": RINGS,
            "bbox": [1, 1, 8.5, 8.5],
            "area": 9.75,
            "iscrowd": 0,
            "keypoints": [2, 2, 2, 0, 0, 0, 3, 3, 0],
            "num_keypoints": 1,
            "attributes": {"occluded": True, "class": "odd"},
        }
    ],
    "categories": [
        {"id": 4, "name": "cat", "supercategory": "animal", "keypoints": ["a", "b", "c"], "skeleton": [[1, 2]]}
    ],
}


@pytest.fixture
def payload():
    dataset = read_coco(copy.deepcopy(DATASET))
    assert dataset.problems == ()
    return copy.deepcopy(encode_v1(dataset.document(dataset.images[0], "image_1")))


def _export(payload):
    item = ExportItem("a", "1", payload, {"image_1": MediaFile("a.png")})
    return write_coco([item])["annotations/instances.json"]


def _only(payload):
    (row,) = _export(payload)["annotations"]
    return row


def test_untouched_object_comes_back_as_given(payload):
    assert _only(payload) == DATASET["annotations"][0]


def test_moved_ring_gives_new_box_and_area(payload):
    payload["annotationsData"]["image_1"][0]["coordinate"][0]["x"] = 0
    row = _only(payload)
    assert row["segmentation"] == [[0, 1, 5, 1, 5, 4], RINGS[1]]
    assert row["bbox"] == [0, 1, 9, 8]
    assert row["area"] == 11.5
    assert row["id"] == 70


def test_deleted_ring_leaves_the_other(payload):
    gone = payload["annotations"]["image_1"].pop(0)["id"]
    payload["annotationsData"]["image_1"].pop(0)
    payload["annotationGroups"]["image_1"][0]["annotationIds"].remove(gone)
    row = _only(payload)
    assert row["segmentation"] == [RINGS[1]]
    assert row["keypoints"] == DATASET["annotations"][0]["keypoints"]


def test_new_class_gets_a_category_of_its_own(payload):
    for row in payload["annotations"]["image_1"]:
        row["classification"]["class"] = "dog" if row["tool"] == "polygon" else row["classification"]["class"]
    written = _export(payload)
    assert [c["name"] for c in written["categories"]] == ["dog"]
    assert written["annotations"][0]["category_id"] == written["categories"][0]["id"]


def test_crowd_flag_follows_the_attribute(payload):
    for row in payload["annotations"]["image_1"]:
        row["classification"]["iscrowd"] = 1
    assert _only(payload)["iscrowd"] == 1


def test_renamed_joint_falls_back_to_names(payload):
    joints = [r for r in payload["annotations"]["image_1"] if r["tool"] == "keypoint"]
    joints[0]["classification"]["class"] = "tail"
    written = _export(payload)
    assert written["categories"][0]["keypoints"] == ["a", "b", "c", "tail"]
    assert written["annotations"][0]["keypoints"][9:] == [2, 2, 2]


def test_added_box_is_an_object_of_its_own(payload):
    row = {"id": "new", "tool": "bounding_box", "classification": {"class": "cat"}}
    payload["annotations"]["image_1"].append(row)
    payload["annotationsData"]["image_1"].append({"id": "new", "coordinate": {"x": 0, "y": 0, "width": 2, "height": 3}})
    rows = _export(payload)["annotations"]
    assert [(r["id"], r["bbox"]) for r in rows] == [(70, [1, 1, 8.5, 8.5]), (1, [0, 0, 2, 3])]
