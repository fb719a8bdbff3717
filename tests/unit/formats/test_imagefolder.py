"""ImageFolder: which class counts, where pictures go, and reading it back."""

import json

import pytest

from reconciler.errors import ConfigError
from reconciler.formats.items import ExportItem, MediaFile
from reconciler.formats.naming import check_collisions
from reconciler.formats.writers import open_writer
from tests.support.exports import export_of
from tests.support.memory_datasets import MemoryDataset, read_dataset, write_dataset


def _item(*classes, key="a", split=None, tool="classification", **media):
    rows = [{"id": f"c{n}", "tool": tool, "classification": {"class": c}} for n, c in enumerate(classes)]
    files = {"image_1": MediaFile("a.png", is_primary=True), **media}
    return ExportItem(key, "1", {"annotations": {"image_1": rows}}, files, split=split)


def _writer(**more):
    return open_writer(export_of(format="imagefolder", **more))


def _losses(item, **more):
    _, (account,) = write_dataset(_writer(**more), [item])
    assert account.read == account.written + account.dropped
    return {(e.outcome.value, e.reason.value, e.annotations) for e in account.entries}


PLACES = [
    (_item("cat"), {}, "train/cat/a.png", "without splits everything is for training"),
    (_item("cat", split="val"), {"splits": object()}, "val/cat/a.png", "a folder per split"),
    (_item("cat"), {"splits": object()}, "unassigned/cat/a.png", "never beside the splits"),
    (_item("cat", "dog"), {}, "train/cat/a.png", "the first class counts"),
    (_item("1. 자연", key="x/b"), {}, "train/1. 자연/x/b.png", "names as they are"),
    (_item("a/b"), {}, "train/a_b~c14cddc0/a.png", "a name that is no folder gets a piece of its hash"),
    (_item(), {"options": {"unclassified": "none"}}, "train/none/a.png", "a folder for the rest"),
]


@pytest.mark.parametrize(("item", "more", "path", "reason"), PLACES)
def test_picture_goes_to_the_folder_of_its_class(item, more, path, reason):
    assert _writer(**more).paths(item).originals["image_1"] == path, reason


def test_link_between_annotations_is_counted_once():
    found = _losses(_item("cat", tool="relation"))
    assert {loss for loss in found if loss[0] == "dropped"} == {
        ("dropped", "malformed", ("c0",)),
        ("dropped", "no_class", ()),
    }


def test_picture_without_a_class_is_left_out_and_accounted():
    assert _writer().paths(_item()).originals == {}
    assert _losses(_item()) == {("dropped", "no_class", ())}


def test_picture_of_an_item_without_payload_is_left_out():
    assert _writer().paths(ExportItem("a", "1", None, _item().media)).originals == {}


def test_pictures_that_would_share_a_path_are_refused():
    items = [_item("cat", key="a?"), _item("cat", key="a_")]
    with pytest.raises(ConfigError, match="would both be written"):
        check_collisions((item.key, _writer().paths(item)) for item in items)


def test_second_class_is_accounted():
    assert _losses(_item("cat", "dog", "cat")) == {("dropped", "second_class", ("c1",))}


def test_hostile_class_stays_inside():
    path = _writer().paths(_item("../../x")).originals["image_1"]
    assert ".." not in path.split("/")


def test_other_files_never_lie_among_the_classes():
    paths = _writer().paths(_item("cat", image_2=MediaFile("b.png"), text_1=MediaFile("c.txt"))).originals
    assert paths["image_2"] == "files/image_2/a.png"
    assert paths["text_1"] == "files/text_1/a.txt"


def test_classified_picture_is_copied_even_without_originals():
    assert _writer(originals=False).paths(_item("cat")).originals == {"image_1": "train/cat/a.png"}


def test_lists_number_classes_as_loaders_do():
    files, _ = write_dataset(_writer(), [_item("dog"), _item("cat", key="b")])
    assert files["classes.txt"] == "cat\ndog\n"
    assert [(r["id"], r["name"]) for r in json.loads(files["classes.json"])] == [(0, "cat"), (1, "dog")]


def test_class_comes_back_from_our_folders():
    items = [_item("a/b"), _item("val", key="b")]
    files, _ = write_dataset(_writer(), items)
    pictures = {path: b"" for item in items for path in _writer().paths(item).originals.values()}
    read = read_dataset(MemoryDataset({**files, **pictures}), "imagefolder")
    assert sorted(a.class_name for a in read.annotations) == ["a/b", "val"]


FOLDERS = [
    ("cat/a.jpg", "cat", "a folder per class"),
    ("train/cat/a.JPEG", "cat", "below a split"),
    ("train/cat/deep/a.png", "cat", "the upper folder counts"),
    ("a.jpg", None, "no folder, no class"),
    ("train/a.jpg", None, "a split is no class"),
    ("cat/notes.txt", None, "no picture"),
]


@pytest.mark.parametrize(("path", "name", "reason"), FOLDERS)
def test_class_is_the_folder(path, name, reason):
    read = read_dataset(MemoryDataset({path: b""}), "imagefolder")
    assert [a.class_name for a in read.annotations] == ([name] if name else []), reason


def test_folder_that_the_list_does_not_have_is_a_problem():
    files = {"classes.txt": "cat\n", "cat/a.jpg": b"", "dog/b.jpg": b"", "dog/c.jpg": b""}
    read = read_dataset(MemoryDataset(files), "imagefolder")
    assert [a.class_name for a in read.annotations] == ["cat"]
    assert len(read.problems) == 1


@pytest.mark.parametrize("folder", ["images", "JPEGImages", "train/images"])
def test_folders_of_pictures_are_no_classes(folder):
    read = read_dataset(MemoryDataset({f"{folder}/a.png": b""}), "imagefolder")
    assert (read.annotations, read.problems) == ([], [])
