"""`retain: N`: an export that keeps the versions before."""

from __future__ import annotations

import json
import os

import pytest

from reconciler.errors import ConfigError, ExitCode
from tests.support.workspace import Bench, make_bench

EXPORT = "Export/out"
BOX = {"id": "x", "type": "bbox", "data": [1, 2, 3, 4], "classification": "cat"}


@pytest.fixture
def bench(tmp_path):
    made = make_bench(tmp_path)
    made.set("AnnotationProject", "p", title="P", collection="pics", category="image")
    made.set("TaskSet", "tasks", project="p", assets="pics-2026")
    destination = {"url": "out"}
    made.set("Export", "out", target="task", project="p", format="synapse-json", destination=destination, retain=2)
    assert made.apply().exit_code is ExitCode.OK
    assert made.plan().is_empty
    return made


def _annotate(bench: Bench, key: str, *boxes: dict) -> None:
    task = bench.owned()["TaskSet/tasks"][key]
    payload = {"annotations": {"image_1": list(boxes)}}
    bench.with_provider(lambda provider: provider.annotate(task, payload, submit=True))


def _versions(bench: Bench) -> list[str]:
    return sorted(path.name for path in (bench.root / "out").iterdir() if path.name.startswith("v"))


def _boxes(bench: Bench, version: str, key: str) -> object:
    value = json.loads((bench.root / "out" / version / f"annotations/{key}.json").read_text())
    return value and value["annotations"]["image_1"]


def test_changed_annotation_makes_a_version_and_the_one_before_stays(bench):
    _annotate(bench, "b", BOX)
    assert bench.plan().rows[EXPORT] == {"b": ("replace", "content_differs")}
    assert bench.apply().exit_code is ExitCode.OK
    assert (_versions(bench), os.readlink(bench.root / "out/latest")) == (["v1", "v2"], "v2")
    assert (_boxes(bench, "v1", "b"), _boxes(bench, "latest", "b")) == (None, [BOX])
    assert (bench.root / "out/v1/images/b.jpg").samefile(bench.root / "out/v2/images/b.jpg")
    assert bench.plan().is_empty


def test_versions_beyond_those_that_stay_go(bench):
    for number in range(3):
        _annotate(bench, "b", *[BOX] * number)
        assert bench.apply().exit_code is ExitCode.OK
    assert _versions(bench) == ["v3", "v4"]


def test_damage_of_the_latest_is_repaired_in_its_place(bench):
    (bench.root / "out/latest/images/a.jpg").unlink()
    assert bench.plan().changes[EXPORT] == ("update", "changed_outside")
    assert bench.apply().exit_code is ExitCode.OK
    assert _versions(bench) == ["v1"]
    assert (bench.root / "out/v1/images/a.jpg").read_bytes() == (bench.root / "data/a.jpg").read_bytes()
    assert bench.plan().is_empty


def test_other_number_of_versions_makes_none(bench):
    bench.set("Export", "out", retain=5)
    assert bench.plan().changes[EXPORT] == ("update", "fields_differ")
    assert bench.apply().exit_code is ExitCode.OK
    assert _versions(bench) == ["v1"]
    assert bench.plan().is_empty


def test_versions_are_given_up_only_at_another_place(bench):
    bench.set("Export", "out", retain=None)
    with pytest.raises(ConfigError, match="holds versions"):
        bench.plan()
    bench.set("Export", "out", destination={"url": "flat"})
    assert bench.apply().exit_code is ExitCode.OK
    assert (bench.root / "flat/images/a.jpg").exists()
    assert _versions(bench) == ["v1"]


def test_removed_export_takes_all_versions_away(bench):
    _annotate(bench, "b", BOX)
    assert bench.apply().exit_code is ExitCode.OK
    bench.remove("Export", "out")
    assert bench.apply().exit_code is ExitCode.OK
    assert not (bench.root / "out").exists()
