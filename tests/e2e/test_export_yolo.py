"""YOLO from a folder to tasks and back to a folder, and kept up to date there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from reconciler.errors import ExitCode
from tests.support.workspace import Bench, make_bench

SAMPLE = Path(__file__).parents[1] / "data/yolo/yolov8_detection"
ROWS = (SAMPLE / "labels/train/1.txt").read_text()


@pytest.fixture
def bench(tmp_path):
    made = make_bench(tmp_path)
    source = tmp_path / "given"
    for key in "abc":
        for folder, name, suffix in (("images", "1.jpg", "jpg"), ("labels", "1.txt", "txt")):
            (source / folder).mkdir(parents=True, exist_ok=True)
            shutil.copy(SAMPLE / folder / "train" / name, source / folder / f"{key}.{suffix}")
    shutil.copy(SAMPLE / "data.yaml", source / "data.yaml")
    made.set("AnnotationProject", "objects", title="Objects", collection="pics", category="image")
    annotations = {"format": "yolo", "url": "given", "specification": "image_1"}
    made.set("TaskSet", "tasks", project="objects", assets="pics-2026", annotations=annotations)
    options = {"reference": "given/data.yaml"}
    to = {"url": "out"}
    made.set("Export", "out", target="task", project="objects", format="yolo", options=options, destination=to)
    assert made.apply().exit_code is ExitCode.OK
    assert made.plan().is_empty
    return made


def labels(bench: Bench) -> dict[str, tuple[str, int]]:
    """Name → text and inode of the label files."""
    return {p.name: (p.read_text(), p.stat().st_ino) for p in (bench.root / "out/labels").iterdir()}


def test_labels_come_back_as_they_were_given(bench):
    assert {name: text for name, (text, _) in labels(bench).items()} == dict.fromkeys(("a.txt", "b.txt", "c.txt"), ROWS)
    assert (bench.root / "out/classes.txt").read_text().split() == [f"label_{n}" for n in range(10)]
    counts = json.loads((bench.root / "out/metadata/export_summary.json").read_text())["annotations"]
    assert (counts["read"], counts["written"], counts["lossy"]) == (6, 6, 0)


def test_changed_annotation_rewrites_its_label_file_alone(bench):
    before = labels(bench)
    task = bench.owned()["TaskSet/tasks"]["b"]
    payload = {"annotations": {"image_1": []}, "annotationsData": {"image_1": []}}
    bench.call("PUT", f"/v2/tasks/{task}/annotate-task-data/?schema=any", json={"action": "submit", "data": payload})
    assert bench.apply().exit_code is ExitCode.OK
    after = labels(bench)
    assert after["b.txt"][0] == ""
    assert {name for name in after if after[name] != before[name]} == {"b.txt"}


def test_lost_label_file_is_drift_and_repaired(bench):
    (bench.root / "out/labels/a.txt").unlink()
    assert bench.plan().changes["Export/out"] == ("update", "changed_outside")
    assert bench.apply().exit_code is ExitCode.OK
    assert labels(bench)["a.txt"][0] == ROWS
    assert bench.plan().is_empty


def test_pictures_move_with_their_class(bench):
    bench.set(
        "Export", "folders", target="task", project="objects", format="imagefolder", destination={"url": "folders"}
    )
    tasks = bench.owned()["TaskSet/tasks"]
    for name in ("cat", "dog"):
        row = {"id": "c1", "tool": "classification", "classification": {"class": name}}
        payload = {"annotations": {"image_1": [row]}, "annotationsData": {"image_1": [{"id": "c1"}]}}
        where = f"/v2/tasks/{tasks['a']}/annotate-task-data/?schema=any"
        bench.call("PUT", where, json={"action": "submit", "data": payload})
        assert bench.apply().exit_code is ExitCode.OK
        found = [p.relative_to(bench.root / "folders").as_posix() for p in (bench.root / "folders").rglob("*.jpg")]
        assert found == [f"train/{name}/a.jpg"]
    assert bench.plan().is_empty
