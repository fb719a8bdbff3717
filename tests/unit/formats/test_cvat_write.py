"""CVAT from DM documents: what is written, and what becomes of everything else."""

import xml.etree.ElementTree as ET

import pytest

from reconciler.formats.account import Loss, Outcome
from reconciler.formats.cvat_write import CvatOptions, CvatWriter
from reconciler.formats.geometry import EdgePolicy
from reconciler.formats.items import ExportItem, MediaFile
from tests.support.datasets import write_dataset


def _row(name, tool, data, of="car", **more):
    return {"id": name, "type": tool, "data": data, "classification": of, **more}


def _item(*rows, key="a", groups=()):
    payload = {
        "annotations": {"image_1": list(rows)},
        "extra": {"image_1": {"width": 20, "height": 10}},
        "annotationGroups": {"image_1": [{"id": f"g{i}", "annotationIds": list(g)} for i, g in enumerate(groups)]},
    }
    return ExportItem(key, "1", payload, {"image_1": MediaFile("a.png", is_primary=True)})


def _root(*items, options=None):
    return ET.fromstring(write_dataset(CvatWriter(options or CvatOptions()), list(items))["annotations.xml"])


def _shapes(root):
    return [(shape.tag, shape.attrib) for image in root.iter("image") for shape in image]


def _entries(item, options=None):
    account = CvatWriter(options or CvatOptions()).write_item(item).account
    return [(e.outcome, e.reason, e.annotations) for e in account.entries]


LOSSES = [
    (_row("b", "bbox", [18, 1, 4, 4]), Outcome.CLIPPED, Loss.OUTSIDE_MEDIA),
    (_row("b", "polyline", [[1, 1]]), Outcome.DROPPED, Loss.EMPTY_SHAPE),
    (_row("b", "polyline", [[30, 1], [40, 1]]), Outcome.DROPPED, Loss.OUTSIDE_MEDIA),
    (_row("b", "polyline", [[10, 1], [40, 1]]), Outcome.CLIPPED, Loss.OUTSIDE_MEDIA),
    (_row("b", "bbox", [1, 1, 4, 4], None), Outcome.DROPPED, Loss.NO_CLASS),
    (_row("b", "bbox", "?"), Outcome.DROPPED, Loss.MALFORMED),
    (_row("b", "lasso", None), Outcome.DROPPED, Loss.UNSUPPORTED_TOOL),
    (_row("b", "point", [1, 1]), Outcome.LOSSY, Loss.VISIBILITY_ASSUMED),
]


@pytest.mark.parametrize(("row", "outcome", "reason"), LOSSES)
def test_loss_is_accounted_with_its_reason(row, outcome, reason):
    assert _entries(_item(row)) == [(outcome, reason, ("b",))]


def test_only_joint_of_an_imported_object_keeps_its_name():
    polygon = _row("p", "polygon", [[1, 1], [5, 1], [5, 5]], "person")
    item = _item(polygon, _row("j", "point", [2, 2], {"class": "nose", "visibility": "visible"}))
    item.data["extra"]["image_1"]["coco"] = {"annotations": [{"annotations": ["p", "j"], "id": 1}]}
    names = [one.get("label") for one in _root(item).iter("points")]
    assert names == ["nose"]


def test_line_that_comes_back_is_several_lines():
    line = _row("b", "polyline", [[1, 1], [30, 1], [30, 5], [1, 5]])
    points = [said["points"] for _, said in _shapes(_root(_item(line)))]
    assert points == ["1,1;20,1", "20,5;1,5"]


def test_turned_box_keeps_its_angle_from_0_to_360():
    row = {**_row("b", "bbox", [8, 3, 4, 4]), "rotation": -0.5235987755982988}
    ((tag, said),) = _shapes(_root(_item(row)))
    assert (tag, said["rotation"], said["xtl"], said["xbr"]) == ("box", "330", "8", "12")


def test_turned_box_that_is_cut_is_a_polygon():
    row = {**_row("b", "bbox", [17, 3, 4, 4]), "rotation": 0.3}
    ((tag, _),) = _shapes(_root(_item(row)))
    assert tag == "polygon"
    assert Loss.ROTATION in {reason for _, reason, _ in _entries(_item(row))}


def test_any_group_is_kept():
    rows = [_row("a", "bbox", [1, 1, 2, 2]), _row("b", "bbox", [5, 1, 2, 2], "bus")]
    item = _item(*rows, groups=[("a", "b")])
    assert [said["group_id"] for _, said in _shapes(_root(item))] == ["1", "1"]
    assert _entries(item) == []


def test_second_group_of_an_annotation_is_accounted():
    rows = [_row(name, "bbox", [x, 1, 2, 2], name) for x, name in enumerate("abc", 1)]
    assert _entries(_item(*rows, groups=[("a", "b"), ("b", "c")])) == [(Outcome.LOSSY, Loss.GROUP, ("b",))]


def test_joints_of_a_group_are_a_skeleton():
    joints = [_row("a", "point", [1, 1], {"class": "nose", "visibility": 2})]
    joints += [_row("b", "point", [2, 1], {"class": "left_eye", "visibility": "missing"})]
    root = _root(_item(*joints, groups=[("a", "b")]))
    (skeleton,) = root.iter("skeleton")
    assert skeleton.get("label") == "person"
    assert [(p.get("label"), p.get("outside")) for p in skeleton] == [("nose", "0"), ("left_eye", "1")]
    assert [row.findtext("parent") for row in root.iter("label")] == [None, "person", "person"]


def test_labels_have_the_types_of_their_attributes():
    said = {"class": "car", "on": True, "n": 2, "text": "x", "list": ["a"]}
    mixed = {"class": "car", "n": "many"}
    root = _root(_item(_row("a", "bbox", [1, 1, 2, 2], said), _row("b", "bbox", [1, 1, 2, 2], mixed)))
    rows = {row.findtext("name"): row.findtext("input_type") for row in root.iter("attribute") if len(row)}
    assert rows == {"list": "text", "n": "text", "on": "checkbox", "text": "text"}
    assert {row.get("name"): row.text for row in root.find("image/box")}["list"] == '["a"]'


def test_declared_labels_come_first():
    options = CvatOptions(classes=("van", "car"))
    root = _root(_item(_row("a", "bbox", [1, 1, 2, 2]), _row("b", "bbox", [1, 1, 2, 2], "bus")), options=options)
    assert [row.findtext("name") for row in root.iter("label")] == ["van", "car", "bus"]


def test_pictures_are_numbered_from_0():
    root = _root(_item(key="a"), _item(key="b"))
    assert [(i.get("id"), i.get("name")) for i in root.iter("image")] == [("0", "a.png"), ("1", "b.png")]
    assert root.findtext("meta/task/size") == "2"


def test_policy_fail_is_counted_as_failed():
    options = CvatOptions(EdgePolicy("fail"))
    assert CvatWriter(options).write_item(_item(_row("b", "polyline", [[1, 1], [30, 1]]))).account.failed == 1


def test_text_that_xml_cannot_hold_is_replaced():
    root = _root(_item(_row("a", "bbox", [1, 1, 2, 2], {"class": "c\0\ud800", "\x01<": '\ud800\n"'})))
    (row,) = root.find("image/box")
    assert (row.get("name"), row.text) == ("\ufffd<", '\ufffd\n"')
