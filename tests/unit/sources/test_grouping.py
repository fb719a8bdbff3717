"""Files become units: layouts, mapping, keys, policies."""

from __future__ import annotations

import dataclasses
import os
import unicodedata
from typing import Any

import pytest

from reconciler.errors import Severity, SourceError
from reconciler.model.resource import FileRule, FileSpecification, KeyRule, Layout, Policy, SourceLocation
from reconciler.sources import Fault


def test_nested_layout_makes_a_unit_of_each_folder(ws: Any) -> None:
    ws.write_all("data/p1/image.png", "data/p1/label.json", "data/p2/image.jpg", "data/p2/label.json")
    units = ws.files(ws.assemble(layout=Layout.DIRECTORIES))
    assert units["p2"] == {"image_1": ["p2/image.jpg"], "label_1": ["p2/label.json"]}
    assert list(units) == ["p1", "p2"]


def test_typed_layout_joins_equal_stems_across_folders(ws: Any) -> None:
    ws.write_all("data/images/1.png", "data/labels/1.json", "data/dicoms/1.dcm")
    units = ws.files(ws.assemble((ws.image, ws.label, ws.dicom)))
    assert units == {
        "1": {"dicom_1": ["dicoms/1.dcm"], "image_1": ["images/1.png"], "label_1": ["labels/1.json"]},
    }


def test_flat_layout_joins_equal_stems(ws: Any) -> None:
    ws.write_all("data/site.1.png", "data/site.1.json")
    assert ws.files(ws.assemble()) == {"site.1": {"image_1": ["site.1.png"], "label_1": ["site.1.json"]}}


def test_deep_layout_tells_masks_from_images_by_folder(ws: Any) -> None:
    ws.write_all("data/p1/img/scan.png", "data/p1/json/label.json", "data/p1/mask/segmentation.png")
    units = ws.files(ws.assemble((ws.image, ws.label, ws.mask), layout=Layout.DIRECTORIES))
    assert units["p1"]["mask_1"] == ["p1/mask/segmentation.png"]
    assert units["p1"]["image_1"] == ["p1/img/scan.png"]


def test_nested_layout_tells_masks_from_images_by_file_name(ws: Any) -> None:
    ws.write_all("data/p1/image.png", "data/p1/label.json", "data/p1/mask.png")
    units = ws.files(ws.assemble((ws.image, ws.label, ws.mask), layout=Layout.DIRECTORIES))
    assert units["p1"]["mask_1"] == ["p1/mask.png"]


def test_mixed_sources_join_equal_stems_across_roots(ws: Any) -> None:
    ws.write_all("nas/images/1.png", "s3/labels/1.json", "tmp/masks/1.png")
    sources = tuple(
        SourceLocation(url, specification=name)
        for url, name in (("nas/images", "image_1"), ("s3/labels", "label_1"), ("tmp/masks", "mask_1"))
    )
    assembly = ws.assemble((ws.image, ws.label, ws.mask), sources=sources)
    assert [(f.spec, f.source, f.path) for u in assembly.units() for f in u.files] == [
        ("image_1", 0, "1.png"),
        ("label_1", 1, "1.json"),
        ("mask_1", 2, "1.png"),
    ]


def test_key_regex_of_the_batch_tool_groups_by_its_first_group(ws: Any) -> None:
    ws.write_all("data/a/p1/img/x.png", "data/a/p1/json/y.json")
    rules = (FileRule("**/img/*.png", "image_1"), FileRule("**/json/*.json", "label_1"))
    assembly = ws.assemble(key_rule=KeyRule("(.+?)/(?:img|json)/", "{group_key}"), files=rules)
    assert list(ws.files(assembly)) == ["a/p1"]


def test_key_template_with_named_groups_joins_them(ws: Any) -> None:
    ws.write_all("data/a_7.png", "data/a_7.json")
    assembly = ws.assemble(key_rule=KeyRule(r"(?P<site>\w)_(?P<n>\d+)", "{n}-{site}"))
    assert list(ws.files(assembly)) == ["7-a"]


def test_file_rules_win_over_folders_in_their_order(ws: Any) -> None:
    ws.write_all("data/images/1.png", "data/images/1.json", "data/images/1_x.png")
    rules = (FileRule("**/*_x.png", "mask_1"), FileRule("**/*.png", "image_1"))
    assembly = ws.assemble((ws.image, ws.label, ws.mask), files=rules, key_rule=KeyRule(r"(\d+)"))
    assert ws.files(assembly)["1"]["mask_1"] == ["images/1_x.png"]


def test_compound_suffix_pairs_with_plain_one(ws: Any) -> None:
    volume = FileSpecification("volume_1", "data", (".nii.gz",), required=True)
    ws.write_all("data/x.nii.gz", "data/x.json")
    assert ws.files(ws.assemble((volume, ws.label))) == {"x": {"label_1": ["x.json"], "volume_1": ["x.nii.gz"]}}


def test_same_stem_twice_is_ambiguous_and_names_both_paths(ws: Any) -> None:
    ws.write_all("data/a/1.png", "data/b/1.png", "data/1.json")
    (finding,) = [f for f in ws.assemble().findings if f.fault is Fault.AMBIGUOUS]
    assert (finding.key, finding.specification, finding.paths) == ("1", "image_1", ("a/1.png", "b/1.png"))
    assert "data/a/1.png" in finding.problem.detail
    assert "data/b/1.png" in finding.problem.detail
    assert finding.problem.severity is Severity.ERROR


def test_ambiguity_does_not_depend_on_modification_times(ws: Any) -> None:
    ws.write_all("data/a/1.png", "data/b/1.png", "data/1.json")
    os.utime(ws.root / "data/a/1.png", (1, 1))
    assert ws.assemble().unit_count == 0


def test_extension_of_two_specifications_without_folder_is_an_error_naming_both(ws: Any) -> None:
    ws.write_all("data/1.png", "data/1.json")
    (finding,) = [f for f in ws.assemble((ws.image, ws.label, ws.mask)).findings if f.fault is Fault.AMBIGUOUS]
    assert "fits image_1 and mask_1" in finding.problem.summary


def test_decomposed_name_joins_composed_one_and_keeps_its_path(ws: Any) -> None:
    composed, decomposed = "caf\u00e9", unicodedata.normalize("NFD", "caf\u00e9")
    ws.write_all(f"data/{composed}.png", f"data/{decomposed}.json")
    assert ws.files(ws.assemble()) == {
        composed: {"image_1": [f"{composed}.png"], "label_1": [f"{decomposed}.json"]},
    }


def test_letter_case_is_kept_apart_by_default(ws: Any) -> None:
    ws.write_all("data/IMG.png", "data/img.json")
    assert [f.key for f in ws.assemble().findings] == ["IMG", "img"]


def test_letter_case_is_folded_on_request(ws: Any) -> None:
    ws.write_all("data/IMG.png", "data/img.json")
    assert list(ws.files(ws.assemble(case_sensitive=False))) == ["img"]


def test_folded_keys_that_collide_are_ambiguous(ws: Any) -> None:
    ws.write_all("data/A.png", "data/a.png", "data/a.json")
    (finding,) = ws.assemble(case_sensitive=False).findings
    assert finding.paths == ("A.png", "a.png")


def test_sequential_specification_takes_files_in_natural_order(ws: Any) -> None:
    frames = FileSpecification("frame_1", "image", (".png",), required=True, sequential=True)
    ws.write_all("data/p/10.png", "data/p/2.png", "data/p/1.png")
    assert ws.files(ws.assemble((frames,), layout=Layout.DIRECTORIES))["p"]["frame_1"] == [
        "p/1.png",
        "p/2.png",
        "p/10.png",
    ]


def test_specification_without_extensions_takes_the_usual_ones_of_its_type(ws: Any) -> None:
    bare = dataclasses.replace(ws.image, extensions=())
    ws.write_all("data/1.webp", "data/1.txt")
    assembly = ws.assemble((bare,))
    assert ws.files(assembly) == {"1": {"image_1": ["1.webp"]}}
    assert [t.label for t in assembly.account.unmatched] == ["no specification takes .txt files"]


@pytest.mark.parametrize(
    ("policy", "severities"),
    [(Policy.FAIL, [Severity.ERROR]), (Policy.WARN, [Severity.WARNING]), (Policy.SKIP, [])],
)
def test_incomplete_unit_is_left_out_and_told_by_policy(ws: Any, policy: Policy, severities: list[Severity]) -> None:
    ws.write_all("data/1.png", "data/2.png", "data/2.json")
    assembly = ws.assemble(incomplete=policy)
    assert [p.severity for p in assembly.problems] == severities
    assert list(ws.files(assembly)) == ["2"]
    assert assembly.account.incomplete_units == 1


@pytest.mark.parametrize(
    ("policy", "severities"),
    [(Policy.FAIL, [Severity.ERROR]), (Policy.WARN, [Severity.WARNING]), (Policy.SKIP, [])],
)
def test_unmatched_files_are_told_by_policy(ws: Any, policy: Policy, severities: list[Severity]) -> None:
    ws.write_all("data/1.png", "data/1.json", "data/notes.txt", "data/more.txt")
    assembly = ws.assemble(unmatched=policy)
    assert [p.severity for p in assembly.problems] == severities
    assert [(t.label, t.count) for t in assembly.account.unmatched] == [("no specification takes .txt files", 2)]


def test_empty_required_file_makes_the_unit_incomplete(ws: Any) -> None:
    ws.write_all("data/1.png")
    ws.write("data/1.json", b"")
    assembly = ws.assemble()
    assert [(f.fault, f.specification) for f in assembly.findings] == [(Fault.EMPTY, "label_1")]
    assert assembly.unit_count == 0


def test_empty_optional_file_is_left_out_with_a_warning(ws: Any) -> None:
    ws.write_all("data/images/1.png", "data/1.json")
    ws.write("data/masks/1.png", b"")
    assembly = ws.assemble((ws.image, ws.label, ws.mask))
    assert [p.severity for p in assembly.problems] == [Severity.WARNING]
    assert "mask_1" not in ws.files(assembly)["1"]


def test_large_file_is_an_error_with_both_sizes(ws: Any) -> None:
    ws.write_all("data/1.json")
    ws.write("data/1.png", b"x" * 11)
    (problem,) = ws.assemble(max_file_size_bytes=10).problems
    assert "11 bytes" in problem.summary
    assert "10 bytes" in problem.detail


def test_file_of_a_unit_folder_layout_at_the_top_is_unmatched(ws: Any) -> None:
    ws.write_all("data/stray.png", "data/p/image.png", "data/p/label.json")
    (tally,) = ws.assemble(layout=Layout.DIRECTORIES).account.unmatched
    assert (tally.label, tally.samples) == ("lies at the top, while units are folders", ("data/stray.png",))


def test_source_with_specification_leaves_other_extensions_unmatched(ws: Any) -> None:
    ws.write_all("data/1.png", "data/notes.txt")
    assembly = ws.assemble((ws.image,), sources=(SourceLocation("data", specification="image_1"),))
    assert [t.label for t in assembly.account.unmatched] == ["image_1 takes no .txt files"]


def test_broken_json_in_a_left_out_unit_is_told_too(ws: Any) -> None:
    ws.write("data/1.json", '{"image": ')
    assert {f.fault for f in ws.assemble().findings} == {Fault.MISSING, Fault.NOT_JSON}


def test_broken_json_of_good_units_is_told_when_errors_stop_the_run(ws: Any) -> None:
    ws.write_all("data/1.png", "data/1.json", "data/2.png")
    ws.write("data/1.json", '{"image": ')
    assert [(f.fault, f.key) for f in ws.assemble().findings] == [(Fault.MISSING, "2"), (Fault.NOT_JSON, "1")]
    assert [f.fault for f in ws.assemble(incomplete=Policy.WARN).findings] == [Fault.MISSING]


def test_account_of_a_messy_folder_adds_up(ws: Any) -> None:
    ws.write_all(
        "data/1.png", "data/1.json", "data/2.png", "data/._1.png", "data/Thumbs.db", "data/x.txt", "data/skip/3.png",
        "data/.cache/a.png", "data/bad.tmp",
    )  # fmt: skip
    account = ws.assemble(
        sources=(SourceLocation("data", exclude=("**/skip/**", "*.tmp")),), incomplete=Policy.SKIP
    ).account
    assert (account.scanned, account.used) == (7, 2)
    assert {t.label: t.count for t in account.excluded} == {"AppleDouble": 1, "system": 1, "exclude '*.tmp'": 1}
    assert {t.label: t.count for t in account.not_searched} == {"hidden": 1, "exclude '**/skip/**'": 1}
    assert sum(t.count for t in account.unmatched) == 2


def test_units_carry_groups_and_constants(ws: Any) -> None:
    ws.write_all("data/1.png", "data/1.json")
    (unit,) = ws.assemble(groups=("batch-42",), meta={"site": "a"}).units()
    assert (unit.groups, dict(unit.meta), unit.files[0].checksum) == (("batch-42",), {"site": "a"}, None)


@pytest.mark.parametrize(
    ("changes", "part", "reason"),
    [
        ({"key_rule": KeyRule("(")}, "units.key cannot be used", "regex"),
        ({"key_rule": KeyRule("(a)", "{2}")}, "no group '2'", "template"),
        ({"key_rule": KeyRule("(a)", "fixed")}, "names no group", "constant template"),
        ({"files": (FileRule("*", "imgae_1"),)}, "did you mean 'image_1'?", "specification"),
        ({"sources": (SourceLocation("data", exclude=("{a",)),)}, "unbalanced", "glob"),
    ],
)
def test_rules_that_cannot_be_used_are_refused(ws: Any, changes: dict[str, Any], part: str, reason: str) -> None:
    ws.write_all("data/1.png")
    with pytest.raises(SourceError) as caught:
        ws.assemble(**changes)
    assert part in str(caught.value), reason
