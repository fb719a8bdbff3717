"""Ground truth: versions are snapshots, events never change."""

import pytest

DATA = {"annotations": {"image_1": [{"id": "a", "tool": "bounding_box", "classification": {"class": "car"}}]}}


@pytest.fixture
def filled(backend):
    """Data set and two annotated tasks."""
    collection = backend.collection()
    tasks = backend.tasks(backend.project(collection), backend.units(collection, 2))
    for task in tasks:
        backend.ok("PUT", f"/v2/tasks/{task}/annotate-task-data/", json={"data": DATA})
    return backend.ok("POST", "/v2/ground-truth-datasets/", 201, json={"name": "t"})["id"], tasks


def record(backend, dataset, tasks, status=201, **more):
    body = {"ground_truth_dataset": dataset, "tasks": tasks, **more}
    return backend.ok("POST", "/embedded/ground-truths/", status, json=body)


def version(backend, dataset, name):
    return backend.ok("POST", f"/v2/ground-truth-datasets/{dataset}/versions/", 201, json={"version": name})["id"]


def events(backend, **query):
    return backend.ok("GET", "/v2/ground-truth-events/", params=query)


def test_unchanged_content_adds_no_event(backend, filled):
    dataset, tasks = filled
    assert record(backend, dataset, tasks)["created_count"] == 2
    assert record(backend, dataset, tasks) == {"created_count": 0, "updated_count": 0, "unchanged_count": 2}
    assert len(events(backend)) == 2


def test_version_keeps_the_content_of_its_moment(backend, filled):
    dataset, tasks = filled
    record(backend, dataset, tasks)
    old = version(backend, dataset, "1")
    backend.ok("PUT", f"/v2/tasks/{tasks[0]}/annotate-task-data/", json={"data": {"annotations": {}}})
    record(backend, dataset, tasks)
    new = version(backend, dataset, "2")
    contents = {}
    for one in (old, new):
        ids = [event["pgh_id"] for event in events(backend, ground_truth_dataset_version=one, sort="pgh_id")]
        rows = backend.ok("POST", "/v2/ground-truth-events/bulk-data/", json={"pgh_ids": ids})
        contents[one] = sorted(str(row["data"]) for row in rows)
    assert contents[old] == [str(DATA), str(DATA)]
    assert contents[new] == sorted([str(DATA), str({"annotations": {}})])
    assert len(events(backend)) == 3


def test_task_without_payload_is_refused_and_nothing_recorded(backend, filled):
    dataset, tasks = filled
    backend.ok("PUT", f"/v2/tasks/{tasks[1]}/annotate-task-data/", json={"data": None})
    record(backend, dataset, tasks, 400)
    assert events(backend) == []


def test_truths_are_found_by_class_and_category(backend, filled):
    dataset, tasks = filled
    record(backend, dataset, tasks[:1], category="test")
    record(backend, dataset, tasks[1:], category="train")
    for query, count in (("classes=car", 2), ("classes=bus", 0), ("category=test", 1), ("categories=test,train", 2)):
        assert len(backend.ok("GET", f"/v2/ground-truths/?{query}")) == count, query


def test_event_payload_is_given_by_url_when_asked(backend, filled, anonymous):
    dataset, tasks = filled
    record(backend, dataset, tasks[:1])
    [event] = events(backend)
    body = {"pgh_ids": [event["pgh_id"]], "response_mode": "presigned"}
    [row] = backend.ok("POST", "/v2/ground-truth-events/bulk-data/", json=body)
    with anonymous(backend.app) as client:
        assert client.get(row["data"]["presigned_url"]).json() == DATA
    assert row["data"]["data_digest"] == event["data_digest"]
