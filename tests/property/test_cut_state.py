"""An apply cut at any write of the state converges, ownership included."""

from __future__ import annotations

import pytest

from reconciler.engine.applying import apply_plan
from reconciler.engine.context import PlanOptions
from reconciler.engine.planning import make_plan
from reconciler.errors import ExitCode
from reconciler.state.store import StateStore
from tests.support.cutting import Cut
from tests.support.workspace import Bench, make_bench

KEYS = [f"u{number}" for number in range(5)]
WRITES = ("save_resource", "drop_resource", "save_rows", "begin", "end")


class CuttingStore(StateStore):
    """A store whose n-th write is cut before or after it reached the disk. at None: only counts."""

    at: int | None = None
    after = False
    writes = 0

    def __getattribute__(self, name):
        method = super().__getattribute__(name)
        return self._cut(method) if name in WRITES else method

    def _cut(self, method):
        def call(*arguments, **options):
            number, self.writes = self.writes, self.writes + 1
            if self.at is None or number < self.at:
                return method(*arguments, **options)
            if self.after and number == self.at:
                method(*arguments, **options)
            raise Cut

        return call


def _bench(root) -> Bench:
    root.mkdir()
    bench = make_bench(root, KEYS, batch_rows=2)
    bench.set("AnnotationProject", "objects", title="Objects", collection="pics", category="image")
    bench.set("TaskSet", "tasks", project="objects", assets="pics-2026")
    return bench


def _apply(bench: Bench, at: int | None, after: bool = False) -> int:
    with bench.session() as session, session.lock("apply"):
        store = CuttingStore(session.state_path, new_lineage=lambda: "lineage")
        try:
            plan = make_plan(session, PlanOptions(), bench.root / "x.plan", store=store)
            store.at, store.after = at, after
            report = apply_plan(session, store, plan)
            plan.close()
        finally:
            store.close()
    assert report.exit_code is ExitCode.OK
    return store.writes


def _there(bench: Bench) -> dict[str, list[str]]:
    units = bench.pages("/data_units/?page_size=100")
    tasks = bench.pages("/v2/tasks/?per_page=200")
    keys = {unit["id"]: unit["meta"]["reconciler"]["key"] for unit in units}
    return {"units": sorted(keys.values()), "tasks": sorted(keys[task["data_unit_id"]] for task in tasks)}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_apply_cut_at_every_state_write_converges(tmp_path, after):
    writes = _apply(_bench(tmp_path / "whole"), None)
    for number in range(writes):
        bench = _bench(tmp_path / str(number))
        with pytest.raises(Cut):
            _apply(bench, number, after)
        assert bench.apply().exit_code is ExitCode.OK
        assert _there(bench) == {"units": KEYS, "tasks": KEYS}
        assert {address: sorted(rows) for address, rows in bench.owned().items()} == {
            "AnnotationProject/objects": [],
            "AssetSet/pics-2026": KEYS,
            "Collection/pics": [],
            "TaskSet/tasks": KEYS,
        }
        planned = bench.plan()
        assert planned.is_empty, planned.text
