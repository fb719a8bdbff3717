"""Fragments, splits, summaries and the choice of writers."""

import json

import pytest

from reconciler.errors import ConfigError
from reconciler.formats.coco_write import CocoOptions, CocoWriter
from reconciler.formats.items import ExportItem, Fragment, MediaFile, item_digest
from reconciler.formats.splits import assign_split
from reconciler.formats.synapse_json import SynapseJsonWriter
from reconciler.formats.writers import build_summary, left_out, open_writer, read_class_ids
from reconciler.model.json import digest
from reconciler.model.resource import Splits
from tests.support.exports import export_of


def _payload(name="car", x=1):
    row = {"id": "a", "type": "bbox", "data": [x, 1, 4, 4], "classification": name}
    return {"annotations": {"image_1": [row]}, "extra": {"image_1": {"width": 20, "height": 10}}}


def _item(key, split=None, **payload):
    return ExportItem(key, "1", _payload(**payload), {"image_1": MediaFile("a.png")}, split=split)


def _files(writer, items):
    fragments = [Fragment(i.key, i.split, writer.write_item(i).fragment) for i in items]
    return {f.path: b"".join(f.chunks) for f in writer.assemble(lambda: fragments)}


def test_assembly_is_the_same_every_time():
    items = [_item("a"), _item("b", name="bus")]
    assert _files(CocoWriter(), items) == _files(CocoWriter(), items)


def test_changed_item_changes_only_its_fragment():
    writer = CocoWriter()
    before, after = _item("a"), _item("a", x=2)
    assert item_digest(before, writer, digest(before.data)) != item_digest(after, writer, digest(after.data))
    again = _item("a")
    assert item_digest(before, writer, digest(before.data)) == item_digest(again, writer, digest(again.data))
    assert writer.write_item(before).fragment == writer.write_item(_item("a")).fragment


def test_splits_get_files_of_their_own_and_one_numbering():
    items = [_item("a", "train"), _item("b", "val"), _item("c", "train")]
    files = _files(CocoWriter(CocoOptions(has_splits=True)), items)
    assert list(files) == ["annotations/instances_train.json", "annotations/instances_val.json", "classes.json"]
    train, val = (json.loads(files[f"annotations/instances_{s}.json"]) for s in ("train", "val"))
    assert [i["file_name"] for i in train["images"]] == ["a.png", "c.png"]
    assert [(a["id"], a["image_id"]) for a in train["annotations"]] == [(1, 1), (3, 3)]
    assert [(a["id"], a["image_id"]) for a in val["annotations"]] == [(2, 2)]


def test_item_without_split_is_not_lost():
    files = _files(CocoWriter(CocoOptions(has_splits=True)), [_item("a", "1. 자연/b"), _item("c")])
    named, rest = (json.loads(files[f"annotations/instances{s}.json"]) for s in ("_1. 자연_b", ""))
    assert [i["file_name"] for i in named["images"]] == ["a.png"]
    assert [i["file_name"] for i in rest["images"]] == ["c.png"]


def test_export_without_items_is_an_empty_data_set():
    files = _files(CocoWriter(), [])
    assert json.loads(files["annotations/instances.json"]) == {"images": [], "annotations": [], "categories": []}


def test_text_of_any_kind_survives_the_fragment():
    name = 'tab\t quote" newline\n \u2028 자연'
    rows = json.loads(_files(CocoWriter(), [_item("a", name=name)])["annotations/instances.json"])["categories"]
    assert rows[0]["name"] == name


def test_synapse_json_is_the_payload_alone():
    output = SynapseJsonWriter().write_item(_item("x/1"))
    ((path, content),) = output.files.items()
    assert path == "annotations/x/1.json"
    assert json.loads(content) == _payload()
    assert output.account.written == 1


def test_synapse_json_of_a_text_payload_is_its_value():
    item = ExportItem("a", "1", json.dumps(_payload()), {})
    assert json.loads(SynapseJsonWriter().write_item(item).files["annotations/a.json"]) == _payload()


@pytest.mark.parametrize("name", ["coco", "csv", "jsonl", "synapse-json"])
def test_writer_is_found_by_format(name):
    writer = open_writer(export_of(format=name), classes=["car"])
    assert writer.format == name
    account = writer.account(writer.write_item(_item("a")).fragment)
    assert (account.read, account.written) == (1, 1)


def test_unknown_format_names_the_known_ones():
    with pytest.raises(ConfigError, match="coco, csv, cvat, imagefolder, jsonl, labelme, labelstudio, parquet"):
        open_writer(export_of(format="tfrecord"))


def test_declared_classes_win_over_the_project():
    files = _files(open_writer(export_of(classes=("bus", "car")), classes=["car", "bus"]), [_item("a")])
    assert read_class_ids(json.loads(files["classes.json"])) == {"bus": 1, "car": 2}


def test_reference_gives_categories_info_and_licenses():
    reference = {"info": {"year": 2017}, "categories": [{"id": 9, "name": "car", "supercategory": "vehicle"}]}
    files = _files(open_writer(export_of(), reference=reference), [_item("a")])
    written = json.loads(files["annotations/instances.json"])
    assert written["info"] == {"year": 2017}
    assert written["categories"] == reference["categories"]


def test_summary_adds_up():
    writer = CocoWriter()
    accounts = [writer.write_item(i).account for i in (_item("a"), _item("b", x=90))]
    summary = build_summary(export_of(), accounts, items={"read": 2})
    assert summary["annotations"] == {
        "read": 2, "written": 1, "clipped": 0, "lossy": 0, "dropped": 1, "failed": 0
    }  # fmt: skip
    assert summary["reasons"][0]["reason"] == "outside_media"
    assert summary["reasons"][0]["examples"] == [{"key": "b", "media": "image_1", "annotations": ["a"]}]


def test_ratio_split_is_stable_and_close_to_its_shares():
    splits = Splits({"train": 0.8, "val": 0.2}, seed=7)
    found = [assign_split(str(i), splits, None, {}) for i in range(5000)]
    assert found == [assign_split(str(i), splits, None, {}) for i in range(5000)]
    assert 0.78 < found.count("train") / 5000 < 0.82


SPLITS = [
    (None, None),
    (Splits(by="category"), "gold"),
    (Splits(by="meta.split"), "a"),
    (Splits(by="meta.none"), None),
    (Splits({"all": 1.0}), "all"),
]


@pytest.mark.parametrize(("splits", "wanted"), SPLITS)
def test_split_is_assigned_by_its_rule(splits, wanted):
    assert assign_split("k", splits, "gold", {"split": "a"}) == wanted


@pytest.mark.parametrize(
    ("dropped", "failed", "text"), [(0, 0, ""), (2, 1, "3 of 1,001 annotations left out")], ids=["none", "some"]
)
def test_left_out_counts_what_was_dropped_or_failed(dropped, failed, text):
    assert left_out({"annotations": {"read": 1001, "dropped": dropped, "failed": failed}}) == text
