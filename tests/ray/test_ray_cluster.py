"""Plan and apply on a cluster of two nodes, one of which is killed on the way.

RECONCILER_KILLS says how many times (default 1).
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.config import load
from reconciler.engine.applying import apply_plan
from reconciler.engine.context import PlanOptions
from reconciler.engine.events import Progress
from reconciler.engine.planning import make_plan
from reconciler.engine.session import Session
from reconciler.errors import Transient
from reconciler.execution.cluster import RayExecutor
from reconciler.model.resource import SourceLocation
from reconciler.model.workspace import Execution, ExecutorKind
from reconciler.sources.location import locate
from reconciler.sources.remote import list_remote
from reconciler.sources.selection import Selection
from reconciler.sources.shared_listing import list_shared
from tests.support.annotation_exports import NAMES, annotate, make_exports, tree
from tests.support.lab import TOKEN
from tests.support.servers import SERVERS
from tests.support.workspace import NOW, Bench

KILLS = int(os.environ.get("RECONCILER_KILLS", "1"))


def _session(bench: Bench, cluster: Any, events: Callable[[object], None] = lambda _: None) -> Session:
    """A session on a cluster, or in threads without one."""
    execution = Execution(ExecutorKind.RAY, cluster.address) if cluster else Execution()
    configuration = load(bench.root, environ={})
    return Session(configuration, events, 4, 50, lambda: NOW, lambda: "id", execution=execution)


def _plan(bench: Bench, cluster: Any) -> list[object]:
    with _session(bench, cluster) as session:
        plan = make_plan(session, PlanOptions(), bench.root / "plan")
        rows = [row for change in plan.changes() for row in (change, *plan.rows(change.address))]
        plan.close()
    return rows


def _apply(bench: Bench, cluster: Any, events: Callable[[object], None] = lambda _: None) -> int:
    with _session(bench, cluster, events) as session, session.lock("apply"):
        store = session.open_state()
        plan = make_plan(session, PlanOptions(), bench.root / "plan", store=store)
        try:
            report = apply_plan(session, store, plan)
            assert report.failures == ()
            return int(report.exit_code)
        finally:
            plan.close()


def _units(bench: Bench) -> list[str]:
    """What the backend holds, unit by unit."""
    with _session(bench, None) as session:
        store = session.open_state(read_only=True)
        collection = next(owned for address in store.resources() if (owned := store.resource(address)).remote_id)
        pages = session.provider("lab").list_units(collection.remote_id).pages
        units = [unit for page in pages for unit in page]
    return sorted(json.dumps([str(u.owner), dict(u.meta), dict(u.checksums)], sort_keys=True) for u in units)


def test_plan_on_a_cluster_is_that_of_threads(cluster, second_node, lab):
    there = _plan(lab, cluster)
    cache = lab.root / ".reconciler" / "cache"
    for file in cache.iterdir():
        file.unlink()
    assert there == _plan(lab, None)
    assert len(there) > 1000


@pytest.mark.parametrize("seed", range(KILLS))
def test_apply_with_a_node_killed_midway_is_complete_and_doubles_nothing(cluster, second_node, lab, seed, capfd):
    after = random.Random(seed).randrange(0, 700)
    killed: list[int] = []

    def kill_once(event: object) -> None:
        if isinstance(event, Progress) and event.rows >= after and not killed:
            killed.append(event.rows)
            cluster.remove_node(second_node, allow_graceful=False)

    assert _apply(lab, cluster, kill_once) == 0
    assert killed
    assert killed[0] < 1000
    units = _units(lab)
    assert len(units) == len(set(units)) == 1000
    assert _is_settled(lab)
    out, err = capfd.readouterr()
    assert TOKEN not in out + err
    assert "raylet" not in out  # results alone belong on standard output


def _is_settled(bench: Bench) -> bool:
    """Whether a plan in threads finds nothing to do."""
    with _session(bench, None) as session:
        plan = make_plan(session, PlanOptions(), bench.root / "again")
        try:
            return plan.header.totals.is_empty
        finally:
            plan.close()


def test_killed_worker_process_is_replaced(cluster, lab):
    """The node stays; only the process that does the work dies."""
    killed: list[int] = []

    def kill_once(event: object) -> None:
        workers = _workers(cluster) if isinstance(event, Progress) and not killed else []
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

    assert _apply(lab, cluster, kill_once) == 0
    assert killed
    assert len(set(_units(lab))) == len(_units(lab)) == 1000


def _workers(cluster: Any) -> list[int]:
    """The processes at our tasks among those that the node of this very cluster started, by their ids.

    Its other children are agents, without which the node ends itself.
    """
    raylet = cluster.head_node.all_processes["raylet"][0].process.pid
    children = [int(pid) for pid in Path(f"/proc/{raylet}/task/{raylet}/children").read_text().split()]
    return [pid for pid in children if _title(pid).startswith((b"ray::reconciler", b"ray::run_sealed"))]


def _title(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it ended meanwhile
        return b""


def test_no_secret_is_in_the_logs_of_the_cluster(cluster, second_node, lab):
    assert _apply(lab, cluster) == 0
    session = Path(cluster.head_node.get_session_dir_path())
    files = [path for path in (session / "logs").rglob("*") if path.is_file()]
    assert files
    assert [path.name for path in files if TOKEN.encode() in path.read_bytes()] == []


def test_no_cluster_at_the_address_is_told_soon(lab):
    execution = Execution(ExecutorKind.RAY, "127.0.0.1:1")
    session = Session(load(lab.root, environ={}), execution=execution)
    with pytest.raises(Transient, match=r"no Ray cluster was reached at '127\.0\.0\.1:1'"):
        _ = session.executor
    session.close()


def test_exports_converted_on_a_cluster_are_those_of_the_command(cluster, second_node, tmp_path):
    box = {"id": "x", "type": "bbox", "data": [1, 2, 3, 4], "classification": "cat"}
    payload = {"extra": {"image_1": {"width": 20, "height": 10}}, "annotations": {"image_1": [box]}}
    (tmp_path / "here").mkdir()
    here = make_exports(tmp_path / "here", 70, payload)
    annotate(here, {**payload, "annotations": {"image_1": [box, {**box, "id": "y"}]}}, *here.owned()["TaskSet/tasks"])
    shutil.copytree(here.root, tmp_path / "there", symlinks=True)
    settings = Execution(ExecutorKind.RAY, cluster.address)
    there = dataclasses.replace(here, root=tmp_path / "there", open_executor=lambda: RayExecutor(settings))
    before = {name: tree(there, name) for name in NAMES}
    assert [int(bench.apply().exit_code) for bench in (here, there)] == [0, 0]
    for name in NAMES:
        assert tree(there, name) == tree(here, name) != before[name], name


def test_remote_source_listed_on_a_cluster_is_as_the_command_lists_it(cluster, second_node, tmp_path):
    with SERVERS["http.server"]() as server:
        place = server.folder("scans")
        for number in range(60):
            place.put(f"case {number // 10}/{number % 3}/{number}.png", b"x" * number)
        source = SourceLocation(place.url, options=place.options)
        one, _ = list_remote(locate(source.url, tmp_path, source.options), Selection(source))
        executor = _Counting(Execution(ExecutorKind.RAY, cluster.address))
        with contextlib.closing(executor):
            shared, problems = list_shared(source, tmp_path, executor)
    assert (shared.hexdigest(), shared.file_count, problems) == (one.hexdigest(), 60, [])
    assert list(shared.folders()) == list(one.folders())
    assert executor.count > 1


class _Counting(RayExecutor):
    """Counts tasks."""

    count = 0

    def submit(self, *args: Any, **options: Any) -> Any:
        self.count += 1
        return super().submit(*args, **options)
