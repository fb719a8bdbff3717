"""YOLO label files and lists: numbers, what becomes of shapes that a task does not hold, and stable ids."""

import json

import pytest

from reconciler.errors import ConfigError
from reconciler.formats.geometry import ring_area
from reconciler.formats.items import ExportItem, MediaFile
from reconciler.formats.naming import check_collisions
from reconciler.formats.writers import open_writer, read_class_ids
from reconciler.formats.yolo_rows import joined
from reconciler.model.resource import GeometryPolicy
from tests.support.exports import export_of
from tests.support.memory_datasets import write_dataset

SIZE = {"width": 200, "height": 100}


def _row(id, type, data, name="car", **more):
    return {"id": id, "type": type, "data": data, "classification": {"class": name, **more}}


def _item(*rows, key="s", groups=(), split=None, size=SIZE, name="s.png"):
    payload = {"annotations": {"image_1": list(rows)}, "extra": {"image_1": size}}
    payload["annotationGroups"] = {"image_1": [{"id": f"g{n}", "annotationIds": list(g)} for n, g in enumerate(groups)]}
    return ExportItem(key, "1", payload, {"image_1": MediaFile(name, is_primary=True)}, split=split)


def _write(*items, classes=(), previous=None, **more):
    options = {k: more.pop(k) for k in list(more) if k not in ("geometry", "splits", "originals")}
    writer = open_writer(export_of(format="yolo", options=options, **more), classes=classes, previous=previous)
    files, accounts = write_dataset(writer, items)
    return files, {(e.outcome.value, e.reason.value, e.annotations) for a in accounts for e in a.entries}


# The official converter's numbers for the same shapes.
BOX = _row("b1", "bbox", [20, 10, 60, 40])
ROAD = _row("pg", "polygon", [[0, 90], [200, 90], [200, 100], [0, 100]], "road")
MASK = {"id": "m1", "tool": "segmentation", "classification": {"class": "sky"}}
MASK_DATA = {"pixel_indices": [[0, 4], [200, 4], [400, 4]], "isCompressed": True, "compressionFormat": "rle"}
JOINTS = (
    _row("k1", "keypoint", [110, 30], "nose", visibility="visible"),
    _row("k2", "keypoint", [120, 45], "left_shoulder", visibility="occluded"),
    _row("k3", "keypoint", [100, 45], "right_shoulder", visibility=2),
)


def _masked():
    item = _item()
    payload = dict(item.data)
    payload |= {"annotations": {"image_1": [MASK]}, "annotationsData": {"image_1": [{"id": "m1", **MASK_DATA}]}}
    return ExportItem("s", "1", payload, item.media)


def test_box_has_the_numbers_of_the_official_converter():
    nfd = _row("b2", "bbox", [100.5, 20.25, 30, 50], "보행자")
    files, losses = _write(_item(BOX, nfd))
    assert files["labels/s.txt"] == "0 0.250000 0.300000 0.300000 0.400000\n1 0.577500 0.452500 0.150000 0.500000\n"
    assert files["classes.txt"] == "car\n보행자\n"
    assert losses == set()


def test_polygon_has_the_numbers_of_the_official_converter():
    files, _ = _write(_item(ROAD), task="segment")
    numbers = "0.000000 0.900000 1.000000 0.900000 1.000000 1.000000 0.000000 1.000000"
    assert files["labels/s.txt"] == f"0 {numbers}\n"


def test_mask_keeps_its_last_row_and_column():
    """The official converter draws through pixel centres: 3 x 2 pixels instead of 4 x 3."""
    files, _ = _write(_masked(), task="segment")
    numbers = "0.000000 0.000000 0.020000 0.000000 0.020000 0.030000 0.000000 0.030000"
    assert files["labels/s.txt"] == f"0 {numbers}\n"


def test_pose_has_the_numbers_of_the_official_converter():
    files, losses = _write(_item(*JOINTS, groups=[("k1", "k2", "k3")]), task="pose")
    values = files["labels/s.txt"].split()
    assert len(values) == 5 + 17 * 3
    assert values[:8] == ["0", "0.550000", "0.375000", "0.100000", "0.150000", "0.550000", "0.300000", "2"]
    assert values[5 + 15 : 5 + 21] == ["0.600000", "0.450000", "1", "0.500000", "0.450000", "2"]
    assert values[8:20] == ["0.000000", "0.000000", "0"] * 4
    assert "kpt_shape: [17, 3]\nflip_idx: [0, 2, 1, 4, 3," in files["data.yaml"]
    assert losses == set()


def test_mask_of_a_detection_is_the_box_around_it():
    files, losses = _write(_masked())
    assert files["labels/s.txt"] == "0 0.010000 0.015000 0.020000 0.030000\n"
    assert losses == {("lossy", "box_only", ("m1",))}


CASES = [
    ("detect", JOINTS[:1], ("dropped", "unsupported_tool", ("k1",)), "a lone joint is no object to detect"),
    ("segment", (BOX,), ("dropped", "unsupported_tool", ("b1",)), "a box is no outline"),
    ("pose", (BOX,), ("dropped", "unsupported_tool", ("b1",)), "a box is no pose"),
    ("obb", (MASK,), ("dropped", "malformed", ("m1",)), "a mask without data cannot be read"),
    ("detect", (_row("b", "bbox", [1, 1, 2, 2], None),), ("dropped", "no_class", ("b",)), "a row needs a class"),
    ("detect", (_row("b", "bbox", [1, 1, 2, 2], iscrowd=1),), ("dropped", "crowd", ("b",)), "a crowd is no object"),
    ("detect", (_row("b", "bbox", [1, 1, 2, 2], color="red"),), ("lossy", "attributes", ("b",)), "no place for them"),
    ("detect", (_row("l", "polyline", [[1, 1], [2, 2]]),), ("dropped", "unsupported_tool", ("l",)), "a line"),
    (
        "detect",
        (_row("b", "bbox", [190, 1, 20, 2]),),
        ("clipped", "outside_media", ("b",)),
        "one policy for all",
    ),
]


@pytest.mark.parametrize(("task", "rows", "loss", "reason"), CASES)
def test_what_a_task_cannot_hold_is_accounted(task, rows, loss, reason):
    writer = open_writer(export_of(format="yolo", options={"task": task}))
    _, (account,) = write_dataset(writer, [_item(*rows)])
    assert loss in {(e.outcome, e.reason, e.annotations) for e in account.entries}, reason
    assert account.read == account.written + account.dropped + account.failed == len(rows)


def test_parts_beside_the_row_are_accounted():
    item = _item(BOX, ROAD | {"classification": {"class": "car"}}, groups=[("b1", "pg")])
    files, losses = _write(item, task="segment")
    assert files["labels/s.txt"].count("\n") == 1
    assert losses == {("dropped", "unsupported_tool", ("b1",))}


def test_picture_of_unknown_size_has_an_empty_label_file():
    files, losses = _write(_item(BOX, size={}))
    assert files["labels/s.txt"] == ""
    assert ("dropped", "size_unknown", ("b1",)) in losses


RINGS = (
    _row("p1", "polygon", [[0, 0], [20, 0], [20, 10], [0, 10]]),
    _row("p2", "polygon", [[40, 0], [40, 10], [60, 10], [60, 0]]),
)


def _area(row):
    values = [float(v) for v in row.split()[1:]]
    points = [(x * 200, y * 100) for x, y in zip(values[::2], values[1::2], strict=True)]
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(points, points[1:] + points[:1], strict=True)) / 2


def test_parts_of_one_object_are_one_row_of_the_same_area():
    files, losses = _write(_item(*RINGS, groups=[("p1", "p2")]), task="segment")
    (row,) = files["labels/s.txt"].splitlines()
    assert _area(row) == pytest.approx(400, abs=1e-3)
    assert losses == set()


def test_parts_of_one_object_can_be_rows_of_their_own():
    files, losses = _write(_item(*RINGS, groups=[("p1", "p2")]), task="segment", parts="separate")
    assert [abs(_area(row)) for row in files["labels/s.txt"].splitlines()] == [200, 200]
    assert losses == {("lossy", "group", ("p1", "p2"))}


def test_oriented_box_is_its_four_corners():
    row = _row("r", "bbox", [80, 40, 40, 20]) | {"data": [80, 40, 40, 20]}
    files, losses = _write(_item(row), task="obb")
    numbers = "0.400000 0.400000 0.600000 0.400000 0.600000 0.600000 0.400000 0.600000"
    assert files["labels/s.txt"] == f"0 {numbers}\n"
    assert losses == set()


def test_new_class_leaves_the_ids_of_the_others():
    first, _ = _write(_item(BOX))
    ids = read_class_ids(json.loads(first["classes.json"]))
    again, _ = _write(_item(BOX, _row("a", "bbox", [1, 1, 2, 2], "ant")), previous=ids)
    assert read_class_ids(json.loads(again["classes.json"])) == {"car": 0, "ant": 1}


def test_class_that_is_gone_leaves_no_gap():
    files, _ = _write(_item(BOX), previous={"bus": 0, "car": 1})
    assert files["classes.txt"] == "bus\ncar\n"
    assert files["labels/s.txt"].startswith("1 ")


def test_declared_joints_decide_order_and_flips():
    item = _item(*JOINTS, groups=[("k1", "k2", "k3")])
    files, losses = _write(item, task="pose", keypoints=["right_shoulder", "left_shoulder"], visibility=False)
    assert files["labels/s.txt"].split()[5:] == ["0.500000", "0.450000", "0.600000", "0.450000"]
    assert "kpt_shape: [2, 2]\nflip_idx: [1, 0]\n" in files["data.yaml"]
    assert ("dropped", "unknown_joint", ("k1",)) in losses


def test_splits_are_folders_and_members_of_data_yaml():
    items = [_item(BOX, key=k, split=k) for k in ("test", "train", "validation")]
    files, _ = _write(*items, splits=object())
    assert 'train: "images/train"\nval: "images/validation"\ntest: "images/test"\n' in files["data.yaml"]
    assert "labels/validation/validation.txt" in files


def test_data_set_without_splits_has_nothing_to_validate_with():
    files, _ = _write(_item(BOX), path="/data/set")
    assert files["data.yaml"] == 'path: "/data/set"\ntrain: "images"\nval: null\nnames:\n  0: "car"\n'


def test_legacy_labels_lie_beside_the_pictures():
    files, _ = _write(_item(BOX, key="a/s", split="val"), layout="legacy", splits=object())
    assert sorted(files) == ["classes.json", "obj.data", "obj.names", "obj_valid_data/a/s.txt", "valid.txt"]
    assert files["valid.txt"] == "obj_valid_data/a/s.png\n"
    assert files["obj.data"] == "classes = 1\nvalid = valid.txt\nnames = obj.names\nbackup = backup/\n"


def test_label_lies_where_loaders_look_for_it():
    """They replace the last folder `images`, also when it is part of the key."""
    writer = open_writer(export_of(format="yolo"))
    assert writer.paths(_item(key="x/images/s")).shared == ("images/x/labels/s.txt",)
    assert writer.paths(_item(key="v1.5")).shared == ("labels/v1.5.txt",)


def test_pictures_that_would_share_a_label_file_are_refused():
    writer = open_writer(export_of(format="yolo"))
    items = [_item(key="a?", name="s.png"), _item(key="a_", name="s.jpg")]
    with pytest.raises(ConfigError, match=r"would both be written to 'labels/a_\.txt'"):
        check_collisions((item.key, writer.paths(item)) for item in items)


def test_hostile_names_stay_inside():
    nasty = _row("b", "bbox", [1, 1, 2, 2], '../x"\n: #')
    files, _ = _write(_item(nasty, key="../../etc/passwd", split="../up"), splits=object())
    assert not any(part == ".." for path in files for part in path.split("/"))
    assert files["classes.txt"] == '../x" : #\n'
    assert '  0: "../x\\"\\n: #"\n' in files["data.yaml"]


@pytest.mark.parametrize(("mode", "outcome"), [("drop", "dropped"), ("fail", "failed")])
def test_geometry_policy_holds(mode, outcome):
    files, losses = _write(_item(_row("b", "bbox", [190, 1, 20, 2])), geometry=GeometryPolicy(mode))
    assert files["labels/s.txt"] == ""
    assert losses == {(outcome, "outside_media", ("b",))}


def test_hole_of_a_polygon_is_cut_out_of_the_row():
    ring = ((0.0, 0.0), (20.0, 0.0), (20.0, 10.0), (0.0, 10.0))
    hole = ((5.0, 2.0), (5.0, 8.0), (15.0, 8.0), (15.0, 2.0))
    for inner in (hole, hole[::-1]):
        assert ring_area(joined((ring,), (inner,))) == 200 - 60


def test_picture_called_like_a_label_file_is_not_replaced_by_its_own():
    item = ExportItem("a", "1", None, {"image_1": MediaFile("a.txt", type="image", is_primary=True)})
    paths = open_writer(export_of(format="yolo", options={"layout": "legacy"})).paths(item)
    assert paths.originals["image_1"] == "obj_train_data/a.txt_"
    assert paths.shared == ("obj_train_data/a.txt",)
