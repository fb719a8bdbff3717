"""COCO from DM documents: every annotation is written or accounted for, with the right reason."""

import pytest

from reconciler.formats.account import Loss, Outcome
from reconciler.formats.categories import CategoryRules
from reconciler.formats.coco_write import CocoOptions, CocoWriter, write_coco
from reconciler.formats.geometry import EdgePolicy
from reconciler.formats.items import ExportItem, MediaFile


def _box(name, x=1, y=1, width=4, height=4, **more):
    coordinate = {"x": x, "y": y, "width": width, "height": height, **more}
    return {"id": name, "tool": "bounding_box", "classification": {"class": "car"}}, {"coordinate": coordinate}


def _ring(name, *points, of="car"):
    row = {"id": name, "tool": "polygon", "classification": {"class": of}}
    return row, {"coordinate": [{"x": x, "y": y} for x, y in points]}


def _joint(name, joint, x, y, **more):
    row = {"id": name, "tool": "keypoint", "classification": {"class": joint, **more}}
    return row, {"coordinate": {"x": x, "y": y}}


def _item(*drawn, groups=(), key="a", size=(20, 10), media="image_1", **more):
    payload = {
        "annotations": {media: [row for row, _ in drawn]},
        "annotationsData": {media: [{"id": row["id"], **data} for row, data in drawn]},
        "annotationGroups": {media: [{"id": f"g{i}", "annotationIds": list(g)} for i, g in enumerate(groups)]},
        "extra": {media: {"width": size[0], "height": size[1]}} if size else {},
    }
    return ExportItem(key, "1", payload, {media: MediaFile("a.png", is_primary=True)}, **more)


def _losses(item, options=None):
    account = CocoWriter(options or CocoOptions()).write_item(item).account
    assert account.read == account.written + account.dropped + account.failed
    return [(e.outcome, e.reason, e.annotations) for e in account.entries]


def _rows(*items, **options):
    return write_coco(items, CocoOptions(**options))["annotations/instances.json"]["annotations"]


TRIANGLE = ((0, 0), (4, 0), (0, 4))

LOSSES = [
    (_box("b", width=0), Outcome.DROPPED, Loss.EMPTY_SHAPE),
    (_box("b", x=90), Outcome.DROPPED, Loss.OUTSIDE_MEDIA),
    (_box("b", x=18), Outcome.CLIPPED, Loss.OUTSIDE_MEDIA),
    (_box("b", x=8, rotation=0.3), Outcome.LOSSY, Loss.ROTATION),
    (_ring("b", (0, 0), (1, 1)), Outcome.DROPPED, Loss.EMPTY_SHAPE),
    (({"id": "b", "tool": "polyline"}, {"coordinate": []}), Outcome.DROPPED, Loss.UNSUPPORTED_TOOL),
    (
        ({"id": "b", "tool": "relation"}, {"annotationId": "a", "targetAnnotationId": "a"}),
        Outcome.DROPPED,
        Loss.UNSUPPORTED_TOOL,
    ),
    (({"id": "b", "tool": "magic_wand"}, {}), Outcome.DROPPED, Loss.UNSUPPORTED_TOOL),
    (
        (
            {"id": "b", "tool": "polygon", "classification": {"class": "car"}},
            {
                "coordinate": [{"x": x, "y": y} for x, y in TRIANGLE],
                "holes": [[{"x": 1, "y": 1}, {"x": 2, "y": 1}, {"x": 1, "y": 2}]],
            },
        ),
        Outcome.LOSSY,
        Loss.HOLES,
    ),
    (({"id": "b", "tool": "relation"}, {}), Outcome.DROPPED, Loss.MALFORMED),
    (({"id": "b", "tool": "bounding_box"}, {}), Outcome.DROPPED, Loss.MALFORMED),
    (({**_box("b")[0], "classification": None}, _box("b")[1]), Outcome.DROPPED, Loss.NO_CLASS),
    (_joint("b", "tip", 1, 1), Outcome.LOSSY, Loss.VISIBILITY_ASSUMED),
]


@pytest.mark.parametrize(("drawn", "outcome", "reason"), LOSSES)
def test_loss_is_accounted_with_its_reason(drawn, outcome, reason):
    assert _losses(_item(drawn)) == [(outcome, reason, ("b",))]


def test_policy_drop_leaves_the_whole_object_out():
    item = _item(_ring("a", *TRIANGLE), _ring("b", (18, 0), (25, 0), (18, 4)), groups=[("a", "b")])
    options = CocoOptions(geometry=EdgePolicy("drop"))
    assert _losses(item, options) == [(Outcome.DROPPED, Loss.OUTSIDE_MEDIA, ("a", "b"))]


def test_policy_fail_is_counted_as_failed():
    assert _losses(_item(_box("b", x=18)), CocoOptions(geometry=EdgePolicy("fail"))) == [
        (Outcome.FAILED, Loss.OUTSIDE_MEDIA, ("b",))
    ]


def test_ring_outside_is_taken_from_its_object():
    item = _item(_ring("a", *TRIANGLE), _ring("b", (30, 0), (35, 0), (30, 4)), groups=[("a", "b")])
    assert _losses(item) == [(Outcome.DROPPED, Loss.OUTSIDE_MEDIA, ("b",))]
    assert [row["segmentation"] for row in _rows(item)] == [[[0, 0, 4, 0, 0, 4]]]


def test_group_of_different_classes_is_written_one_by_one():
    item = _item(_ring("a", *TRIANGLE), _ring("b", *TRIANGLE, of="dog"), groups=[("a", "b")])
    assert _losses(item) == [(Outcome.LOSSY, Loss.GROUP, ("a", "b"))]
    assert len(_rows(item)) == 2


def test_turned_box_is_written_as_its_corners():
    (row,) = _rows(_item(_box("b", x=8, y=4, width=4, height=2, rotation=1.5707963267948966)))
    assert row["segmentation"] == [[11, 3, 11, 7, 9, 7, 9, 3]]
    assert row["bbox"] == [9, 3, 2, 4]
    assert row["attributes"] == {"rotation": 1.5707963267948966}


def test_attributes_are_written():
    row, data = _box("b")
    row["classification"]["color"] = "red"
    assert _rows(_item((row, data)))[0]["attributes"] == {"color": "red"}


def test_box_and_ring_of_one_group_are_one_object():
    (row,) = _rows(_item(_box("b"), _ring("a", *TRIANGLE), groups=[("a", "b")]))
    assert row["bbox"] == [1, 1, 4, 4]
    assert row["segmentation"] == [[0, 0, 4, 0, 0, 4]]


def test_person_joints_get_the_person_skeleton():
    joints = [_joint("a", "nose", 5, 5, visibility="visible"), _joint("b", "left_eye", 6, 4, visibility="occluded")]
    written = write_coco([_item(*joints, groups=[("a", "b")])])["annotations/instances.json"]
    (row,) = written["annotations"]
    assert written["categories"][0]["name"] == "person"
    assert row["keypoints"] == [5, 5, 2, 6, 4, 1] + [0] * 45
    assert (row["num_keypoints"], row["bbox"]) == (2, [5, 4, 1, 1])


def test_declared_skeleton_names_and_orders_joints():
    skeletons = {"hand": {"keypoints": ["wrist", "thumb"], "skeleton": [[1, 2]]}}
    item = _item(_joint("a", "thumb", 5, 5, visibility=2), _joint("b", "wrist", 6, 4, visibility=2), groups=["ab"])
    rules = CategoryRules(skeletons=skeletons)
    written = write_coco([item], CocoOptions(categories=rules))["annotations/instances.json"]
    assert written["categories"] == [{"id": 1, "name": "hand", "supercategory": "hand", **skeletons["hand"]}]
    assert written["annotations"][0]["keypoints"] == [6, 4, 2, 5, 5, 2]


def test_joints_of_undeclared_skeletons_are_gathered_over_all_items():
    items = [
        _item(_joint("a", "head", 5, 5), _joint("b", "tail", 6, 4), groups=["ab"], key="1"),
        _item(_joint("a", "tail", 7, 7), _joint("b", "fin", 8, 8), groups=["ab"], key="2"),
    ]
    written = write_coco(items)["annotations/instances.json"]
    assert written["categories"][0]["keypoints"] == ["head", "tail", "fin"]
    assert written["annotations"][1]["keypoints"] == [0, 0, 0, 7, 7, 2, 8, 8, 2]


def test_whole_picture_class_goes_to_labels():
    row = ({"id": "c", "tool": "classification", "classification": {"class": "night", "rain": True}}, {})
    files = write_coco([_item(row)])
    assert files["annotations/instances.json"]["annotations"] == []
    assert files["annotations/labels.json"]["annotations"] == [
        {"id": 1, "image_id": 1, "category_id": 1, "attributes": {"rain": True}}
    ]


def test_annotations_of_other_media_are_accounted():
    row = {"id": "v", "tool": "segmentation", "classification": {"class": "cut"}}
    item = _item((row, {"section": {"startFrame": 1, "endFrame": 2}}), media="video_1")
    assert _losses(item) == [(Outcome.DROPPED, Loss.UNSUPPORTED_MEDIA, ("v",))]


def test_mask_without_a_size_is_dropped_and_box_is_not():
    mask = {"id": "m", "tool": "segmentation", "classification": {"class": "sky"}}
    runs = {"pixel_indices": [[0, 4]], "isCompressed": True, "compressionFormat": "rle"}
    losses = _losses(_item((mask, runs), _box("b"), size=None))
    assert (Outcome.DROPPED, Loss.SIZE_UNKNOWN, ("m",)) in losses
    assert [row["bbox"] for row in _rows(_item((mask, runs), _box("b"), size=None))] == [[1, 1, 4, 4]]


def test_no_member_is_null():
    text = str(_rows(_item(_box("b"), _ring("a", *TRIANGLE), _joint("j", "tip", 1, 1))))
    assert "None" not in text


def test_item_without_annotations_still_has_its_picture():
    item = ExportItem("x/y", "1", None, {"image_1": MediaFile("a.png", width=3, height=2)})
    written = write_coco([item])["annotations/instances.json"]
    assert written["images"] == [{"id": 1, "file_name": "x/y.png", "width": 3, "height": 2}]


@pytest.mark.parametrize("blank", ["", " "])
def test_class_that_is_blank_is_no_class(blank):
    assert _losses(_item(_ring("p", (1, 1), (5, 1), (5, 5), of=blank))) == [(Outcome.DROPPED, Loss.NO_CLASS, ("p",))]
