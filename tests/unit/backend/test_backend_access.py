"""Tokens, tenants, login: who gets in, and what they see."""

import pytest

SEED = {
    "datamaker": {
        "tenants": [{"code": "acme", "name": "Acme"}, {"code": "other"}],
        "users": [
            {"email": "a@b.co", "password": "pw", "name": "A", "tenants": ["acme"], "tokens": ["syn_aaaaaaaa"]},
            {"email": "o@b.co", "name": "O", "tenants": ["other"], "tokens": ["syn_oooooooo"]},
        ],
    }
}


@pytest.fixture
def seeded(open_backend):
    return open_backend(seed=SEED, token="syn_aaaaaaaa")


@pytest.mark.parametrize(
    "headers",
    [
        {"Synapse_Access_Token": "syn_aaaaaaaa"},
        {"Synapse_Access_Token": "Token syn_aaaaaaaa"},
        {"Authorization": "Token syn_aaaaaaaa"},
        {"Synapse_Access_Token": "syn_aaaaaaaa", "Synapse_Tenant": "Token acme"},
    ],
)
def test_token_in_every_documented_form_is_accepted(seeded, anonymous, headers):
    assert anonymous(seeded.app, **headers).get("/v2/users/me/").json()["data"]["email"] == "a@b.co"


@pytest.mark.parametrize(
    "path", ["/v2/users/me/", "/v2/data-collections/", "/data_units/", "/agents/", "/v2/tasks/1/", "/storages/"]
)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Token nope"}, {"Synapse_Access_Token": "syn_aaaaaaa"}])
def test_request_without_valid_token_is_401(seeded, anonymous, path, headers):
    assert anonymous(seeded.app, **headers).get(path).status_code == 401


def test_token_with_foreign_tenant_header_is_403(seeded, anonymous):
    client = anonymous(seeded.app, Synapse_Access_Token="syn_aaaaaaaa", Synapse_Tenant="other")
    response = client.get("/v2/users/me/")
    assert (response.status_code, response.json()["error"]["code"]) == (403, "PERMISSION_DENIED")


def test_objects_of_another_tenant_are_404_everywhere(seeded, anonymous):
    collection = seeded.collection()
    [unit] = seeded.units(collection, 1)
    project = seeded.project(collection)
    [task] = seeded.tasks(project, [unit])
    other = anonymous(seeded.app, Synapse_Access_Token="syn_oooooooo")
    paths = [
        f"/v2/data-collections/{collection}/",
        f"/v2/data-collections/{collection}/groups/",
        f"/data_collections/{collection}/",
        f"/v2/data-units/{unit}/",
        f"/data_units/{unit}/",
        f"/v2/projects/{project}/",
        f"/v2/tasks/{task}/",
        f"/tasks/{task}/",
    ]
    assert {path: other.get(path).status_code for path in paths} == dict.fromkeys(paths, 404)


def test_lists_hold_nothing_of_another_tenant(seeded, anonymous):
    collection = seeded.collection()
    project = seeded.project(collection)
    seeded.tasks(project, seeded.units(collection, 1))
    other = anonymous(seeded.app, Synapse_Access_Token="syn_oooooooo")
    for path in ("/v2/data-units/", "/v2/data-collections/", "/v2/projects/", "/v2/tasks/", "/v2/data-files/"):
        assert other.get(path).json()["data"] == []
        assert other.get(f"{path}?data_collection={collection}&project={project}").json()["data"] == []
    for path in ("/data_units/", "/sdk/tasks/", f"/data_units/?data_collection={collection}"):
        assert other.get(path).json()["count"] == 0


def test_checksum_of_another_tenants_file_is_unknown(seeded, anonymous):
    [checksum] = seeded.upload(seeded.collection(), b"secret")
    other = anonymous(seeded.app, Synapse_Access_Token="syn_oooooooo")
    assert other.post("/data_files/verify_checksums/", json={"checksums": [checksum]}).json() == {
        "existing_checksums": []
    }


def test_login_gives_token_that_needs_tenant(seeded, anonymous):
    answer = anonymous(seeded.app).post("/users/login/", json={"email": "a@b.co", "password": "pw"})
    token = answer.json()["token"]
    alone = anonymous(seeded.app, Authorization=f"Token {token}")
    assert alone.get("/v2/users/me/").status_code == 200
    assert alone.get("/v2/projects/").status_code == 403
    both = anonymous(seeded.app, Authorization=f"Token {token}", Synapse_Tenant="acme")
    assert both.get("/v2/projects/").status_code == 200
    foreign = anonymous(seeded.app, Authorization=f"Token {token}", Synapse_Tenant="other")
    assert foreign.get("/v2/projects/").status_code == 403


@pytest.mark.parametrize("given", [{"email": "a@b.co", "password": "x"}, {"email": "o@b.co", "password": "x"}, {}])
def test_login_with_wrong_credentials_is_400(seeded, anonymous, given):
    assert anonymous(seeded.app).post("/users/login/", json=given).status_code == 400


def test_token_is_shown_once_works_and_can_be_revoked(backend, anonymous):
    made = backend.ok("POST", "/v2/tokens/", 201, json={"description": "ci"})
    assert "token" not in backend.ok("GET", f"/v2/tokens/{made['id']}/")
    client = anonymous(backend.app, Synapse_Access_Token=made["token"])
    assert client.get("/v2/users/me/").status_code == 200
    backend.ok("DELETE", f"/v2/tokens/{made['id']}/", 204)
    assert client.get("/v2/users/me/").status_code == 401


def test_tokens_and_passwords_are_not_in_the_database(seeded, tmp_path):
    seeded.app.close()
    stored = b"".join(path.read_bytes() for path in (tmp_path / "store").glob("store.db*"))
    assert b"syn_aaaaaaaa" not in stored
    assert b'"pw"' not in stored


def test_local_token_is_the_same_after_reopening_and_private(open_backend, tmp_path):
    first = open_backend().app.store.local_token()
    assert open_backend().app.store.local_token() == first
    assert (tmp_path / "store" / "local-token").stat().st_mode & 0o777 == 0o600


def test_health_needs_no_token(backend, anonymous):
    assert anonymous(backend.app).get("/health/").status_code == 200
