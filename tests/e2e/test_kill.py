"""`kill -9` of the whole process at random moments of an apply, then one more apply.

RECONCILER_KILLS says how many times (default 6); docs/development.md tells how to run the long series.
"""

from __future__ import annotations

import json
import os
import time

import pytest

from tests.support.killing import APPLY, apply_killed, copied, owned_keys, run
from tests.support.workspace import Bench, make_bench

KILLS = int(os.environ.get("RECONCILER_KILLS", "6"))
UNITS = 500


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A workspace of 500 units that was never applied, with digests cached, so that kills hit the apply itself."""
    root = tmp_path_factory.mktemp("template") / "w"
    root.mkdir()
    bench = make_bench(root, [f"unit_{number:03}" for number in range(UNITS)])
    bench.set("AnnotationProject", "objects", title="Objects", collection="pics", category="image")
    bench.set("TaskSet", "tasks", project="objects", assets="pics-2026")
    run(bench, "plan")
    return bench


@pytest.fixture(scope="module")
def reference(template, tmp_path_factory):
    """An uninterrupted run: (content, owned keys, seconds)."""
    bench = copied(template, tmp_path_factory.mktemp("reference") / "w")
    start = time.monotonic()
    assert run(bench, *APPLY).returncode == 0
    return _content(bench), owned_keys(bench), time.monotonic() - start


@pytest.mark.parametrize("seed", range(KILLS))
def test_apply_killed_anywhere_is_finished_by_the_next(template, reference, tmp_path, seed):
    bench = copied(template, tmp_path / "w")
    apply_killed(bench, seed, reference[2])
    done = run(bench, *APPLY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert _content(bench) == reference[0]
    assert owned_keys(bench) == reference[1]
    assert run(bench, "plan", "--detailed-exitcode").returncode == 0


def _content(bench: Bench) -> list[str]:
    """Everything at the backend, without ids: units with files and metadata, and which of them have a task."""
    units = []
    tasks = bench.pages("/v2/tasks/?per_page=200")
    with_task = [task["data_unit_id"] for task in tasks]
    assert len(with_task) == len(set(with_task))
    for unit in bench.pages("/data_units/?expand=files&page_size=100"):
        files = {spec: file["checksum"] for spec, file in unit["files"].items()}
        units.append(json.dumps([unit["meta"], files, unit["id"] in with_task], sort_keys=True))
    names = [f"collection {c['name']}" for c in bench.pages("/v2/data-collections/")]
    names += [f"project {p['title']}" for p in bench.pages("/v2/projects/")]
    names += [f"file {f['checksum']}" for f in bench.pages("/v2/data-files/?per_page=200")]
    return sorted(units) + sorted(names)
