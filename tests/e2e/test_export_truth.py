"""Exports of ground truth: a version that never changes, joined with its units, split by its own categories."""

from __future__ import annotations

import json

import pytest

from reconciler.errors import ExitCode, Invalid
from tests.support.workspace import make_bench

GOLD = "Export/gold"
BOX = {"id": "b", "tool": "bounding_box", "classification": {"class": "cat"}}
PAYLOAD = {
    "annotations": {"image_1": [BOX]},
    "annotationsData": {"image_1": [{"id": "b", "coordinate": {"x": 1, "y": 2, "width": 3, "height": 4}}]},
    "extra": {"image_1": {"width": 20, "height": 10}},
}


@pytest.fixture
def bench(tmp_path):
    """Three annotated tasks; a and b are ground truth for training, c for a test; no version yet."""
    made = make_bench(tmp_path)
    made.set("AnnotationProject", "objects", title="Objects", collection="pics", category="image")
    made.set("TaskSet", "tasks", project="objects", assets="pics-2026")
    made.set("GroundTruthDataset", "gold", title="Gold", project="objects", versions=[])
    assert made.apply().exit_code is ExitCode.OK
    tasks = made.owned()["TaskSet/tasks"]
    for task in tasks.values():
        body = {"action": "submit", "data": PAYLOAD}
        made.call("PUT", f"/v2/tasks/{task}/annotate-task-data/?schema=any", json=body)
    record(made, "train", "a", "b")
    record(made, "test", "c")
    made.set("GroundTruthDataset", "gold", versions=["v1"])
    truth = {"dataset": "gold", "version": "v1"}
    made.set("Export", "gold", target="ground_truth", groundTruth=truth, format="coco", destination={"url": "out"})
    return made


def record(bench, category, *keys):
    [dataset] = bench.pages("/v2/ground-truth-datasets/")
    tasks = bench.owned()["TaskSet/tasks"]
    body = {"ground_truth_dataset": dataset["id"], "tasks": [int(tasks[k]) for k in keys], "category": category}
    bench.call("POST", "/embedded/ground-truths/", json=body)


def names(bench, path):
    return [image["file_name"] for image in json.loads((bench.root / "out/annotations" / path).read_text())["images"]]


def test_plan_before_the_version_exists_waits_for_it(bench):
    planned = bench.plan()
    assert planned.changes["GroundTruthDataset/gold"] == ("update", "fields_differ")
    assert planned.changes[GOLD][0] == "create"
    assert "Export/gold will be created; its items are settled while applying" in planned.text


def test_version_is_exported_with_units_and_files(bench):
    assert bench.apply().exit_code is ExitCode.OK
    assert names(bench, "instances.json") == ["a.jpg", "b.jpg", "c.jpg"]
    assert (bench.root / "out/images/c.jpg").read_bytes() == (bench.root / "data/c.jpg").read_bytes()
    assert bench.plan().is_empty


def test_ground_truth_that_came_later_is_not_in_the_version(bench):
    bench.apply()
    [dataset] = bench.pages("/v2/ground-truth-datasets/")
    task = bench.owned()["TaskSet/tasks"]["a"]
    bench.call("PUT", f"/v2/tasks/{task}/annotate-task-data/?schema=any", json={"action": "submit", "data": {}})
    record(bench, "validation", "a")
    bench.call("POST", f"/v2/ground-truth-datasets/{dataset['id']}/versions/", json={"version": "v2"})
    assert bench.plan().changes[GOLD] == ("no-op", "unchanged")


def test_splits_by_category_and_by_metadata_are_folders_as_given(bench):
    bench.set("Export", "gold", splits={"by": "category"})
    assert bench.apply().exit_code is ExitCode.OK
    assert names(bench, "instances_train.json") == ["a.jpg", "b.jpg"]
    assert (bench.root / "out/images/test/c.jpg").is_file()
    bench.set("MetadataSource", "kind", constant={"category": "1. 자연"})
    bench.set("AssetSet", "pics-2026", metadata=["ages", "kind"])
    bench.set("Export", "gold", splits={"by": "meta.category"})
    assert bench.apply().exit_code is ExitCode.OK
    assert (bench.root / "out/images/1. 자연/a.jpg").is_file()


def test_dataset_given_by_id_needs_no_document(bench):
    bench.apply()
    [dataset] = bench.pages("/v2/ground-truth-datasets/")
    truth = {"dataset": {"id": dataset["id"]}, "version": "v1"}
    bench.set(
        "Export", "raw", target="ground_truth", groundTruth=truth, format="synapse-json", destination={"url": "r"}
    )
    assert bench.apply().exit_code is ExitCode.OK
    assert json.loads((bench.root / "r/annotations/a.json").read_text()) == PAYLOAD


def test_version_that_nobody_made_is_an_error_that_names_those_there_are(bench):
    bench.apply()
    [dataset] = bench.pages("/v2/ground-truth-datasets/")
    bench.set("Export", "gold", groundTruth={"dataset": {"id": dataset["id"]}, "version": "v9"})
    with pytest.raises(Invalid, match="no version 'v9'") as error:
        bench.plan()
    assert "v1" in error.value.fix


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"category": "test"}, ["c.jpg"]),
        ({"category": ["test", "validation"]}, ["c.jpg"]),
        ({"category": ["test", "train"]}, ["a.jpg", "b.jpg", "c.jpg"]),
        ({"classes": ["cat", "dog"]}, ["a.jpg", "b.jpg", "c.jpg"]),
        ({"classes": "dog"}, []),
    ],
)
def test_ground_truth_filters_are_the_backends(bench, wanted, expected):
    bench.set("Export", "gold", filter=wanted)
    assert bench.apply().exit_code is ExitCode.OK
    assert names(bench, "instances.json") == expected


@pytest.mark.parametrize(("name", "expected"), [("ids", ["b.jpg"]), ("exclude_ids", ["a.jpg", "c.jpg"])])
def test_ground_truth_is_chosen_by_the_ids_of_events(bench, name, expected):
    bench.apply()
    events = sorted(row["pgh_id"] for row in bench.pages("/v2/ground-truth-events/"))
    bench.set("Export", "gold", filter={name: [events[1]]})
    assert bench.apply().exit_code is ExitCode.OK
    assert names(bench, "instances.json") == expected
