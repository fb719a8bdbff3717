"""The example of an exporter of one's own, run by name and by function; and what failures of such code cost."""

from __future__ import annotations

import json
import shutil
import sys
import tomllib
from pathlib import Path

import pytest

from reconciler.errors import ConfigError, ExitCode
from tests.support.workspace import make_bench

EXAMPLE = Path(__file__).parents[2] / "examples" / "custom-exporter"
FAILING = """
from pathlib import Path
from reconciler.exporting import Exporter, ItemResult

def convert(item, settings):
    if item.key in settings["bad"]:
        raise LookupError("no " + item.key)
    return ItemResult(item.key, part=len(item.read("image_1")))

EXPORTER = Exporter("1", convert, suffix=".txt")
"""


@pytest.fixture
def bench(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    made = make_bench(tmp_path)
    rows = [
        f"{key},bounding_box,{name},1,1,2,2" for key, name in (("a", "cat"), ("b", "dog"), ("b", "sky"), ("c", "cat"))
    ]
    (tmp_path / "drawn.csv").write_text("\n".join(["key,tool,class,x,y,w,h", *rows]) + "\n")
    made.set("AnnotationProject", "objects", title="Objects", collection="pics", category="image")
    annotations = {"format": "csv", "url": "drawn.csv", "specification": "image_1"}
    made.set("TaskSet", "tasks", project="objects", assets="pics-2026", annotations=annotations)
    return made


def export(bench, **options):
    fields = {"target": "task", "project": "objects", "destination": {"url": "out"}, "card": False}
    bench.set("Export", "out", format="custom", options=options, **fields)


def text(bench, path):
    return (bench.root / "out" / path).read_text()


def summary(bench):
    return json.loads(text(bench, "metadata/export_summary.json"))


def installed(tmp_path):
    """What installing the package leaves behind: its code, and an entry point."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    shutil.copytree(EXAMPLE / "class_lists", tmp_path / "site" / "class_lists")
    info = tmp_path / "site" / "class_lists-1.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = "".join(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in found.items())
        for group, found in project["entry-points"].items()
    )
    (info / "entry_points.txt").write_text(points)
    return str(tmp_path / "site")


@pytest.mark.parametrize("by_name", [True, False])
def test_example_writes_the_classes_of_each_item(bench, tmp_path, monkeypatch, by_name):
    if by_name:
        monkeypatch.syspath_prepend(installed(tmp_path))
        export(bench, exporter="class-lists", settings={"ignore": ["sky"]})
    else:
        export(bench, function="class_lists:EXPORTER", path=str(EXAMPLE), settings={"ignore": ["sky"]})
    assert bench.apply().exit_code is ExitCode.OK
    assert (text(bench, "annotations/b.txt"), text(bench, "classes.csv")) == ("dog\n", "class,items\ncat,2\ndog,1\n")
    assert summary(bench)["annotations"]["dropped"] == 1
    assert bench.plan().is_empty


def test_item_whose_code_fails_is_left_out_and_tried_again(bench):
    (bench.root / "code").mkdir()
    (bench.root / "code" / "failing_exporter.py").write_text(FAILING)
    export(bench, function="failing_exporter:EXPORTER", path="code", settings={"bad": ["b"]})
    report = bench.apply()
    assert report.exit_code is ExitCode.PARTLY_APPLIED
    shown = str(report)
    assert "LookupError: no b, in " in shown
    assert "failing_exporter.py:7" in shown
    assert (text(bench, "annotations/a.txt"), (bench.root / "out/annotations/b.txt").exists()) == ("a", False)
    assert summary(bench)["items"] == {"read": 3, "unreadable": 1, "written": 2}
    assert bench.plan().rows["Export/out"] == {"b": ("create", "not_remote")}
    export(bench, function="failing_exporter:EXPORTER", path="code", settings={"bad": []})
    assert bench.apply().exit_code is ExitCode.OK
    assert text(bench, "annotations/b.txt") == "b"


def test_code_that_is_not_there_is_an_error_of_the_plan(bench):
    for options, part in (
        ({"function": "nowhere_at_all:X"}, "cannot be imported: ModuleNotFoundError"),
        ({"function": "json:nothing"}, "cannot be imported: AttributeError"),
        ({"function": "json:JSONDecoder"}, "not an Exporter"),
        ({"function": "json:dumps", "path": "nowhere"}, "there is no such folder"),
        ({"exporter": "nobody"}, "no installed package has an exporter 'nobody'"),
    ):
        export(bench, **options)
        with pytest.raises(ConfigError, match=part):
            bench.plan()


def test_plain_function_writes_its_parts_as_lines(bench):
    source = (
        "from reconciler.exporting import ItemResult\ndef f(item, settings):\n    return ItemResult(part=item.key)\n"
    )
    (bench.root / "plain_exporter.py").write_text(source)
    export(bench, function="plain_exporter:f", path=".")
    assert bench.apply().exit_code is ExitCode.OK
    assert json.loads(text(bench, "items.jsonl").splitlines()[0]) == {"key": "a", "split": None, "value": "a"}


def test_table_is_imported_and_exported_alike(bench):
    fields = {"target": "task", "project": "objects", "destination": {"url": "out"}, "card": True}
    bench.set("Export", "out", format="csv", options={}, **fields)
    assert bench.apply().exit_code is ExitCode.OK
    rows = [line.split(",") for line in text(bench, "annotations.csv").splitlines()]
    at = rows[0].index("class")
    assert [(row[0], row[at]) for row in rows[1:]] == [("a", "cat"), ("b", "dog"), ("b", "sky"), ("c", "cat")]
    assert bench.plan().is_empty
