"""A plan says what hangs on what it replaces or deletes, and which units narrower specifications leave out."""

from __future__ import annotations

import pytest

from reconciler.engine.context import PlanOptions, Refresh
from reconciler.errors import ExitCode
from tests.support.workspace import COLLECTION, make_bench

IMAGE, LABEL = COLLECTION["fileSpecifications"]


@pytest.fixture
def bench(tmp_path):
    """Three units, of which a and b have tasks; a is annotated."""
    made = make_bench(tmp_path)
    made.set("AssetSet", "pics-2026", prune=True)
    made.set("AnnotationProject", "objects", title="Objects", collection="pics", category="image")
    assert made.apply().exit_code is ExitCode.OK
    units = made.owned()["AssetSet/pics-2026"]
    (project,) = made.pages("/v2/projects/")
    body = {"project": project["id"], "data_unit_ids": [int(units["a"]), int(units["b"])]}
    made.call("POST", "/v2/tasks/bulk-create/", json=body)
    (task,) = (t for t in made.pages("/v2/tasks/") if t["data_unit_id"] == int(units["a"]))
    path = f"/v2/tasks/{task['id']}/annotate-task-data/?schema=any"
    made.call("PUT", path, json={"action": "submit", "data": {"by": "hand"}})
    return made


def test_replaced_and_deleted_units_name_the_tasks_on_them(bench):
    (bench.root / "data/a.json").write_text("{}")
    for suffix in ("jpg", "json"):
        (bench.root / f"data/b.{suffix}").unlink()
    text = bench.plan().text
    assert "danger: 2 tasks and 1 assignment hang on the units that are replaced or deleted" in text


def test_units_without_tasks_are_in_no_danger(bench):
    (bench.root / "data/c.json").write_text("{}")
    assert "danger" not in bench.plan().text


def test_nothing_is_asked_without_a_refresh(bench):
    (bench.root / "data/a.json").write_text("{}")
    assert "danger" not in bench.plan(PlanOptions(refresh=Refresh.NONE)).text


def test_deleted_project_names_its_tasks(bench):
    bench.remove("AnnotationProject", "objects")
    assert "danger: 2 tasks and 1 assignment go with it" in bench.plan().text


def test_deleted_data_set_names_its_versions(bench):
    bench.set("GroundTruthDataset", "gold", versions=["v1", "v2"])
    bench.apply()
    bench.remove("GroundTruthDataset", "gold")
    assert "danger: 2 versions go with it" in bench.plan().text


@pytest.mark.parametrize(
    ("specifications", "sentence"),
    [
        (
            [{**IMAGE, "extensions": [".jpg"]}, LABEL],
            "'image_1' admits fewer extensions; 3 of 3 units have files there",
        ),
        ([IMAGE, {**LABEL, "type": "text"}], "'label_1' changes its type from data to text; 3 of 3 units have files"),
        (
            [IMAGE, LABEL, {"name": "mask_1", "type": "image", "required": True}],
            "'mask_1' becomes required; 3 of 3 units lack files there",
        ),
    ],
    ids=["extensions", "type", "required"],
)
def test_narrower_specification_counts_the_units_it_concerns(bench, specifications, sentence):
    bench.remove("AssetSet", "pics-2026")  # so that its own checks do not stop the plan
    bench.set("Collection", "pics", fileSpecifications=specifications)
    assert f"danger: specification {sentence}" in bench.plan().text


def test_removed_specification_counts_the_units_with_files_there(bench):
    bench.remove("AssetSet", "pics-2026")
    bench.set("Collection", "pics", fileSpecifications=[IMAGE])
    assert "danger: specification 'label_1' is removed; 3 of 3 units have files there" in bench.plan().text


def test_wider_specification_is_in_no_danger(bench):
    bench.set("Collection", "pics", fileSpecifications=[{**IMAGE, "extensions": [".jpg", ".png", ".gif"]}, LABEL])
    assert "danger" not in bench.plan().text
