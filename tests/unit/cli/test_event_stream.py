import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.console import Console
from reconciler.cli.event_stream import EventStream
from reconciler.engine.events import Failed, Finished, Progress, RowDone, RowFailed, Scanning, Started
from reconciler.engine.report import ApplyReport, Outcome
from reconciler.errors import ConfigError, Location, Problem
from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.plan.header import PlanHeader, total
from reconciler.plan.values import Action, Change, Reason, RowCounts
from reconciler.state.planfile import PlanFile, PlanWriter

UNITS = Address("AssetSet", "a")


class Stage:
    """An event stream with its clock and what it wrote."""

    def __init__(self) -> None:
        self.out = io.StringIO()
        self.second = 0.0
        now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        self.stream = EventStream(Console(self.out, io.StringIO(), {}), now=lambda: now, clock=lambda: self.second)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.getvalue().splitlines()]


@pytest.fixture
def stage() -> Stage:
    return Stage()


def plan_of(folder: Path, *changes: Change) -> PlanFile:
    writer = PlanWriter(folder / "plan")
    for change in changes:
        writer.add_change(change)
    writer.publish(PlanHeader("w", None, "l", 1, "c", writer.plan_id, "2026", "0", totals=total(changes)))
    return PlanFile(folder / "plan")


def test_events_begin_with_the_version(stage: Stage) -> None:
    stage.stream.open()
    (line,) = stage.lines
    assert (line["type"], line["@level"], line["@module"]) == ("version", "info", "reconciler.ui")
    assert line["@timestamp"] == "2026-01-02T03:04:05.000+00:00"


def test_events_of_an_apply_have_terraforms_types(stage: Stage) -> None:
    for event in (
        Started(UNITS, Action.CREATE, 10, 100),
        Progress(UNITS, 5, 50),
        Finished(UNITS, Action.CREATE, "12", RowCounts(create=10), 2.0),
    ):
        stage.second += 2
        stage.stream(event)
    assert [line["type"] for line in stage.lines] == ["apply_start", "apply_progress", "progress", "apply_complete"]
    progress = stage.lines[2]["progress"]
    assert (progress["done"], progress["total"], progress["bytes_done"], progress["eta_seconds"]) == (5, 10, 50, 2.0)
    assert stage.lines[3]["hook"]["id_value"] == "12"


def test_events_of_progress_are_at_least_a_second_apart(stage: Stage) -> None:
    stage.stream(Started(UNITS, Action.CREATE, 1000))
    for done in range(100):
        stage.second = done / 10
        stage.stream(Progress(UNITS, done, 0))
    assert sum(line["type"] == "progress" for line in stage.lines) <= 11


def test_event_of_a_row_names_it_with_its_id_and_bytes(stage: Stage) -> None:
    stage.stream(RowDone(UNITS, "k", Action.REPLACE, "17", 120))
    (line,) = stage.lines
    hook = line["hook"]
    assert (line["type"], line["@message"]) == ("row_complete", 'AssetSet/a["k"]: replace complete')
    assert (hook["resource"]["resource_key"], hook["id_value"], hook["bytes"]) == ("k", "17", 120)


def test_events_of_failures_are_diagnostics(stage: Stage) -> None:
    stage.stream(RowFailed(UNITS, Problem("too large", address='AssetSet/a["k"]')))
    stage.stream(Failed(UNITS, Action.CREATE, Problem("denied", address="AssetSet/a")))
    assert [line["type"] for line in stage.lines] == ["diagnostic", "apply_errored", "diagnostic"]
    assert stage.lines[0]["diagnostic"]["address"] == 'AssetSet/a["k"]'
    assert stage.lines[1]["@level"] == "error"


def test_events_of_a_plan_give_drift_changes_and_summary(stage: Stage, tmp_path: Path) -> None:
    drifted = Change(
        Address("Collection", "c"), Action.UPDATE, Reason.CHANGED_OUTSIDE, drift=(FieldChange(("title",), "a", "b"),)
    )
    plan = plan_of(tmp_path, drifted, Change(UNITS, Action.NO_OP, Reason.UNCHANGED))
    stage.stream.plan(plan)
    plan.close()
    assert [line["type"] for line in stage.lines] == ["resource_drift", "planned_change", "change_summary"]
    assert stage.lines[1]["change"]["resource"]["resource_type"] == "Collection"
    assert stage.lines[2]["changes"]["change"] == 1


@pytest.mark.parametrize(
    ("build", "kinds"),
    [
        (lambda s: s(Scanning(UNITS, 3, 1, 2)), ["progress"]),
        (lambda s: s.drift_summary(()), ["drift_summary"]),
        (lambda s: s.imported("m", 1, 2), ["change_summary"]),
        (lambda s: s.error(ConfigError([Problem("x", Location("a", 1)), Problem("y")])), ["diagnostic", "diagnostic"]),
        (lambda s: s.applied(ApplyReport((Outcome(UNITS, Action.CREATE),)), "m", destroy=False), ["change_summary"]),
    ],
)
def test_every_event_is_one_line_of_json(stage: Stage, build: Callable[[EventStream], None], kinds: list[str]) -> None:
    build(stage.stream)
    assert [line["type"] for line in stage.lines] == kinds
    assert all({"@level", "@message", "@module", "@timestamp"} <= line.keys() for line in stage.lines)
