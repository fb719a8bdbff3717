"""Data sets in, tasks, data sets out: the formats that live in many files."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from reconciler.errors import ExitCode
from tests.support.workspace import make_bench

VOC = """<annotation><filename>{key}.jpg</filename><size><width>20</width><height>10</height><depth>3</depth></size>
<object><name>cat</name><pose>Left</pose><truncated>1</truncated><difficult>0</difficult>
<bndbox><xmin>2</xmin><ymin>3</ymin><xmax>5</xmax><ymax>{bottom}</ymax></bndbox></object></annotation>"""
CVAT = (
    '<image id="{id}" name="{key}.jpg" width="20" height="10"><polyline label="cat" points="1,2;{bottom},4"/></image>'
)


@pytest.fixture
def bench(tmp_path):
    made = make_bench(tmp_path)
    made.set("AnnotationProject", "objects", title="Objects", collection="pics", category="image")
    return made


def _exchange(bench, format):
    annotations = {"format": format, "url": "source", "specification": "image_1"}
    bench.set("TaskSet", "tasks", project="objects", assets="pics-2026", annotations=annotations)
    bench.set("Export", "out", target="task", project="objects", format=format, destination={"url": "out"})
    assert bench.apply().exit_code is ExitCode.OK
    assert bench.plan().is_empty


def _write_voc(bench, **bottoms):
    folder = bench.root / "source/Annotations"
    folder.mkdir(parents=True, exist_ok=True)
    for key, bottom in bottoms.items():
        (folder / f"{key}.xml").write_text(VOC.format(key=key, bottom=bottom))


def _object(path):
    """Every text of the first object of a file, by its element."""
    return {node.tag: (node.text or "").strip() for node in ET.parse(path).getroot().find("object").iter()}


def _files(bench):
    """Path → inode of everything that was published."""
    out = bench.root / "out"
    return {p.relative_to(out).as_posix(): p.stat().st_ino for p in out.rglob("*") if p.is_file()}


def test_voc_goes_in_and_comes_out(bench):
    _write_voc(bench, a=6, b=7)
    _exchange(bench, "voc")
    for key in "ab":
        name = f"Annotations/{key}.xml"
        assert _object(bench.root / "out" / name) == _object(bench.root / "source" / name)
    assert (bench.root / "out/JPEGImages/a.jpg").read_bytes() == (bench.root / "data/a.jpg").read_bytes()
    assert (bench.root / "out/ImageSets/Main/trainval.txt").read_text().split() == ["a", "b", "c"]


def test_changed_voc_annotation_rewrites_only_its_file(bench):
    _write_voc(bench, a=6, b=7)
    _exchange(bench, "voc")
    before = _files(bench)
    _write_voc(bench, b=8)
    assert bench.apply().exit_code is ExitCode.OK
    after = _files(bench)
    changed = {name for name in after if after[name] != before[name] and not name.startswith(("metadata/", "README"))}
    assert changed == {"Annotations/b.xml"}


def test_cvat_goes_in_and_comes_out(bench):
    images = "".join(CVAT.format(id=n, key=key, bottom=n) for n, key in enumerate("ab", 3))
    (bench.root / "source").mkdir()
    (bench.root / "source/annotations.xml").write_text(f"<annotations><meta/>{images}</annotations>")
    _exchange(bench, "cvat")
    root = ET.parse(bench.root / "out/annotations.xml").getroot()
    found = [(i.get("id"), i.get("name"), [line.get("points") for line in i]) for i in root.iter("image")]
    assert found == [("3", "a.jpg", ["1,2;3,4"]), ("4", "b.jpg", ["1,2;4,4"]), ("0", "c.jpg", [])]
