"""COCO in, DM schema 1 through JSON text, COCO out: equal to what came in, number for number."""

import json
from pathlib import Path

import pytest
from pycocotools.coco import COCO

from reconciler.formats.categories import CategoryRules
from reconciler.formats.coco_read import read_coco
from reconciler.formats.coco_write import CocoOptions, write_coco
from reconciler.formats.dm import decode_payload, encode_payload, encode_v1
from reconciler.formats.items import ExportItem, MediaFile

DATA = Path(__file__).parents[2] / "data" / "coco_mini"
FILES = ("instances_val", "instances_train", "person_keypoints_val", "person_keypoints_train")


def _load(name):
    return json.loads((DATA / f"{name}.json").read_text())


def _items(dataset):
    for file_name, document in dataset.documents("image_1"):
        payload = json.loads(json.dumps(encode_v1(document)))
        media = {"image_1": MediaFile(file_name, is_primary=True)}
        yield ExportItem(file_name.removesuffix(".jpg"), "1", payload, media)


def _by_id(rows):
    return sorted(rows, key=lambda row: row["id"])


def _round_trip(name):
    source = _load(name)
    dataset = read_coco(source, name=name)
    assert dataset.problems == ()
    rules = CategoryRules(rows=source["categories"])
    options = CocoOptions(categories=rules, frame=dataset.frame)
    return source, write_coco(_items(dataset), options)["annotations/instances.json"]


@pytest.mark.parametrize("name", FILES)
def test_coco_imported_and_exported_is_equal(name):
    source, written = _round_trip(name)
    for part in ("images", "annotations", "categories"):
        assert _by_id(written[part]) == _by_id(source[part]), part
    assert {k: written[k] for k in ("info", "licenses")} == {k: source[k] for k in ("info", "licenses")}


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools under numpy 2
@pytest.mark.parametrize("name", FILES)
def test_coco_exported_gives_the_masks_of_the_import(name, tmp_path):
    _, written = _round_trip(name)
    target = tmp_path / "instances.json"
    target.write_text(json.dumps(written))
    before, after = COCO(str(DATA / f"{name}.json")), COCO(str(target))
    for number in before.getAnnIds():
        mine, theirs = after.annToMask(after.anns[number]), before.annToMask(before.anns[number])
        assert (mine == theirs).all(), number


@pytest.mark.parametrize("name", FILES)
def test_imported_document_survives_the_payload(name):
    for _, document in read_coco(_load(name)).documents("image_1"):
        payload = json.loads(json.dumps(encode_v1(document)))
        back = decode_payload(payload)
        assert back.problems == ()
        assert back.document == document
        assert encode_payload(back.document) == payload


def test_coco_captions_come_back_in_a_file_of_their_own():
    source = _load("captions_val")
    written = write_coco(_items(read_coco(source)))["annotations/captions.json"]
    assert _by_id(written["annotations"]) == _by_id(source["annotations"])


def test_used_categories_keep_their_ids_without_a_reference():
    source = _load("instances_val")
    written = write_coco(_items(read_coco(source)))["annotations/instances.json"]
    rows = {row["id"]: row for row in source["categories"]}
    assert len(written["categories"]) == 44
    assert all(rows[row["id"]] == row for row in written["categories"])


def test_import_names_annotations_the_same_every_time():
    first, second = (
        [encode_v1(doc) for _, doc in read_coco(_load("instances_val")).documents("image_1")] for _ in range(2)
    )
    assert first == second


def test_annotation_ids_are_ten_letters_or_digits_and_unique():
    documents = [doc for _, doc in read_coco(_load("person_keypoints_train")).documents("image_1")]
    ids = [a.id for doc in documents for m in doc.media for a in m.annotations]
    assert len(ids) == len(set(ids)) > 300
    assert all(len(i) == 10 and i.isalnum() and i.isascii() for i in ids)
