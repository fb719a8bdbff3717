"""A 200-unit apply through faults of every kind ends, after at most one more run, in the content of a calm run.

RECONCILER_STORMS sets the number of seeds (CI takes few; the long series takes 500).
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter

import pytest

from reconciler.errors import Denied, ExitCode, ReconcilerError
from tests.support.killing import copied
from tests.support.storms import FAULTS, Expiry, Storm
from tests.support.workspace import Bench, make_bench

UNITS = 200
SEEDS = range(int(os.environ.get("RECONCILER_STORMS", "6")))


def content(bench: Bench) -> dict[str, list[str]]:
    """Everything at the backend that is ours to decide, without ids and times; doubles would show."""
    units = bench.pages("/data_units/?expand=files&page_size=100")
    keys = {unit["id"]: unit["meta"]["reconciler"]["key"] for unit in units}
    (project,) = bench.pages("/v2/projects/?per_page=200")
    (truth,) = bench.pages("/v2/ground-truth-datasets/?per_page=200")
    (collection,) = bench.pages("/v2/data-collections/?per_page=200")
    targets = (f"/v2/data-collections/{collection['id']}/", f"/v2/projects/{project['id']}/")
    return {
        "units": sorted(
            json.dumps([u["meta"], {s: f["checksum"] for s, f in u["files"].items()}], sort_keys=True) for u in units
        ),
        "tasks": sorted(keys[task["data_unit_id"]] for task in bench.pages("/v2/tasks/?per_page=200")),
        "collections": [collection["name"]],
        "groups": sorted(row["name"] for row in bench.pages(f"{targets[0]}groups/")),
        "people": sorted(row["name"] for row in bench.pages("/v2/groups/")),
        "scripts": sorted(row["name"] for row in bench.pages("/v2/validation-scripts/")),
        "roles": [
            sorted(role["role"])
            for path in targets
            for role in bench.call("GET", f"{path}roles/")["data"]["group_roles"]
        ],
        "tags": sorted(row["name"] for row in bench.pages(f"/v2/projects/{project['id']}/tags/")),
        "versions": sorted(r["version"] for r in bench.pages(f"/v2/ground-truth-datasets/{truth['id']}/versions/")),
    }


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """The workspace, not applied yet."""
    bench = make_bench(tmp_path_factory.mktemp("template"), [f"u{number:03}" for number in range(UNITS)])
    bench.set(
        "AnnotationProject",
        "objects",
        collection="pics",
        category="image",
        classes={"polygon": ["cat"]},
        datamaker={"tags": [{"name": "urgent"}, {"name": "late", "category": "export"}]},
    )
    bench.set("TaskSet", "tasks", project="objects", assets="pics-2026")
    bench.set("GroundTruthDataset", "gold", project="objects", versions=["v1", "v2"])
    bench.set("Collection", "pics", datamaker={"groups": ["batch-1", "batch-2"]})
    bench.set("Group", "readers", title="Readers")
    bench.set("ValidationScript", "boxes", title="Boxes", code="pass")
    for name, target in (("see", {"collection": "pics"}), ("label", {"project": "objects"})):
        bench.set("AccessGrant", name, **target, group="readers", roles=["viewer", "manager"])
    return bench


@pytest.fixture(scope="module")
def calm(template, tmp_path_factory):
    """What a run without faults leaves."""
    bench = copied(template, tmp_path_factory.mktemp("calm") / "w")
    assert bench.apply().exit_code is ExitCode.OK
    return content(bench)


@pytest.fixture(scope="module")
def weather():
    """What went wrong in all storms so far, and how many there were ("storms")."""
    return Counter()


@pytest.mark.parametrize("seed", SEEDS)
def test_stormy_apply_and_at_most_one_rerun_end_as_a_calm_one(template, calm, weather, tmp_path, seed):
    bench = copied(template, tmp_path / "w")
    storm = Storm(seed, share=0.05 + 0.25 * (seed % 5) / 4, expiry=list(Expiry)[seed % 3])
    still = bench.open_backend
    bench.open_backend = storm.open
    report = None
    with contextlib.suppress(ReconcilerError):
        report = bench.apply()
    bench.open_backend = still
    assert storm.met.total() > 0
    weather.update(storm.met)
    weather["storms"] += 1
    if report is None or report.exit_code is not ExitCode.OK:
        assert bench.apply().exit_code is ExitCode.OK
    assert content(bench) == calm
    assert bench.plan().is_empty


def test_storms_met_every_kind_of_fault(weather):
    if weather["storms"] < len(SEEDS):
        pytest.skip("only after all storms")
    assert {*FAULTS, Expiry.TOKEN, Expiry.UPLOAD} - weather.keys() == set()


@pytest.mark.parametrize("seed", range(3))
def test_token_that_expires_ends_the_run_cleanly_and_a_new_one_finishes_it(template, calm, tmp_path, seed):
    bench = copied(template, tmp_path / "w")
    storm, still = Storm(seed, share=0, expiry=Expiry.TOKEN), bench.open_backend
    bench.open_backend = storm.open
    cause, code = _ended(bench)
    assert isinstance(cause, Denied)
    assert code in (ExitCode.AUTHENTICATION, ExitCode.PARTLY_APPLIED)
    bench.open_backend = still
    assert _ended(bench) == (None, ExitCode.OK)
    assert content(bench) == calm


def _ended(bench):
    """The error that decided, and the exit code; a run that did something before says 16."""
    try:
        report = bench.apply()
    except ReconcilerError as error:
        return error, error.exit_code
    return report.cause, report.exit_code


@pytest.mark.parametrize("seed", range(3))
def test_upload_address_that_expires_costs_one_unit_until_the_rerun(template, calm, tmp_path, seed):
    bench = copied(template, tmp_path / "w")
    storm, still = Storm(seed, share=0, expiry=Expiry.UPLOAD), bench.open_backend
    bench.open_backend = storm.open
    report = bench.apply()
    assert (storm.met[Expiry.UPLOAD], len(report.failures)) == (1, 1)
    bench.open_backend = still
    assert bench.apply().exit_code is ExitCode.OK
    assert content(bench) == calm
