"""CVAT in, DM schema 1 through JSON text, CVAT out: the same content."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from reconciler.formats.cvat_write import CvatOptions, CvatWriter
from tests.support.datasets import as_item, folder_files, read_dataset, write_dataset

DATA = Path(__file__).parents[2] / "data" / "cvat"

EVERYTHING = b"""<annotations><version>1.1</version><meta><task><labels>
<label><name>car</name><color>#ff0000</color><type>any</type><attributes>
 <attribute><name>n</name><mutable>False</mutable><input_type>number</input_type><default_value>1</default_value>
  <values>0;10;1</values></attribute>
 <attribute><name>on</name><mutable>False</mutable><input_type>checkbox</input_type><default_value>false</default_value>
  <values>false</values></attribute>
 <attribute><name>class</name><mutable>False</mutable><input_type>text</input_type><default_value></default_value>
  <values></values></attribute></attributes></label>
<label><name>pose</name><type>skeleton</type><svg>&lt;circle/&gt;</svg><attributes></attributes></label>
<label><name>a</name><type>points</type><attributes></attributes><parent>pose</parent></label>
<label><name>b</name><type>points</type><attributes></attributes><parent>pose</parent></label>
</labels></task></meta>
<image id="7" name="x.png" width="12" height="9">
<box label="car" source="manual" occluded="1" xtl="1.25" ytl="2" xbr="5.5" ybr="6.1" rotation="30.5" z_order="2"
  group_id="4"><attribute name="n">3</attribute><attribute name="on">true</attribute></box>
<box label="car" source="semi-auto" occluded="0" xtl="1" ytl="2" xbr="5" ybr="6" z_order="0" group_id="4"/>
<mask label="car" source="manual" occluded="0" rle="1, 2, 3, 4, 2" left="3" top="2" width="4" height="3" z_order="0"/>
<mask label="car" source="manual" occluded="0" rle="3, 30, 3" left="0" top="1" width="12" height="3" z_order="-1"/>
<skeleton label="pose" source="manual" z_order="1" group_id="5">
 <points label="a" occluded="0" outside="0" points="1,2"/>
 <points label="b" occluded="1" outside="0" points="3.5,2"/></skeleton>
<polygon label="car" source="manual" occluded="0" points="1,1;2,1;2,2.5" z_order="0"/>
<polyline label="" source="manual" occluded="0" points="1,1;2,1;2,2" z_order="0"/>
<points label="car" source="manual" occluded="0" points="1,1" z_order="0"/>
<points label="car" source="manual" occluded="1" points="1,1;2,2" z_order="3" group_id="5"/>
<tag label="car" source="manual"><attribute name="class">x</attribute><attribute name="n">4.5</attribute></tag>
</image></annotations>"""


def _round_trip(files):
    found, problems = read_dataset(files, "cvat")
    assert problems == []
    return write_dataset(CvatWriter(), [as_item(one) for one in found])["annotations.xml"]


def _images(raw):
    return [_element(image) for image in ET.fromstring(raw).iter("image")]


def _element(node):
    said = {"source": "manual", "occluded": "0", "z_order": "0", **node.attrib}
    said |= {"points": _numbers(said["points"])} if "points" in said else {}
    said |= {side: float(said[side]) for side in ("xtl", "ytl", "xbr", "ybr") if side in said}
    return node.tag, said, (node.text or "").strip(), [_element(child) for child in node]


def _numbers(text):
    return [float(value) for pair in text.split(";") for value in pair.split(",")]


@pytest.mark.parametrize("name", ["export_task", "estop"])
def test_real_files_come_back(name):
    files = folder_files(DATA / name)
    source = next(raw for path, raw in files.items() if path.endswith(".xml"))
    assert _images(_round_trip(files)) == _images(source)


def test_every_kind_of_shape_comes_back():
    assert _images(_round_trip({"annotations.xml": EVERYTHING})) == _images(EVERYTHING)


def test_labels_come_back():
    root = ET.fromstring(_round_trip({"annotations.xml": EVERYTHING}))
    given = {row.findtext("name"): _element(row) for row in ET.fromstring(EVERYTHING).iter("label")}
    found = {row.findtext("name"): _element(row) for row in root.iter("label")}
    assert found.keys() == given.keys()
    for name in given:
        assert sorted(map(str, found[name][3])) == sorted(map(str, given[name][3])), name


def test_every_split_has_its_file():
    found, _ = read_dataset({"annotations.xml": EVERYTHING}, "cvat")
    files = write_dataset(CvatWriter(CvatOptions(has_splits=True)), [as_item(found[0], split="train")])
    (image,) = ET.fromstring(files["train.xml"]).iter("image")
    assert (list(files), image.get("subset"), image.get("name")) == (["train.xml"], "train", "x.png")
