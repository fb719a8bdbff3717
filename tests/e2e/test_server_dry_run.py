"""`plan --server-dry-run`: the backend checks what would be written, and writes nothing."""

from __future__ import annotations

import pytest

from reconciler.engine.context import PlanOptions
from reconciler.errors import ConfigError, ExitCode
from tests.support.workspace import Bench

DRY = PlanOptions(server_dry_run=True)


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    made.set("AnnotationProject", "objects", title="Objects", category="image")
    return made


def test_create_and_update_that_would_do_are_planned_and_nothing_is_written(bench):
    assert bench.plan(DRY).changes["AnnotationProject/objects"][0] == "create"
    assert bench.pages("/v2/projects/") == []
    assert bench.apply().exit_code is ExitCode.OK
    bench.set("AnnotationProject", "objects", title="Other")
    assert bench.plan(DRY).changes["AnnotationProject/objects"][0] == "update"
    assert [row["title"] for row in bench.pages("/v2/projects/")] == ["Objects"]


def test_what_the_backend_refuses_is_a_problem_of_the_document(bench):
    bench.set("AnnotationProject", "objects", collection={"id": 987654})
    assert not bench.plan().is_empty
    with pytest.raises(ConfigError) as error:
        bench.plan(DRY)
    (problem,) = error.value.problems
    assert problem.address == "AnnotationProject/objects"
    assert "data_collection" in problem.summary
    assert problem.at is not None


@pytest.fixture
def project(bench):
    """The id of the project, which is there, with a tag."""
    bench.set("AnnotationProject", "objects", datamaker={"tags": [{"name": "urgent"}]})
    assert bench.apply().exit_code is ExitCode.OK
    (row,) = bench.pages("/v2/projects/")
    return row["id"]


def test_parts_of_an_object_that_is_there_are_rehearsed_and_nothing_is_written(bench, project):
    declared = {"tags": [{"name": "later"}], "review_tags": [{"name": "blurred"}], "workshops": [{"name": "First"}]}
    bench.set("AnnotationProject", "objects", datamaker=declared)
    assert bench.plan(DRY).changes["AnnotationProject/objects"][0] == "update"
    assert [row["name"] for row in bench.pages(f"/v2/projects/{project}/tags/")] == ["urgent"]
    assert bench.pages(f"/v2/projects/{project}/review-tags/") == []
    assert bench.pages("/v2/workshops/") == []


def test_participant_whom_the_backend_does_not_know_is_a_problem_of_the_document(bench, project):
    bench.set("AnnotationProject", "objects", datamaker={"workshops": [{"name": "First"}]})
    assert bench.apply().exit_code is ExitCode.OK
    shops = [{"name": "First", "workers": [{"user": 987654}]}]
    bench.set("AnnotationProject", "objects", datamaker={"workshops": shops})
    assert not bench.plan().is_empty
    with pytest.raises(ConfigError) as error:
        bench.plan(DRY)
    assert [problem.address for problem in error.value.problems] == ["AnnotationProject/objects"]
