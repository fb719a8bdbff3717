"""Files of labelling tools in, tasks, files of labelling tools out."""

from __future__ import annotations

import json

import pytest

from reconciler.errors import ExitCode, ReconcilerError
from tests.support.workspace import make_bench

SIZE = {"original_width": 20, "original_height": 10}
PLACE = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0}


@pytest.fixture
def bench(tmp_path):
    made = make_bench(tmp_path)
    made.set("AnnotationProject", "objects", title="Objects", collection="pics", category="image")
    (made.root / "source").mkdir()
    return made


def _exchange(bench, format):
    annotations = {"format": format, "url": "source", "specification": "image_1"}
    bench.set("TaskSet", "tasks", project="objects", assets="pics-2026", annotations=annotations)
    bench.set("Export", "out", target="task", project="objects", format=format, destination={"url": "out"})
    assert bench.apply().exit_code is ExitCode.OK
    assert bench.plan().is_empty


def _labelme(key):
    shape = {"label": "cat", "points": [[1.0, 2.0], [4.0, 2.0], [2.0, 7.5]], "group_id": 0, "description": ""}
    shape |= {"shape_type": "polygon", "flags": {"tame": True}, "mask": None}
    head = {"version": "5.5.0", "flags": {}, "shapes": [shape], "imagePath": f"{key}.jpg", "imageData": None}
    return {**head, "imageHeight": 10, "imageWidth": 20}


def _write_labelme(bench, *keys):
    for key in keys:
        (bench.root / f"source/{key}.json").write_text(json.dumps(_labelme(key)))


def _published(bench, name):
    return json.loads((bench.root / "out" / name).read_text())


def test_labelme_goes_in_and_comes_out_beside_its_pictures(bench):
    _write_labelme(bench, "a", "b")
    _exchange(bench, "labelme")
    for key in "ab":
        assert _published(bench, f"images/{key}.json") == _labelme(key)
    assert (bench.root / "out/images/a.jpg").read_bytes() == (bench.root / "data/a.jpg").read_bytes()
    assert (bench.root / "out/labels.txt").read_text() == "cat\n"


def test_tasks_of_label_studio_go_in_and_come_out_with_a_configuration(bench):
    row = {"id": "x", "type": "rectanglelabels", "from_name": "l", "to_name": "image", **SIZE}
    row["value"] = {**PLACE, "rectanglelabels": ["cat"]}
    task = {"id": 5, "data": {"image": "/data/upload/1/01234567-a.jpg"}, "annotations": [{"id": 1, "result": [row]}]}
    (bench.root / "source/export.json").write_text(json.dumps([task]))
    _exchange(bench, "labelstudio")
    tasks = _published(bench, "tasks.json")
    assert [(t["id"], t["data"]["image"]) for t in tasks] == [
        (5, "images/a.jpg"),
        (1, "images/b.jpg"),
        (2, "images/c.jpg"),
    ]
    assert tasks[0]["annotations"] == task["annotations"]
    assert '<RectangleLabels name="l" toName="image">' in (bench.root / "out/config.xml").read_text()


def test_account_of_an_export_counts_every_annotation(bench):
    _write_labelme(bench, "a", "b")
    _exchange(bench, "labelme")
    counts = _published(bench, "metadata/export_summary.json")["annotations"]
    assert (counts["read"], counts["written"]) == (2, 2)


def test_annotations_of_other_pictures_are_an_error(bench):
    _write_labelme(bench, "x", "y")
    annotations = {"format": "labelme", "url": "source", "specification": "image_1"}
    bench.set("TaskSet", "tasks", project="objects", assets="pics-2026", annotations=annotations)
    with pytest.raises(ReconcilerError, match="none of 2 annotated files belongs to a unit"):
        bench.apply()


def test_annotations_of_another_format_are_an_error(bench):
    _write_labelme(bench, "a")
    annotations = {"format": "cvat", "url": "source", "specification": "image_1"}
    bench.set("TaskSet", "tasks", project="objects", assets="pics-2026", annotations=annotations)
    with pytest.raises(ReconcilerError, match="holds no annotations of the format cvat"):
        bench.plan()
