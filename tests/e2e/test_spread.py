"""Plans and applies whose tasks run elsewhere: the same results, nothing doubled when workers are lost."""

from __future__ import annotations

import json
from pathlib import Path

import fsspec
import pytest

from reconciler.config import load
from reconciler.engine.applying import apply_plan
from reconciler.engine.context import PlanOptions
from reconciler.engine.planning import make_plan
from reconciler.engine.session import Session
from reconciler.errors import ConfigError
from tests.support.executors import PicklingExecutor
from tests.support.lab import TOKEN, lab_workspace
from tests.support.workspace import NOW, make_bench

KEYS = [f"unit_{number:03}" for number in range(60)]


@pytest.fixture
def lab(tmp_path):
    """A workspace whose backend is served over HTTP, so that workers reach it too."""
    with lab_workspace(tmp_path, KEYS) as bench:
        yield bench.root


def _session(root: Path, executor: PicklingExecutor | None) -> Session:
    return Session(
        load(root, environ={}),
        parallelism=4,
        batch_rows=10,
        now=lambda: NOW,
        new_id=lambda: "id",
        open_executor=(lambda: executor) if executor else None,
    )


def _plan_bytes(root: Path, executor: PicklingExecutor | None) -> tuple[list[object], str]:
    """Every row and the header of a plan made from nothing."""
    with _session(root, executor) as session:
        plan = make_plan(session, PlanOptions(), root / "plan")
        rows = [row for change in plan.changes() for row in (change, *plan.rows(change.address))]
        header = str(plan.header)
        plan.close()
    return rows, header


@pytest.mark.parametrize("content", [None, {"type": "warn", "credentials": "warn"}])
def test_plan_is_the_same_wherever_files_are_read(tmp_path, content):
    plans = []
    for name, executor in (("here", None), ("there", PicklingExecutor())):
        root = tmp_path / name
        root.mkdir()
        make_bench(root, KEYS).set("AssetSet", "pics-2026", content=content)
        plans.append(_plan_bytes(root, executor))
    assert plans[0][0] == plans[1][0]
    assert len(plans[0][0]) > len(KEYS)


def test_plan_of_a_remote_source_is_the_same_wherever_it_is_listed(tmp_path):
    plans, filesystem = [], fsspec.filesystem("memory")
    for key in KEYS:
        filesystem.pipe_file(f"/{tmp_path.name}/{key[-1]}/{key}.jpg", key.encode())
    for name, executor in (("here", None), ("there", PicklingExecutor())):
        root = tmp_path / name
        root.mkdir()
        make_bench(root).set("AssetSet", "pics-2026", source={"url": f"memory://{tmp_path.name}"}, metadata=None)
        plans.append(_plan_bytes(root, executor))
    filesystem.rm(f"/{tmp_path.name}", recursive=True)
    assert plans[0][0] == plans[1][0]
    assert len(plans[0][0]) > len(KEYS)


def test_tasks_are_small(tmp_path):
    make_bench(tmp_path, KEYS)
    executor = PicklingExecutor()
    _plan_bytes(tmp_path, executor)
    assert executor.payloads
    assert max(executor.payloads) < 20_000


def _apply(root: Path, executor: PicklingExecutor) -> int:
    with _session(root, executor) as session, session.lock("apply"):
        store = session.open_state()
        plan = make_plan(session, PlanOptions(), root / "plan", store=store)
        try:
            return int(apply_plan(session, store, plan).exit_code)
        finally:
            plan.close()


def _there(root: Path) -> list[str]:
    """The units of the backend: key of the marker, metadata and checksums, sorted."""
    with _session(root, None) as session:
        owned = next(iter(session.open_state(read_only=True).resources()))
        provider = session.provider("lab")
        collection = session.open_state(read_only=True).resource(owned)
        assert collection
        pages = provider.list_units(collection.remote_id or collection.parent_id or "").pages  # type: ignore[union-attr]
        units = [unit for page in pages for unit in page]
    return sorted(json.dumps([str(unit.owner), dict(unit.meta), dict(unit.checksums)]) for unit in units)


def test_units_are_created_by_workers(lab):
    executor = PicklingExecutor()
    assert _apply(lab, executor) == 0
    assert len(_there(lab)) == len(KEYS)
    assert executor.attempts >= len(KEYS) / 10  # a batch is a task


def test_lost_workers_cost_nothing_and_double_nothing(lab):
    """Every third worker is lost when its work is done, which is the worst moment."""
    assert _apply(lab, PicklingExecutor(lose=lambda attempt: attempt % 3 == 0)) == 0
    units = _there(lab)
    assert len(units) == len(set(units)) == len(KEYS)


def test_workers_lost_for_good_leave_what_the_next_apply_settles(lab):
    _plan_bytes(lab, None)  # files are read, so that the losses hit the creation of units
    assert _apply(lab, PicklingExecutor(lose=lambda attempt: attempt > 2, retries=0)) in (16, 18)
    assert _apply(lab, PicklingExecutor()) == 0
    assert len(set(_there(lab))) == len(_there(lab)) == len(KEYS)


def test_no_secret_is_in_state_or_plan(lab):
    assert _apply(lab, PicklingExecutor()) == 0
    files = [path for path in lab.rglob("*") if path.is_file() and path.name != "reconciler.yaml"]
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []


def test_folder_that_the_worker_does_not_see_is_one_clear_error(tmp_path, monkeypatch):
    make_bench(tmp_path, KEYS)
    executor = PicklingExecutor()
    before = executor.submit

    def moved(function, item, **options):  # the worker is elsewhere: what it finds at the path is nothing
        if (tmp_path / "data").exists():
            (tmp_path / "data").rename(tmp_path / "unmounted")
        return before(function, item, **options)

    executor.submit = moved  # type: ignore[method-assign]
    with pytest.raises(ConfigError, match=r"source 'data' is not on worker") as caught:
        _plan_bytes(tmp_path, executor)
    assert len(caught.value.problems) == 1
    assert "every worker" in caught.value.problems[0].fix
