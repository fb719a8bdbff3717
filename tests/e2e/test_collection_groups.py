"""Groups of a collection's units: declared ones come and go, others stay, and none that units are in is removed."""

from __future__ import annotations

import pytest

from reconciler.engine.importing import import_all
from reconciler.errors import BlockedPlan, ExitCode
from tests.support.workspace import make_bench

COLLECTIONS = "/v2/data-collections/"


@pytest.fixture
def bench(tmp_path):
    made = make_bench(tmp_path)
    declare(made, "batch-42", "site-a")
    assert made.apply().exit_code is ExitCode.OK
    return made


def declare(bench, *names, **block):
    bench.set("Collection", "pics", datamaker={**block, "groups": list(names)})


def path(bench):
    (row,) = bench.pages(COLLECTIONS)
    return f"{COLLECTIONS}{row['id']}/groups/"


def names(bench):
    return sorted(row["name"] for row in bench.pages(path(bench)))


def test_declared_groups_are_made_and_the_next_plan_is_empty(bench):
    assert names(bench) == ["batch-42", "site-a"]
    assert bench.plan().is_empty


def test_added_group_is_made_and_the_others_stay(bench):
    declare(bench, "batch-42", "site-a", "site-b")
    planned = bench.plan()
    assert "+ datamaker.groups.site-b" in planned.text
    assert "site-a" not in planned.text
    bench.apply()
    assert names(bench) == ["batch-42", "site-a", "site-b"]
    assert bench.plan().is_empty


def test_group_that_others_made_is_left_alone(bench):
    bench.call("POST", path(bench), json={"name": "theirs"})
    assert bench.plan().is_empty
    declare(bench)
    bench.apply()
    assert names(bench) == ["theirs"]


@pytest.mark.parametrize("left", [{"datamaker": {"groups": ["site-a"]}}, {"datamaker": None}], ids=["one", "all"])
def test_empty_group_is_removed_and_the_plan_says_what_goes(bench, left):
    bench.set("Collection", "pics", **left)
    planned = bench.plan()
    assert planned.changes["Collection/pics"] == ("update", "fields_differ")
    assert "danger: the group 'batch-42' goes, with the groups below it" in planned.text
    bench.apply()
    assert names(bench) == (["site-a"] if left["datamaker"] else [])
    assert bench.plan().is_empty


def test_group_that_units_are_in_is_not_removed(bench):
    bench.set("AssetSet", "pics-2026", groups=["batch-42"])
    bench.apply()
    declare(bench, "site-a")
    planned = bench.plan()
    assert planned.changes["Collection/pics"] == ("blocked", "in_use")
    assert "groups.batch-42: 3 units in it" in planned.text
    with pytest.raises(BlockedPlan):
        bench.apply()
    bench.set("AssetSet", "pics-2026", groups=["site-a"])
    declare(bench, "batch-42", "site-a")
    bench.apply()
    declare(bench, "site-a")
    bench.apply()
    assert names(bench) == ["site-a"]
    assert bench.plan().is_empty


def test_units_use_a_declared_group_and_make_no_second_one(bench):
    bench.set("AssetSet", "pics-2026", groups=["batch-42"])
    assert bench.apply().exit_code is ExitCode.OK
    assert names(bench) == ["batch-42", "site-a"]


def test_group_deleted_outside_is_made_again(bench):
    (row,) = [row for row in bench.pages(path(bench)) if row["name"] == "site-a"]
    bench.call("DELETE", f"{path(bench)}{row['id']}/")
    assert bench.plan().changes["Collection/pics"] == ("update", "changed_outside")
    bench.apply()
    assert names(bench) == ["batch-42", "site-a"]


def test_import_all_writes_the_groups(bench, tmp_path):
    for key in list(bench.documents):
        bench.remove(*key)
    (tmp_path / ".reconciler/state.db").unlink()
    with bench.session() as session, session.lock("import"):
        (document,) = import_all(session, session.open_state(), tmp_path).written
    assert "groups:\n    - batch-42\n    - site-a\n" in document.read_text()
    assert bench.plan().is_empty


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ({"access_level": "private"}, {"access_level": "public"}, "danger: access_level public lets everybody"),
        ({"access_level": "public"}, {"access_level": "partially_public"}, "lets everybody see that it exists"),
        ({"access_level": "public"}, {"access_level": "private"}, "danger: who has no role on it cannot see it"),
        ({"caution": "sensitive_content"}, {"caution": ""}, "danger: the notice about sensitive content is taken off"),
    ],
    ids=["opened", "shown", "closed", "caution"],
)
def test_change_of_who_may_see_it_is_pointed_out(bench, before, after, shown):
    bench.set("Collection", "pics", datamaker=before)
    bench.apply()
    bench.set("Collection", "pics", datamaker=after)
    planned = bench.plan()
    assert f"~ datamaker.{next(iter(after))} =" in planned.text
    assert shown in planned.text
