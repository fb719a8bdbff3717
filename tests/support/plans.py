"""A plan file made by hand, for tests of renderers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from reconciler.plan.header import PlanHeader, total
from reconciler.plan.values import Change, RowChange
from reconciler.state.planfile import PlanFile, PlanWriter

MakePlan = Callable[..., PlanFile]


@pytest.fixture
def make_plan(tmp_path: Path) -> Iterator[MakePlan]:
    """Write changes with their rows, and header fields by keyword, to a plan file and open it."""
    opened: list[PlanFile] = []

    def make(*entries: Change | tuple[Change, Sequence[RowChange]], **header: object) -> PlanFile:
        writer = PlanWriter(tmp_path / f"{len(opened)}.plan")
        pairs = [entry if isinstance(entry, tuple) else (entry, ()) for entry in entries]
        for change, rows in pairs:
            writer.add_rows(change.address, rows)
            writer.add_change(change)
        fields = {
            "workspace": "lung",
            "environment": None,
            "lineage": "9b0e",
            "serial": 7,
            "configuration": "c0ffee",
            "plan_id": writer.plan_id,
            "created": "2026-01-02T03:04:05+00:00",
            "tool_version": "0.0",
            "totals": total(change for change, _ in pairs),
        }
        writer.publish(PlanHeader(**{**fields, **header}))  # type: ignore[arg-type]
        opened.append(PlanFile(writer.path))
        return opened[-1]

    yield make
    for plan in opened:
        plan.close()
