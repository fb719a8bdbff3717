"""Splits by a list: from a file or from the document, checked, and kept up to date."""

from __future__ import annotations

import json

import pytest

from reconciler.engine.context import PlanOptions
from reconciler.engine.planning import make_plan
from reconciler.errors import ConfigError, ExitCode, Severity
from tests.support.workspace import Bench, make_bench

EXPORT = "Export/out"


@pytest.fixture
def bench(tmp_path):
    made = make_bench(tmp_path, ["a", "b", "c"])
    (tmp_path / "splits.csv").write_text("key,split\na,train\nb,val\nc,train\n")
    made.set("AnnotationProject", "p", title="P", collection="pics", category="image")
    made.set("TaskSet", "tasks", project="p", assets="pics-2026")
    splits = {"by": "list", "file": "splits.csv"}
    destination = {"url": "out"}
    made.set("Export", "out", target="task", project="p", format="coco", destination=destination, splits=splits)
    assert made.apply().exit_code is ExitCode.OK
    return made


def _pictures(bench: Bench) -> list[str]:
    root = bench.root / "out/images"
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.jpg"))


def _items(bench: Bench) -> dict:
    return json.loads((bench.root / "out/metadata/export_summary.json").read_text())["items"]


def test_list_says_where_items_go(bench):
    assert _pictures(bench) == ["train/a.jpg", "train/c.jpg", "val/b.jpg"]
    assert bench.plan().is_empty


def test_edited_list_moves_the_item_it_says_and_no_other(bench):
    (bench.root / "splits.csv").write_text("key,split\na,train\nb,val\nc,val\n")
    assert bench.plan().rows[EXPORT] == {"c": ("replace", "content_differs")}
    assert bench.apply().exit_code is ExitCode.OK
    assert _pictures(bench) == ["train/a.jpg", "val/b.jpg", "val/c.jpg"]


def test_same_list_in_the_document_changes_nothing(bench):
    bench.set("Export", "out", splits={"by": "list", "keys": {"train": ["a", "c"], "val": ["b"]}})
    assert bench.plan().is_empty


def test_keys_that_no_item_has_are_told_with_their_number(bench):
    (bench.root / "splits.csv").write_text("key,split\na,train\nb,val\nc,val\nx,val\ny,train\n")
    with bench.session() as session:
        plan = make_plan(session, PlanOptions(), bench.root / "test.plan")
        [problem] = plan.header.problems
        plan.close()
    assert problem.summary == "the list of splits names 2 keys that no item has"
    assert (problem.detail, problem.severity) == ("x, y", Severity.WARNING)


def test_item_that_the_list_lacks_is_in_no_split_and_counted(bench):
    (bench.root / "splits.csv").write_text("key\tsplit\na\ttrain\n")
    (bench.root / "splits.csv").rename(bench.root / "splits.tsv")
    bench.set("Export", "out", splits={"by": "list", "file": "splits.tsv"})
    assert bench.apply().exit_code is ExitCode.OK
    assert _pictures(bench) == ["b.jpg", "c.jpg", "train/a.jpg"]
    assert _items(bench)["without_split"] == 2


def test_list_with_a_fault_stops_before_anything_is_written(bench):
    (bench.root / "splits.csv").write_text("key,split\na,train\na,val\n")
    with pytest.raises(ConfigError, match="'train' and 'val'"):
        bench.plan()
    assert _pictures(bench) == ["train/a.jpg", "train/c.jpg", "val/b.jpg"]
