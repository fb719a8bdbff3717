"""Bad input: never a 5xx, never half a write."""

import pytest


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "cut off"),
        (b"\xff\xfe", "no UTF-8"),
        (b'{"name": NaN}', "no JSON number"),
        (b'{"name": 1e999}', "infinite"),
        (b'{"name": "a\\u0000b"}', "control character"),
        (b'{"name": "a\\bb"}', "control character by short escape"),
        (b'{"name": "a\\ud800b", "category": "image"}', "lone surrogate"),
        (b'{"name": "a", "category": "image", "meta": {"a\\u0001": 1}}', "control character in a key"),
        (b'{"name": "a", "category": "image", "meta": 1e999}', "infinite number in free JSON"),
        (b"[" * 100_000, "absurd nesting"),
        (b'{"name": ' + b"9" * 5000 + b"}", "absurd number"),
        (b"[]", "a list"),
        (b"7", "a number"),
        (b"", "nothing"),
    ],
)
def test_bad_body_is_400(backend, content, reason):
    response = backend.client.post("/v2/data-collections/", content=content)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "VALIDATION_ERROR"), reason
    assert backend.ok("GET", "/v2/data-collections/") == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v2/projects/..%2Fx/", 400),
        ("/v2/projects/1%3F/", 400),
        ("/v2/projects/1%25/", 400),
        ("/v2/projects/1%00/", 400),
        ("/v2/projects/abc/", 404),
        ("/v2/projects/-1/", 404),
        ("/v2/projects/99999999999999999999/", 404),
        ("/v2/projects/²/", 404),
        ("/v2/projects/?category=%2541", 400),
        ("/v2/projects/?category=%00", 400),
        ("/v2/projects/?data_collection=9e9", 400),
        ("/v2/projects/?data_collection=99999999999999999999", 400),
        ("/v2/tasks/?has_data=maybe", 400),
        ("/data_units/?ids=1-999999999", 400),
        ("/sdk/assignments/?created__gt=yesterday", 400),
        ("/v2/unknown/", 404),
        ("/", 404),
    ],
)
def test_bad_path_or_query_is_4xx(backend, path, status):
    assert backend.client.get(path).status_code == status


def test_missing_trailing_slash_is_forgiven(backend):
    assert backend.client.get("/v2/projects").status_code == 200


def test_wrong_method_is_405_with_allow(backend):
    response = backend.client.put("/v2/projects/", json={})
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, POST")


def test_v1_errors_have_v1_bodies(backend):
    assert backend.client.get("/data_units/5/").json() == {"detail": "The data unit was not found."}
    assert backend.client.post("/data_units/", json={"files": {}}).json() == {
        "units[0].data_collection": ["must be the id of a data collection"]
    }


def test_huge_ids_in_bodies_are_400(backend):
    for path, body in [
        ("/v2/tasks/bulk-fetch/", {"ids": [1 << 70]}),
        ("/v2/projects/", {"title": "t", "category": "image", "configuration": {}, "data_collection": 1 << 70}),
        ("/tasks/set_tags/", {"ids": [1 << 70], "tags": []}),
        ("/data_units/", {"data_collection": 1 << 70, "files": {}}),
    ]:
        assert backend.client.post(path, json=body).status_code in (400, 404)
