"""`kill -9` at random moments of exports in all formats: what stands there is the old data set or the new one, whole.

RECONCILER_KILLS says how many times (default 6).
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.support.annotation_exports import NAMES, VERSIONED, annotate, make_exports, tree
from tests.support.workspace import Bench

KILLS = int(os.environ.get("RECONCILER_KILLS", "6"))
UNITS = 40
COMMAND = [sys.executable, "-c", "from reconciler.cli.main import run; run()"]
APPLY = ["apply", "--auto-approve", "--no-color"]
SIZE = {"extra": {"image_1": {"width": 20, "height": 10}}}
BOX = {"id": "x", "type": "bbox", "data": [1, 2, 3, 4], "classification": "cat"}
INSIDE, OUTSIDE = ({"id": "k", "type": "classification", "classification": {"class": name}} for name in ("in", "out"))
OLD = {**SIZE, "annotations": {"image_1": [BOX, INSIDE]}}
NEW = {**SIZE, "annotations": {"image_1": [{**BOX, "data": [2, 3, 4, 5]}, OUTSIDE, {**BOX, "id": "y"}]}}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Exports of old annotations, all of which have changed since."""
    root = tmp_path_factory.mktemp("template") / "w"
    root.mkdir()
    bench = make_exports(root, UNITS, OLD)
    annotate(bench, NEW, *bench.owned()["TaskSet/tasks"])
    return bench


@pytest.fixture(scope="module")
def old(template):
    return {name: tree(template, name) for name in NAMES}


@pytest.fixture(scope="module")
def calm(template, old, tmp_path_factory):
    """How long an uninterrupted run takes, and what it publishes."""
    bench = _copy(template, tmp_path_factory.mktemp("calm") / "w")
    start = time.monotonic()
    assert _run(bench).returncode == 0
    seconds = time.monotonic() - start
    new = {name: tree(bench, name) for name in NAMES}
    assert [name for name in NAMES if new[name] == old[name]] == []
    return seconds, new


@pytest.mark.parametrize("seed", range(KILLS))
def test_exports_killed_anywhere_leave_whole_versions_and_are_finished_by_the_next(template, old, calm, tmp_path, seed):
    seconds, new = calm
    bench = _copy(template, tmp_path / "w")
    process = subprocess.Popen([*COMMAND, *APPLY], cwd=bench.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(random.Random(seed).uniform(0.3, 1.0) * seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    for name in NAMES:
        assert tree(bench, name) in (old[name], new[name]), name
    done = _run(bench)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {name: tree(bench, name) for name in NAMES} == new
    assert _versions(bench) == {"v1", "v2", "latest", ".publishing.lock"}
    assert list((bench.root / ".reconciler/cache").glob("spool*")) == []
    assert bench.plan().is_empty


def _run(bench: Bench) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *APPLY], cwd=bench.root, capture_output=True, text=True, check=False)


def _copy(template: Bench, root) -> Bench:
    shutil.copytree(template.root, root, copy_function=shutil.copy2, symlinks=True)
    return Bench(root, template.documents)


def _versions(bench: Bench) -> set[str]:
    return {path.name for path in (bench.root / "out" / VERSIONED).iterdir()}
