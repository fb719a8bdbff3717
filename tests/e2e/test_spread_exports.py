"""Exports whose items are converted elsewhere: the same bytes in each format, and nothing half done by lost workers."""

from __future__ import annotations

import dataclasses
import os
import shutil

import pytest

from reconciler.engine.running import Control
from reconciler.errors import ExitCode
from tests.support.annotation_exports import FORMATS, NAMES, annotate, make_exports, tree
from tests.support.executors import PicklingExecutor
from tests.support.workspace import make_bench

UNITS = 80  # two parts, both worth sending
SIZE = {"extra": {"image_1": {"width": 20, "height": 10}}}
BOX = {"id": "x", "type": "bbox", "data": [1, 2, 3, 4], "classification": "cat"}
OLD = {**SIZE, "annotations": {"image_1": [BOX]}}
NEW = {**SIZE, "annotations": {"image_1": [{**BOX, "data": [2, 3, 4, 5]}, {**BOX, "id": "y"}]}}
EXPORTER = """
import os
from reconciler.exporting import Exporter, ItemResult

def convert(item, settings):
    return ItemResult(f"{os.getpid()} {len(item.read('image_1'))}")

EXPORTER = Exporter("1", convert, suffix=".txt")
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Exports of old annotations, all of which have changed since."""
    root = tmp_path_factory.mktemp("template") / "w"
    root.mkdir()
    bench = make_exports(root, UNITS, OLD)
    annotate(bench, NEW, *bench.owned()["TaskSet/tasks"])
    return bench


@pytest.fixture
def copy(template, tmp_path):
    """Makes workspaces that are as the template; work of theirs is done by an executor."""

    def made(name, executor=None):
        shutil.copytree(template.root, tmp_path / name, symlinks=True)
        opened = (lambda: executor) if executor else None
        return dataclasses.replace(template, root=tmp_path / name, open_executor=opened)

    return made


def test_every_format_is_the_same_wherever_items_are_converted(copy):
    executor = PicklingExecutor()
    here, there = copy("here"), copy("there", executor)
    old = {name: tree(there, name) for name in NAMES}
    assert [bench.apply().exit_code for bench in (here, there)] == [ExitCode.OK, ExitCode.OK]
    for name in NAMES:
        assert tree(there, name) == tree(here, name) != old[name], name
    assert executor.attempts >= len(FORMATS)


def test_lost_workers_cost_nothing(copy):
    here, there = copy("here"), copy("there", PicklingExecutor(lose=lambda attempt: attempt % 2 == 1))
    assert [bench.apply().exit_code for bench in (here, there)] == [ExitCode.OK, ExitCode.OK]
    assert [tree(there, name) for name in NAMES] == [tree(here, name) for name in NAMES]


def test_workers_lost_for_good_leave_the_old_publication_and_the_next_apply_makes_it_good(copy):
    here, there = copy("here"), copy("there")
    there.plan()  # files are read, so that the losses hit the conversion
    there.open_executor = lambda: PicklingExecutor(lose=lambda _: True, retries=0)
    before = {name: tree(there, name) for name in NAMES}
    report = there.apply()
    assert report.exit_code is not ExitCode.OK
    assert "a task was lost with its worker" in str(report)
    assert {name: tree(there, name) for name in NAMES} == before
    there.open_executor = PicklingExecutor
    assert [bench.apply().exit_code for bench in (here, there)] == [ExitCode.OK, ExitCode.OK]
    assert [tree(there, name) for name in NAMES] == [tree(here, name) for name in NAMES]


def test_stopped_run_takes_back_the_parts_that_nobody_waits_for(copy):
    control, cancelled, there = Control(), [], copy("there")
    there.plan()  # files are read, so that the only tasks are conversions

    class Watched(PicklingExecutor):
        def submit(self, *args, **options):
            control.stop()
            task = super().submit(*args, **options)
            task.cancel = lambda: cancelled.append(task)
            return task

    there.open_executor = Watched
    before = {name: tree(there, name) for name in NAMES}
    there.apply(control=control)
    assert cancelled
    assert {name: tree(there, name) for name in NAMES} == before


def test_custom_exporter_runs_in_the_command_and_may_read_originals(tmp_path, monkeypatch):
    """Its code need not be on the workers, and its files are fetched over connections of the command."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "reading_exporter.py").write_text(EXPORTER)
    bench = make_bench(tmp_path, [f"u{number:02}" for number in range(20)])
    bench.set("AnnotationProject", "p", title="P", collection="pics", category="image")
    bench.set("TaskSet", "tasks", project="p", assets="pics-2026")
    assert bench.apply().exit_code is ExitCode.OK
    executor = PicklingExecutor()
    bench.open_executor = lambda: executor
    options = {"function": "reading_exporter:EXPORTER"}
    fields = {"target": "task", "project": "p", "destination": {"url": "out"}, "card": False}
    bench.set("Export", "out", format="custom", options=options, **fields)
    assert bench.apply().exit_code is ExitCode.OK
    sizes = {
        path.stem: len((tmp_path / f"data/{path.stem}.jpg").read_bytes()) for path in (tmp_path / "data").glob("*.jpg")
    }
    found = {path.stem: path.read_text() for path in (tmp_path / "out/annotations").iterdir()}
    assert found == {key: f"{os.getpid()} {size}" for key, size in sizes.items()}
    assert executor.attempts == 0
