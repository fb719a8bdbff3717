"""Grouping does not depend on the order of the listing, and every file is accounted for exactly once."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import Location
from reconciler.model.address import Address
from reconciler.model.resource import AssetSet, FileSpecification, Head, Layout, Policy, Ref, SourceLocation
from reconciler.sources.assembly import Assembly, assemble
from reconciler.sources.classify import Classifier
from reconciler.sources.globs import compile_glob
from reconciler.sources.listing import Listing
from reconciler.sources.location import Place
from reconciler.sources.names import split_suffix
from reconciler.sources.selection import selections

_SPECIFICATIONS = (
    FileSpecification("image_1", "image", (".png", ".jpg"), required=True, primary=True),
    FileSpecification("label_1", "data", (".json",), required=True),
    FileSpecification("mask_1", "image", (".png",)),
    FileSpecification("frame_1", "image", (".tif",), sequential=True),
)
_FOLDERS = st.sampled_from(
    ["", "images/", "masks/", "labels/", "p1/", "p1/img/", "p1/mask/", "thumbs/", "é/", "e\u0301/"]
)
_STEMS = st.sampled_from(["1", "2", "10", "a.b", "A.b", "ü", "u\u0308", "scan", "mask"])
_SUFFIXES = st.sampled_from([".png", ".PNG", ".jpg", ".json", ".txt", ".tif", ".nii.gz", ""])
_FILES = st.dictionaries(
    st.tuples(_FOLDERS, st.builds(lambda stem, suffix: stem + suffix, _STEMS, _SUFFIXES)),
    st.integers(0, 3),
    max_size=25,
)
_RULES = st.fixed_dictionaries(
    {
        "layout": st.sampled_from(Layout),
        "case_sensitive": st.booleans(),
        "exclude": st.sampled_from([(), ("thumbs/**",), ("**/*.jpg", "labels/*")]),
    }
)


def _asset_set(layout: Layout, case_sensitive: bool, exclude: tuple[str, ...]) -> AssetSet:
    head = Head(Address("AssetSet", "s"), Location("a.yaml", 1, 1), Path("."), "local")
    return AssetSet(
        head=head, collection=Ref(Address("Collection", "c")), sources=(SourceLocation("data", exclude=exclude),),
        layout=layout, key_rule=None, case_sensitive=case_sensitive, files=(), metadata=(), meta={}, groups=(),
        incomplete=Policy.WARN, unmatched=Policy.WARN, duplicates=Policy.FAIL, max_file_size_bytes=None, prune=False,
        platform={},
    )  # fmt: skip


def _assemble(files: list[tuple[tuple[str, str], int]], asset_set: AssetSet, one_block: bool) -> Assembly:
    """Assemble a listing; the order of `files` is the order of folders and rows."""
    listing = Listing()
    if one_block:
        for (prefix, name), size in files:
            listing.add_folder(prefix, [f"{name}/{size}/1.1"], size)
    else:
        for prefix in dict.fromkeys(prefix for (prefix, _), _ in files):
            rows = [(name, size) for (folder, name), size in files if folder == prefix]
            listing.add_folder(prefix, [f"{name}/{size}/1.1" for name, size in rows], sum(size for _, size in rows))
    classifier = Classifier(asset_set, _SPECIFICATIONS, selections(asset_set))
    place = Place("data", "/nowhere/data")
    return assemble(asset_set, _SPECIFICATIONS, (), classifier, (place,), [listing], None, None)


@settings(deadline=None)
@given(files=_FILES, rules=_RULES, data=st.data())
def test_assembly_of_shuffled_listing_is_equal(files: dict, rules: dict, data: st.DataObject) -> None:  # type: ignore[type-arg]
    asset_set = _asset_set(**rules)
    order = data.draw(st.permutations(sorted(files.items())))
    one, other = _assemble(sorted(files.items()), asset_set, False), _assemble(order, asset_set, True)
    assert list(one.units()) == list(other.units())
    assert sorted(p.summary for p in one.problems) == sorted(p.summary for p in other.problems)


@settings(deadline=None)
@given(files=_FILES, rules=_RULES)
def test_every_file_is_accounted_for_exactly_once(files: dict, rules: dict) -> None:  # type: ignore[type-arg]
    assembly = _assemble(sorted(files.items()), _asset_set(**rules), False)
    account = assembly.account
    used = [(file.spec, file.path) for unit in assembly.units() for file in unit.files]
    assert account.scanned == len(files)
    assert account.scanned == account.used + sum(t.count for t in (*account.excluded, *account.unmatched))
    assert len({path for _, path in used}) == len(used) == account.used == assembly.file_count


@settings(deadline=None)
@given(files=_FILES, rules=_RULES)
def test_units_are_sorted_complete_and_unambiguous(files: dict, rules: dict) -> None:  # type: ignore[type-arg]
    units = list(_assemble(sorted(files.items()), _asset_set(**rules), False).units())
    assert [unit.key for unit in units] == sorted({unit.key for unit in units})
    for unit in units:
        specs = [file.spec for file in unit.files if file.spec != "frame_1"]
        assert len(set(specs)) == len(specs)
        assert {"image_1", "label_1"} <= set(specs)
        assert unit.key == unicodedata.normalize("NFC", unit.key)
        assert all(file.size_bytes for file in unit.files)


@given(st.text(min_size=1).filter(lambda name: "/" not in name))
def test_split_suffix_loses_nothing(name: str) -> None:
    stem, suffix = split_suffix(name)
    assert name[: len(stem)] == stem
    assert name[len(stem) :].lower() == suffix
    assert stem


@given(st.text(alphabet="ab.+()^$|\\-~&", min_size=1))
def test_glob_of_plain_text_matches_itself_only(text: str) -> None:
    assert compile_glob(text).fullmatch(text.removeprefix("./"))
    assert not compile_glob(text).fullmatch(text.removeprefix("./") + "a")
