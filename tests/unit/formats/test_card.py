"""Data cards: what they say, and that nothing in a name breaks them."""

from __future__ import annotations

import json

import pytest

from reconciler.formats.card import Facts, about_collection, build_card, build_croissant
from tests.support.exports import export_of

SUMMARY = {
    "items": {"read": 3, "written": 3},
    "annotations": {"read": 7, "written": 5, "clipped": 1, "lossy": 0, "dropped": 2, "failed": 0},
    "reasons": [{"outcome": "dropped", "reason": "no_class", "count": 2, "examples": []}],
    "provenance": {"configuration": "abc123"},
}


def card(**facts) -> str:
    return build_card(Facts(export_of(**facts.pop("export", {})), SUMMARY, "Cats", **facts)).decode()


def test_card_counts_annotations() -> None:
    assert "| Annotations | 5 written, 2 left out of 7 |" in card()


def test_card_says_what_was_left_out() -> None:
    assert "| dropped | no class | 2 |" in card()


def test_card_has_a_column_for_every_split() -> None:
    text = card(classes={"train": {"cat": 1_200}, "val": {"dog": 3}})
    assert "| Class | train | val |" in text
    assert "| cat | 1,200 | 0 |" in text


def test_card_without_splits_has_one_column() -> None:
    assert "| Class | Objects |" in card(classes={"": {"cat": 1}})


@pytest.mark.parametrize("name", ["a|b", "a\nb", "<script>", "`x`"])
def test_card_keeps_its_table_under_any_class_name(name: str) -> None:
    rows = [line for line in card(classes={"": {name: 1}}).splitlines() if line.endswith("| 1 |")]
    assert len(rows) == 1
    assert "<" not in rows[0]


def test_card_shows_every_sheet() -> None:
    assert "](metadata/contact_sheet_val.png)" in card(sheets=("metadata/contact_sheet_val.png",))


def test_card_says_why_no_sheet_was_drawn() -> None:
    assert "No contact sheet was drawn: no pictures." in card(unsheeted="no pictures")


READINGS = [
    ({"format": "yolo"}, "yolo detect train data=data.yaml", "images/**"),
    ({"format": "yolo", "options": {"task": "classify"}}, "yolo classify train data=.", "*/*/**"),
    ({"format": "imagefolder"}, "ImageFolder('train')", "*/*/**"),
    ({"format": "yolo", "options": {"layout": "legacy"}}, None, "obj_*_data/**"),
]


@pytest.mark.parametrize(("export", "line", "places"), READINGS)
def test_card_says_how_yolo_is_read_and_where_pictures_are(export, line, places) -> None:
    names = ("classes.txt", "obj.names" if line is None else "data.yaml")
    shared = dict.fromkeys(names, (1, "ff" * 32))
    text = card(export=export, shared=shared)
    assert (line in text) if line else ("Reading it" not in text)
    facts = Facts(export_of(**export), SUMMARY, "Cats", shared=shared)
    assert json.loads(build_croissant(facts))["distribution"][-1]["includes"] == places


def test_croissant_lists_shared_files_with_their_checksums() -> None:
    facts = Facts(export_of(), SUMMARY, "Cats", shared={"annotations/instances.json": (12, "ff" * 32)})
    (file, pictures) = json.loads(build_croissant(facts))["distribution"]
    assert (file["contentUrl"], file["sha256"]) == ("../annotations/instances.json", "ff" * 32)
    assert pictures["@type"] == "cr:FileSet"


def test_metadata_of_the_collection_is_in_card_and_croissant() -> None:
    meta = {"licence": "CC-BY-4.0", "owner": "Radiology | A", "version": 2, "site": "x", "url": ["no text"]}
    about = about_collection(meta)
    assert about == {"license": "CC-BY-4.0", "owner": "Radiology | A", "version": "2"}
    text = card(about=about)
    assert "| License | CC-BY-4.0 |" in text
    assert "| Owner | Radiology \\| A |" in text
    document = json.loads(build_croissant(Facts(export_of(), SUMMARY, "Cats", about=about)))
    assert (document["license"], document["version"]) == ("CC-BY-4.0", "2")
    assert document["creator"]["name"] == "Radiology | A"


def test_card_names_what_the_data_was_made_from() -> None:
    source = {"backend": "lab", "url": "https://lab.example.org", "project": "7"}
    provenance = {"commit": "c0ffee", "uncommitted": True, "source": source, "checksums": "metadata/x.json"}
    text = build_card(Facts(export_of(), {**SUMMARY, "provenance": provenance}, "Cats")).decode()
    assert "| commit | `c0ffee and changes that were not committed` |" in text
    assert "| source project | `7` |" in text
