"""Projects, tags, tasks, payloads and assignments."""

import hashlib
import json

import pytest

from reconciler.backend.datamaker.filters import (
    ASSIGNMENT_FILTERS,
    ASSIGNMENT_TIMES,
    TASK_FILTERS,
    TASK_TIMES,
    Takes,
)

DATA = {"annotations": {"image_1": [{"id": "a", "tool": "bounding_box"}]}, "annotationsData": {"image_1": []}, "n": 1.5}


@pytest.fixture
def labelling(backend):
    collection = backend.collection()
    units = backend.units(collection, 3, meta={"k": 1})
    project = backend.project(collection)
    return backend, project, units, backend.tasks(project, units)


def test_project_round_trip(backend):
    collection = backend.collection()
    configuration = {"schema_type": "dm_schema", "classification": {"polygon": {"id": "x"}}}
    project = backend.project(collection)
    changed = backend.ok("PATCH", f"/v2/projects/{project}/", json={"configuration": configuration, "title": "new"})
    assert (changed["configuration"], changed["title"], changed["data_collection_id"]) == (
        configuration,
        "new",
        collection,
    )
    assert backend.ok("GET", f"/projects/{project}/")["data_collection"] == collection


def test_bulk_create_skips_existing_pairs(labelling):
    backend, project, units, _ = labelling
    body = {"project": project, "data_unit_ids": units}
    assert backend.ok("POST", "/v2/tasks/bulk-create/", 201, json=body) == {"created_count": 0, "skipped_count": 3}


def test_submit_stores_payload_and_completes_the_callers_assignment(labelling):
    backend, project, _, tasks = labelling
    done = backend.ok("PUT", f"/v2/tasks/{tasks[0]}/annotate-task-data/", json={"action": "submit", "data": DATA})
    assert (done["data"], done["has_data"]) == (DATA, True)
    [row] = backend.ok("GET", f"/v2/assignments/?project={project}&status_label=completed")
    assert backend.ok("GET", f"/v2/assignments/{row['id']}/")["data"] == DATA


def test_save_leaves_assignment_in_progress_and_null_clears(labelling):
    backend, project, _, tasks = labelling
    path = f"/tasks/{tasks[0]}/annotate_task_data/"
    assert backend.ok("PUT", path, json={"action": "save", "data": DATA})["project"] == project
    assert backend.ok("GET", f"/v2/assignments/?project={project}")[0]["status_label"] == "in_progress"
    cleared = backend.ok("PUT", path, json={"action": "submit", "data": None})
    assert (cleared["has_data"], cleared["data"]) == (False, None)
    assert backend.ok("GET", f"/v2/tasks/?project={project}&has_data=true") == []


@pytest.mark.parametrize(
    ("body", "query", "status"),
    [
        ({"data": {"annotations": []}}, "", 400),
        ({"data": {"annotations": []}}, "?schema=any", 200),
        ({"data": [1]}, "", 400),
        ({"data": {}}, "?schema=v9", 400),
        ({"data": {}, "action": "approve"}, "", 400),
        ({}, "", 400),
    ],
)
def test_payload_is_held_to_the_schema(labelling, body, query, status):
    backend, _, _, tasks = labelling
    assert backend.client.put(f"/v2/tasks/{tasks[0]}/annotate-task-data/{query}", json=body).status_code == status


def test_bulk_fetch_keeps_order_and_drops_unknown_ids(labelling):
    backend, _, _, tasks = labelling
    rows = backend.ok("POST", "/v2/tasks/bulk-fetch/", json={"ids": [tasks[2], 5, tasks[0]]})
    assert [row["id"] for row in rows] == [tasks[2], tasks[0]]
    assert backend.client.post("/v2/tasks/bulk-fetch/", json={"ids": [1] * 201}).status_code == 400


def test_presigned_payload_is_fetched_without_token_until_it_expires(labelling, anonymous):
    backend, _, _, tasks = labelling
    backend.ok("PUT", f"/v2/tasks/{tasks[0]}/annotate-task-data/", json={"data": DATA})
    [row] = backend.ok("POST", "/v2/tasks/bulk-fetch/?response_mode=presigned", json={"ids": [tasks[0]]})
    wrapper = row["data"]
    answer = anonymous(backend.app).get(wrapper["presigned_url"])
    assert (answer.json(), wrapper["mode"], wrapper["size"]) == (DATA, "presigned", len(answer.content))
    assert wrapper["data_digest"] == hashlib.sha256(answer.content).hexdigest()
    forged = wrapper["presigned_url"].replace(str(tasks[0]), str(tasks[1]))
    assert anonymous(backend.app).get(forged).status_code == 403
    backend.clock.now += 3601
    assert anonymous(backend.app).get(wrapper["presigned_url"]).status_code == 403


def test_payload_over_the_inline_limit_is_truncated_and_has_a_url(labelling):
    backend, _, _, tasks = labelling
    large = {"annotations": {}, "mask": "é" * 6_000_000}
    backend.client.put(f"/v2/tasks/{tasks[0]}/annotate-task-data/", json={"data": large})
    wrapper = backend.ok("GET", f"/v2/tasks/{tasks[0]}/")["data"]
    assert (wrapper["truncated"], wrapper["inline_max_bytes"]) == (True, 10 << 20)
    assert json.loads(backend.client.get(wrapper["presigned_url"]).content) == large


def test_assignment_payload_is_replaced_but_never_its_status(labelling):
    backend, project, _, tasks = labelling
    backend.ok("PUT", f"/v2/tasks/{tasks[0]}/annotate-task-data/", json={"data": DATA})
    assignment = backend.ok("GET", f"/v2/assignments/?project={project}")[0]["id"]
    path = f"/v2/assignments/{assignment}/data/"
    assert backend.client.put(path, json={"data": {}, "is_confirmed": True}).status_code == 400
    assert backend.ok("PUT", path, json={"data": {"extra": {}}})["data"] == {"extra": {}}
    assert backend.ok("GET", f"/v2/tasks/{tasks[0]}/")["data"] == DATA
    [row] = backend.ok("POST", "/v2/assignments/bulk-fetch/", json={"ids": [assignment]})
    assert row["data"] == {"extra": {}}


def test_export_rows_show_unit_files_and_tags(labelling):
    backend, project, units, tasks = labelling
    tag = backend.ok("POST", f"/v2/projects/{project}/tags/", 201, json={"name": "t", "category": "export"})["id"]
    backend.ok("POST", "/tasks/set_tags/", json={"ids": [tasks[1]], "tags": [tag], "action": "add"})
    [row] = backend.ok("GET", f"/sdk/tasks/?project={project}&tags={tag}&expand=data_unit")["results"]
    assert (row["id"], row["tags"], row["data_unit"]["id"]) == (tasks[1], [tag], units[1])
    assert row["data_unit"]["files"]["image_1"]["is_primary"] is True
    thin = backend.ok("GET", f"/tasks/{tasks[0]}/?fields=id,data_unit")
    assert thin == {"id": tasks[0], "data_unit": units[0]}


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("status_label=completed", 1),
        ("status_label=stand_by&status_label=in_progress", 1),
        ("created__gte=2020-01-01", 2),
        ("created__lt=2020-01-01T00:00:00%2B02:00", 0),
        ("is_discarded=True", 0),
        ("tasks={first}", 1),
        ("task=5", 2),
        ("id__gt=5", 2),
    ],
)
def test_assignment_filters(labelling, query, count):
    backend, project, _, tasks = labelling
    backend.ok("PUT", f"/v2/tasks/{tasks[0]}/annotate-task-data/", json={"data": DATA})
    backend.ok("PUT", f"/v2/tasks/{tasks[1]}/annotate-task-data/", json={"data": DATA, "action": "save"})
    query = query.format(first=tasks[0])
    assert len(backend.ok("GET", f"/v2/assignments/?project={project}&{query}")) == count
    assert backend.ok("GET", f"/sdk/assignments/?project={project}&{query}")["count"] == count


@pytest.mark.every_database
@pytest.mark.parametrize(
    ("path", "filters", "times"),
    [("assignments", ASSIGNMENT_FILTERS, ASSIGNMENT_TIMES), ("tasks", TASK_FILTERS, TASK_TIMES)],
)
def test_every_filter_is_one_that_every_database_understands(labelling, path, filters, times):
    backend, *_ = labelling
    examples = {Takes.IDS: "7", Takes.TEXTS: "completed", Takes.BOOLEAN: "true"}
    queries = [f"{name}={examples[one.takes]}" for name, one in filters.items()]
    queries += [f"{name}__gt=2020-01-01" for name in times]
    for query in queries:
        assert backend.client.get(f"/v2/{path}/?{query}").status_code == 200, query


def test_tag_name_is_unique_within_project_and_category(labelling):
    backend, project, _, _ = labelling
    path = f"/v2/projects/{project}/tags/"
    tag = backend.ok("POST", path, 201, json={"name": "t", "category": "export"})["id"]
    assert backend.client.post(path, json={"name": "t", "category": "export"}).status_code == 400
    backend.ok("POST", path, 201, json={"name": "t", "category": "project"})
    assert backend.client.patch(f"{path}{tag}/", json={"category": "project"}).status_code == 400
    assert backend.client.put(f"{path}{tag}/", json={}).status_code == 405
    assert backend.ok("PATCH", f"{path}{tag}/", json={"name": "u"})["name"] == "u"
    backend.ok("DELETE", f"{path}{tag}/", 204)


def test_review_tags_are_found_by_part_of_their_name(labelling):
    backend, project, _, _ = labelling
    made = backend.ok("POST", f"/v2/projects/{project}/review-tags/", 201, json={"name": "Blurry"})
    backend.ok("POST", f"/v2/projects/{project}/review-tags/", 201, json={"name": "dark"})
    assert [t["id"] for t in backend.ok("GET", f"/v2/projects/{project}/review-tags/?name=LUR")] == [made["id"]]
    backend.ok("DELETE", f"/v2/review-tags/{made['id']}/", 204)


def test_project_with_tasks_deletes_whole_and_frees_the_collection(labelling):
    backend, project, units, tasks = labelling
    backend.ok("DELETE", f"/v2/projects/{project}/", 204)
    assert backend.client.get(f"/v2/tasks/{tasks[0]}/").status_code == 404
    assert backend.ok("GET", f"/v2/data-units/{units[0]}/")["id"] == units[0]


def test_ground_truth_versions_are_immutable_names(backend):
    made = backend.ok("POST", "/v2/ground-truth-datasets/", 201, json={"name": "gold"})
    path = f"/v2/ground-truth-datasets/{made['id']}/versions/"
    version = backend.ok("POST", path, 201, json={"version": "v1"})
    assert backend.client.post(path, json={"version": "v1"}).status_code == 400
    assert backend.client.delete(f"{path}{version['id']}/").status_code == 405
    assert [v["version"] for v in backend.ok("GET", path)] == ["v1"]
