"""VOC in, DM schema 1 through JSON text, VOC out: the same content."""

import io
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

from reconciler.formats.categories import CategoryRules
from reconciler.formats.voc_labels import VOC_CLASSES
from reconciler.formats.voc_objects import VocRules
from reconciler.formats.voc_write import VocOptions, VocWriter
from tests.support.datasets import as_item, folder_files, read_dataset, write_dataset

DATA = Path(__file__).parents[2] / "data" / "voc"


def _round_trip(name, **options):
    source = folder_files(DATA / name)
    found, problems = read_dataset(source, "voc")
    assert problems == []
    items = [as_item(one, split="train") for one in found]
    return source, write_dataset(VocWriter(VocOptions(has_splits=True, **options)), items)


def _tree(raw):
    """Elements with their texts; `source` and `segmented` are not always there."""
    root = ET.fromstring(raw)
    return [_element(child) for child in root if child.tag not in ("source", "segmented")]


def _element(node):
    return node.tag, (node.text or "").strip(), [_element(child) for child in node]


@pytest.mark.parametrize("name", ["bccd", "voc2007"])
def test_annotations_imported_and_exported_are_equal(name):
    source, written = _round_trip(name)
    for path in (p for p in source if p.endswith(".xml")):
        assert _tree(written[path]) == _tree(source[path]), path
    assert written["ImageSets/Main/train.txt"].split() == source["ImageSets/Main/train.txt"].split()


def _colours(raw):
    return Image.open(io.BytesIO(raw)).convert("RGB").tobytes()


def test_planes_imported_and_exported_are_equal():
    source, written = _round_trip("voc2007", categories=CategoryRules(VOC_CLASSES[1:]))
    for kind in ("Object", "Class"):
        path = f"Segmentation{kind}/2007_000001.png"
        assert _colours(written[path]) == _colours(source[path])
    assert written["ImageSets/Segmentation/train.txt"] == b"2007_000001\n"


def test_lists_of_classes_come_back():
    source, written = _round_trip("voc2007", rules=VocRules(class_lists=True))
    for name in ("aeroplane", "person", "sheep"):
        path = f"ImageSets/Main/{name}_train.txt"
        assert written[path].split() == source[path].split()


def test_export_is_the_same_every_time():
    assert _round_trip("voc2007")[1] == _round_trip("voc2007")[1]
