"""Ground truth data sets: versions are added once, never removed, and what others add is left alone."""

from __future__ import annotations

import pytest

from reconciler.engine.context import PlanOptions
from reconciler.errors import BlockedPlan, ExitCode
from tests.support.workspace import Bench

DATASETS = "/v2/ground-truth-datasets/"


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    made.set("GroundTruthDataset", "gold", title="Gold", description="Two readers", versions=["v1"])
    assert made.apply().exit_code is ExitCode.OK
    return made


def dataset(bench):
    (row,) = bench.pages(DATASETS)
    return bench.call("GET", f"{DATASETS}{row['id']}/")["data"]


def versions(bench):
    return sorted(row["version"] for row in bench.pages(f"{DATASETS}{dataset(bench)['id']}/versions/"))


def test_apply_makes_the_data_set_with_its_versions_and_the_next_plan_is_empty(bench):
    assert (dataset(bench)["name"], versions(bench)) == ("Gold", ["v1"])
    assert dataset(bench)["description"] == "Two readers\n\nreconciler: GroundTruthDataset/gold"
    assert bench.plan().is_empty


def test_added_version_is_made_and_the_others_stay(bench):
    bench.set("GroundTruthDataset", "gold", versions=["v1", "v2"])
    planned = bench.plan()
    assert planned.changes["GroundTruthDataset/gold"] == ("update", "fields_differ")
    assert "versions.v2" in planned.text
    assert "versions.v1" not in planned.text
    assert bench.plan(PlanOptions(server_dry_run=True)).changes == planned.changes
    assert versions(bench) == ["v1"]
    assert bench.apply().exit_code is ExitCode.OK
    assert versions(bench) == ["v1", "v2"]
    assert bench.plan().is_empty


@pytest.mark.parametrize("left", [["v2"], [], None], ids=["another", "none", "undeclared"])
def test_removed_version_is_refused_with_the_reason(bench, left):
    bench.set("GroundTruthDataset", "gold", versions=left, title="Changed")
    planned = bench.plan()
    assert planned.changes["GroundTruthDataset/gold"] == ("blocked", "unsupported")
    assert "versions.v1: a version is an immutable snapshot" in planned.text
    with pytest.raises(BlockedPlan):
        bench.apply()
    assert (dataset(bench)["name"], versions(bench)) == ("Gold", ["v1"])


def test_version_that_others_made_is_left_alone(bench):
    bench.call("POST", f"{DATASETS}{dataset(bench)['id']}/versions/", json={"version": "theirs"})
    assert bench.plan().is_empty
    bench.set("GroundTruthDataset", "gold", versions=["v1", "theirs"])
    assert bench.apply().exit_code is ExitCode.OK
    assert versions(bench) == ["theirs", "v1"]


def test_description_without_our_line_is_marked_again_by_the_next_change(bench):
    bench.call("PATCH", f"{DATASETS}{dataset(bench)['id']}/", json={"description": "Edited"})
    assert bench.plan().changes["GroundTruthDataset/gold"] == ("update", "changed_outside")
    bench.apply()
    assert dataset(bench)["description"] == "Two readers\n\nreconciler: GroundTruthDataset/gold"


def test_lost_state_is_rebuilt_from_the_marker(bench):
    (bench.root / ".reconciler/state.db").unlink()
    assert bench.plan().changes["GroundTruthDataset/gold"] == ("adopt", "marked_as_ours")
    bench.import_all(write=False)
    assert bench.plan().is_empty
    assert len(bench.pages(DATASETS)) == 1


def test_undeclared_data_set_is_deleted_with_its_versions(bench):
    bench.remove("GroundTruthDataset", "gold")
    assert bench.apply().exit_code is ExitCode.OK
    assert bench.pages(DATASETS) == []


def test_import_all_writes_a_document_whose_plan_is_empty(bench):
    made = bench.call("POST", DATASETS, json={"name": "Theirs", "description": "By hand"})["data"]
    for name in ("a", "b"):
        bench.call("POST", f"{DATASETS}{made['id']}/versions/", json={"version": name})
    (path,) = bench.import_all().written
    assert "versions:\n  - a\n  - b\n" in path.read_text()
    assert bench.plan().changes["GroundTruthDataset/theirs"] == ("no-op", "unchanged")


def test_double_of_a_request_delivered_twice_is_deleted_and_the_oldest_kept(bench):
    first = dataset(bench)
    bench.call("POST", DATASETS, json={"name": first["name"], "description": first["description"]})
    (double,) = (row["id"] for row in bench.pages(DATASETS) if row["id"] != first["id"])
    bench.call("POST", f"{DATASETS}{double}/versions/", json={"version": "v1"})
    (bench.root / ".reconciler/state.db").unlink()
    planned = bench.plan()
    assert planned.changes["GroundTruthDataset/gold"] == ("adopt", "marked_as_ours")
    assert "delivered more than once" in planned.text
    assert bench.apply().exit_code is ExitCode.OK
    assert double in [row["id"] for row in bench.pages(DATASETS)]  # it holds a version, so it is not ours to drop
    bench.call("POST", DATASETS, json={"name": "Other", "description": "reconciler: GroundTruthDataset/other"})
    bench.call("POST", DATASETS, json={"name": "Other", "description": "reconciler: GroundTruthDataset/other"})
    bench.set("GroundTruthDataset", "other", title="Other")
    assert bench.apply().exit_code is ExitCode.OK
    assert [row["name"] for row in bench.pages(DATASETS)].count("Other") == 1
    assert bench.plan().is_empty
