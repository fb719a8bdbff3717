"""What a run writes again, in every format: nothing without a change, else what the change is in.

RECONCILER_ITEMS says how many items there are (default 100).
"""

from __future__ import annotations

import os

import pytest

from reconciler.errors import ExitCode
from tests.support.annotation_exports import NAMES, VERSIONED, annotate, folder, make_exports, tree

ITEMS = int(os.environ.get("RECONCILER_ITEMS", "100"))
SIZE = {"extra": {"image_1": {"width": 20, "height": 10}}}
BOX = {"id": "x", "type": "bbox", "data": [1, 2, 3, 4], "classification": "cat"}
INSIDE = {"id": "k", "type": "classification", "classification": {"class": "inside"}}
OLD = {**SIZE, "annotations": {"image_1": [BOX, INSIDE]}}
NEW = {**SIZE, "annotations": {"image_1": [{**BOX, "data": [2, 3, 4, 5]}, INSIDE]}}
CHANGED = "unit_00042"


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return make_exports(tmp_path_factory.mktemp("exports"), ITEMS, OLD)


def _stamps(bench, name) -> dict[str, tuple[int, int]]:
    """Path → inode and time of everything a reader finds."""
    root = folder(bench, name)
    found = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def test_second_run_writes_nothing_and_a_changed_annotation_rewrites_only_what_it_is_in(bench):
    before = {name: (_stamps(bench, name), tree(bench, name)) for name in NAMES}
    assert bench.apply().exit_code is ExitCode.OK
    assert {name: (_stamps(bench, name), tree(bench, name)) for name in NAMES} == before

    annotate(bench, NEW, CHANGED)
    planned = bench.plan()
    assert all(list(planned.rows[f"Export/{name}"]) == [CHANGED] for name in NAMES)
    assert bench.apply().exit_code is ExitCode.OK
    for name in NAMES:
        stamps, after = _stamps(bench, name), tree(bench, name)
        written = {path for path in stamps if stamps[path] != before[name][0].get(path)}
        assert {path for path in written if "unit_" in path and CHANGED not in path} == set(), name
        assert {path for path in written if path.endswith(".jpg")} == set(), name
        # Nothing was written again that has its bytes.
        assert written == {path for path in stamps if after[path] != before[name][1].get(path)}, name
    assert folder(bench, VERSIONED).name == "v2"
