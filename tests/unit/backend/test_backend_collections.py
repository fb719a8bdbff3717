"""Collections, file specifications, groups."""

import pytest


def test_collection_created_with_defaults_reads_back_whole(backend):
    made = backend.ok("POST", "/v2/data-collections/", 201, json={"name": "x", "category": "image"})
    assert made == backend.ok("GET", f"/v2/data-collections/{made['id']}/")
    expected = {"description": "", "meta": None, "caution": "sensitive_content", "access_level": "private"}
    assert {key: made[key] for key in expected} == expected


def test_all_wrong_fields_are_reported_at_once(backend):
    body = {"name": "", "category": "film", "access_level": 3, "file_specifications": [{"name": "a"}, 7]}
    response = backend.client.post("/v2/data-collections/", json=body)
    assert response.status_code == 400
    assert [one["field"] for one in response.json()["error"]["details"]] == [
        "name",
        "category",
        "access_level",
        "file_specifications[0].file_type",
        "file_specifications[1]",
    ]


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ([{"name": "a", "file_type": "data"}] * 2, "a name occurs twice"),
        ([{"name": n, "file_type": "data", "is_primary": True} for n in "ab"], "two are primary"),
        ([{"name": n, "file_type": "data", "function_type": "main"} for n in "ab"], "two are main"),
    ],
)
def test_contradicting_specifications_are_400(backend, listed, reason):
    body = {"name": "x", "category": "image", "file_specifications": listed}
    assert backend.client.post("/v2/data-collections/", json=body).status_code == 400, reason


def test_update_gets_or_creates_listed_specifications_and_deletes_others(backend):
    collection = backend.collection()
    before = {
        s["name"]: s["id"] for s in backend.ok("GET", f"/v2/data-collections/{collection}/")["file_specifications"]
    }
    listed = [{"name": "extra_1", "file_type": "data"}, {"name": "image_1", "file_type": "image"}]
    after = backend.ok("PATCH", f"/v2/data-collections/{collection}/", json={"file_specifications": listed})
    assert [s["name"] for s in after["file_specifications"]] == ["extra_1", "image_1"]
    assert after["file_specifications"][1]["id"] == before["image_1"]


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ([{"name": "label_1", "file_type": "data"}], "units use the removed specification"),
        ([{"name": "image_1", "file_type": "video"}], "units use the specification whose type changes"),
    ],
)
def test_specification_in_use_is_protected(backend, listed, reason):
    collection = backend.collection()
    backend.units(collection, 1)
    response = backend.client.patch(f"/v2/data-collections/{collection}/", json={"file_specifications": listed})
    assert response.status_code == 409, reason
    assert len(backend.ok("GET", f"/v2/data-collections/{collection}/")["file_specifications"]) == 2


def test_delete_of_collection_with_units_is_409_and_of_empty_one_204(backend):
    collection = backend.collection()
    [unit] = backend.units(collection, 1)
    response = backend.client.delete(f"/v2/data-collections/{collection}/")
    assert (response.status_code, response.json()["error"]["code"]) == (409, "CONFLICT")
    backend.ok("DELETE", f"/v2/data-units/{unit}/", 204)
    backend.ok("DELETE", f"/v2/data-collections/{collection}/", 204)
    assert backend.client.get(f"/v2/data-collections/{collection}/").status_code == 404


@pytest.mark.parametrize(
    "schema", [{"type": "objekt"}, "object", {"$ref": "http://127.0.0.1:9/x"}, {"$ref": "file:///etc/passwd"}]
)
def test_bad_unit_meta_schema_is_400(backend, schema):
    body = {"name": "x", "category": "image", "meta": {"data_unit_meta_schema": schema}}
    response = backend.client.post("/v2/data-collections/", json=body)
    assert response.json()["error"]["details"][0]["field"] == "meta.data_unit_meta_schema"


def test_v1_read_expands_specifications_with_extensions(backend):
    collection = backend.collection()
    assert "file_specifications" not in backend.ok("GET", f"/data_collections/{collection}/")
    read = backend.ok("GET", f"/data_collections/{collection}/?expand=file_specifications")
    assert ".png" in read["file_specifications"][0]["extensions"]


def test_unit_groups_form_a_path_that_is_created_once(backend):
    collection = backend.collection()
    units = backend.units(collection, 2, groups=["top", "leaf"])
    groups = {g["name"]: g["id"] for g in backend.ok("GET", f"/v2/data-collections/{collection}/groups/")}
    assert set(groups) == {"top", "leaf"}
    assert {backend.ok("GET", f"/v2/data-units/{unit}/")["group_id"] for unit in units} == {groups["leaf"]}


def test_deleted_group_leaves_its_units(backend):
    collection = backend.collection()
    group = backend.ok("POST", f"/v2/data-collections/{collection}/groups/", 201, json={"name": "g"})["id"]
    [unit] = backend.units(collection, 1, groups=["g"])
    backend.ok("DELETE", f"/v2/data-collections/{collection}/groups/{group}/", 204)
    assert backend.ok("GET", f"/v2/data-units/{unit}/")["group_id"] == 0


def test_sdk_compat_off_gives_honest_nulls(open_backend):
    backend = open_backend(seed={"datamaker": {"sdkCompat": False}})
    [unit] = backend.units(backend.collection(), 1)
    assert backend.ok("GET", f"/v2/data-units/{unit}/")["group_id"] is None
