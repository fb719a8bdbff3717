"""No way in without a token, and none to another tenant: every route of the router is tried."""

import re

import pytest

from reconciler.backend.datamaker.dispatch import ROUTES
from reconciler.backend.routing import Access

OWN, OTHER = "syn_" + "a" * 40, "syn_" + "b" * 40
SEED = {
    "datamaker": {
        "tenants": [{"code": "acme"}, {"code": "other"}],
        "users": [
            {"email": "a@b.co", "password": "very secret", "name": "A", "tenants": ["acme"], "tokens": [OWN]},
            {"email": "o@b.co", "name": "O", "tenants": ["other"], "tokens": [OTHER]},
        ],
    }
}
GUARDED = [route for route in ROUTES if route.access is not Access.ANYONE]
IN_TENANT = [route for route in GUARDED if route.access is Access.TENANT]
OPEN = {"GET /health/", "POST /users/login/", "GET /payloads/{kind}/{id}/{digest}/"}


def path_of(template, ids=None):
    """A path with numbers in place of parameters; ids: by the segment before the parameter."""
    parts = []
    for part in template.strip("/").split("/"):
        known = (ids or {}).get(parts[-1] if parts else "", 1)
        parts.append(str(known) if part.startswith("{") else part)
    return "/" + "/".join(parts) + "/"


def statuses(client, routes, path=path_of):
    """Status → routes that gave it."""
    found = {}
    for route in routes:
        body = None if route.method in ("GET", "DELETE") else {}
        response = client.request(route.method, path(route.template), json=body)
        found.setdefault(response.status_code, []).append(f"{route.method} {route.template}")
    return found


@pytest.fixture
def seeded(open_backend):
    return open_backend(seed=SEED, token=OWN)


def test_only_these_routes_are_open():
    assert {f"{route.method} {route.template}" for route in ROUTES if route.access is Access.ANYONE} == OPEN


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "no token"),
        ({"Synapse_Access_Token": "syn_" + "0" * 40}, "a token that nobody has"),
        ({"Authorization": "Token nope"}, "the other header"),
        ({"Synapse_Tenant": "acme"}, "a tenant is no token"),
        ({"Synapse_Access_Token": OWN[:-1]}, "most of a token"),
    ],
)
def test_every_route_refuses_who_has_no_token(seeded, anonymous, headers, reason):
    with anonymous(seeded.app, **headers) as client:
        assert set(statuses(client, GUARDED)) == {401}, reason


def test_every_route_refuses_a_token_with_another_tenant(seeded, anonymous):
    with anonymous(seeded.app, Synapse_Access_Token=OWN, Synapse_Tenant="other") as client:
        assert set(statuses(client, GUARDED)) == {403}


def test_every_tenant_route_refuses_a_login_without_tenant(seeded, anonymous):
    with anonymous(seeded.app) as client:
        login = client.post("/users/login/", json={"email": "a@b.co", "password": "very secret"})
    with anonymous(seeded.app, Authorization=f"Token {login.json()['token']}") as client:
        assert set(statuses(client, IN_TENANT)) == {403}


def fill(backend):
    """One of everything in the first tenant; ids by the path segment before them."""
    collection = backend.collection()
    [unit] = backend.units(collection, 1)
    project = backend.project(collection)
    [task] = backend.tasks(project, [unit])
    backend.ok("PUT", f"/v2/tasks/{task}/annotate-task-data/", json={"data": {}})
    dataset = backend.ok("POST", "/v2/ground-truth-datasets/", 201, json={"name": "t"})["id"]
    backend.ok("POST", "/embedded/ground-truths/", 201, json={"ground_truth_dataset": dataset, "tasks": [task]})
    version = backend.ok("POST", f"/v2/ground-truth-datasets/{dataset}/versions/", 201, json={"version": "1"})["id"]
    workshop = backend.ok("POST", "/v2/workshops/", 201, json={"project": project, "name": "w"})["id"]
    user = backend.ok("GET", "/v2/users/me/")["id"]
    seats = {
        kind: backend.ok("POST", f"/v2/workshops/{workshop}/{kind}/", 201, json={"user": user})["id"]
        for kind in ("workers", "reviewer-covers")
    }
    plugin = backend.ok("POST", "/v2/plugins/", 201, json={"code": "p", "name": "P", "category": "converter"})
    job = backend.ok("POST", "/plugins/p/run/", 201, json={})["id"]
    storage = backend.ok("GET", "/storages/")[0]["id"]
    export = {"storage_id": storage, "path": "out", "targets": ["task"]}
    script = backend.ok("POST", "/v2/validation-scripts/", 201, json={"name": "s", "code": "x"})["id"]
    tag = backend.ok("POST", f"/v2/projects/{project}/tags/", 201, json={"name": "t", "category": "project"})["id"]
    return seats | {
        "data-collections": collection, "data_collections": collection, "data-units": unit, "data_units": unit,
        "projects": project, "tasks": task, "ground-truth-datasets": dataset, "versions": version,
        "ground_truth_dataset_versions": version, "workshops": workshop, "plugins": plugin["id"], "jobs": job,
        "plugin-releases": plugin["release"]["id"], "plugin_releases": plugin["release"]["id"], "storages": storage,
        "async_jobs": backend.ok("POST", "/v2/plugin_exports/", 202, json=export)["job_id"],
        "validation-scripts": script, "tags": tag, "task_tags": tag, "statistics": "worker",
        "assignments": backend.ok("GET", "/v2/assignments/")[0]["id"],
        "ground-truths": backend.ok("GET", "/v2/ground-truths/")[0]["id"],
        "ground-truth-events": backend.ok("GET", "/v2/ground-truth-events/")[0]["pgh_id"],
        "groups": backend.ok("POST", "/v2/groups/", 201, json={"name": "g"})["id"],
        "members": backend.ok("GET", "/v2/members/")[0]["id"],
        "tokens": backend.ok("GET", "/v2/tokens/")[0]["id"],
        "data-files": backend.ok("GET", "/v2/data-files/")[0]["id"],
        "review-tags": backend.ok("POST", f"/v2/projects/{project}/review-tags/", 201, json={"name": "r"})["id"],
        "tenants": "acme",
    }  # fmt: skip


def test_every_object_is_hidden_from_another_tenant(seeded, anonymous):
    ids = fill(seeded)
    routes = [route for route in GUARDED if "{" in route.template]
    with anonymous(seeded.app, Synapse_Access_Token=OTHER) as client:
        real = statuses(client, routes, lambda template: path_of(template, ids))
        made_up = statuses(client, routes)
    assert real == made_up  # whether an object exists cannot be told
    assert set(real) == {400, 404}
    assert not [one for one in real[400] if one.startswith("GET")]


def test_writes_of_another_tenant_change_nothing(seeded, anonymous):
    ids = fill(seeded)
    reads = [route for route in IN_TENANT if route.method == "GET" and "{" in route.template]
    before = statuses(seeded.client, reads, lambda template: path_of(template, ids))
    writes = [route for route in GUARDED if route.method in ("PUT", "PATCH", "DELETE")]
    with anonymous(seeded.app, Synapse_Access_Token=OTHER) as client:
        statuses(client, writes, lambda template: path_of(template, ids))
    assert statuses(seeded.client, reads, lambda template: path_of(template, ids)) == before
    assert len(before[200]) > 50, before


def test_no_list_shows_anything_of_another_tenant(seeded, anonymous):
    fill(seeded)
    own = {"/v2/members/", "/v2/tokens/", "/v2/tenants/", "/v2/users/me/", "/storages/"}
    lists = [
        route for route in GUARDED if route.method == "GET" and "{" not in route.template and route.template not in own
    ]
    shown = []
    with anonymous(seeded.app, Synapse_Access_Token=OTHER) as client:
        for route in lists:
            body = client.get(route.template).json()
            rows = body.get("results", body.get("data"))
            if isinstance(rows, list) and rows:
                shown.append(route.template)
    assert len(lists) > 25
    assert shown == []


def test_errors_do_not_repeat_secrets(seeded, anonymous, capfd):
    texts = []
    wrong = "syn_" + "f" * 40
    with anonymous(seeded.app, Synapse_Access_Token=wrong) as client:
        texts += [client.get("/v2/projects/").text, client.get("/data_units/").text]
        login = {"email": "a@b.co", "password": "almost secret"}
        texts += [
            client.post("/users/login/", json=login).text,
            client.post("/users/login/", content=b"{almost secret").text,
        ]
    texts += [*capfd.readouterr(), *(seeded.client.get(path).text for path in ("/v2/x/", "/v2/projects/1/"))]
    assert not [text for text in texts if re.search(f"{wrong}|{OWN}|almost secret|very secret", text)]
