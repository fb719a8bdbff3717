"""The plan file."""

from __future__ import annotations

import pytest

from reconciler.errors import StateError
from reconciler.model.address import Address
from reconciler.plan.header import PlanHeader
from reconciler.plan.values import Action, Change, Reason, RowChange
from reconciler.state.planfile import PlanFile, PlanWriter

SET = Address("AssetSet", "s")
ROWS = [
    RowChange("a", Action.CREATE, Reason.NOT_REMOTE, body="{}", files=1, bytes=5),
    RowChange(
        "b", Action.UPDATE, Reason.CHANGED_OUTSIDE, "7", detail=(("meta.x", 1, 2),), drift=True, context={"k": []}
    ),
]
CHANGE = Change(SET, Action.UPDATE, Reason.FIELDS_DIFFER)


def _header(writer: PlanWriter) -> PlanHeader:
    return PlanHeader("w", None, "l", 1, "cfg", writer.plan_id, "now", "0")


def _write(path, rows=ROWS) -> PlanFile:
    writer = PlanWriter(path)
    writer.add_rows(SET, rows)
    writer.add_change(CHANGE)
    writer.publish(_header(writer))
    return PlanFile(path)


def test_plan_file_reads_back_as_written(tmp_path):
    plan = _write(tmp_path / "p.plan")
    assert plan.changes() == (CHANGE,)
    assert list(plan.rows(SET)) == ROWS
    plan.close()


def test_plan_file_rows_by_action_and_drift(tmp_path):
    plan = _write(tmp_path / "p.plan")
    assert [row.key for row in plan.rows(SET, [Action.CREATE])] == ["a"]
    assert [row.key for row in plan.rows(SET, drift=True)] == ["b"]
    plan.close()


def test_plan_id_depends_on_what_is_done(tmp_path):
    first, second, third = (_write(tmp_path / name, rows) for name, rows in (("1", ROWS), ("2", ROWS), ("3", ROWS[:1])))
    assert first.header.plan_id == second.header.plan_id != third.header.plan_id
    for plan in (first, second, third):
        plan.close()


def test_plan_file_discarded_leaves_nothing(tmp_path):
    writer = PlanWriter(tmp_path / "p.plan")
    writer.discard()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [None, b"", b"not a plan"])
def test_plan_file_that_is_none_is_refused(tmp_path, content):
    path = tmp_path / "p.plan"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StateError, match="plan file"):
        PlanFile(path)


def test_plan_file_query_error_is_told(tmp_path):
    plan = _write(tmp_path / "p.plan")
    assert plan.query("SELECT key FROM row_change ORDER BY key")[1] == [("a",), ("b",)]
    with pytest.raises(StateError, match="no such table"):
        plan.query("SELECT * FROM absent")
    plan.close()
