"""YOLO data sets in the ways people write them."""

import pytest

from reconciler.engine.dataset_files import open_dataset
from reconciler.errors import SourceError
from reconciler.formats.annotations import Box, Point, Polygon
from tests.support.memory_datasets import MemoryDataset, read_dataset

NAMES = "names: [car, bus]\n"


def _read(row, names=NAMES, **options):
    files = {"images/a.jpg": b"", "labels/a.txt": row, "data.yaml": names}
    return read_dataset(MemoryDataset(files), "yolo", **options)


PLACES = [
    ("images/train/a.jpg", "labels/train/a.txt", "Ultralytics"),
    ("train/images/a.jpg", "train/labels/a.txt", "a folder per split"),
    ("img/a.JPG", "labels/a.txt", "the official importer's names"),
    ("images/x/images/a.png", "images/x/labels/a.txt", "the last folder counts"),
    ("obj_train_data/a.jpg", "obj_train_data/a.txt", "Darknet"),
    ("a.jpg", "a.txt", "all in one folder"),
]


@pytest.mark.parametrize(("picture", "label", "reason"), PLACES)
def test_label_file_of_a_picture_is_found(picture, label, reason):
    read = read_dataset(MemoryDataset({picture: b"", label: "0 .5 .5 .5 .5", "data.yaml": NAMES}), "yolo")
    assert [(one.name, len(read.annotations)) for one in read.found] == [(picture, 1)], reason


HEADS = [
    ({"data.yaml": "names:\n  0: car\n  1: bus\n"}, "an object"),
    ({"dataset.yaml": "nc: 2\nnames: ['car', 'bus']\n"}, "a list under another name"),
    ({"classes.txt": "\ufeffcar\r\nbus\r\n\r\n"}, "a list of lines"),
    ({"obj.names": "car\nbus\n", "obj.data": "classes = 2\n"}, "Darknet"),
]


@pytest.mark.parametrize(("head", "reason"), HEADS)
def test_class_names_are_found(head, reason):
    read = read_dataset(MemoryDataset({"a.jpg": b"", "a.txt": "1 .5 .5 .5 .5", **head}), "yolo")
    assert [a.class_name for a in read.annotations] == ["bus"], reason


def test_class_name_that_yaml_would_take_for_something_else_stays_text():
    read = _read("0 .5 .5 .5 .5", "names: [no, 012]\n")
    assert [a.class_name for a in read.annotations] == ["no"]


ROWS = [
    ("1 .5 .5 .5 .5", Box(50, 25, 100, 50), "a box"),
    ("1.0 .5 .5 .5 .5", Box(50, 25, 100, 50), "a class id with a point"),
    ("1 .5 .5 .5 .5 .9", Box(50, 25, 100, 50), "a confidence at the end"),
    ("1 0 0 .5 0 .5 .5", Polygon(((0, 0), (100, 0), (100, 50))), "a polygon"),
    ("1 0 0 .5 0 .5 .5 .9", Polygon(((0, 0), (100, 0), (100, 50))), "a polygon with a confidence"),
    ("1 .25 .5 .500001 .5", Box(0, 25, pytest.approx(100.0001), 50), "rounding is not outside"),
]


@pytest.mark.parametrize(("row", "shape", "reason"), ROWS)
def test_row_is_a_shape_in_pixels(row, shape, reason):
    read = _read(f"{row}\r\n")
    assert [a.shape for a in read.annotations] == [shape], reason
    assert read.problems == []


def test_confidence_is_an_attribute():
    assert _read("1 .5 .5 .5 .5 .9").annotations[0].attributes == {"confidence": 0.9}


def test_four_corners_are_a_turned_box_when_the_task_says_so():
    row = "0 .5 .3 .6 .5 .5 .7 .4 .5"  # a square of 200 x 100 pixels' worth, standing on its corner
    (polygon,) = _read(row).annotations
    (box,) = _read(row, task="obb").annotations
    assert isinstance(polygon.shape, Polygon)
    assert isinstance(box.shape, Box)
    assert box.shape.rotation == pytest.approx(0.785398, abs=1e-6)


def test_pose_is_a_box_and_its_labelled_joints():
    names = "names: [person]\nkpt_shape: [3, 3]\nkpt_names:\n  0: [a, b, c]\n"
    read = _read("0 .5 .5 .5 .5 .1 .2 2 0 0 0 .3 .4 1", names)
    box, *joints = read.annotations
    assert isinstance(box.shape, Box)
    assert [(j.class_name, j.shape, j.attributes["visibility"]) for j in joints] == [
        ("a", Point(20, 20), "visible"),
        ("c", Point(60, 40), "occluded"),
    ]


FAULTS = [
    ("5 .5 .5 .5 .5", "class id 5 is not among the 2 names"),
    ("x .5 .5 .5 .5", "'x' is not a number"),
    ("0 .5 nan .5 .5", "not a finite number"),
    ("0.5 .5 .5 .5 .5", "'0.5' is no class id"),
    ("0 .5 .5", "the row has 2 numbers"),
    ("0 .5 .5 -.1 .5", "must not be negative"),
]


@pytest.mark.parametrize(("row", "why"), FAULTS)
def test_bad_row_costs_only_itself(row, why):
    read = _read(f"0 .5 .5 .5 .5\n{row}\n1 .5 .5 .5 .5\n")
    assert [a.class_name for a in read.annotations] == ["car", "bus"]
    ((problem),) = read.problems
    assert why in problem.summary
    assert (problem.at.file, problem.at.line) == ("set/labels/a.txt", 2)


def test_picture_without_label_file_has_no_objects():
    read = read_dataset(MemoryDataset({"images/a.jpg": b"", "data.yaml": NAMES}), "yolo")
    assert [(one.name, one.document.media[0].annotations) for one in read.found] == [("images/a.jpg", ())]


def test_label_without_picture_is_a_problem():
    read = read_dataset(MemoryDataset({"labels/a.txt": "0 .5 .5 .5 .5", "data.yaml": NAMES}), "yolo")
    assert [p.summary for p in read.problems] == [
        "its picture is not there, and without its size the numbers mean nothing"
    ]


def test_picture_that_cannot_be_measured_is_a_problem():
    files = {"images/a.jpg": b"", "labels/a.txt": "0 .5 .5 .5 .5", "data.yaml": NAMES}
    read = read_dataset(MemoryDataset(files, size=None), "yolo")
    assert read.found == []
    assert "the size of images/a.jpg cannot be told" in read.problems[0].summary


def test_ids_are_the_same_at_every_import():
    assert [a.id for a in _read("0 .5 .5 .5 .5").annotations] == [a.id for a in _read("0 .5 .5 .5 .5").annotations]


def test_yaml_that_cannot_be_read_names_the_file(tmp_path):
    (tmp_path / "data.yaml").write_text("names: [a\n")
    with pytest.raises(SourceError, match=r"data.yaml is not valid YAML"):
        read_dataset(open_dataset(str(tmp_path), tmp_path, {}), "yolo")


def test_deeply_nested_yaml_is_refused(tmp_path):
    (tmp_path / "data.yaml").write_text("names: " + "[" * 20_000)
    with pytest.raises(SourceError, match="not valid YAML"):
        read_dataset(open_dataset(str(tmp_path), tmp_path, {}), "yolo")
