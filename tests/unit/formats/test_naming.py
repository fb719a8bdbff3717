"""File names of exports: safe, readable, and checked for collisions before anything is written."""

import pytest

from reconciler.errors import ConfigError
from reconciler.formats.items import ExportItem, MediaFile
from reconciler.formats.naming import check_collisions, safe_path, settle_paths, split_suffix

KEYS = [
    ("patient_001", "patient_001"),
    ("1. 자연/B82026Z", "1. 자연/B82026Z"),
    ("e\u0301", "\u00e9"),
    ("../../etc/passwd", None),
    ("/abs", "abs"),
    ("a//b", "a/b"),
    ("a\x00b", "a_b"),
    ("a:b?c*", "a_b_c_"),
    ("con", "_con"),
    ("nul.png", "_nul.png"),
    ("dot.", "dot_"),
]


@pytest.mark.parametrize(("key", "path"), KEYS)
def test_key_becomes_a_safe_path(key, path):
    found = safe_path(key)
    assert ".." not in found.split("/")
    assert path is None or found == path


@pytest.mark.parametrize("key", ["", ".", "..", "/", "../", "x" * 300, "한" * 200, "a/" * 3])
def test_hostile_key_stays_below_and_short(key):
    parts = safe_path(key).split("/")
    assert all(part not in ("", ".", "..") and len(part.encode()) <= 200 for part in parts)


def test_long_names_that_differ_at_the_end_stay_apart():
    assert safe_path("x" * 300 + "1") != safe_path("x" * 300 + "2")


SUFFIXES = [("a.nii.gz", ".nii.gz"), ("a.b.png", ".png"), (".hidden", ""), ("noext", ""), ("a.TAR.GZ", ".TAR.GZ")]


@pytest.mark.parametrize(("name", "suffix"), SUFFIXES)
def test_suffix_is_split_off(name, suffix):
    assert split_suffix(name)[1] == suffix


def _item(key, split=None):
    media = {
        "image_1": MediaFile("x.JPG", is_primary=True),
        "image_2": MediaFile("y.png"),
        "text_1": MediaFile("z.txt"),
    }
    return ExportItem(key, "1", None, media, split=split)


def test_files_go_to_folders_by_kind_and_specification():
    paths = settle_paths(_item("k"), True, annotation=".json")
    assert paths.originals == {
        "image_1": "images/k.JPG",
        "image_2": "images/image_2/k.png",
        "text_1": "files/text_1/k.txt",
    }
    assert paths.annotation == "annotations/k.json"


def test_split_is_a_folder():
    assert settle_paths(_item("k", "val"), ("image_1",), annotation=None).originals == {"image_1": "images/val/k.JPG"}


def test_key_with_its_suffix_is_not_given_another():
    assert settle_paths(_item("k.jpg"), ("image_1",), annotation=None).originals == {"image_1": "images/k.jpg"}


@pytest.mark.parametrize(("first", "second"), [("a:b", "a?b"), ("a", "a.JPG"), ("é", "e\u0301"), ("a.jpg", "a.jpg/b")])
def test_collision_names_both_items(first, second):
    with pytest.raises(ConfigError) as caught:
        check_collisions((key, settle_paths(_item(key), ("image_1",), annotation=None)) for key in (first, second))
    assert repr(first) in str(caught.value)
    assert repr(second) in str(caught.value)


def test_different_keys_do_not_collide():
    check_collisions((key, settle_paths(_item(key), True, annotation=".json")) for key in ("a", "b", "a/b", "A"))
