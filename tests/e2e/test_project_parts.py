"""Tags and workshops of a project: made, changed and removed by name; what others added stays."""

from __future__ import annotations

import pytest

from reconciler.errors import BlockedPlan, ExitCode
from tests.support.workspace import Bench

PROJECT = "AnnotationProject/objects"
TAGS = [{"name": "urgent", "description": "First"}, {"name": "release", "category": "export", "meta": {"ticket": 1}}]
REVIEW_TAGS = [{"name": "blurry", "background_color": "#cc0000"}]
WORKSHOP = {"name": "readers", "visibility": "private", "level_distribution": 1, "is_reviewable": True}


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    declare(made, tags=TAGS, review_tags=REVIEW_TAGS)
    assert made.apply().exit_code is ExitCode.OK
    return made


def declare(bench, **block):
    bench.set("AnnotationProject", "objects", title="Objects", category="image", datamaker=block)


def project(bench):
    (row,) = bench.pages("/v2/projects/")
    return row["id"]


def tags(bench):
    rows = bench.pages(f"/v2/projects/{project(bench)}/tags/")
    return {(row["category"], row["name"]): (row["description"], row["meta"]) for row in rows}


def test_tags_are_made_and_the_next_plan_is_empty(bench):
    assert tags(bench) == {("project", "urgent"): ("First", None), ("export", "release"): ("", {"ticket": 1})}
    (row,) = bench.pages(f"/v2/projects/{project(bench)}/review-tags/")
    assert (row["name"], row["background_color"]) == ("blurry", "#cc0000")
    assert bench.plan().is_empty


def test_tags_are_changed_in_place_and_removed_by_name(bench):
    (before,) = (r["id"] for r in bench.pages(f"/v2/projects/{project(bench)}/tags/") if r["name"] == "urgent")
    declare(bench, tags=[{"name": "urgent", "description": "At once"}], review_tags=[])
    assert bench.plan().changes[PROJECT] == ("update", "fields_differ")
    assert bench.apply().exit_code is ExitCode.OK
    (row,) = bench.pages(f"/v2/projects/{project(bench)}/tags/")
    assert (row["id"], row["description"]) == (before, "At once")
    assert bench.pages(f"/v2/projects/{project(bench)}/review-tags/") == []
    assert bench.plan().is_empty


def test_another_category_is_another_tag(bench):
    declare(bench, tags=[{"name": "urgent", "category": "export"}, TAGS[1]], review_tags=REVIEW_TAGS)
    assert bench.apply().exit_code is ExitCode.OK
    assert sorted(tags(bench)) == [("export", "release"), ("export", "urgent")]


def test_tags_that_others_made_stay(bench):
    bench.call("POST", f"/v2/projects/{project(bench)}/tags/", json={"name": "theirs", "category": "project"})
    assert bench.plan().is_empty
    declare(bench)
    assert bench.apply().exit_code is ExitCode.OK
    assert sorted(tags(bench)) == [("project", "theirs")]


def test_tag_that_others_changed_is_drift_and_put_right(bench):
    (row, *_) = bench.pages(f"/v2/projects/{project(bench)}/tags/?category=project")
    bench.call("PATCH", f"/v2/projects/{project(bench)}/tags/{row['id']}/", json={"description": "No"})
    assert bench.plan().changes[PROJECT] == ("update", "changed_outside")
    assert bench.apply().exit_code is ExitCode.OK
    assert tags(bench)["project", "urgent"] == ("First", None)


def test_import_all_writes_tags_as_lists(bench):
    made = bench.call("POST", "/v2/projects/", json={"title": "Theirs", "category": "image", "configuration": {}})
    number = made["data"]["id"]
    bench.call("POST", f"/v2/projects/{number}/tags/", json={"name": "a", "category": "export"})
    bench.call("POST", f"/v2/projects/{number}/review-tags/", json={"name": "b"})
    (path,) = bench.import_all().written
    assert "tags:\n    - name: a\n      category: export\n" in path.read_text()
    assert bench.plan().changes["AnnotationProject/theirs"] == ("no-op", "unchanged")


def test_workshops_are_made_changed_and_removed_with_their_workers(bench):
    user = bench.call("GET", "/v2/users/me/")["data"]["id"]
    declare(bench, workshops=[{**WORKSHOP, "workers": [{"user": user, "count_max_tasks": 5}]}])
    assert bench.apply().exit_code is ExitCode.OK
    (shop,) = bench.pages("/v2/workshops/")
    (worker,) = bench.pages(f"/v2/workshops/{shop['id']}/workers/")
    assert (worker["worker"]["user_id"], worker["count_max_tasks"]) == (user, 5)
    assert bench.plan().is_empty
    declare(bench, workshops=[{**WORKSHOP, "status": 2, "workers": []}])
    assert bench.apply().exit_code is ExitCode.OK
    assert bench.pages(f"/v2/workshops/{shop['id']}/workers/") == []
    assert bench.call("GET", f"/v2/workshops/{shop['id']}/")["data"]["status"] == 2
    declare(bench, workshops=[])
    assert bench.apply().exit_code is ExitCode.OK
    assert bench.pages("/v2/workshops/") == []


@pytest.mark.parametrize("change", [{"level_distribution": 2}, {"is_reviewable": False}], ids=str)
def test_what_a_workshop_fixes_when_it_is_made_is_refused_in_the_plan(bench, change):
    declare(bench, workshops=[WORKSHOP])
    assert bench.apply().exit_code is ExitCode.OK
    declare(bench, workshops=[{**WORKSHOP, **change}])
    planned = bench.plan()
    assert planned.changes[PROJECT] == ("blocked", "unsupported")
    assert "the service sets it once" in planned.text
    with pytest.raises(BlockedPlan):
        bench.apply()
