"""Asset sets without a source: what a collection holds already is described in place, and never sent or deleted."""

from __future__ import annotations

import pytest

from reconciler.engine.context import PlanOptions
from reconciler.errors import ConfigError, ExitCode
from reconciler.model.address import parse_address
from reconciler.plan.guard import DeleteLimit
from tests.support.workspace import COLLECTION, Bench

SET = "AssetSet/found"


def upload(bench, collection, key, *, name=None, content=None, meta=None):
    """One unit as any other client makes it; returns its id."""
    content = content or b"\xff\xd8\xff picture of " + key.encode()
    answer = bench.call("POST", "/data_files/", files={"file": (name or f"{key}.jpg", content)})
    file = {"checksum": answer["checksum"], "path": name or f"{key}.jpg"}
    body = {
        "data_collection": int(collection),
        "files": {"image_1": file},
        "meta": meta or {"theirs": key},
        "groups": None,
    }
    return bench.call("POST", "/data_units/", json=[body])[0]["id"]


def units(bench):
    return {unit["id"]: unit for unit in bench.pages("/data_units/?page_size=100")}


@pytest.fixture
def bench(tmp_path):
    """A collection of ours with four units of somebody else, and a set that declares them."""
    made = Bench(tmp_path)
    made.set("Collection", "pics", **COLLECTION)
    assert made.apply().exit_code is ExitCode.OK
    collection = made.remote_id("Collection/pics")
    for key in ("a", "b", "c", "d"):
        upload(made, collection, key)
    made.set("AssetSet", "found", collection="pics", existing={})
    return made


def collection_of(bench):
    return bench.remote_id("Collection/pics")


def test_units_of_others_are_recorded_without_touching_them(bench):
    before = units(bench)
    assert {action for action, _ in bench.plan().rows[SET].values()} == {"adopt"}
    assert bench.apply().exit_code is ExitCode.OK
    assert units(bench) == before
    assert sorted(bench.owned()[SET]) == ["a", "b", "c", "d"]
    assert bench.plan().is_empty


def test_metadata_is_written_beside_that_of_others(bench):
    bench.apply()
    (bench.root / "ages.csv").write_text("unit,age\na,20\nb,21\n")
    bench.set(
        "MetadataSource", "ages", table={"url": "ages.csv", "key": "unit", "columns": {"age": {"type": "integer"}}}
    )
    bench.set("AssetSet", "found", meta={"site": "x"}, metadata=["ages"], groups=["batch-42"])
    assert bench.apply().exit_code is ExitCode.OK
    assert bench.plan().is_empty
    metas = {unit["meta"]["theirs"]: unit["meta"] for unit in units(bench).values()}
    assert metas["a"]["age"] == 20
    assert metas["d"] == {"theirs": "d", "site": "x", "reconciler": {"set": "found", "key": "d"}}
    assert all(unit["group"] for unit in units(bench).values())


def test_values_that_are_there_already_are_not_written(bench):
    bench.set("AssetSet", "found", existing={"key": {"regex": "^([ab])"}}, metadata=["names"])
    bench.set("MetadataSource", "names", path={"regex": r"(?P<theirs>\w+)\.jpg"})
    before = units(bench)
    assert bench.apply().exit_code is ExitCode.OK
    assert sorted(bench.owned()[SET]) == ["a", "b"]
    assert units(bench) == before
    assert bench.plan().is_empty


def test_units_of_one_name_get_different_keys_that_stay(bench):
    bench.apply()
    later = upload(bench, collection_of(bench), "other", name="a.jpg")
    assert list(bench.plan().rows[SET]) == [f"a~{later}"]
    bench.apply()
    first = bench.owned()[SET]["a"]
    bench.call("DELETE", f"/v2/data-units/{first}/")
    assert bench.plan().rows[SET] == {"a": ("forget", "gone")}
    bench.apply()
    assert bench.owned()[SET][f"a~{later}"] == str(later)
    assert bench.plan().is_empty


def test_unit_deleted_outside_is_forgotten_and_one_of_its_name_takes_the_key(bench):
    bench.apply()
    bench.call("DELETE", f"/v2/data-units/{bench.owned()[SET]['a']}/")
    new = upload(bench, collection_of(bench), "other", name="a.jpg")
    assert bench.plan().rows[SET] == {"a": ("adopt", "exists")}
    assert bench.apply().exit_code is ExitCode.OK
    assert bench.owned()[SET]["a"] == str(new)
    assert bench.plan().is_empty


def test_changed_key_rule_renames_without_touching_units(bench):
    bench.apply()
    before = units(bench)
    bench.set("AssetSet", "found", existing={"key": {"regex": r"^([abc])\.", "template": "unit-{1}"}})
    assert bench.apply().exit_code is ExitCode.OK
    assert sorted(bench.owned()[SET]) == ["unit-a", "unit-b", "unit-c"]
    assert units(bench) == before
    assert bench.plan().is_empty


def test_value_edited_outside_is_drift_and_repaired(bench):
    bench.set("AssetSet", "found", meta={"site": "x"})
    bench.apply()
    one = next(iter(units(bench).values()))
    bench.call("PATCH", f"/v2/data-units/{one['id']}/", json={"meta": {**one["meta"], "site": "edited"}})
    assert bench.plan().rows[SET] == {one["meta"]["theirs"]: ("update", "changed_outside")}
    assert bench.apply().exit_code is ExitCode.OK
    assert units(bench)[one["id"]]["meta"]["site"] == "x"
    assert bench.plan().is_empty


@pytest.mark.parametrize("how", ["document removed", "destroy"])
def test_units_stay_when_the_set_goes(bench, how):
    bench.apply()
    options = PlanOptions(destroy=True)
    if how == "document removed":
        bench.remove("AssetSet", "found")
        options = PlanOptions()
    assert bench.plan(options).changes[SET] == ("forget", "orphaned")
    targets = PlanOptions(destroy=options.destroy, targets=(parse_address(SET),)) if options.destroy else options
    assert bench.apply(targets).exit_code is ExitCode.OK
    assert len(units(bench)) == 4


def test_units_are_deleted_with_the_set_where_the_document_says_so(bench):
    bench.set("AssetSet", "found", lifecycle={"onDelete": "delete"})
    bench.apply()
    bench.remove("AssetSet", "found")
    assert bench.apply(PlanOptions(delete_limit=DeleteLimit(fraction=1.0))).exit_code is ExitCode.OK
    assert units(bench) == {}


def test_set_takes_nothing_that_another_set_owns(bench):
    bench.apply()
    bench.set("AssetSet", "second", collection="pics", existing={})
    assert bench.plan().rows.get("AssetSet/second", {}) == {}


def test_only_units_of_our_marker_are_taken_when_unmarked_ones_are_not_wanted(bench):
    bench.set("AssetSet", "found", existing={"unmarked": False})
    assert bench.plan().rows[SET] == {}


def test_state_lost_is_made_again_from_the_collection(bench):
    bench.set("AssetSet", "found", meta={"site": "x"})
    bench.apply()
    before, owned = units(bench), bench.owned()
    (bench.root / ".reconciler/state.db").unlink()
    assert bench.apply().exit_code is ExitCode.OK
    assert (units(bench), bench.owned()) == (before, owned)
    assert bench.plan().is_empty


def test_tasks_are_made_for_existing_units(bench):
    bench.set("AnnotationProject", "labelling", title="L", collection="pics", category="image")
    bench.set("TaskSet", "all", project="labelling", assets="found")
    assert bench.apply().exit_code is ExitCode.OK
    assert sorted(bench.owned()["TaskSet/all"]) == ["a", "b", "c", "d"]
    assert bench.plan().is_empty


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"prune": True}, "what was found is not ours to delete"),
        ({"files": [{"match": "*", "specification": "image_1"}]}, "files have their specification already"),
        ({"units": {"layout": "stems"}}, "units are made already"),
        ({"source": {"url": "data"}}, "one origin only"),
        ({"existing": {"key": {"regex": "("}}}, "no regular expression"),
    ],
)
def test_what_needs_files_is_refused(bench, spec, reason):
    bench.set("AssetSet", "found", **spec)
    with pytest.raises(ConfigError):
        bench.plan()
