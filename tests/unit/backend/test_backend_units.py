"""Data units: atomic creation, reuse, validation, reads in both dialects, deletion with what hangs on them."""

import json

import pytest

SCHEMA = {"data_unit_meta_schema": {"type": "object", "required": ["age"], "properties": {"age": {"type": "integer"}}}}


def create(backend, collection, *units, status=201):
    body = {"data_collection": collection, "units": list(units)}
    return backend.client.post("/v2/data-units/bulk-create/", json=body), status


def image(checksum, path="a/x.png", **extra):
    return {"files": {"image_1": {"checksum": checksum, "path": path}}, **extra}


def test_bulk_create_keeps_order_and_reuses_equal_composition(backend):
    collection = backend.collection()
    one, two = backend.upload(collection, b"1", b"2")
    first, _ = create(backend, collection, image(one), image(two), image(one, "b/other.png"))
    results = first.json()["data"]["results"]
    assert [r["created"] for r in results] == [True, True, False]
    assert results[0]["data_unit_id"] == results[2]["data_unit_id"]
    second, _ = create(backend, collection, image(two, meta={"new": 1}))
    assert second.json()["data"]["results"][0]["data_unit_id"] == results[1]["data_unit_id"]
    assert second.json()["data"]["reused_count"] == 1
    assert backend.ok("GET", f"/v2/data-units/{results[1]['data_unit_id']}/")["meta"] == {}


@pytest.mark.parametrize(
    ("unit", "field", "reason"),
    [
        ({"files": {"label_1": {"checksum": "OK"}}}, "units[1].files.image_1", "a required specification is missing"),
        ({"files": {"image_1": {"checksum": "OK"}, "x": {"checksum": "OK"}}}, "units[1].files.x", "unknown name"),
        ({"files": {"image_1": {"checksum": "0" * 40}}}, "units[1].files.image_1.checksum", "unknown checksum"),
        ({"files": {"image_1": {"checksum": "OK", "path": "a.mp4"}}}, "units[1].files.image_1.path", "wrong type"),
        ({"files": {"image_1": {"checksum": 5}}}, "units[1].files.image_1", "checksum is no text"),
        ({"files": {}}, "units[1].files", "no files"),
        ({"files": {"image_1": {"checksum": "OK"}}, "groups": "abc"}, "units[1].groups", "a bare string"),
        ({"files": {"image_1": {"checksum": "OK"}}, "meta": {"age": "x"}}, "units[1].meta.age", "schema violated"),
        ({"files": {"image_1": {"checksum": "OK"}}}, "units[1].meta", "required meta is absent"),
        ("no object", "units[1]", "no object"),
    ],
)
def test_bad_unit_fails_the_whole_request_and_names_its_place(backend, unit, field, reason):
    collection = backend.collection(meta=SCHEMA)
    good, other = backend.upload(collection, b"1", b"2")
    unit = json.loads(json.dumps(unit).replace("OK", other))
    if isinstance(unit, dict) and field != "units[1].meta":
        unit.setdefault("meta", {"age": 1})
    response, _ = create(backend, collection, image(good, meta={"age": 1}, groups=["new"]), unit)
    assert response.status_code == 400, reason
    assert field in [one["field"] for one in response.json()["error"]["details"]], reason
    assert backend.ok("GET", "/v2/data-units/") == []
    assert backend.ok("GET", f"/v2/data-collections/{collection}/groups/") == []


def test_sequential_specification_is_refused(backend):
    listed = [{"name": "image_1", "file_type": "image", "is_sequential": True}]
    collection = backend.collection(file_specifications=listed)
    [checksum] = backend.upload(collection, b"1")
    response, _ = create(backend, collection, image(checksum))
    assert response.status_code == 400


def test_more_units_than_the_limit_is_bulk_size_exceeded(backend):
    response, _ = create(backend, backend.collection(), *([{}] * 1001))
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (400, "BULK_SIZE_EXCEEDED")
    assert error["details"][0]["limit"] == 1000


def test_dry_run_validates_and_creates_nothing(backend):
    collection = backend.collection()
    [checksum] = backend.upload(collection, b"1")
    path = "/v2/data-units/bulk-create/?dry_run=true"
    body = {"data_collection": collection, "units": [image(checksum)]}
    assert backend.ok("POST", path, 201, json=body) == {
        "dry_run": True,
        "action": "create",
        "validated_fields": ["data_collection", "units"],
    }
    body["units"][0]["files"]["nope"] = {}
    assert backend.client.post(path, json=body).status_code == 400
    assert backend.ok("GET", "/v2/data-units/") == []


def test_patch_replaces_meta_and_checks_it(backend):
    collection = backend.collection(meta=SCHEMA)
    [unit] = backend.units(collection, 1, meta={"age": 1, "more": True})
    assert backend.ok("PATCH", f"/v2/data-units/{unit}/", json={"meta": {"age": 2}})["meta"] == {"age": 2}
    response = backend.client.patch(f"/v2/data-units/{unit}/", json={"meta": {"age": "old"}})
    assert (response.status_code, response.json()["error"]["details"][0]["field"]) == (400, "meta.age")
    assert backend.ok("GET", f"/v2/data-units/{unit}/")["meta"] == {"age": 2}


def test_patch_cannot_move_a_unit_to_another_collection_or_foreign_group(backend):
    collection, other = backend.collection(), backend.collection(name="o")
    group = backend.ok("POST", f"/v2/data-collections/{other}/groups/", 201, json={"name": "g"})["id"]
    [unit] = backend.units(collection, 1)
    assert backend.client.patch(f"/v2/data-units/{unit}/", json={"data_collection": other}).status_code == 400
    assert backend.client.patch(f"/v2/data-units/{unit}/", json={"group": group}).status_code == 400
    assert backend.ok("PATCH", f"/v2/data-units/{unit}/", json={"group": None})["group_id"] == 0


def test_delete_takes_tasks_and_assignments_along(backend):
    collection = backend.collection()
    unit, kept = backend.units(collection, 2)
    project = backend.project(collection)
    task, _ = backend.tasks(project, [unit, kept])
    backend.ok("PUT", f"/v2/tasks/{task}/annotate-task-data/", json={"data": {}})
    backend.ok("DELETE", f"/v2/data-units/{unit}/", 204)
    assert [t["data_unit_id"] for t in backend.ok("GET", f"/v2/tasks/?project={project}")] == [kept]
    assert backend.ok("GET", f"/v2/assignments/?project={project}") == []
    assert backend.client.delete(f"/v2/data-units/{unit}/").status_code == 404


def test_deleted_unit_can_be_created_again_under_a_new_id(backend):
    collection = backend.collection()
    [unit] = backend.units(collection, 1)
    backend.ok("DELETE", f"/v2/data-units/{unit}/", 204)
    assert backend.units(collection, 1)[0] > unit


def test_v1_row_has_meta_and_files_with_working_url(backend, anonymous):
    collection = backend.collection()
    image_sum, label_sum = backend.upload(collection, b"image", b"{}")
    files = {
        "image_1": {"checksum": image_sum, "path": 'häß "1".png'},
        "label_1": {"checksum": label_sum, "path": "d/l.json"},
    }
    body = {"data_collection": collection, "files": files, "meta": {"né": "☃"}, "groups": None}
    made = backend.ok("POST", "/data_units/", 201, json=body)
    assert made["meta"] == {"né": "☃"}
    assert list(made["files"]) == ["image_1", "label_1"]
    file = made["files"]["image_1"]
    url = file.pop("url")
    assert file == {
        "file_name_original": 'häß "1".png',
        "path_original": 'häß "1".png',
        "checksum": image_sum,
        "size": 5,
        "is_primary": True,
        "file_type": "image",
        "meta": {},
    }
    assert anonymous(backend.app).get(url).content == b"image"
    assert backend.ok("GET", f"/data_units/{made['id']}/?expand=files")["id"] == made["id"]


def test_v1_post_of_array_gives_array_in_order(backend):
    collection = backend.collection()
    sums = backend.upload(collection, b"1", b"2", b"3")
    units = [image(one) | {"data_collection": collection, "meta": {"n": n}} for n, one in enumerate(sums)]
    made = backend.ok("POST", "/data_units/", 201, json=units)
    assert [one["meta"]["n"] for one in made] == [0, 1, 2]
    bad = backend.client.post("/data_units/", json=[units[0], {"files": {}}])
    assert bad.json() == {"units[1].data_collection": ["must be the id of a data collection"]}


def test_project_over_units_of_another_collection_rejects_all_tasks(backend):
    collection, other = backend.collection(), backend.collection(name="o")
    units = backend.units(collection, 1) + backend.units(other, 1)
    project = backend.project(collection)
    body = {"project": project, "data_unit_ids": units}
    assert backend.client.post("/v2/tasks/bulk-create/", json=body).status_code == 400
    assert backend.ok("GET", f"/v2/tasks/?project={project}") == []
