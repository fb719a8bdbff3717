"""Exports kept up to date: incremental, repaired, atomic, ended."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from reconciler.engine.context import PlanOptions, Refresh
from reconciler.errors import ConfigError, ExitCode
from reconciler.model.address import parse_address
from tests.support.workspace import Bench, make_bench

EXPORT = "Export/out"


def _coco(keys):
    images = [{"id": n, "file_name": f"{key}.jpg", "width": 20, "height": 10} for n, key in enumerate(keys, 1)]
    boxes = [
        {"id": n, "image_id": n, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0}
        for n in range(1, len(keys) + 1)
    ]
    return {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "cat"}]}


@pytest.fixture
def bench(tmp_path):
    made = make_bench(tmp_path)
    (tmp_path / "coco.json").write_text(json.dumps(_coco(["a", "b", "c"])))
    made.set("AnnotationProject", "objects", title="Objects", collection="pics", category="image")
    annotations = {"format": "coco", "url": "coco.json", "specification": "image_1"}
    made.set("TaskSet", "tasks", project="objects", assets="pics-2026", annotations=annotations)
    made.set("Export", "out", target="task", project="objects", format="coco", destination={"url": "out"})
    assert made.apply().exit_code is ExitCode.OK
    assert made.plan().is_empty
    return made


def files(bench: Bench) -> dict[str, tuple[int, int]]:
    """Path → (inode, mtime) of what was published."""
    out = bench.root / "out"
    found = (path for path in out.rglob("*") if path.is_file())
    return {path.relative_to(out).as_posix(): (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def instances(bench: Bench) -> dict:
    return json.loads((bench.root / "out/annotations/instances.json").read_text())


def annotate(bench: Bench, key: str, payload: object) -> None:
    task = bench.owned()["TaskSet/tasks"][key]
    bench.call("PUT", f"/v2/tasks/{task}/annotate-task-data/?schema=any", json={"action": "submit", "data": payload})


def test_export_equals_what_was_imported(bench):
    out = instances(bench)
    assert [image["file_name"] for image in out["images"]] == ["a.jpg", "b.jpg", "c.jpg"]
    assert [box["bbox"] for box in out["annotations"]] == [[1, 2, 3, 4]] * 3
    assert (bench.root / "out/images/a.jpg").read_bytes() == (bench.root / "data/a.jpg").read_bytes()


def test_changed_annotation_rewrites_only_what_it_is_in(bench):
    before = files(bench)
    annotate(bench, "b", {"annotations": {"image_1": []}, "annotationsData": {"image_1": []}})
    planned = bench.plan()
    assert planned.rows[EXPORT] == {"b": ("replace", "content_differs")}
    assert bench.apply().exit_code is ExitCode.OK
    after = files(bench)
    assert {path for path in after if path.startswith("images/") and after[path] != before[path]} == set()
    assert len(instances(bench)["annotations"]) == 2
    assert bench.plan().changes[EXPORT] == ("no-op", "unchanged")


def test_item_gone_is_removed(bench):
    bench.set("AssetSet", "pics-2026", prune=True)
    for suffix in ("jpg", "json"):
        (bench.root / f"data/c.{suffix}").unlink()
    assert bench.plan().changes[EXPORT] == ("update", "upstream_changes")
    assert bench.apply().exit_code is ExitCode.OK
    assert "images/c.jpg" not in files(bench)
    assert bench.plan().is_empty


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"altered")], ids=["removed", "altered"])
def test_damaged_destination_is_drift_and_repaired(bench, damage):
    before = files(bench)
    damage(bench.root / "out/images/a.jpg")
    planned = bench.plan()
    assert planned.changes[EXPORT] == ("update", "changed_outside")
    assert "images/a.jpg" in planned.text
    assert bench.apply().exit_code is ExitCode.OK
    assert (bench.root / "out/images/a.jpg").read_bytes() == (bench.root / "data/a.jpg").read_bytes()
    assert files(bench)["images/b.jpg"] == before["images/b.jpg"]
    assert bench.plan().is_empty


def test_whole_destination_lost_is_written_again(bench):
    shutil.rmtree(bench.root / "out")
    assert bench.plan().changes[EXPORT] == ("update", "changed_outside")
    assert bench.apply().exit_code is ExitCode.OK
    assert len(instances(bench)["images"]) == 3


def test_lost_caches_cost_time_and_nothing_else(bench):
    before = files(bench)
    shutil.rmtree(bench.root / ".reconciler/cache")
    assert bench.plan().is_empty
    annotate(bench, "b", None)
    assert bench.apply().exit_code is ExitCode.OK
    assert files(bench)["images/a.jpg"] == before["images/a.jpg"]


def test_changed_settings_are_an_update(bench):
    bench.set("Export", "out", splits={"train": 0.5, "val": 0.5, "seed": 3})
    assert bench.plan().changes[EXPORT] == ("update", "fields_differ")
    assert bench.apply().exit_code is ExitCode.OK
    assert (bench.root / "out/annotations/instances_train.json").is_file()
    assert not (bench.root / "out/annotations/instances.json").exists()
    assert bench.plan().is_empty


def test_destination_with_files_of_others_is_refused(bench):
    (bench.root / "mine").mkdir()
    (bench.root / "mine/notes.txt").write_text("keep me")
    bench.set("Export", "out", destination={"url": "mine"})
    with pytest.raises(ConfigError, match=r"notes\.txt"):
        bench.plan()
    assert (bench.root / "mine/notes.txt").read_text() == "keep me"


def test_removed_export_takes_its_files_away_and_leaves_those_of_others(bench):
    (bench.root / "out/notes.txt").write_text("keep me")
    bench.remove("Export", "out")
    assert bench.plan().changes[EXPORT] == ("delete", "not_declared")
    assert bench.apply().exit_code is ExitCode.OK
    assert [path.name for path in (bench.root / "out").iterdir()] == ["notes.txt"]


def test_destroy_removes_the_published_files(bench):
    assert bench.apply(PlanOptions(destroy=True)).exit_code is ExitCode.OK
    assert not (bench.root / "out").exists()


def test_annotations_of_others_are_never_overwritten(bench):
    theirs = {"annotations": {"image_1": []}, "annotationsData": {"image_1": []}}
    annotate(bench, "a", theirs)
    planned = bench.plan()
    assert planned.changes["TaskSet/tasks"] == ("no-op", "unchanged")
    assert planned.rows["TaskSet/tasks"] == {"a": ("no-op", "changed_outside")}
    coco = _coco(["a", "b", "c"])
    coco["annotations"][0]["bbox"] = [0, 0, 1, 1]
    (bench.root / "coco.json").write_text(json.dumps(coco))
    assert bench.apply().exit_code is ExitCode.OK
    task = bench.owned()["TaskSet/tasks"]["a"]
    assert bench.call("GET", f"/v2/tasks/{task}/")["data"]["data"] == theirs


def test_geometry_fail_names_the_item_and_publishes_nothing(bench):
    before = files(bench)
    coco = _coco(["a", "b", "c"])
    coco["annotations"][1]["bbox"] = [15, 2, 30, 4]
    (bench.root / "coco.json").write_text(json.dumps(coco))
    bench.set("Export", "out", geometry="fail")
    report = bench.apply()
    assert report.exit_code is ExitCode.PARTLY_APPLIED
    assert [problem.address for problem in report.failures] == ['Export/out["b"]']
    assert files(bench) == before


def test_assignments_are_exported_like_tasks(bench):
    bench.set(
        "Export", "raw", target="assignment", project="objects", format="synapse-json", destination={"url": "raw"}
    )
    assert bench.apply().exit_code is ExitCode.OK
    payload = json.loads((bench.root / "raw/annotations/a.json").read_text())
    assert set(payload["annotations"]) == {"image_1"}


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("no JSON", "text and not JSON"),
        ([1, 2], "list, not an object"),
        (7, "int, not an object"),
    ],
)
def test_payload_that_is_no_document_costs_its_own_item_alone(bench, payload, reason):
    annotate(bench, "b", payload)
    annotate(bench, "c", {"annotations": {"image_1": []}})
    before = instances(bench)
    report = bench.apply()
    assert report.exit_code is ExitCode.PARTLY_APPLIED
    [failure] = report.failures
    task = bench.owned()["TaskSet/tasks"]["b"]
    assert (failure.address, f"record {task} cannot be exported" in failure.summary) == ('Export/out["b"]', True)
    after = instances(bench)
    assert after["annotations"] == before["annotations"][:2]  # what was published of b stays, c is empty now
    assert summary(bench)["items"] == {"read": 3, "written": 3, "unreadable": 1}
    [lost] = summary(bench)["unreadable"]
    assert (lost["key"], lost["record"], reason in lost["reason"]) == ("b", task, True)
    assert bench.plan().rows[EXPORT] == {"b": ("replace", "content_differs")}


def test_unreadable_item_that_was_never_published_is_left_out_until_it_can_be_read(bench):
    annotate(bench, "b", "no JSON")
    bench.set("Export", "new", target="task", project="objects", format="coco", destination={"url": "new"})
    assert bench.apply().exit_code is ExitCode.PARTLY_APPLIED
    images = json.loads((bench.root / "new/annotations/instances.json").read_text())["images"]
    assert [image["file_name"] for image in images] == ["a.jpg", "c.jpg"]
    assert not (bench.root / "new/images/b.jpg").exists()
    assert bench.plan().rows["Export/new"] == {"b": ("create", "not_remote")}
    annotate(bench, "b", {"annotations": {}})
    assert bench.apply().exit_code is ExitCode.OK
    assert (bench.root / "new/images/b.jpg").exists()
    assert bench.plan().is_empty


def test_payload_kept_as_text_is_exported_as_it_is_by_the_raw_format(bench):
    annotate(bench, "b", "no JSON")
    bench.set("Export", "raw", target="task", project="objects", format="synapse-json", destination={"url": "raw"})
    bench.remove("Export", "out")
    assert bench.apply().exit_code is ExitCode.OK
    assert json.loads((bench.root / "raw/annotations/b.json").read_text()) == "no JSON"


@pytest.fixture
def raw(bench):
    """An export in which every item has a file of its own."""
    bench.set("Export", "raw", target="task", project="objects", format="synapse-json", destination={"url": "raw"})
    bench.remove("Export", "out")
    annotate(bench, "b", {"annotations": {"image_1": []}})
    assert bench.apply().exit_code is ExitCode.OK
    return bench


def published(bench: Bench, key: str) -> dict:
    return json.loads((bench.root / f"raw/annotations/{key}.json").read_text())


def test_item_converted_by_a_run_that_failed_is_published_by_the_next(raw):
    annotate(raw, "b", {"annotations": {"image_1": [{"id": "new"}]}})
    raw.units(["a", "b", "c", "d"])
    foreign = raw.root / "raw/annotations/d.json"
    foreign.write_text("not ours, and in the way")
    assert raw.apply().exit_code is ExitCode.PARTLY_APPLIED
    assert published(raw, "b") == {"annotations": {"image_1": []}}
    foreign.unlink()
    assert raw.apply().exit_code is ExitCode.OK
    assert published(raw, "b") == {"annotations": {"image_1": [{"id": "new"}]}}
    assert raw.plan().is_empty


def test_publication_cut_before_it_was_recorded_is_made_again_even_if_the_backend_went_back(raw):
    before = {"annotations": {"image_1": []}}
    state = raw.root / ".reconciler/state.db"
    shutil.copy2(state, raw.root / "recorded.db")
    annotate(raw, "b", {"annotations": {"image_1": [{"id": "new"}]}})
    assert raw.apply().exit_code is ExitCode.OK
    (raw.root / "recorded.db").replace(state)
    with raw.session() as session:
        session.open_state().begin(parse_address("Export/raw"), "update", (), now="2026-01-02T03:04:05Z")
    annotate(raw, "b", before)
    assert raw.plan(PlanOptions(refresh=Refresh.NONE)).changes["Export/raw"] == ("update", "changed_outside")
    assert raw.apply().exit_code is ExitCode.OK
    assert published(raw, "b") == before
    assert raw.plan().is_empty


def test_no_spool_stays_behind(bench):
    annotate(bench, "b", None)
    assert bench.apply().exit_code is ExitCode.OK
    assert list((bench.root / ".reconciler/cache").glob("spool*")) == []


def test_two_records_of_one_unit_are_told_apart_by_their_id(bench):
    """Ids of units do not repeat in one project, so two projects' worth of names are made by hand."""
    (bench.root / "coco.json").write_text(json.dumps(_coco(["a", "b", "c"])))
    units = bench.pages("/data_units/?page_size=100")
    for unit in units[:2]:
        meta = {**{k: v for k, v in unit["meta"].items() if k != "reconciler"}, "dataset_key": "same"}
        bench.call("PATCH", f"/v2/data-units/{unit['id']}/", json={"meta": meta})
    project = bench.pages("/v2/projects/")[0]["id"]
    bench.documents = {}
    bench.set(
        "Export", "raw", target="task", project={"id": project}, format="synapse-json", destination={"url": "raw"}
    )
    with bench.session() as session, session.lock("rm"):
        store = session.open_state()
        for address in store.resources():
            store.drop_resource(address)
    assert bench.apply().exit_code is ExitCode.OK
    names = sorted(path.name for path in (bench.root / "raw/annotations").iterdir())
    assert len(names) == 3
    assert sum(name.startswith("same__") for name in names) == 2


def summary(bench: Bench) -> dict:
    return json.loads((bench.root / "out/metadata/export_summary.json").read_text())


def test_export_brings_its_data_card(bench: Bench) -> None:
    text = (bench.root / "out/README.md").read_text()
    assert "| cat | 3 |" in text
    assert (bench.root / "out/metadata/croissant.json").is_file()


def test_export_without_card_has_none(bench: Bench) -> None:
    bench.set("Export", "out", target="task", project="objects", format="coco", destination={"url": "out"}, card=False)
    bench.apply()
    assert not (bench.root / "out/README.md").exists()
    assert not (bench.root / "out/metadata/croissant.json").exists()


def test_export_whose_pictures_cannot_be_shown_says_so(bench: Bench) -> None:
    drawn = (bench.root / "out/metadata/contact_sheet.png").exists()
    assert drawn or "No contact sheet was drawn" in (bench.root / "out/README.md").read_text()


def test_card_stays_when_nothing_in_it_changes(bench: Bench) -> None:
    before = (bench.root / "out/metadata/croissant.json").stat()
    (bench.root / "out/annotations/instances.json").unlink()
    bench.apply()
    assert (bench.root / "out/metadata/croissant.json").stat().st_ino == before.st_ino


def test_export_of_many_items_that_processes_convert_equals_what_was_imported(tmp_path):
    made = make_bench(tmp_path)
    keys = [f"many_{number:03}" for number in range(520)]
    for key in keys:
        (tmp_path / f"data/{key}.jpg").write_bytes(key.encode())
    (tmp_path / "coco.json").write_text(json.dumps(_coco(keys)))
    made.set("AnnotationProject", "objects", title="Objects", collection="pics", category="image")
    annotations = {"format": "coco", "url": "coco.json", "specification": "image_1"}
    made.set("TaskSet", "tasks", project="objects", assets="pics-2026", annotations=annotations)
    made.set("Export", "out", target="task", project="objects", format="coco", destination={"url": "out"})
    assert made.apply().exit_code is ExitCode.OK
    out = instances(made)
    assert [image["file_name"] for image in out["images"] if "many" in image["file_name"]] == [f"{k}.jpg" for k in keys]
    assert [box["bbox"] for box in out["annotations"]] == [[1, 2, 3, 4]] * len(keys)
    assert made.plan().is_empty
