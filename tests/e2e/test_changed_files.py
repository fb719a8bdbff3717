"""A plan after a few files changed groups the units of these files alone, and finds what a plan from nothing finds."""

from __future__ import annotations

import os
import shutil

import pytest

from reconciler.engine.context import PlanOptions
from reconciler.engine.events import Scanning
from reconciler.engine.planning import make_plan
from reconciler.model.address import parse_address
from tests.support.workspace import make_bench

UNITS = [f"u{number:03}" for number in range(40)]
YEAR_2020_NS = 1_600_000_000_000_000_001


@pytest.fixture
def bench(tmp_path):
    """A set without tables that was planned once; its files are old, so that nobody waits for them to settle."""
    bench = make_bench(tmp_path, UNITS)
    bench.set("AssetSet", "pics-2026", metadata=None)
    _settle(bench)
    bench.plan()
    return bench


def _settle(bench, step=0):
    for number, path in enumerate(sorted(bench.root.glob("data/*"))):
        os.utime(path, ns=(0, YEAR_2020_NS + 1000 * number + step))


def _plan(bench):
    """The plan's rows, and how many files were grouped for it."""
    grouped = []
    with bench.session() as session:
        session.events = grouped.append
        plan = make_plan(session, PlanOptions(), bench.root / "test.plan")
        try:
            changes = [(row.key, row.action, row.reason) for row in plan.rows(parse_address("AssetSet/pics-2026"))]
        finally:
            plan.close()
    return changes, max((event.files for event in grouped if isinstance(event, Scanning)), default=0)


def _change(bench):
    path = bench.root / "data/u007.json"
    path.write_text('{"label": "other"}')
    os.utime(path, ns=(0, YEAR_2020_NS - 1))


def _add(bench):
    path = bench.root / "data/new.jpg"
    path.write_bytes(b"\xff\xd8\xff new")
    os.utime(path, ns=(0, YEAR_2020_NS - 1))


def _delete(bench):
    (bench.root / "data/u007.json").unlink()


def _rename(bench):
    for suffix in (".jpg", ".json"):
        (bench.root / f"data/u007{suffix}").rename(bench.root / f"data/v007{suffix}")


CASES = [
    (_change, 2, "one of the two files of a unit changed"),
    (_add, 1, "one file is a new unit"),
    (_delete, 1, "the other file of the unit remains"),
    (_rename, 2, "both files are another unit now"),
]


@pytest.mark.parametrize(("edit", "grouped", "reason"), CASES)
def test_plan_after_a_change_groups_the_files_of_its_units_alone(bench, edit, grouped, reason):
    edit(bench)
    changes, count = _plan(bench)
    shutil.rmtree(bench.root / ".reconciler/cache")
    assert count == grouped, reason
    assert changes == _plan(bench)[0], reason


def test_plan_after_changes_of_all_files_groups_all_of_them(bench):
    many = [f"w{number:03}" for number in range(200)]
    bench.units(UNITS + many)
    _settle(bench, step=1)
    assert _plan(bench)[1] == 2 * len(UNITS + many)


def test_plan_after_a_change_with_a_table_groups_all_files(bench):
    bench.set("AssetSet", "pics-2026", metadata=["ages"])
    bench.plan()
    _change(bench)
    assert _plan(bench)[1] == 2 * len(UNITS)


def test_plan_after_a_file_of_no_unit_came_groups_all_files(bench):
    (bench.root / "data/readme.txt").write_text("x")
    assert _plan(bench)[1] == 2 * len(UNITS)
