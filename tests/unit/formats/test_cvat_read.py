"""Reading CVAT: what cannot be read costs only itself."""

import pytest

from tests.support.datasets import read_dataset


def _file(inside, meta=""):
    head = f"<annotations><version>1.1</version><meta>{meta}</meta>"
    return f'{head}<image id="0" name="a.png" width="12" height="9">{inside}</image></annotations>'.encode()


BROKEN = [
    ('<box label="car" xtl="1" ytl="1" xbr="2"/>', "has no ybr"),
    ('<box label="car" xtl="nan" ytl="1" xbr="2" ybr="3"/>', "not a finite number"),
    ('<polygon label="car" points="1,2;3"/>', "left out"),
    ('<polygon label="car" points="1,2;3,inf;3,4"/>', "not a finite number"),
    ('<mask label="car" rle="1,2" left="0" top="0" width="4" height="4"/>', "do not sum"),
    ('<mask label="car" rle="0,16" left="10" top="0" width="4" height="4"/>', "leaves the picture"),
    ('<mask label="car" rle="-1,17" left="0" top="0" width="4" height="4"/>', "do not sum"),
    ('<points label="car" points=""/>', "has no point"),
    ('<skeleton label="car"/>', "has no joint"),
    ('<ellipse label="car" cx="1"/>', "no such shape"),
]


@pytest.mark.parametrize(("broken", "said"), BROKEN)
def test_broken_shape_costs_only_itself(broken, said):
    (found,), problems = read_dataset({"a.xml": _file(broken + '<tag label="bus"/>')}, "cvat")
    assert [a.class_name for a in found.document.media[0].annotations] == ["bus"]
    assert [said in p.summary for p in problems] == [True]


def test_tracks_are_told():
    raw = b'<annotations><track id="3" label="car"><box frame="0"/><box frame="1"/></track></annotations>'
    found, problems = read_dataset({"a.xml": raw}, "cvat")
    assert (found, [p.summary for p in problems]) == ([], ["track 3 ('car', 2 shapes) is left out"])


BAD_FILES = [
    (b"<annotation/>", "no CVAT file"),
    (b'<!DOCTYPE a [<!ENTITY x "y">]><annotations/>', "document type"),
    (_file("")[:-20], "no XML"),
]


@pytest.mark.parametrize(("raw", "said"), BAD_FILES)
def test_file_that_cannot_be_read_is_told(raw, said):
    _, problems = read_dataset({"a.xml": raw}, "cvat")
    assert [said in p.summary for p in problems] == [True]


@pytest.mark.parametrize("place", ["images/a.png", "a.png"])
def test_picture_is_named_by_its_place(place):
    (found,), _ = read_dataset({"x.xml": _file(""), place: b""}, "cvat")
    assert found.name == place


VALUES = [
    ("checkbox", "true", True),
    ("checkbox", "maybe", "maybe"),
    ("number", "2", 2),
    ("number", "2.5", 2.5),
    ("number", "007", "007"),
    ("number", "nan", "nan"),
    ("number", "1e999", "1e999"),
    ("text", "5", "5"),
]


@pytest.mark.parametrize(("form", "text", "value"), VALUES)
def test_values_have_the_types_their_label_declares(form, text, value):
    attribute = f"<attribute><name>n</name><input_type>{form}</input_type></attribute>"
    meta = f"<job><labels><label><name>car</name><attributes>{attribute}</attributes></label></labels></job>"
    tag = f'<tag label="car"><attribute name="n">{text}</attribute></tag>'
    (found,), _ = read_dataset({"a.xml": _file(tag, meta)}, "cvat")
    assert found.document.media[0].annotations[0].attributes == {"n": value}
