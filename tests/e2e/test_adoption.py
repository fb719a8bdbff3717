"""What another client uploaded is taken over: nothing is sent again, nothing is doubled, and the next plan is empty."""

from __future__ import annotations

import hashlib

import pytest

from reconciler.engine.importing import import_all
from reconciler.errors import ExitCode
from tests.support.workspace import Bench

UNITS = 200


@pytest.fixture
def bench(tmp_path):
    """A collection and its units, made by plain requests as any other client makes them; the files lie here too."""
    made = Bench(tmp_path)
    keys = [f"u{number:03}" for number in range(UNITS)]
    made.units(keys)
    specifications = [
        {"name": "image_1", "file_type": "image", "is_required": True, "is_primary": True, "function_type": "main"},
        {"name": "label_1", "file_type": "data", "function_type": "sub", "index": 1},
    ]
    body = {"name": "Theirs", "category": "image", "file_specifications": specifications}
    collection = made.call("POST", "/v2/data-collections/", json=body)["data"]["id"]
    units = [
        {
            "data_collection": collection,
            "files": {name: upload(made, f"{key}.{end}") for name, end in (("image_1", "jpg"), ("label_1", "json"))},
            "meta": {"origin_file_stem": key},
            "groups": None,
        }
        for key in keys
    ]
    assert len(made.call("POST", "/data_units/", json=units)) == UNITS
    return made


def upload(bench, name):
    path = bench.root / "data" / name
    answer = bench.call("POST", "/data_files/", files={"file": (name, path.read_bytes())})
    assert answer["checksum"] in (hashlib.new(a, path.read_bytes()).hexdigest() for a in ("sha1", "md5"))
    return {"checksum": answer["checksum"], "path": name}


def imported(bench):
    with bench.session() as session, session.lock("import"):
        return import_all(session, session.open_state(), bench.root)


def test_units_of_another_client_are_adopted_and_the_next_plan_is_empty(bench):
    (document,) = imported(bench).written
    assert bench.plan().is_empty
    lifecycle = {"onExists": "adopt"}
    bench.set("AssetSet", "theirs", collection="theirs", source={"url": "data"}, lifecycle=lifecycle)
    planned = bench.plan()
    assert {action for action, _ in planned.rows["AssetSet/theirs"].values()} == {"adopt"}
    assert planned.summary["bytes"] == 0
    report = imported(bench)
    assert (report.rows, report.failures, report.written) == (UNITS, (), ())
    assert document.is_file()
    assert bench.plan().is_empty
    units = bench.pages("/data_units/?page_size=100")
    assert len(units) == UNITS
    assert all(unit["meta"]["origin_file_stem"] == unit["meta"]["reconciler"]["key"] for unit in units)


def test_adopted_units_are_changed_in_place_afterwards(bench):
    imported(bench)
    bench.set("AssetSet", "theirs", collection="theirs", source={"url": "data"}, lifecycle={"onExists": "adopt"})
    assert bench.apply().exit_code is ExitCode.OK
    bench.set("AssetSet", "theirs", meta={"site": "a"})
    planned = bench.plan()
    assert {action for action, _ in planned.rows["AssetSet/theirs"].values()} == {"update"}
    assert bench.apply().exit_code is ExitCode.OK
    assert bench.plan().is_empty
