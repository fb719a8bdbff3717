"""Files of a unit that fill numbered specifications in natural order."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import Severity, SourceError
from reconciler.model.resource import FileRule, FileSpecification, KeyRule, Layout, ManifestFile, SourceLocation
from reconciler.model.sequence import members
from reconciler.sources import Fault

_FRAMES = tuple(FileSpecification(f"frame_{n}", "image", (".png",), required=n < 3) for n in (1, 2, 3, 10))[:3]
_LABEL = FileSpecification("label_1", "data", (".json",))
_RULE = (FileRule("**/frames/*.png", "frame_{n}"),)
_LAYOUT: dict[str, Any] = {"layout": Layout.DIRECTORIES, "files": _RULE}


def _assemble(ws: Any, *names: str, specifications: Any = (*_FRAMES, _LABEL), **changes: Any) -> Any:
    ws.write_all(*(f"data/v1/frames/{name}" for name in names), "data/v1/label.json")
    return ws.assemble(specifications, **{**_LAYOUT, **changes})


def test_files_fill_the_specifications_in_natural_order(ws: Any) -> None:
    units = ws.files(_assemble(ws, "f10.png", "f9.png", "f11.png"))
    assert units["v1"] == {
        "frame_1": ["v1/frames/f9.png"],
        "frame_2": ["v1/frames/f10.png"],
        "frame_3": ["v1/frames/f11.png"],
        "label_1": ["v1/label.json"],
    }


def test_fewer_files_leave_the_last_specifications_empty(ws: Any) -> None:
    assembly = _assemble(ws, "1.png", "2.png")
    assert (list(ws.files(assembly)["v1"]), assembly.problems) == (["frame_1", "frame_2", "label_1"], ())


def test_fewer_files_than_required_specifications_are_told_for_each(ws: Any) -> None:
    findings = _assemble(ws, "1.png").findings
    assert [(f.fault, f.specification) for f in findings] == [(Fault.MISSING, "frame_2")]


def test_more_files_than_specifications_are_an_error_and_accounted_for(ws: Any) -> None:
    assembly = _assemble(ws, "1.png", "2.png", "3.png", "4.png", "5.png")
    (finding,) = assembly.findings
    assert finding.problem.summary == "5 files are for the 3 specifications frame_{n} of unit 'v1'"
    assert (finding.problem.severity, finding.paths) == (Severity.ERROR, ("v1/frames/4.png", "v1/frames/5.png"))
    assert (assembly.unit_count, sum(tally.count for tally in assembly.account.unmatched)) == (0, 6)


@pytest.mark.parametrize(
    ("names", "warned", "reason"),
    [
        (("1.png", "2.png", "4.png"), True, "one frame is missing"),
        (("0.png", "5.png", "10.png"), False, "every fifth frame"),
        (("a.mp4.png", "b.mp4.png", "c.png"), False, "names without numbers"),
        (("1.png", "x.png", "7.png"), False, "not all names have numbers"),
    ],
)
def test_gap_in_the_numbers_is_a_warning(ws: Any, names: Any, warned: bool, reason: str) -> None:
    assembly = _assemble(ws, *names)
    assert [f.fault for f in assembly.findings] == [Fault.SEQUENCE] * warned, reason
    assert assembly.unit_count == 1


def test_file_that_a_specification_of_the_sequence_does_not_take_is_unmatched(ws: Any) -> None:
    odd = FileSpecification("frame_4", "image", (".jpg",))
    assembly = _assemble(ws, "1.png", specifications=(*_FRAMES, odd, _LABEL))
    assert [tally.label for tally in assembly.account.unmatched][:1] == ["frame_4 takes no .png files"]


def test_too_large_file_beyond_the_sequence_is_told_as_well(ws: Any) -> None:
    ws.write("data/v1/frames/9.png", b"12345")
    faults = [f.fault for f in _assemble(ws, "1.png", "2.png", "3.png", max_file_size_bytes=3).findings]
    assert faults == [Fault.SEQUENCE, Fault.TOO_LARGE]


def test_sequences_of_several_rules_join_by_pattern(ws: Any) -> None:
    ws.write_all("data/v1/a/1.png", "data/v1/b/1.png", "data/v1/depth/1.png")
    depth = FileSpecification("depth_1", "image", (".png",))
    rules = (FileRule("*/a/*", "frame_{n}"), FileRule("*/b/*", "frame_{n}"), FileRule("*/depth/*", "depth_{n}"))
    units = ws.files(ws.assemble((*_FRAMES, depth), layout=Layout.DIRECTORIES, files=rules))
    assert units["v1"] == {"depth_1": ["v1/depth/1.png"], "frame_1": ["v1/a/1.png"], "frame_2": ["v1/b/1.png"]}


def test_rows_of_a_manifest_fill_a_sequence_in_their_order(ws: Any) -> None:
    names = ["frames/9.png", "frames/1.png"]
    ws.write_all(*names)
    ws.write("m.csv", "unit,path\n" + "".join(f"u,{name}\n" for name in names))
    sources = (SourceLocation("."), SourceLocation("/"))
    assembly = ws.assemble(_FRAMES, manifest=ManifestFile("m.csv"), sources=sources, files=_RULE)
    assert ws.files(assembly) == {"u": {"frame_1": ["frames/9.png"], "frame_2": ["frames/1.png"]}}


def test_sequence_without_its_first_specification_is_refused(ws: Any) -> None:
    ws.write_all("data/1.png")
    with pytest.raises(SourceError, match="no file specification is called 'shot_1'"):
        ws.assemble(_FRAMES, files=(FileRule("**", "shot_{n}"),))


def test_members_are_in_order_of_their_numbers_and_have_no_gap() -> None:
    names = ["frame_10", *(f"frame_{n}" for n in range(9, 0, -1)), "frame_01", "frame_x", "xframe_1"]
    assert members("frame_{n}", names) == [f"frame_{n}" for n in range(1, 11)]
    with pytest.raises(ValueError, match="there is no 'frame_2'"):
        members("frame_{n}", ["frame_1", "frame_3"])


def test_rules_and_regex_of_the_batch_tool_make_its_units(ws: Any) -> None:
    ws.write_all("data/site_a/p1/img/x.png", "data/site_a/p1/json/y.json", "data/site_b/p1/img/z.png")
    rules = (FileRule("**/img/*.png", "image_1"), FileRule("**/json/*.json", "label_1"))
    key = KeyRule("(.+?)/(?:img|json)/", "{group_key}")
    units = ws.files(ws.assemble((ws.image, _LABEL), key_rule=key, files=rules))
    assert units == {
        "site_a/p1": {"image_1": ["site_a/p1/img/x.png"], "label_1": ["site_a/p1/json/y.json"]},
        "site_b/p1": {"image_1": ["site_b/p1/img/z.png"]},
    }
