"""Content rules from the document to the exit code: nothing is sent that a rule refuses."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from reconciler.engine.planning import plan_obstacle
from reconciler.errors import ExitCode, PolicyViolation
from reconciler.render.html import plan_html
from reconciler.render.markdown import plan_markdown
from reconciler.render.plan_json import plan_document
from reconciler.state.planfile import PlanFile
from tests.support.workspace import AGES, ASSETS, COLLECTION, Bench

SECRET = "AKIA" + "Q" * 16
VOC = "<annotation><object><name>WBC</name><bndbox><xmin>1</xmin></bndbox></object></annotation>"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    made.set("Collection", "pics", **COLLECTION)
    made.set("MetadataSource", "ages", **AGES)
    made.set("AssetSet", "all", **ASSETS)
    made.units(["a", "b", "c"])
    return made


def plan(bench: Bench) -> PlanFile:
    bench.plan()
    return PlanFile(bench.root / "test.plan")


def test_refused_plan_shows_what_would_be_done_and_why_not(bench: Bench) -> None:
    bench.set("AssetSet", "all", content={"type": "fail"})
    (bench.root / "data/b.jpg").write_bytes(b"%PDF-1.7 ")
    made = plan(bench)
    (problem,) = made.header.refused
    assert problem.summary == "image_1 of unit 'b' breaks content.type: pdf"
    assert made.header.totals.units.create == 3
    obstacle = plan_obstacle(made)
    assert obstacle is not None
    assert obstacle.exit_code is ExitCode.POLICY


def test_apply_of_refused_plan_sends_nothing(bench: Bench) -> None:
    bench.set("AssetSet", "all", content={"credentials": "fail"})
    (bench.root / "data/b.json").write_text(json.dumps({"note": SECRET}))
    with pytest.raises(PolicyViolation, match="AWS access key in line 1") as error:
        bench.apply()
    assert SECRET not in str(error.value)
    bench.set("AssetSet", "all", content={"credentials": {"allow": ["b.json"]}})
    assert bench.apply().exit_code is ExitCode.OK


def test_warning_is_shown_and_units_are_sent(bench: Bench) -> None:
    bench.set("AssetSet", "all", content={"type": "warn"})
    (bench.root / "data/b.jpg").write_bytes(b"%PDF-1.7 ")
    document = plan_document(plan(bench))
    assert [item["summary"] for item in document["reconciler"]["warnings"]] == [
        "image_1 of unit 'b' breaks content.type: pdf"
    ]
    assert document["applyable"]
    assert bench.apply().exit_code is ExitCode.OK


def test_refusal_is_in_every_form_of_the_plan(bench: Bench) -> None:
    bench.set("AssetSet", "all", content={"size": {"min": "1kB"}, "specifications": {"label_1": {"size": "off"}}})
    made = plan(bench)
    document = plan_document(made)
    assert (document["errored"], document["applyable"]) == (True, False)
    assert len(document["reconciler"]["refused"]) == 3
    assert "breaks content.size" in plan_markdown(made)
    assert "breaks content.size" in plan_html(made)


def test_rules_of_the_workspace_hold_for_every_set(bench: Bench) -> None:
    (bench.root / "reconciler.yaml").write_text(
        "apiVersion: reconciler.dev/v1\nkind: Workspace\nmetadata: {name: w}\n"
        "spec: {policies: {content: {executables: fail, type: fail}}}\n"
    )
    (bench.root / "data/b.jpg").write_bytes(b"\x7fELF\x02")
    assert [problem.summary.partition(" breaks ")[2] for problem in plan(bench).header.refused] == [
        "content.type: elf",
        "content.executables: a program (elf)",
    ]
    bench.set("AssetSet", "all", content={"executables": "warn", "type": "off"})
    assert plan(bench).header.refused == ()


def test_second_plan_reads_no_file_and_says_the_same(bench: Bench) -> None:
    bench.set("AssetSet", "all", content={"type": "fail", "credentials": "fail"})
    """Good bytes replace bad ones with size, time and inode kept: they would be seen if they were read."""
    path = bench.root / "data/b.jpg"
    path.write_bytes(b"%PDF-1.7 ")
    os.utime(path, ns=(1_000_000_001, 1_000_000_001))
    first = plan(bench).header.refused
    with path.open("r+b") as stream:
        stream.write(b"\xff\xd8\xff good")
    os.utime(path, ns=(1_000_000_001, 1_000_000_001))
    bench.set("AssetSet", "all", groups=["other"])  # so that the units are computed again
    assert plan(bench).header.refused == first != ()


def test_annotation_xml_and_labels_with_markup_pass_all_rules(bench: Bench) -> None:
    everything: dict[str, Any] = dict.fromkeys(("blank", "executables", "credentials", "identity", "type"), "fail")
    specifications = [*COLLECTION["fileSpecifications"], {"name": "voc_1", "type": "data", "extensions": [".xml"]}]
    bench.set("Collection", "pics", fileSpecifications=specifications)
    bench.set("AssetSet", "all", content=everything)
    (bench.root / "data/a.xml").write_text(VOC)
    (bench.root / "data/b.json").write_text(json.dumps({"text": "<iframe src=x onload=y>"}))
    assert plan(bench).header.refused == ()
    assert bench.apply().exit_code is ExitCode.OK
