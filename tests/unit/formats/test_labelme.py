"""LabelMe in, DM schema 1 through JSON text, LabelMe out; and what becomes of annotations of other origin."""

import base64
import io
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from reconciler.errors import ConfigError
from reconciler.formats.account import Loss, Outcome
from reconciler.formats.geometry import EdgePolicy
from reconciler.formats.items import Fragment, MediaFile
from reconciler.formats.labelme_write import LabelmeOptions, LabelmeWriter
from tests.support.datasets import as_item, folder_files, read_dataset, write_dataset

SHARED = os.environ.get("RECONCILER_SHARED_DATA")
WIDTH, HEIGHT = 40, 30


def _mask(*rows, mode="L"):
    """A mask as base64 PNG, drawn by Pillow. rows: texts of 0 and 1."""
    image = Image.new(mode, (len(rows[0]), len(rows)))
    for y, row in enumerate(rows):
        for x, pixel in enumerate(row):
            image.putpixel((x, y), int(pixel))
    raw = io.BytesIO()
    image.save(raw, "PNG")
    return base64.b64encode(raw.getvalue()).decode()


def _shape(form, *points, **more):
    base = {"label": "car", "points": [list(p) for p in points], "group_id": None, "description": ""}
    return {**base, "shape_type": form, "flags": {}, "mask": None, **more}


SHAPES = [
    _shape("polygon", (1.0, 1.0), (9.0, 1.5), (5.0, 8.25), group_id=0, description="a note", flags={"class": True}),
    _shape("polygon", (11.0, 1.0), (19.0, 1.0), (15.0, 8.0), group_id=0),
    _shape("rectangle", (30.0, 20.0), (10.5, 5.0), label="van", flags={"seen": False}),
    _shape("circle", (20.0, 15.0), (23.0, 19.0)),
    _shape("line", (1.0, 2.0), (3.0, 4.0)),
    _shape("linestrip", (1.0, 2.0), (3.0, 4.0), (5.0, 4.0)),
    _shape("linestrip", (1.0, 2.0), (3.0, 4.0)),
    _shape("point", (7.0, 8.0), label="nose", group_id=3),
    _shape("points", (7.0, 8.0), (9.0, 8.0), group_id=7),
    _shape("oriented_rectangle", (10.0, 10.0), (16.0, 18.0), (12.0, 21.0), (6.0, 13.0)),
]


def _file(*shapes, **more):
    head = {"version": "5.5.0", "flags": {}, "shapes": list(shapes), "imagePath": "one.jpg", "imageData": None}
    return {**head, "imageHeight": HEIGHT, "imageWidth": WIDTH, **more}


def _round_trip(value, options=None, edit=None):
    found, problems = read_dataset({"one.json": json.dumps(value).encode(), "one.jpg": b""}, "labelme")
    item = as_item(found[0])
    if edit is not None:
        edit(item.data)
    output = LabelmeWriter(options or LabelmeOptions()).write_item(item)
    assert output.account.read == output.account.written + output.account.dropped + output.account.failed
    return json.loads(output.files["images/one.json"]), output.account, problems


def test_every_shape_imported_and_exported_is_equal():
    value = _file(*SHAPES, flags={"night": True, "rain": False}, camera={"id": 4})
    written, account, problems = _round_trip(value)
    assert written == value
    assert (account.read, account.written, account.entries, problems) == (12, 12, (), [])


def test_members_of_old_files_are_not_added():
    old = {k: v for k, v in SHAPES[0].items() if k not in ("mask", "description")}
    value = _file(old, version="4.0.0", lineColor=[0, 255, 0, 128])
    assert _round_trip(value)[0] == value


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_mask_of_pillow_comes_back_pixel_by_pixel(mode):
    rows = ("0110", "1001", "1111")
    value = _file(_shape("mask", (5.0, 6.0), (8.0, 8.0), mask=_mask(*rows, mode=mode)))
    shape = _round_trip(value)[0]["shapes"][0]
    image = Image.open(io.BytesIO(base64.b64decode(shape["mask"])))
    assert image.size == (4, 3)
    assert [int(bool(p)) for p in image.tobytes()] == [int(p) for row in rows for p in row]
    assert shape["points"] == [[5.0, 6.0], [8.0, 8.0]]


def test_circle_is_an_outline_for_everybody_else():
    found, _ = read_dataset({"a.json": json.dumps(_file(SHAPES[3])).encode()}, "labelme")
    ring = found[0].document.media[0].annotations[0].shape.points
    assert len(ring) == 64
    assert all(abs(((x - 20) ** 2 + (y - 15) ** 2) ** 0.5 - 5) < 1e-5 for x, y in ring)


def test_turned_rectangle_turns_about_its_centre():
    found, _ = read_dataset({"a.json": json.dumps(_file(SHAPES[9])).encode()}, "labelme")
    box = found[0].document.media[0].annotations[0].shape
    assert (box.width, box.height) == (10, 5)
    assert (box.x + 5, box.y + 2.5) == (11, 15.5)


def test_edited_shape_is_written_from_the_annotation():
    def move(payload):
        payload["annotationsData"]["image_1"][0]["coordinate"]["x"] = 12

    shape = _round_trip(_file(SHAPES[2]), edit=move)[0]["shapes"][0]
    assert shape["points"] == [[12.0, 5.0], [31.5, 20.0]]


def test_edited_points_of_one_shape_are_written_one_by_one():
    def move(payload):
        payload["annotationsData"]["image_1"][1]["coordinate"]["x"] = 12

    shapes = _round_trip(_file(SHAPES[8]), edit=move)[0]["shapes"]
    assert [(s["shape_type"], s["points"], s["group_id"]) for s in shapes] == [
        ("point", [[7.0, 8.0]], 7),
        ("point", [[12.0, 8.0]], 7),
    ]


OUTSIDE = [("clip", Outcome.CLIPPED, 1), ("drop", Outcome.DROPPED, 0), ("fail", Outcome.FAILED, 0)]


@pytest.mark.parametrize(("mode", "outcome", "written"), OUTSIDE)
def test_shape_that_leaves_the_picture_follows_the_policy(mode, outcome, written):
    value = _file(_shape("rectangle", (30.0, 20.0), (50.0, 25.0)))
    out, account, _ = _round_trip(value, LabelmeOptions(EdgePolicy(mode)))
    assert [(e.outcome, e.reason) for e in account.entries] == [(outcome, Loss.OUTSIDE_MEDIA)]
    assert [s["points"] for s in out["shapes"]] == [[[30.0, 20.0], [40.0, 25.0]]] * written


BROKEN = [
    ({"shape_type": "blob"}, "not known"),
    ({"points": [[1, 2]]}, "2 points"),
    ({"points": "none"}, "not a list"),
    ({"label": 5}, "not a text"),
    ({"shape_type": "mask", "points": [[1, 1], [2, 2]], "mask": "@@"}, "no PNG"),
    ({"shape_type": "mask", "points": [[39, 1], [42, 2]], "mask": _mask("1111")}, "leaves the picture"),
]


@pytest.mark.parametrize(("change", "reason"), BROKEN)
def test_broken_shape_costs_only_itself(change, reason):
    written, _, problems = _round_trip(_file({**SHAPES[2], **change}, SHAPES[0]))
    assert written["shapes"] == [SHAPES[0]]
    assert reason in problems[0].summary


def test_other_json_files_are_told_and_left_out():
    files = {"a.json": json.dumps(_file(SHAPES[0])).encode(), "coco.json": b'{"images": []}', "bad.json": b"{"}
    found, problems = read_dataset(files, "labelme")
    assert [one.name for one in found] == ["one.jpg"]
    assert len(problems) == 2


PATHS = [
    ("sub/a.json", "..\\pictures\\x.jpg", ["pictures/x.jpg"], "pictures/x.jpg"),
    ("sub/a.json", "/somebody/else/x.jpg", ["sub/x.jpg"], "sub/x.jpg"),
    ("a.json", "../../etc/passwd", [], "passwd"),
    ("sub/a.json", "gone.jpg", ["sub/a.png"], "sub/a.png"),
]


@pytest.mark.parametrize(("name", "said", "there", "found"), PATHS)
def test_picture_is_found_by_its_path_or_beside_the_file(name, said, there, found):
    files = {name: json.dumps(_file(SHAPES[0], imagePath=said)).encode(), **dict.fromkeys(there, b"")}
    assert read_dataset(files, "labelme")[0][0].name == found


def _item(row, shape, **extra):
    payload = {
        "annotations": {"image_1": [{"id": "a", "classification": {"class": "car", **extra}, **row}]},
        "annotationsData": {"image_1": [{"id": "a", **shape}]},
        "extra": {"image_1": {"width": WIDTH, "height": HEIGHT}},
    }
    item = as_item(read_dataset({"a.json": json.dumps(_file()).encode()}, "labelme")[0][0])
    return replace(item, key="one", data=payload)


def test_attributes_are_flags_a_description_and_the_rest():
    place = {"coordinate": {"x": 1, "y": 2, "width": 3, "height": 4}}
    item = _item({"tool": "bounding_box"}, place, seen=True, description="old", doors=4)
    shape = json.loads(LabelmeWriter().write_item(item).files["images/one.json"])["shapes"][0]
    assert (shape["flags"], shape["description"], shape["attributes"]) == ({"seen": True}, "old", {"doors": 4})


def test_turned_box_is_a_polygon_and_told():
    place = {"coordinate": {"x": 10, "y": 10, "width": 6, "height": 4, "rotation": 1.5707963267948966}}
    output = LabelmeWriter().write_item(_item({"tool": "bounding_box"}, place))
    shape = json.loads(output.files["images/one.json"])["shapes"][0]
    assert shape["points"] == [[15.0, 9.0], [15.0, 15.0], [11.0, 15.0], [11.0, 9.0]]
    assert [e.reason for e in output.account.entries] == [Loss.ROTATION]


def test_further_pictures_get_files_of_their_own():
    place = {"coordinate": {"x": 1, "y": 2, "width": 3, "height": 4}}
    item = _item({"tool": "bounding_box"}, place)
    rows = {part: {**rows, "image_2": rows["image_1"]} for part, rows in item.data.items()}
    item = replace(item, data=rows, media={**item.media, "image_2": MediaFile("b.png", type="image")})
    files = write_dataset(LabelmeWriter(), [item])
    assert sorted(files) == ["images/image_2/one.json", "images/one.json", "labels.txt"]
    assert json.loads(files["images/image_2/one.json"])["imagePath"] == "one.png"


def test_two_pictures_of_one_file_are_refused():
    output = LabelmeWriter().write_item(_item({"tool": "classification"}, {}))
    fragments = [Fragment(key, None, output.fragment) for key in ("a", "b")]
    with pytest.raises(ConfigError, match=r"images/one\.json"):
        list(LabelmeWriter().assemble(lambda: fragments))


@pytest.mark.skipif(SHARED is None, reason="set RECONCILER_SHARED_DATA to the folder with labelme/")
@pytest.mark.parametrize("name", ["primitives", "instance_segmentation/data_annotated"])
def test_real_files_imported_and_exported_are_equal(name):
    source = folder_files(Path(SHARED) / "labelme" / name)
    found, problems = read_dataset(source, "labelme")
    written = write_dataset(LabelmeWriter(LabelmeOptions(EdgePolicy("keep"))), [as_item(one) for one in found])
    assert problems == []
    for path in (p for p in source if p.endswith(".json")):
        assert json.loads(written[f"images/{path}"]) == {**json.loads(source[path]), "imageData": None}
