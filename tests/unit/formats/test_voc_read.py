"""Reading VOC: folders as tools lay them out, what cannot be read, and planes."""

import io

import pytest
from PIL import Image

from reconciler.formats.annotations import Box, Mask
from reconciler.formats.png import voc_colour
from tests.support.datasets import read_dataset

OBJECT = "<object><name>{name}</name>{more}<bndbox>{box}</bndbox></object>"
CORNERS = "<xmin>2</xmin><ymin>3</ymin><xmax>5</xmax><ymax>6</ymax>"


def _xml(*objects, size="<size><width>20</width><height>10</height><depth>3</depth></size>"):
    return f"<annotation><filename>a.jpg</filename>{size}{''.join(objects)}</annotation>".encode()


def _object(name="car", box=CORNERS, more=""):
    return OBJECT.format(name=name, box=box, more=more)


def _plane(pixels, size=(20, 10)):
    image = Image.new("P", size)
    image.putpalette([value for index in range(256) for value in voc_colour(index)])
    for place, index in pixels.items():
        image.putpixel(place, index)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _media(files, **options):
    (found,), problems = read_dataset(files, "voc", **options)
    return found.document.media[0], problems


LAYOUTS = [
    ("Annotations/a.xml", "JPEGImages/a.jpg", "VOC"),
    ("annotations/a.xml", "images/a.png", "lower case"),
    ("Annotations/a.xml", "Images/a.JPG", "the platform's own"),
    ("VOCdevkit/VOC2012/Annotations/a.xml", "VOCdevkit/VOC2012/JPEGImages/a.jpg", "as it is downloaded"),
    ("train/a.xml", "train/a.jpg", "side by side"),
    ("a.xml", "a.jpg", "one folder"),
    ("Annotations/sub/a.xml", "JPEGImages/sub/a.jpg", "folders below"),
]


@pytest.mark.parametrize(("xml", "picture", "reason"), LAYOUTS)
def test_picture_is_found_in_the_layouts_of_tools(xml, picture, reason):
    (found,), problems = read_dataset({xml: _xml(_object()), picture: b""}, "voc")
    assert (found.name, problems) == (picture, []), reason


def test_picture_that_is_not_there_is_named_by_the_annotation():
    (found,), _ = read_dataset({"Annotations/x/b.xml": _xml()}, "voc")
    assert found.name == "x/b.jpg"


@pytest.mark.parametrize(("origin", "box"), [(1, (1, 2, 4, 4)), (0, (2, 3, 3, 3))])
def test_corners_become_pixel_edges(origin, box):
    media, _ = _media({"a.xml": _xml(_object())}, origin=origin)
    assert media.annotations[0].shape == Box(*box)


def test_fractions_are_read():
    box = "<xmin>2.5</xmin><ymin>3.0</ymin><xmax>5.25</xmax><ymax>6e0</ymax>"
    media, problems = _media({"a.xml": _xml(_object(box=box))})
    assert media.annotations[0].shape == Box(2.5, 3.0, 2.75, 3.0)
    assert problems == []


def test_zero_where_counting_begins_with_one_is_told():
    box = CORNERS.replace("<xmin>2", "<xmin>0")
    _, problems = _media({"a.xml": _xml(_object(box=box))}, origin=1)
    assert [p.fix for p in problems] == ["when they count from 0, set formatOptions.origin: 0"]


BROKEN = [
    (_object(name=""), "has no class"),
    ("<object><name>car</name></object>", "has no box"),
    (_object(box="<xmin>nan</xmin>"), "not four numbers"),
    (_object(box=CORNERS.replace("5", "inf")), "not four numbers"),
    (_object(box=CORNERS.replace("5", "1e999")), "not four numbers"),
]


@pytest.mark.parametrize(("broken", "said"), BROKEN)
def test_broken_object_costs_only_itself(broken, said):
    media, problems = _media({"a.xml": _xml(broken, _object("bus"))})
    assert [a.class_name for a in media.annotations] == ["bus"]
    assert [said in p.summary for p in problems] == [True]


BAD_FILES = [
    (b"<annotation>", "no XML"),
    (b"", "no XML"),
    (b"<annotations/>", "no VOC file"),
    (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation>&x;</annotation>', "document type"),
]


@pytest.mark.parametrize(("raw", "said"), BAD_FILES)
def test_file_that_cannot_be_read_costs_only_itself(raw, said):
    found, problems = read_dataset({"a.xml": raw, "b.xml": _xml(_object())}, "voc")
    assert [one.name for one in found] == ["b.jpg"]
    assert [said in p.summary for p in problems] == [True]


def test_instance_is_tied_to_the_object_of_its_number():
    planes = {
        "SegmentationClass/a.png": _plane({(1, 1): 7, (2, 1): 7, (3, 1): 255}),
        "SegmentationObject/a.png": _plane({(1, 1): 1, (2, 1): 1, (3, 1): 255}),
    }
    media, problems = _media({"Annotations/a.xml": _xml(_object()), **planes})
    box, mask = media.annotations
    assert mask.shape == Mask(((21, 2),))
    assert (mask.class_name, media.groups[0].members) == ("car", (box.id, mask.id))
    assert (media.extra["voc"]["void"], problems) == ([[23, 1]], [])


def test_plane_without_annotation_file_is_read_with_its_label_map():
    files = {"SegmentationClass/a.png": _plane({(0, 0): 1}), "labelmap.txt": b"background:0,0,0::\nroad:128,0,0::\n"}
    media, _ = _media(files)
    assert [(a.class_name, a.shape) for a in media.annotations] == [("road", Mask(((0, 1),)))]
    assert media.size == (20, 10)


def test_index_without_class_is_told():
    media, problems = _media({"SegmentationClass/a.png": _plane({(0, 0): 99})})
    assert media.annotations[0].class_name is None
    assert "index 99 has no class" in problems[0].summary


def test_damaged_plane_costs_only_itself():
    files = {"Annotations/a.xml": _xml(_object()), "SegmentationClass/a.png": b"\x89PNG\r\n\x1a\n"}
    media, problems = _media(files)
    assert len(media.annotations) == 1
    assert "is no plane that can be read" in problems[0].summary


def test_list_chooses_pictures():
    files = {f"Annotations/{name}.xml": _xml() for name in "ab"}
    found, _ = read_dataset({**files, "ImageSets/Main/val.txt": b"b\n"}, "voc", imageSet="val")
    assert [one.name for one in found] == ["b.jpg"]


def test_list_that_is_not_there_is_told():
    _, problems = read_dataset({"Annotations/a.xml": _xml(), "ImageSets/Main/val.txt": b"a\n"}, "voc", imageSet="test")
    assert [p.fix for p in problems] == ["name one of: val"]


def test_ids_are_the_same_at_every_import():
    files = {"a.xml": _xml(_object(), _object("bus"))}
    first, second = (_media(files)[0].annotations for _ in range(2))
    assert [a.id for a in first] == [a.id for a in second]
    assert len({a.id for a in first}) == 2
