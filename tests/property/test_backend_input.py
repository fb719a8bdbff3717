"""Whatever JSON arrives at whatever route, the answer is no 5xx."""

from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.backend.app import create_app
from reconciler.backend.datamaker.dispatch import ROUTES

NAMES = st.sampled_from(
    [
        "name",
        "category",
        "meta",
        "files",
        "units",
        "data_collection",
        "project",
        "ids",
        "data",
        "groups",
        "checksum",
        "size",
        "file_specifications",
        "configuration",
        "title",
        "data_unit_ids",
        "image_1",
        "file_key",
        "tags",
        "action",
        "multipart",
    ]
)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=12
)
REQUESTS = st.tuples(st.sampled_from([(r.method, r.template) for r in ROUTES if r.method != "DELETE"]), VALUES)


@pytest.fixture(scope="module")
def client():
    with TemporaryDirectory() as folder:
        app = create_app(Path(folder), first_id=1)
        headers = {"SYNAPSE-ACCESS-TOKEN": app.store.local_token()}
        transport = httpx.WSGITransport(app=app)
        with httpx.Client(transport=transport, base_url="http://embedded.local", headers=headers) as client:
            yield client
        app.close()


@pytest.fixture(scope="module")
def known(client):
    """One object of each kind: part of the path that comes before its id → id."""

    def made(path, body):
        return client.request("POST", path, json=body).json()["data"]["id"]

    listed = [{"name": "image_1", "file_type": "image"}]
    collection = made("/v2/data-collections/", {"name": "c", "category": "image", "file_specifications": listed})
    group = made(f"/v2/data-collections/{collection}/groups/", {"name": "g"})
    unit = made("/v2/data-units/", {"data_collection": collection})
    body = {"title": "p", "category": "image", "configuration": {}, "data_collection": collection}
    project = made("/v2/projects/", body)
    task = made("/v2/tasks/", {"project": project, "data_unit": unit})
    client.put(f"/v2/tasks/{task}/annotate-task-data/", json={"data": {}})
    assignment = client.get("/v2/assignments/").json()["data"][0]["id"]
    tag = made(f"/v2/projects/{project}/tags/", {"name": "t", "category": "export"})
    review_tag = made(f"/v2/projects/{project}/review-tags/", {"name": "t"})
    dataset = made("/v2/ground-truth-datasets/", {"name": "d"})
    return {
        "data-collections": collection,
        "groups": group,
        "data-units": unit,
        "projects": project,
        "tasks": task,
        "assignments": assignment,
        "tags": tag,
        "review-tags": review_tag,
        "ground-truth-datasets": dataset,
    }


@settings(max_examples=600, deadline=None)
@given(REQUESTS)
def test_no_request_makes_the_server_fail(client, known, request_parts):
    (method, template), body = request_parts
    parts = template.split("/")
    for index, part in enumerate(parts):
        if part.startswith("{"):
            parts[index] = str(known.get(parts[index - 1].replace("_", "-"), 7))
    assert client.request(method, "/".join(parts), json=body).status_code < 500
