"""YOLO in, DM schema 1 through JSON text, YOLO out: the bytes that came in, whichever tool wrote them."""

from pathlib import Path

import pytest

from reconciler.engine.dataset_files import open_dataset
from reconciler.formats.writers import open_writer
from tests.support.exports import export_of
from tests.support.memory_datasets import MemoryDataset, as_items, read_dataset, write_dataset

DATA = Path(__file__).parents[2] / "data" / "yolo"
CLASSES = [f"label_{number}" for number in range(10)]

# folder, options of the reader, options of the writer, geometry stays as it is
SETS = [
    ("yolo", {}, {}),
    ("yolov8_detection", {}, {}),
    ("yolov8_detection_with_list_of_names", {}, {}),
    ("yolov8_segmentation", {}, {"task": "segment"}),
    ("yolov8_pose", {}, {"task": "pose"}),
    ("yolov8_pose_two_values_per_point", {}, {"task": "pose", "visibility": False}),
]


def _labels(folder):
    return {path.name: path.read_text() for path in folder.rglob("*.txt") if path.parent.name != folder.name}


def _again(source, options, classes=(), **export):
    writer = open_writer(export_of(format="yolo", options=options, **export), classes=classes)
    files, accounts = write_dataset(writer, as_items(source.found))
    return {path.rpartition("/")[2]: text for path, text in files.items() if path.startswith("labels/")}, accounts


@pytest.mark.parametrize(("name", "reading", "writing"), SETS)
def test_data_set_of_another_tool_comes_back_byte_for_byte(name, reading, writing):
    source = read_dataset(open_dataset(str(DATA / name), DATA, {}), "yolo", **reading)
    classes = CLASSES if writing.get("task") != "pose" else ()
    again, accounts = _again(source, writing, classes)
    assert source.problems == []
    assert again == _labels(DATA / name)
    assert all(a.read == a.written > 0 and not a.entries for a in accounts)


def test_oriented_boxes_come_back_unless_they_leave_the_picture():
    source = read_dataset(open_dataset(str(DATA / "yolov8_oriented_boxes"), DATA, {}), "yolo", task="obb")
    again, ((account),) = _again(source, {"task": "obb"}, CLASSES)
    before = _labels(DATA / "yolov8_oriented_boxes")["1.txt"].splitlines()
    assert again["1.txt"].splitlines()[0] == before[0]
    assert {(e.outcome, e.reason) for e in account.entries} == {("clipped", "outside_media"), ("lossy", "rotation")}


def test_numbers_with_seventeen_digits_come_back():
    files = {f"images/{p.stem}.jpg": b"" for p in (DATA / "labelstudio/labels").glob("*.txt")}
    labels = {f"labels/{p.name}": p.read_text() for p in (DATA / "labelstudio/labels").glob("*.txt")}
    names = (DATA / "labelstudio/classes.txt").read_text()
    source = read_dataset(MemoryDataset({**files, **labels, "classes.txt": names}, (640, 329)), "yolo")
    again, _ = _again(source, {}, names.split())
    assert again == {path.removeprefix("labels/"): text for path, text in labels.items()}


def test_edited_box_is_written_anew():
    source = read_dataset(MemoryDataset({"a.jpg": b"", "a.txt": "0 .5 .5 .5 .5\n", "classes.txt": "car"}), "yolo")
    (item,) = as_items(source.found)
    writer = open_writer(export_of(format="yolo"))
    assert write_dataset(writer, [item])[0]["labels/a.txt"] == "0 .5 .5 .5 .5\n"
    (row,) = item.data["annotationsData"]["image_1"]
    row["coordinate"]["width"] = 50
    assert write_dataset(writer, [item])[0]["labels/a.txt"] == "0 0.375000 0.500000 0.250000 0.500000\n"


def test_class_ids_of_an_import_stay():
    files = {"a.jpg": b"", "a.txt": "2 0.5 0.5 0.5 0.5\n", "classes.txt": "car\nbus\nvan"}
    source = read_dataset(MemoryDataset(files), "yolo")
    again, _ = write_dataset(open_writer(export_of(format="yolo")), as_items(source.found))
    assert again["classes.txt"].splitlines() == ["class_0", "class_1", "van"]


def test_image_folder_comes_back_in_its_folders():
    source = read_dataset(open_dataset(str(DATA / "yolov8_classification"), DATA, {}), "yolo")
    writer = open_writer(export_of(format="yolo", options={"task": "classify"}))
    items = as_items(source.found)
    written = sorted(path for item in items for path in writer.paths(item).originals.values())
    assert written == sorted(one.name for one in source.found)
