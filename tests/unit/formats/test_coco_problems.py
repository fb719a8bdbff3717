"""Faults of COCO files: each is named with its place, and the rest is read."""

import pytest

from reconciler.formats.coco_read import read_coco

IMAGE = {"id": 1, "file_name": "a.png", "width": 4, "height": 3}
CATEGORY = {"id": 1, "name": "cat", "keypoints": ["a", "b"]}
GOOD = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1]}


def _read(**parts):
    return read_coco({"images": [IMAGE], "annotations": [], "categories": [CATEGORY], **parts}, name="x.json")


ANNOTATIONS = [
    ({"id": "1"}, "annotations[1].id: '1' is not a whole number"),
    ({"image_id": 7}, "annotations[1].image_id: 7 is no picture"),
    ({"category_id": 0}, "annotations[1].category_id: 0 is no category"),
    ({"id": 1}, "annotations[1].id: 1 names another annotation already"),
    ({"bbox": [0, 0, 1]}, "annotations[1].bbox: expected four numbers"),
    ({"bbox": [0, 0, 1, "1"]}, "annotations[1].bbox"),
    ({"bbox": [0, 0, 1, float("nan")]}, "annotations[1].bbox"),
    ({"iscrowd": 2}, "annotations[1].iscrowd: 2 is neither 0 nor 1"),
    ({"segmentation": [[0, 0, 1, 1]]}, "annotations[1].segmentation[0]: a ring is at least three points"),
    ({"segmentation": [[0, 0, 1, 1, 2]]}, "annotations[1].segmentation[0]"),
    ({"segmentation": {"counts": [12]}}, "annotations[1].segmentation: expected rings"),
    ({"segmentation": {"size": [4, 3], "counts": [12]}}, "size [4, 3] is not [height, width]"),
    ({"segmentation": {"size": [3, 4], "counts": [11]}}, "counts sum to 11"),
    ({"segmentation": {"size": [3, 4], "counts": "~"}}, "does not occur in compressed counts"),
    ({"keypoints": [0, 0]}, "annotations[1].keypoints: expected three numbers"),
    ({"keypoints": [0, 0, 3, 0, 0, 0]}, "a visibility is none of 0, 1, 2"),
    ({"keypoints": [0, 0, 1]}, "1 joints, the category names 2"),
    ({"caption": 5}, "annotations[1].caption: expected a text"),
]


@pytest.mark.parametrize(("change", "text"), ANNOTATIONS)
def test_bad_annotation_is_named_and_the_rest_is_read(change, text):
    dataset = _read(annotations=[GOOD, {**GOOD, "id": 2, **change}])
    (problem,) = dataset.problems
    assert text in str(problem)
    assert str(problem).startswith("x.json: ")
    assert [row["id"] for row in dataset.images[0].annotations] == [1]


FILES = [
    ({"images": None}, "images: the list is missing"),
    ({"images": [{"id": 1}]}, "images[0]: the picture has no file_name"),
    ({"images": [IMAGE, IMAGE]}, "images[1].id: 1 names another picture already"),
    ({"images": [IMAGE, {**IMAGE, "id": 2}]}, "images[1].file_name: 'a.png' is images[0] already"),
    ({"images": [{**IMAGE, "width": 0}]}, "images[0]: width 0"),
    ({"images": [5]}, "images[0]: expected an object, found int"),
    ({"categories": [{"id": 1}]}, "categories[0].name: the category has no name"),
    ({"categories": [CATEGORY, CATEGORY]}, "categories[1].id: 1 names another category already"),
]


@pytest.mark.parametrize(("parts", "text"), FILES)
def test_bad_part_of_the_file_is_named(parts, text):
    assert text in "\n".join(str(p) for p in _read(**parts).problems)


@pytest.mark.parametrize("value", [None, [], "x", 5])
def test_something_else_is_refused(value):
    assert "a COCO file is an object" in str(read_coco(value).problems[0])


def test_all_problems_are_found_at_once():
    rows = [{**GOOD, "id": 2, "bbox": []}, {**GOOD, "id": 3, "image_id": 9}, {**GOOD, "id": 4, "iscrowd": 5}]
    assert len(_read(annotations=rows).problems) == 3
