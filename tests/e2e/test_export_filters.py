"""Every filter narrows on the embedded backend, and none is sent where it would be ignored."""

from __future__ import annotations

import pytest

from reconciler.config.checks.exports import FILTERS
from reconciler.errors import ExitCode
from reconciler.providers.base import RecordListing
from tests.support.workspace import make_bench

PAST, FUTURE = {"before": "2000-01-01"}, {"after": "2000-01-01"}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Units a, b and c with tasks."""
    made = make_bench(tmp_path_factory.mktemp("filters"))
    made.set("AnnotationProject", "p", title="P", collection="pics", category="image")
    made.set("TaskSet", "tasks", project="p", assets="pics-2026")
    assert made.apply().exit_code is ExitCode.OK
    return made


@pytest.fixture(scope="module")
def known(bench):
    """Work on the tasks (a submitted and tagged, b saved and in a workshop, c untouched); gives the ids by name."""
    tasks = bench.owned()["TaskSet/tasks"]
    [project] = bench.pages("/v2/projects/")
    for key, action in (("a", "submit"), ("b", "save")):
        body = {"action": action, "data": {"annotations": {}, "annotationsData": {}}}
        bench.call("PUT", f"/v2/tasks/{tasks[key]}/annotate-task-data/?schema=any", json=body)
    shop = bench.call("POST", "/v2/workshops/", json={"project": project["id"], "name": "First"})["data"]
    bench.call("PATCH", f"/v2/tasks/{tasks['b']}/", json={"workshop": shop["id"]})
    assignments = {row["task_id"]: row["id"] for row in bench.pages("/v2/assignments/")}
    tags = {}
    for kind, ids in (("task", [int(tasks["a"])]), ("assignment", [assignments[int(tasks["a"])]])):
        tag = bench.call("POST", f"/v2/projects/{project['id']}/tags/", json={"name": kind, "category": "project"})
        tags[kind] = tag["data"]["id"]
        bench.call("POST", f"/{kind}s/set_tags/", json={"ids": ids, "tags": [tags[kind]]})
    [me] = {row["user_id"] for row in bench.pages("/v2/assignments/")}
    return {
        "project": str(project["id"]),
        "a": int(tasks["a"]),
        "c": int(tasks["c"]),
        "aa": assignments[int(tasks["a"])],
        "shop": shop["id"],
        "task_tag": tags["task"],
        "assignment_tag": tags["assignment"],
        "me": me,
        "nobody": 999_999,
    }


CASES = [
    ("assignment", {"ids": "aa"}, "a"),
    ("assignment", {"exclude_ids": "aa"}, "b"),
    ("assignment", {"tasks": ["a", "c"]}, "a"),
    ("assignment", {"workshop": "shop"}, "b"),
    ("assignment", {"users": "me"}, "ab"),
    ("assignment", {"reviewers": "me"}, ""),
    ("assignment", {"groups": "nobody"}, ""),
    ("assignment", {"stages": "me"}, ""),
    ("assignment", {"tags": "assignment_tag"}, "a"),
    ("assignment", {"task_tags": "task_tag"}, "a"),
    ("assignment", {"status_label": ["completed"]}, "a"),
    ("assignment", {"status_label": ["completed", "in_progress"]}, "ab"),
    ("assignment", {"status_review": "completed"}, ""),
    ("assignment", {"is_confirmed": True}, ""),
    ("assignment", {"is_discarded": False}, "ab"),
    ("assignment", {"is_discard_confirmed": True}, ""),
    ("assignment", {"created": PAST}, ""),
    ("assignment", {"label_submitted": FUTURE}, "a"),
    ("assignment", {"last_labeled": FUTURE}, "ab"),
    ("assignment", {"last_reviewed": FUTURE}, ""),
    ("assignment", {"labeler_last_action": PAST}, ""),
    ("assignment", {"reviewer_last_action": FUTURE}, ""),
    ("task", {"ids": "a"}, "a"),
    ("task", {"exclude_ids": ["a", "c"]}, "b"),
    ("task", {"workshop": "shop"}, "b"),
    ("task", {"users": "me"}, "ab"),
    ("task", {"reviewers": "me"}, ""),
    ("task", {"groups": "nobody"}, ""),
    ("task", {"stages": "me"}, ""),
    ("task", {"tags": "task_tag"}, "a"),
    ("task", {"assignments": "aa"}, "a"),
    ("task", {"status_label": "completed"}, "a"),
    ("task", {"status_review": "stand_by"}, "ab"),
    ("task", {"has_data": False}, "c"),
    ("task", {"has_data": True, "created": FUTURE}, "ab"),
    ("task", {"has_assignment": False}, "c"),
    ("task", {"has_all_assignments": True}, "ab"),
    ("task", {"has_discarded_assignment": True}, ""),
    ("task", {"is_discarded": True}, ""),
    ("task", {"schema": "any"}, ""),
    ("task", {"created": PAST}, ""),
]


def filled(value, known):
    if isinstance(value, list):
        return [known.get(one, one) for one in value]
    return known.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize(("target", "wanted", "expected"), CASES, ids=[f"{t}-{w}" for t, w, _ in CASES])
def test_filter_gives_the_records_that_fit(bench, known, target, wanted, expected):
    wanted = {name: filled(value, known) for name, value in wanted.items()}

    def keys(provider):
        listing = provider.records(target, {"project": known["project"]}, wanted)
        assert isinstance(listing, RecordListing)
        return sorted(record.key for record in listing.records)

    assert bench.with_provider(keys) == list(expected)


def test_every_filter_of_tasks_and_assignments_has_a_case():
    tried = {target: {name for t, wanted, _ in CASES if t == target for name in wanted} for target in FILTERS}
    assert {t: set(FILTERS[t]) - tried[t] for t in ("assignment", "task")} == {"assignment": set(), "task": set()}
