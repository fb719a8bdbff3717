"""Suffixes, hidden names, natural order."""

from __future__ import annotations

import pytest

from reconciler.sources.names import hidden_rule, is_text, natural_key, nfc, split_suffix


@pytest.mark.parametrize(
    ("name", "expected", "reason"),
    [
        ("a.png", ("a", ".png"), "one suffix"),
        ("A.PNG", ("A", ".png"), "suffix is folded, stem is not"),
        ("x.nii.gz", ("x", ".nii.gz"), "compound"),
        ("x.TAR.GZ", ("x", ".tar.gz"), "compound in capitals"),
        ("site.1.subj.001.jpg", ("site.1.subj.001", ".jpg"), "dots in the stem stay"),
        ("a.b.ome.tiff", ("a.b", ".ome.tiff"), "compound after dots"),
        ("1. 자연_001.jpg", ("1. 자연_001", ".jpg"), "dot and space in the stem"),
        ("README", ("README", ""), "no suffix"),
        ("v1.gz", ("v1", ".gz"), "the outer part alone is no compound"),
        (".nii.gz", (".nii", ".gz"), "a stem is never empty"),
    ],
)
def test_split_suffix_of_names_gives_stem_and_suffix(name: str, expected: tuple[str, str], reason: str) -> None:
    assert split_suffix(name) == expected, reason


def test_split_suffix_with_own_compound_takes_it_whole() -> None:
    assert split_suffix("p1.seg.nii.gz", frozenset({".seg.nii.gz", ".nii.gz"})) == ("p1", ".seg.nii.gz")


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("._resource", "AppleDouble"),
        (".DS_Store", "hidden"),
        (".git", "hidden"),
        ("~$metadata.xlsx", "lock file"),
        ("Thumbs.db", "system"),
        ("desktop.ini", "system"),
        ("@eaDir", "system"),
        ("#recycle", "system"),
        ("__pycache__", "system"),
        ("image.png", None),
        ("~tilde.png", None),
    ],
)
def test_hidden_rule_of_system_files_names_the_rule(name: str, rule: str | None) -> None:
    assert hidden_rule(name) == rule


def test_natural_key_orders_numbers_by_value() -> None:
    assert sorted(["f10.png", "f2.png", "f1.png"], key=natural_key) == ["f1.png", "f2.png", "f10.png"]


def test_is_text_of_undecodable_bytes_is_false() -> None:
    assert not is_text(b"caf\xe9.png".decode("utf-8", "surrogateescape"))


def test_nfc_of_decomposed_text_composes() -> None:
    assert nfc("e\u0301") == "\u00e9"
