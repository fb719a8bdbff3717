"""VOC from DM documents: what is written, and what becomes of everything else."""

import io
import json
import xml.etree.ElementTree as ET

import pytest
from PIL import Image

from reconciler.errors import ConfigError
from reconciler.formats.account import Loss, Outcome
from reconciler.formats.categories import CategoryRules
from reconciler.formats.geometry import EdgePolicy
from reconciler.formats.items import ExportItem, MediaFile
from reconciler.formats.voc_objects import VocRules
from reconciler.formats.voc_write import VocOptions, VocWriter
from tests.support.datasets import write_dataset

SIZE = (20, 10)


def _row(name, tool, data, of="car", **more):
    return {"id": name, "type": tool, "data": data, "classification": of, **more}


def _box(name, x=1, y=1, width=4, height=4, of="car", **said):
    of = {"class": of, **said} if said else of
    return _row(name, "bbox", [x, y, width, height], of)


def _turned(name):
    return {**_box(name, x=8), "rotation": 0.3}


def _ring(name, *points, of="car"):
    return _row(name, "polygon", [list(p) for p in points], of)


def _mask(name, *runs, of="car"):
    return _row(name, "segmentation", [list(r) for r in runs], of, isCompressed=True, compressionFormat="rle")


def _item(*rows, key="a", size=SIZE, **more):
    extra = {"image_1": {"width": size[0], "height": size[1]}} if size else {}
    payload = {"annotations": {"image_1": list(rows)}, "extra": extra, **more}
    return ExportItem(key, "1", payload, {"image_1": MediaFile("a.png", is_primary=True)})


def _written(*rows, options=None, key="a", **more):
    return write_dataset(VocWriter(options or VocOptions()), [_item(*rows, key=key, **more)])


def _corners(files, key="a"):
    root = ET.fromstring(files[f"Annotations/{key}.xml"])
    return [tuple(corner.text for corner in box) for box in root.iter("bndbox")]


def _pixels(files, kind="Object", key="a"):
    return Image.open(io.BytesIO(files[f"Segmentation{kind}/{key}.png"]))


BOXES = [
    ((1, 1, 4, 4), 1, ("2", "2", "5", "5"), "VOC names the first and the last pixel, from 1"),
    ((0, 0, 20, 10), 1, ("1", "1", "20", "10"), "the whole picture"),
    ((1, 1, 4, 4), 0, ("1", "1", "5", "5"), "pixel edges"),
    ((0.5, 1.5, 4, 4), 0, ("0", "2", "4", "6"), "halves go to the even edge"),
    ((3.6, 3.2, 0.1, 0.3), 0, ("3", "3", "4", "4"), "less than a pixel is the pixel of its middle"),
]


@pytest.mark.parametrize(("box", "origin", "corners", "reason"), BOXES)
def test_corners_are_whole_by_the_stated_rule(box, origin, corners, reason):
    options = VocOptions(VocRules(origin=origin))
    assert _corners(_written(_box("b", *box), options=options)) == [corners], reason


def test_exact_coordinates_keep_their_fractions():
    options = VocOptions(VocRules(origin=0, whole=False))
    assert _corners(_written(_box("b", 0.25, 1.5, 4, 4), options=options)) == [("0.25", "1.5", "4.25", "5.5")]


def test_numbers_are_those_of_the_official_converter():
    rows = [_box("b1", 20, 10, 60, 40), _box("b2", 100.5, 20.25, 30, 50, of="보행자")]
    road = _ring("pg", (0, 90), (200, 90), (200, 100), (0, 100), of="road")
    sky = _mask("m1", (0, 4), (200, 4), (400, 4), of="sky")
    files = _written(*rows, road, sky, size=(200, 100), options=VocOptions(VocRules(origin=0)))
    assert _corners(files)[:2] == [("20", "10", "80", "50"), ("100", "20", "130", "70")]
    ids = {row["name"]: row["id"] for row in json.loads(files["classes.json"])}
    counts = _pixels(files, "Class").histogram()
    assert (counts[ids["road"]], counts[ids["sky"]]) == (2000, 12)


LOSSES = [
    (_box("b", width=0), Outcome.DROPPED, Loss.EMPTY_SHAPE),
    (_box("b", x=90), Outcome.DROPPED, Loss.OUTSIDE_MEDIA),
    (_box("b", x=18), Outcome.CLIPPED, Loss.OUTSIDE_MEDIA),
    (_box("b", x=1.25), Outcome.LOSSY, Loss.ROUNDED),
    (_ring("b", (0, 0), (1, 1)), Outcome.DROPPED, Loss.EMPTY_SHAPE),
    (_ring("b", (30, 0), (40, 0), (40, 9)), Outcome.DROPPED, Loss.OUTSIDE_MEDIA),
    (_mask("b"), Outcome.DROPPED, Loss.EMPTY_SHAPE),
    (_row("b", "polyline", [[1, 1], [2, 2]]), Outcome.DROPPED, Loss.UNSUPPORTED_TOOL),
    (_row("b", "point", [1, 1]), Outcome.DROPPED, Loss.UNSUPPORTED_TOOL),
    (_row("b", "classification", None), Outcome.DROPPED, Loss.UNSUPPORTED_TOOL),
    (_row("b", "bbox", "?"), Outcome.DROPPED, Loss.MALFORMED),
    ({**_box("b"), "classification": None}, Outcome.DROPPED, Loss.NO_CLASS),
]


@pytest.mark.parametrize(("row", "outcome", "reason"), LOSSES)
def test_loss_is_accounted_with_its_reason(row, outcome, reason):
    account = VocWriter().write_item(_item(row)).account
    assert [(e.outcome, e.reason, e.annotations) for e in account.entries] == [(outcome, reason, ("b",))]


def test_policy_fail_is_counted_as_failed():
    options = VocOptions(VocRules(edges=EdgePolicy("fail")))
    assert VocWriter(options).write_item(_item(_box("b", x=18))).account.failed == 1


def test_turned_box_is_its_tight_box_with_the_angle():
    files = _written(_turned("b"))
    assert b"<name>rotation</name><value>0.3</value>" in files["Annotations/a.xml"]
    entries = VocWriter().write_item(_item(_turned("b"))).account.entries
    assert {e.reason for e in entries} == {Loss.ROTATION, Loss.ROUNDED}


def test_joints_of_an_object_are_dropped_and_its_box_is_not():
    rows = [_box("b", of="person"), _row("k", "point", [2, 2], "nose")]
    groups = {"image_1": [{"id": "g", "annotationIds": ["b", "k"]}]}
    account = VocWriter().write_item(_item(*rows, annotationGroups=groups)).account
    assert (account.read, account.written, account.dropped) == (2, 1, 1)


def test_flags_and_attributes_have_their_elements():
    files = _written(_box("b", truncated=True, difficult="1", occluded=False, pose="Left", color="red & <b>"))
    node = ET.fromstring(files["Annotations/a.xml"]).find("object")
    flags = {flag: node.findtext(flag) for flag in ("pose", "truncated", "difficult", "occluded")}
    assert flags == {"pose": "Left", "truncated": "1", "difficult": "1", "occluded": "0"}
    rows = [(row.findtext("name"), row.findtext("value")) for row in node.iter("attribute")]
    assert rows == [("color", "red & <b>")]


def test_attributes_that_are_not_wanted_are_accounted():
    account = VocWriter(VocOptions(VocRules(attributes=False))).write_item(_item(_box("b", color="red"))).account
    assert [(e.outcome, e.reason) for e in account.entries] == [(Outcome.LOSSY, Loss.ATTRIBUTES)]


def test_part_is_inside_its_whole():
    whole, part = _box("b", of="person"), _box("p", of="head", part_of="b")
    root = ET.fromstring(_written(whole, part)["Annotations/a.xml"])
    assert [(o.findtext("name"), o.findtext("part/name")) for o in root.iter("object")] == [("person", "head")]


def test_part_without_its_whole_stands_for_itself():
    root = ET.fromstring(_written(_box("p", of="head", part_of="gone"))["Annotations/a.xml"])
    assert [o.findtext("name") for o in root.iter("object")] == ["head"]


def test_polygon_paints_the_pixels_whose_centres_it_holds():
    files = _written(_ring("a", (1, 1), (4, 1), (4, 3), (1, 3)))
    pixels = _pixels(files)
    assert [(x, y) for y in range(10) for x in range(20) if pixels.getpixel((x, y))] == [
        (x, y) for y in (1, 2) for x in (1, 2, 3)
    ]


def test_covered_object_is_accounted():
    square = ((0, 0), (4, 0), (4, 4), (0, 4))
    account = VocWriter().write_item(_item(_ring("under", *square), _ring("over", *square))).account
    assert [(e.reason, e.annotations) for e in account.entries] == [(Loss.OVERLAP, ("under",))]


def test_object_between_pixel_centres_is_accounted():
    account = VocWriter().write_item(_item(_ring("a", (1.6, 1.6), (2.4, 1.6), (2.4, 2.4)))).account
    assert Loss.NO_PIXEL in {e.reason for e in account.entries}


def test_border_is_void_on_both_sides():
    files = _written(_ring("a", (5, 2), (15, 2), (15, 8), (5, 8)), options=VocOptions(border=1))
    row = [_pixels(files).getpixel((x, 5)) for x in range(20)]
    assert row == [0] * 4 + [255] * 2 + [1] * 8 + [255] * 2 + [0] * 4


def test_object_at_the_edge_has_no_border_there():
    files = _written(_ring("a", (0, 0), (20, 0), (20, 5), (0, 5)), options=VocOptions(border=2))
    column = [_pixels(files).getpixel((0, y)) for y in range(10)]
    assert column == [1] * 3 + [255] * 4 + [0] * 3


def test_more_than_254_objects_leave_out_the_plane_of_objects():
    rows = [_mask(f"m{i}", (i, 1)) for i in range(255)]
    output = VocWriter().write_item(_item(*rows, size=(100, 10)))
    assert [e.reason for e in output.account.entries] == [Loss.INSTANCE_LIMIT]
    files = _written(*rows, size=(100, 10))
    assert "SegmentationObject/a.png" not in files
    assert _pixels(files, "Class").histogram()[1] == 255


def test_254_objects_are_told_apart():
    rows = [_mask(f"m{i}", (i, 1)) for i in range(254)]
    assert _pixels(_written(*rows, size=(100, 10))).histogram()[:256].count(1) == 254


def test_more_classes_than_a_plane_holds_are_an_error():
    rows = [_mask(f"m{i}", (i, 1), of=f"class {i:03}") for i in range(255)]
    with pytest.raises(ConfigError, match="class 254"):
        _written(*rows, size=(100, 10))


def test_ids_of_classes_follow_the_last_publication():
    options = VocOptions(categories=CategoryRules(previous={"car": 7}))
    files = _written(_mask("m", (0, 3)), options=options)
    assert _pixels(files, "Class").histogram()[7] == 3
    assert b"\ncar:" in files["labelmap.txt"]


def test_picture_without_annotations_has_a_file_and_a_line():
    files = _written()
    assert _corners(files) == []
    assert files["ImageSets/Main/trainval.txt"] == b"a\n"


def test_further_picture_of_a_unit_has_a_file_of_its_own():
    payload = {"annotations": {"image_2": [_box("b")]}}
    media = {"image_1": MediaFile("a.png", is_primary=True), "image_2": MediaFile("b.png")}
    files = write_dataset(VocWriter(), [ExportItem("a", "1", payload, media)])
    assert len(_corners(files, "image_2/a")) == 1
    assert files["ImageSets/Main/trainval.txt"] == b"a\nimage_2/a\n"


HOSTILE = ["../../etc/passwd", "a\0b", "x" * 300, "é́", "con", "..", "a\nb", "#a"]


@pytest.mark.parametrize("key", HOSTILE)
def test_hostile_key_stays_below_the_destination(key):
    files = _written(_mask("m", (0, 3)), key=key)
    for path in files:
        assert ".." not in path.split("/")
        assert not path.startswith("/")
        assert all(len(part.encode()) < 256 for part in path.split("/"))
    assert len(files["ImageSets/Main/trainval.txt"].splitlines()) == 1


def test_text_that_xml_cannot_hold_is_replaced():
    files = _written(_box("b", of="a\0\ud800<&>"))
    assert ET.fromstring(files["Annotations/a.xml"]).findtext("object/name") == "a\ufffd?<&>"


def test_parts_of_one_object_that_overlap_are_no_overlap():
    rings = [_ring("a", (0, 0), (6, 0), (6, 4), (0, 4)), _ring("b", (3, 0), (9, 0), (9, 4), (3, 4))]
    item = _item(*rings, annotationGroups={"image_1": [{"id": "g", "annotationIds": ["a", "b"]}]})
    assert VocWriter().write_item(item).account.entries == ()


def test_hole_of_a_polygon_is_not_painted():
    ring = {**_ring("a", (0, 0), (6, 0), (6, 6), (0, 6)), "holes": [[[2, 2], [4, 2], [4, 4], [2, 4]]]}
    assert _pixels(_written(ring)).histogram()[1] == 36 - 4


@pytest.mark.parametrize("row", [_ring("s", (1, 1), (9, 1), (5, 5)), _mask("s", (3, 4))], ids=["polygon", "mask"])
def test_shape_that_becomes_a_box_without_planes_is_told(row):
    writer = VocWriter(VocOptions(VocRules(planes=False)))
    entries = writer.write_item(_item(row)).account.entries
    assert [(e.outcome, e.reason, e.annotations) for e in entries] == [(Outcome.LOSSY, Loss.BOX_ONLY, ("s",))]
