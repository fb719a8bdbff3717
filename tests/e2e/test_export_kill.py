"""`kill -9` at random moments of an export: what stands there is the old data set or the new one, whole.

RECONCILER_KILLS says how many times (default 6).
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from reconciler.errors import ExitCode
from tests.support.workspace import Bench, make_bench

KILLS = int(os.environ.get("RECONCILER_KILLS", "6"))
UNITS = 100
COMMAND = [sys.executable, "-c", "from reconciler.cli.main import run; run()"]
APPLY = ["apply", "--auto-approve", "--no-color"]
OLD = {"annotations": {"image_1": []}}
NEW = {"annotations": {"image_1": [{"id": "x", "type": "bbox", "data": [1, 2, 3, 4], "classification": "cat"}]}}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """An export of old annotations, all of which have changed since."""
    root = tmp_path_factory.mktemp("template") / "w"
    root.mkdir()
    bench = make_bench(root, [f"unit_{number:03}" for number in range(UNITS)])
    bench.set("AnnotationProject", "p", title="P", collection="pics", category="image")
    bench.set("TaskSet", "tasks", project="p", assets="pics-2026")
    bench.set("Export", "out", target="task", project="p", format="synapse-json", destination={"url": "out"})
    bench.documents.pop(("Export", "out"))
    bench.write()
    assert bench.apply().exit_code is ExitCode.OK
    tasks = list(bench.owned()["TaskSet/tasks"].values())
    bench.with_provider(lambda provider: [provider.annotate(task, OLD, submit=True) for task in tasks])
    bench.set("Export", "out", target="task", project="p", format="synapse-json", destination={"url": "out"})
    assert bench.apply().exit_code is ExitCode.OK
    bench.with_provider(lambda provider: [provider.annotate(task, NEW, submit=True) for task in tasks])
    return bench


@pytest.fixture(scope="module")
def seconds(template, tmp_path_factory):
    """How long an uninterrupted run takes."""
    bench = _copy(template, tmp_path_factory.mktemp("calm") / "w")
    start = time.monotonic()
    assert _run(bench).returncode == 0
    assert _payloads(bench) == [NEW]
    return time.monotonic() - start


@pytest.mark.parametrize("seed", range(KILLS))
def test_export_killed_anywhere_leaves_one_whole_version_and_is_finished_by_the_next(template, seconds, tmp_path, seed):
    bench = _copy(template, tmp_path / "w")
    process = subprocess.Popen([*COMMAND, *APPLY], cwd=bench.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(random.Random(seed).uniform(0.3, 1.0) * seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert _payloads(bench) in ([OLD], [NEW])
    done = _run(bench)
    assert done.returncode == 0, done.stdout + done.stderr
    assert _payloads(bench) == [NEW]
    assert list((bench.root / ".reconciler/cache").glob("spool*")) == []
    assert bench.plan().is_empty


def _run(bench: Bench) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *APPLY], cwd=bench.root, capture_output=True, text=True, check=False)


def _copy(template: Bench, root) -> Bench:
    shutil.copytree(template.root, root, copy_function=shutil.copy2)
    return Bench(root, template.documents)


def _payloads(bench: Bench) -> list:
    """The different payloads that are published; every file is as the manifest says."""
    out = bench.root / "out"
    manifest = json.loads((out / "metadata/export_manifest.json").read_text())["files"]
    for path, state in manifest.items():
        assert hashlib.sha256((out / path).read_bytes()).hexdigest() == state["sha256"], path
    found = {path.read_text() for path in (out / "annotations").iterdir()}
    assert len(list((out / "annotations").iterdir())) == UNITS
    return [json.loads(text) for text in sorted(found)]
