"""schemathesis against the implemented operations: no server error, no answer that the document does not allow.

FUZZ_EXAMPLES raises the number of examples per operation and FUZZ_PHASES chooses the phases, for runs by hand.
"""

import hashlib
import json
import os
import subprocess
from pathlib import Path

import httpx
import pytest

from .conftest import TOKEN, Server, official_environment
from .test_paths import implemented_shapes, operations, shape

__all__ = ["operations"]  # the fixture
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "2"))
PHASES = os.environ.get("FUZZ_PHASES", "fuzzing")
LEAST_CASES = 150  # for each example per operation


class Filler:
    """Fills a server with one of everything, and with spare objects that may be deleted."""

    def __init__(self, client):
        self.client = client

    def make(self, path, /, **body):
        response = self.client.post(path, json=body)
        assert response.is_success, response.text
        data = response.json()
        return data["data"] if path.startswith("/v2/") else data

    def unit(self, collection, content):
        file = self.client.post("/data_files/", files={"file": ("a.png", content)}).json()
        files = {"image_1": {"checksum": file["checksum"]}}
        made = self.make("/v2/data-units/bulk-create/", data_collection=collection, units=[{"files": files}])
        return made["results"][0]["data_unit_id"]

    def fill(self, name):
        """Ids by path segment."""
        specification = {"name": "image_1", "file_type": "image", "is_primary": True}
        collection = self.make(
            "/v2/data-collections/", name=name, category="image", file_specifications=[specification]
        )["id"]
        unit = self.unit(collection, hashlib.sha256(name.encode()).digest())
        project = self.make(
            "/v2/projects/", title=name, category="image", configuration={}, data_collection=collection
        )["id"]
        self.make("/v2/tasks/bulk-create/", project=project, data_unit_ids=[unit])
        task = self.client.get(f"/v2/tasks/?project={project}").json()["data"][0]["id"]
        body = {"action": "submit", "data": {"annotations": {}}}
        assert self.client.put(f"/v2/tasks/{task}/annotate-task-data/", json=body).is_success
        user = self.client.get("/v2/users/me/").json()["data"]["id"]
        workshop = self.make("/v2/workshops/", project=project, name=name)["id"]
        dataset = self.make("/v2/ground-truth-datasets/", name=name)["id"]
        self.make("/embedded/ground-truths/", ground_truth_dataset=dataset, tasks=[task])
        version = self.make(f"/v2/ground-truth-datasets/{dataset}/versions/", version="1")["id"]
        plugin = self.make("/v2/plugins/", code=name, name=name, category="export")
        params = {"name": name, "target": "task", "path": name}
        job = self.make(f"/plugins/{name}/run/", params=params)["id"]
        entry = {"event": "step", "data": 1, "datetime": "2026-01-15T09:00:00Z"}
        storage = self.client.get("/storages/").json()[0]["id"]
        export = self.make("/v2/plugin_exports/", storage_id=storage, path="out", targets=["task"])
        return {
            "tenants.id": "acme",
            "plugins.id": plugin["id"],
            "plugin-releases.id": plugin["release"]["id"],
            "jobs.id": job,
            "job-logs.id": self.make(f"/v2/jobs/{job}/logs/", **entry)["id"],
            "exports.id": self.client.get("/v2/exports/").json()["data"][0]["id"],
            "async_jobs.id": export["job_id"],
            "data-collections.id": collection,
            "groups.id": self.make("/v2/groups/", name=name)["id"],
            "data-units.id": unit,
            "projects.id": project,
            "tags.id": self.make(f"/v2/projects/{project}/tags/", name=name, category="project")["id"],
            "review-tags.id": self.make(f"/v2/projects/{project}/review-tags/", name=name)["id"],
            "tasks.id": task,
            "assignments.id": self.client.get(f"/v2/assignments/?project={project}").json()["data"][0]["id"],
            "workshops.id": workshop,
            "workers.id": self.make(f"/v2/workshops/{workshop}/workers/", user=user)["id"],
            "reviewer-covers.id": self.make(f"/v2/workshops/{workshop}/reviewer-covers/", user=user)["id"],
            "ground-truth-datasets.id": dataset,
            "versions.id": version,
            "ground-truths.id": self.client.get("/v2/ground-truths/").json()["data"][0]["id"],
            "ground-truth-events.id": self.client.get("/v2/ground-truth-events/").json()["data"][0]["pgh_id"],
            "validation-scripts.id": self.make("/v2/validation-scripts/", name=name, code="x")["id"],
            "members.id": self.client.get("/v2/members/").json()["data"][0]["id"],
            "tokens.id": self.make("/v2/tokens/")["id"],
            "data-files.id": self.client.get("/v2/data-files/").json()["data"][0]["id"],
        }


def numbers(filled):
    """Ids for paths, and the same for the fields and filters that refer to them."""
    found = {name: [one] for name, one in filled.items()}
    fields = {
        "data_collection": "data-collections",
        "project": "projects",
        "data_unit": "data-units",
        "workshop": "workshops",
    }
    fields |= {
        "ground_truth_dataset": "ground-truth-datasets",
        "data_unit_ids": "data-units",
        "pgh_ids": "ground-truth-events",
    }
    return found | {name: found[f"{segment}.id"] for name, segment in fields.items()}


@pytest.fixture
def fuzzed(tmp_path, database):
    """A server of its own, because fuzzing changes what the other tests read."""
    server = Server(tmp_path, database or "")
    server.start()
    yield server
    server.stop()


@pytest.mark.slow
@pytest.mark.every_database
def test_server_keeps_to_the_official_document(official_python, operations, fuzzed, tmp_path):
    url = f"http://127.0.0.1:{fuzzed.port}"
    with httpx.Client(base_url=url, headers={"SYNAPSE-ACCESS-TOKEN": TOKEN}) as client:
        filler = Filler(client)
        spare, kept = filler.fill("spare"), filler.fill("kept")
    have = implemented_shapes()
    examples = EXAMPLES if not fuzzed.database else -(-EXAMPLES // 2)  # the SQL is the same: half will do
    given = {
        "url": url, "token": TOKEN, "routes": [one for one in operations if (one[0], shape(one[1])) in have],
        "ids": numbers(kept), "spare": numbers(spare), "examples": examples, "phases": PHASES, "seed": 7,
        "folder": str(tmp_path),
    }  # fmt: skip
    program = str(Path(__file__).with_name("fuzz.py"))
    done = subprocess.run(
        [official_python, program], input=json.dumps(given), capture_output=True, text=True,
        env=official_environment(tmp_path), timeout=3000,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    print(found["output"])
    assert found["exit_code"] == 0, found["output"][-20_000:]
    assert found["generated"] >= LEAST_CASES * examples, found["output"][-2000:]
    assert "Traceback" not in fuzzed.log()
