"""Plugins, jobs, histories and server-side exports."""

import json

import pytest


@pytest.fixture
def job(backend):
    backend.ok("POST", "/v2/plugins/", 201, json={"code": "up", "name": "Up", "category": "upload"})
    params = {"name": "run", "data_collection": backend.collection(), "path": "in"}
    return backend.ok("POST", "/plugins/up/run/", 201, json={"params": params})["id"]


def report(backend, job, status):
    return backend.client.patch(f"/v2/jobs/{job}/", json={"status": status})


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (("RUNNING", "SUCCEEDED", "SUCCEEDED"), 200),
        (("SUCCEEDED", "RUNNING"), 400),
        (("FAILED", "SUCCEEDED"), 400),
        (("RUNNING", "PENDING"), 400),
    ],
)
def test_job_moves_only_forward(backend, job, steps, expected):
    response = [report(backend, job, status) for status in steps][-1]
    assert response.status_code == expected
    assert expected == 200 or response.json()["error"]["code"] == "INVALID_TRANSITION"


def test_failed_job_tells_its_error(backend, job):
    backend.ok("PATCH", f"/v2/jobs/{job}/", json={"status": "FAILED", "result": {"error": "no disk"}})
    [row] = backend.ok("GET", "/v2/jobs/?status=FAILED")
    assert (row["error"]["message"], row["is_active"]) == ("no disk", False)


def test_run_of_upload_plugin_is_in_the_history(backend, job):
    [row] = backend.ok("GET", "/v2/uploads/")
    assert (row["job_id"], row["job_status"]) == (job, "PENDING")
    assert backend.ok("GET", f"/v2/uploads/{row['id']}/")["path"] == "in"
    assert backend.ok("GET", "/v2/uploads/?created_after=2100-01-01T00:00:00Z") == []
    assert backend.ok("GET", "/v2/exports/") == []


def test_run_with_wrong_parameters_makes_no_job(backend):
    backend.ok("POST", "/v2/plugins/", 201, json={"code": "up", "name": "Up", "category": "upload"})
    response = backend.client.post("/plugins/up/run/", json={"params": {"data_collection": 1, "name": "x"}})
    assert response.status_code == 400
    assert backend.ok("GET", "/v2/jobs/") == []


def test_logs_are_added_all_or_none(backend, job):
    good = {"event": "e", "data": None, "datetime": "2026-01-15T09:00:00Z"}
    path = f"/v2/jobs/{job}/logs/bulk/"
    wrong = backend.client.post(path, json={"logs": [good, {**good, "datetime": "yesterday"}]})
    assert wrong.json()["error"]["details"][0]["field"] == "logs[1].datetime"
    assert backend.ok("GET", f"/v2/job-logs/?job={job}") == []
    assert len(backend.ok("POST", path, 201, json={"logs": [good, good]})) == 2


def test_plugin_code_is_taken_once(backend, job):
    body = {"code": "up", "name": "Other", "category": "export"}
    assert backend.client.post("/v2/plugins/", json=body).status_code == 409
    assert backend.client.post("/v2/plugins/", json={**body, "code": "Up_"}).status_code == 400


def test_release_that_jobs_ran_is_kept(backend, job):
    [release] = backend.ok("GET", "/v2/plugin-releases/")
    assert backend.client.delete(f"/v2/plugin-releases/{release['id']}/").status_code == 409


def test_export_holds_every_record_in_parts(backend, anonymous):
    collection = backend.collection()
    project = backend.project(collection)
    tasks = backend.tasks(project, backend.units(collection, 5))
    storage = backend.ok("GET", "/storages/")[0]["id"]
    body = {"storage_id": storage, "project_id": project, "path": "out", "targets": ["task"], "chunk_size": 2}
    job = backend.ok("POST", "/v2/plugin_exports/", 202, json=body)["job_id"]
    parts = backend.ok("GET", f"/v2/async_jobs/{job}/")["data"]["targets"]["task"]["parts"]
    assert [part["cumulative_records"] for part in parts] == [2, 4, 5]
    with anonymous(backend.app) as client:
        lines = [line for part in parts for line in client.get(part["url"]).text.splitlines()]
    assert [json.loads(line)["id"] for line in lines] == tasks


def test_export_dry_run_writes_nothing(backend):
    storage = backend.ok("GET", "/storages/")[0]["id"]
    body = {"storage_id": storage, "path": "out", "targets": ["task"]}
    assert backend.ok("POST", "/v2/plugin_exports/?dry_run=true", 202, json=body)["dry_run"] is True
    assert backend.ok("GET", "/v2/async_jobs/")["count"] == 0


def test_progress_of_finished_export_is_a_whole_stream(backend):
    storage = backend.ok("GET", "/storages/")[0]["id"]
    body = {"storage_id": storage, "path": "out", "targets": ["assignment"]}
    job = backend.ok("POST", "/v2/plugin_exports/", 202, json=body)["job_id"]
    response = backend.client.get(f"/v2/async_jobs/{job}/progress/")
    assert response.headers["content-type"] == "text/event-stream"
    names = [line.removeprefix("event: ") for line in response.text.splitlines() if line.startswith("event")]
    assert names == ["connected", "async_job.progress", "async_job.completed"]
    assert backend.client.post(f"/v2/async_jobs/{job}/cancel/").status_code == 409


@pytest.mark.parametrize("kind", ["worker", "class", "rejection", "defect"])
def test_statistics_count_assignments(backend, kind):
    collection = backend.collection()
    project = backend.project(collection)
    [task] = backend.tasks(project, backend.units(collection, 1))
    data = {"annotations": {"image_1": [{"tool": "polygon", "classification": {"class": "car"}}] * 2}}
    backend.ok("PUT", f"/v2/tasks/{task}/annotate-task-data/", json={"data": data})
    results = backend.ok("GET", f"/v2/projects/{project}/statistics/{kind}/")["results"]
    counts = {
        "worker": lambda: results["labeler"][0]["completed"],
        "class": lambda: results[0]["annotation_count"] - 1,
        "rejection": lambda: results[0]["total_submission_count"],
        "defect": lambda: 1 - len(results),
    }
    assert counts[kind]() == 1
