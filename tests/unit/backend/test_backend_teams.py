"""Members, groups, roles, workshops and validation scripts: what they refuse."""

import pytest

from reconciler.backend.store import add_membership, add_token, add_user

TOKEN = "syn_second_user"


@pytest.fixture
def second(backend, anonymous):
    """Another user of the same workspace: id, and a client."""
    store = backend.app.store
    with store.writing() as db:
        tenant = db.execute("SELECT id FROM tenants").fetchone()[0]
        user = add_user(db, "second@example.com", "Second", store.now())
        add_membership(db, user=user, tenant=tenant)
        db.execute("UPDATE members SET role = 'member' WHERE user_id = ?", (user,))
        add_token(db, TOKEN, user=user, tenant=tenant, description="", now=store.now())
    with anonymous(backend.app, Synapse_Access_Token=TOKEN) as client:
        yield user, client


def status(backend, method, path, **body):
    return backend.client.request(method, path, json=body).status_code


def test_member_without_rank_cannot_manage_members(backend, second):
    user, client = second
    assert client.patch(f"/v2/members/{member_of(backend, user)}/", json={"role": "owner"}).status_code == 403
    assert client.post("/v2/members/", json={"user": user, "role": "guest"}).status_code == 403


def member_of(backend, user):
    return next(one["id"] for one in backend.ok("GET", "/v2/members/") if one["user_id"] == user)


def test_role_of_member_changes_and_filters(backend, second):
    member = member_of(backend, second[0])
    assert backend.ok("PATCH", f"/v2/members/{member}/", json={"role": "admin"})["role"] == "admin"
    assert [one["id"] for one in backend.ok("GET", "/v2/members/?role=admin")] == [member]


def test_admin_cannot_touch_an_owner(backend, second):
    user, client = second
    backend.ok("PATCH", f"/v2/members/{member_of(backend, user)}/", json={"role": "admin"})
    owner = next(one["id"] for one in backend.ok("GET", "/v2/members/?role=owner"))
    assert client.delete(f"/v2/members/{owner}/").status_code == 403


def test_last_owner_can_neither_go_nor_step_down(backend, second):
    owner = backend.ok("GET", "/v2/members/?role=owner")[0]["id"]
    assert status(backend, "DELETE", f"/v2/members/{owner}/") == 409
    assert status(backend, "PATCH", f"/v2/members/{owner}/", role="guest") == 409


def test_removed_member_has_no_access_any_more(backend, second):
    user, client = second
    assert client.get("/v2/projects/").status_code == 200
    backend.ok("DELETE", f"/v2/members/{member_of(backend, user)}/", 204)
    assert client.get("/v2/projects/").status_code == 401


def test_invitation_grants_roles_once_and_shows_them(backend, second):
    project = backend.project(backend.collection())
    member = member_of(backend, second[0])
    body = {"member_roles": [{"member": member, "role": ["viewer"]}]}
    backend.ok("POST", f"/v2/projects/{project}/invite/", json=body)
    backend.ok("POST", f"/v2/projects/{project}/invite/", json={"member_ids": [member], "role_code": "viewer"})
    assert backend.ok("GET", f"/v2/projects/{project}/roles/")["member_roles"] == [
        {"member": member, "role": ["viewer"]}
    ]
    assert second[1].get(f"/v2/projects/{project}/permissions/").json()["data"]["role"]["code"] == "viewer"
    assert second[1].get(f"/v2/projects/{project}/check_permission/?permission=change").status_code == 403


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"member_roles": [{"member": 1, "role": "viewer"}]}, "member_roles[0].member"),
        ({"member_roles": "x"}, "member_roles"),
        ({"group_ids": [5], "role_code": "emperor"}, "group_ids[0].group"),
    ],
)
def test_wrong_invitation_names_the_field(backend, body, field):
    project = backend.project(backend.collection())
    response = backend.client.post(f"/v2/projects/{project}/invite/", json=body)
    assert response.status_code == 400
    assert field in [one["field"] for one in response.json()["error"]["details"]]


def test_accepted_join_request_grants_its_role(backend, second):
    user, client = second
    collection = backend.collection()
    path = f"/v2/data-collections/{collection}/join_requests/"
    assert client.post(path, json={}).status_code == 201
    assert client.post(path, json={}).status_code == 400
    assert [one["user"]["id"] for one in backend.ok("GET", path)] == [user]
    backend.ok("PATCH", path, json={"status": "accepted", "role": "manager"})
    assert backend.ok("GET", path) == []
    granted = backend.ok("GET", f"/v2/data-collections/{collection}/roles/")["member_roles"]
    assert granted == [{"member": member_of(backend, user), "role": ["manager"]}]
    mine = client.get("/v2/data-collections/my_join_requests/").json()["data"]
    assert [one["status"] for one in mine] == ["accepted"]


@pytest.fixture
def workshop(backend):
    project = backend.project(backend.collection())
    made = backend.ok("POST", "/v2/workshops/", 201, json={"project": project, "name": "w", "access_code": "abc"})
    return made["id"]


@pytest.mark.parametrize("field", ["project", "level_distribution", "is_reviewable"])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_workshop_keeps_what_is_fixed(backend, workshop, method, field):
    response = backend.client.request(method, f"/v2/workshops/{workshop}/", json={"name": "x", field: 1})
    assert response.status_code == 400
    assert response.json()["error"]["details"][0]["field"] == field


def test_workshop_of_the_same_name_is_refused(backend, workshop):
    project = backend.ok("GET", f"/v2/workshops/{workshop}/")["project_id"]
    assert status(backend, "POST", "/v2/workshops/", project=project, name="w") == 400


def test_participation_needs_the_access_code(backend, workshop):
    path = f"/v2/workshops/{workshop}/participate/"
    assert status(backend, "POST", path, role="labeler", access_code="no") == 403
    assert status(backend, "POST", path, role="labeler", access_code="abc") == 201
    assert status(backend, "DELETE", f"/v2/workshops/{workshop}/") == 409


def test_worker_must_be_a_member_and_leaves_only_without_open_work(backend, workshop):
    user = backend.ok("GET", "/v2/users/me/")["id"]
    path = f"/v2/workshops/{workshop}/workers/"
    assert status(backend, "POST", path, user=5) == 400
    worker = backend.ok("POST", path, 201, json={"user": user})["id"]
    project = backend.ok("GET", f"/v2/workshops/{workshop}/")["project_id"]
    collection = backend.ok("GET", f"/v2/projects/{project}/")["data_collection_id"]
    [task] = backend.tasks(project, backend.units(collection, 1))
    backend.ok("PATCH", f"/v2/tasks/{task}/", json={"workshop": workshop})
    backend.ok("PUT", f"/v2/tasks/{task}/annotate-task-data/", json={"action": "save", "data": {}})
    assert backend.ok("GET", f"{path}{worker}/")["count_assignments_in_workshop"] == 1
    assert status(backend, "DELETE", f"{path}{worker}/") == 409


def test_reviewer_needs_a_workshop_with_reviews(backend):
    project = backend.project(backend.collection())
    body = {"project": project, "name": "w", "is_reviewable": False}
    workshop = backend.ok("POST", "/v2/workshops/", 201, json=body)["id"]
    user = backend.ok("GET", "/v2/users/me/")["id"]
    assert status(backend, "POST", f"/v2/workshops/{workshop}/reviewer-covers/", user=user) == 400


def test_task_takes_only_workshops_of_its_project(backend, workshop):
    other = backend.collection(name="other")
    [task] = backend.tasks(backend.project(other), backend.units(other, 1))
    assert status(backend, "PATCH", f"/v2/tasks/{task}/", workshop=workshop) == 400


@pytest.mark.parametrize("body", [{"name": "s"}, {"name": "s", "code": ""}, {"name": "s", "code": "x", "timeout": 61}])
def test_wrong_validation_script_is_refused(backend, body):
    assert status(backend, "POST", "/v2/validation-scripts/", **body) == 400
