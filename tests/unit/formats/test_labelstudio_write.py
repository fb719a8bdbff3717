"""What Label Studio gets of annotations that did not come from it, and of those that were edited."""

import json
from dataclasses import replace

import pytest

from reconciler.formats.account import Loss, Outcome
from reconciler.formats.geometry import EdgePolicy
from reconciler.formats.items import ExportItem, MediaFile
from reconciler.formats.labelstudio_write import LabelstudioOptions, LabelstudioWriter
from tests.support.datasets import as_item, read_dataset, write_dataset
from tests.support.labelstudio_tasks import picture_task, task_file

WIDTH, HEIGHT = 200, 100
SIZE = {"width": WIDTH, "height": HEIGHT}
BOX = {"coordinate": {"x": 20, "y": 10, "width": 40, "height": 30}}


def _item(*rows, media="image_1", key="one", size=SIZE, **more):
    """rows: (tool, geometry, class and attributes)."""
    told = [{"id": f"a{n}", "tool": tool, "classification": said} for n, (tool, _, said) in enumerate(rows)]
    data = [{"id": f"a{n}", **geometry} for n, (_, geometry, _) in enumerate(rows)]
    payload = {"annotations": {media: told}, "annotationsData": {media: data}, "extra": {media: dict(size)}}
    payload |= {name: {media: value} for name, value in more.items()}
    return ExportItem(key, "1", payload, {media: MediaFile("x.jpg", is_primary=True)})


def _task(item, **options):
    written = write_dataset(LabelstudioWriter(LabelstudioOptions(**options)), [item])
    return json.loads(written["tasks.json"])[0]


def _results(item, **options):
    return _task(item, **options)["annotations"][0]["result"]


def _entries(item, **options):
    account = LabelstudioWriter(LabelstudioOptions(**options)).write_item(item).account
    return [(e.outcome, e.reason, e.annotations) for e in account.entries]


def test_box_is_percent_of_its_picture():
    row = _results(_item(("bounding_box", BOX, {"class": "car"})))[0]
    assert (row["type"], row["original_width"], row["original_height"]) == ("rectanglelabels", WIDTH, HEIGHT)
    place = {"x": 10, "y": 10, "width": 20, "height": 30, "rotation": 0}
    assert row["value"] == {**place, "rectanglelabels": ["car"]}


def test_turned_box_hangs_on_its_top_left_corner():
    turned = {"coordinate": {**BOX["coordinate"], "rotation": 1.5707963267948966}}
    value = _results(_item(("bounding_box", turned, {"class": "car"})))[0]["value"]
    # About (40, 25) the corner (20, 10) goes to (55, 5): 15 to the right of the centre, 20 above it.
    found = [round(value[k], 9) for k in ("x", "y", "width", "height", "rotation")]
    assert found == [27.5, 5, 20, 30, 90]
    again = read_dataset(task_file(_task(_item(("bounding_box", turned, {"class": "car"})))), "labelstudio")[0]
    box = again[0].document.media[0].annotations[0].shape
    assert [round(v, 9) for v in (box.x, box.y, box.width, box.height)] == [20, 10, 40, 30]


def test_turned_box_that_is_cut_is_a_polygon():
    turned = {"coordinate": {"x": -20, "y": 10, "width": 40, "height": 30, "rotation": 0.5}}
    item = _item(("bounding_box", turned, {"class": "car"}))
    assert _results(item)[0]["type"] == "polygonlabels"
    assert {reason for _, reason, _ in _entries(item)} == {Loss.ROTATION, Loss.OUTSIDE_MEDIA}


def test_shape_without_class_has_no_label():
    row = _results(_item(("bounding_box", BOX, {})))[0]
    assert (row["type"], row["from_name"]) == ("rectangle", "rectangles_unlabelled")


def test_attributes_are_rows_of_the_same_region():
    said = {"class": "car", "colour": "red", "doors": 4, "old": True, "seen by": ["a", "b"], "size": {"w": 1}}
    rows = _results(_item(("bounding_box", BOX, said)))
    assert {row["id"] for row in rows} == {"a0"}
    values = {row["from_name"]: row["value"] for row in rows}
    assert values["colour"]["text"] == ["red"]
    assert values["doors"]["number"] == 4
    assert values["old"]["choices"] == ["true"]
    assert values["seen by"]["choices"] == ["a", "b"]
    assert rows[0]["meta"] == {"attributes": {"size": {"w": 1}}}


def test_attributes_come_back():
    said = {"class": "car", "class_": "b", "doors": 4, "old": True, "seen by": ["a", "b"], "size": {"w": 1}}
    task = _task(_item(("bounding_box", BOX, {**said, "rectangles": "a name that is taken"})))
    found, problems = read_dataset(task_file(task), "labelstudio")
    attributes = dict(found[0].document.media[0].annotations[0].attributes)
    assert problems == []
    assert attributes == {**{k: v for k, v in said.items() if k != "class"}, "rectangles": "a name that is taken"}


def test_group_hangs_below_its_body():
    joint = {"coordinate": {"x": 30, "y": 20}}
    rows = (("keypoint", joint, {"class": "nose"}), ("bounding_box", BOX, {"class": "person"}))
    item = _item(*rows, annotationGroups=[{"id": "g", "annotationIds": ["a0", "a1"]}])
    assert [(row["id"], row.get("parentID")) for row in _results(item)] == [("a0", "a1"), ("a1", None)]
    assert _entries(item) == []


def test_relation_of_regions_is_written():
    rows = [("bounding_box", BOX, {"class": "car"})] * 2
    link = {"id": "r", "annotationId": "a0", "targetAnnotationId": "a1"}
    row = _results(_item(*rows, relations=[link]))[-1]
    assert row == {"from_id": "a0", "to_id": "a1", "type": "relation", "direction": "right"}


def test_relation_to_a_region_that_is_left_out_is_told():
    rows = [
        ("bounding_box", BOX, {"class": "car"}),
        ("bounding_box", {"coordinate": {**BOX["coordinate"], "x": 900}}, {}),
    ]
    link = {"id": "r", "annotationId": "a0", "targetAnnotationId": "a1"}
    item = _item(*rows, relations=[link])
    assert [row["type"] for row in _results(item)] == ["rectanglelabels"]
    assert (Outcome.LOSSY, Loss.RELATIONS, ()) in _entries(item)


def test_classes_of_the_whole_are_one_result_of_choices():
    item = _item(("classification", {}, {"class": "day"}), ("classification", {}, {"class": "wet"}))
    assert [row["value"] for row in _results(item)] == [{"choices": ["day", "wet"]}]


def test_mask_of_unknown_size_is_told():
    item = _item(("bounding_box", BOX, {"class": "car"}), size={})
    assert _entries(item) == [(Outcome.DROPPED, Loss.SIZE_UNKNOWN, ("a0",))]


def test_hole_is_told():
    ring = [{"x": x, "y": y} for x, y in ((0, 0), (50, 0), (50, 50))]
    item = _item(("polygon", {"coordinate": ring, "holes": [ring]}, {"class": "car"}))
    assert _entries(item) == [(Outcome.LOSSY, Loss.HOLES, ("a0",))]


OTHER = [
    ("text_1", "named_entity", {"ranges": [{"start": 1, "end": 4}], "content": "abc"}, "labels"),
    ("audio_1", "segmentation", {"section": {"start": 0.5, "end": 2}}, "labels"),
    ("video_1", "segmentation", {"section": {"startFrame": 0, "endFrame": 4}}, "timelinelabels"),
    ("video_1", "bounding_box", {"coordinates": {"0": BOX["coordinate"], "2": BOX["coordinate"]}}, "videorectangle"),
]


@pytest.mark.parametrize(("media", "tool", "geometry", "type"), OTHER)
def test_annotations_of_other_media_come_back(media, tool, geometry, type):
    item = _item((tool, geometry, {"class": "c"}), media=media)
    task = _task(item)
    assert [row["type"] for row in task["annotations"][0]["result"]] == [type]
    assert _entries(item) == []


def test_track_says_where_nothing_is_known():
    shape = BOX["coordinate"]
    item = _item(
        ("bounding_box", {"coordinates": {"0": shape, "1": shape, "5": shape}}, {"class": "c"}), media="video_1"
    )
    frames = _results(item)[0]["value"]["sequence"]
    assert [(f["frame"], f["enabled"]) for f in frames] == [(1, True), (2, False), (6, False)]


def test_media_that_no_task_can_show_are_told():
    psr = {axis: dict.fromkeys("xyz", 1) for axis in ("position", "scale", "rotation")}
    item = _item(("3d_bounding_box", {"psr": psr}, {"class": "c"}), media="pcd_1")
    assert _entries(item) == [(Outcome.DROPPED, Loss.UNSUPPORTED_MEDIA, ("a0",))]


def test_results_can_be_proposals_with_addresses_of_their_own():
    task = _task(
        _item(("bounding_box", BOX, {"class": "car"})), results="predictions", prefix="/data/local-files/?d=set/"
    )
    assert task["data"] == {"image": "/data/local-files/?d=set/images/one.jpg", "key": "one"}
    assert [row["type"] for row in task["predictions"][0]["result"]] == ["rectanglelabels"]


def test_configuration_has_every_control_and_labels_in_their_order():
    rows = [("bounding_box", BOX, {"class": name, "colour": "r<d"}) for name in ("bus", "car", "<b>")]
    options = LabelstudioOptions(classes=("car", "never", "bus"))
    config = write_dataset(LabelstudioWriter(options), [_item(*rows)])["config.xml"].decode()
    assert config.splitlines() == [
        "<View>",
        '  <Image name="image" value="$image"/>',
        '  <TextArea name="colour" toName="image" perRegion="true"/>',
        '  <RectangleLabels name="rectangles" toName="image">',
        '    <Label value="car"/>',
        '    <Label value="bus"/>',
        '    <Label value="&lt;b&gt;"/>',
        "  </RectangleLabels>",
        "</View>",
    ]


def test_splits_get_files_of_their_own_and_one_numbering():
    item = _item(("bounding_box", BOX, {"class": "car"}))
    items = [replace(item, key=key, split=split) for key, split in (("a", "train"), ("b", "val"), ("c", "train"))]
    files = write_dataset(LabelstudioWriter(LabelstudioOptions(has_splits=True)), items)
    assert sorted(files) == ["config.xml", "train.json", "val.json"]
    assert [task["id"] for task in json.loads(files["train.json"])] == [1, 2]
    assert [task["id"] for task in json.loads(files["val.json"])] == [3]


def _imported(**changes):
    found, _ = read_dataset(task_file(picture_task(**changes)), "labelstudio")
    return replace(as_item(found[0]), key="one")


def test_edited_region_keeps_its_control_and_says_the_new_place():
    item = _imported()
    ring = item.data["annotationsData"]["image_1"][1]
    ring["coordinate"] = [{"x": 0, "y": 0}, {"x": 20, "y": 0}, {"x": 20, "y": 10}]
    rows = {row.get("id"): row for row in _results(item)}
    assert rows["ring"]["from_name"] == "p"
    assert rows["ring"]["value"]["points"] == [[0, 0], [10, 0], [10, 10]]
    assert rows["line"] == next(r for r in picture_task()["annotations"][0]["result"] if r.get("id") == "line")


def test_region_that_leaves_the_picture_is_cut():
    row = picture_task()["annotations"][0]["result"][8]
    outside = {**row, "value": {**row["value"], "x": 98, "width": 10}}
    item = _imported(annotations=[{"id": 1, "result": [outside]}])
    assert _results(item)[0]["value"] == {**outside["value"], "width": 2}
    assert _entries(item, geometry=EdgePolicy("drop")) == [(Outcome.DROPPED, Loss.OUTSIDE_MEDIA, ("plain",))]


def test_copied_picture_is_where_data_points_to():
    assert _task(_imported())["data"] == {"image": "images/one.jpg", "site": 5}
    assert _task(_imported(), originals=False)["data"] == {"image": "s3://bucket/set/one.jpg", "site": 5}
