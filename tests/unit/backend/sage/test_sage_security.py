"""No way in without a token, and none to what others have not shared: every route of the dialect is tried."""

from __future__ import annotations

import re

import pytest

from reconciler.backend.routing import Access
from reconciler.backend.sage.services import ROUTES

GUARDED = [route for route in ROUTES if route.access is not Access.ANYONE]
OF_ENTITIES = [route for route in ROUTES if route.template.startswith("/entity/{id}")]


def path_of(template, entity="syn1"):
    """A path with this entity, and with numbers in place of other parameters."""
    return re.sub(r"{\w+}", "1", template.replace("/entity/{id}", f"/entity/{entity}"))


def statuses(user, routes, entity="syn1"):
    """Status → routes that gave it."""
    found = {}
    for route in routes:
        options = {} if route.method in ("GET", "DELETE") else {"json": {}}
        response = user.send(route.method, path_of(route.template, entity), **options)
        found.setdefault(response.status_code, []).append(f"{route.method} {route.template}")
    return found


def test_every_guarded_route_refuses_who_has_no_token(sage):
    assert len(GUARDED) > 150
    assert set(statuses(sage.nobody, GUARDED)) == {401}


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("Bearer pat-nobody-has-this", "a token that nobody has"),
        ("Bearer pat-owner-012345678", "most of a token"),
        ("Basic cGF0LW93bmVy", "another scheme"),
        ("pat-owner-0123456789", "no scheme"),
    ],
)
def test_every_route_refuses_a_wrong_token(sage, header, reason):
    sage.nobody.client.headers["Authorization"] = header
    assert set(statuses(sage.nobody, ROUTES)) == {401}, reason


@pytest.fixture
def file(sage):
    """A file in a project that its owner shares with nobody."""
    project = sage.owner.entity("Project", "private")
    handle = sage.owner.upload(b"secret bytes")
    return sage.owner.entity("FileEntity", "a.txt", parentId=project["id"], dataFileHandleId=handle)


def picture(sage, file):
    """All that its owner can read of an entity."""
    reads = [route for route in OF_ENTITIES if route.method == "GET"]
    return {route.template: sage.owner.send("GET", path_of(route.template, file["id"])).text for route in reads}


def test_who_has_no_right_reads_nothing_of_an_entity(sage, file):
    reads = [route for route in OF_ENTITIES if route.method == "GET"]
    own_rights_and_own_evaluations = ["GET /entity/{id}/permissions", "GET /entity/{id}/evaluation"]
    for user in (sage.other, sage.nobody):
        shown = statuses(user, reads, file["id"]).get(200, [])
        assert [route for route in shown if route not in own_rights_and_own_evaluations] == []
        for path in ("bundle2", "version/1/bundle2"):
            parts = {"includeEntity": True, "includeAnnotations": True, "includeFileHandles": True}
            assert user.send("POST", f"/entity/{file['id']}/{path}", json=parts).status_code in (401, 403)


def test_who_has_no_right_writes_nothing_to_an_entity(sage, file):
    before = picture(sage, file)
    writes = [route for route in OF_ENTITIES if route.method != "GET"]
    found = statuses(sage.other, writes, file["id"])
    done = [route for status in (200, 201, 204) for route in found.get(status, [])]
    # Jobs begin for everybody, and fail; a bundle without parts is empty.
    assert [route for route in done if not route.endswith(("/async/start", "/bundle2"))] == []
    body = sage.owner.ok("GET", f"/entity/{file['id']}")
    annotations = sage.owner.ok("GET", f"/entity/{file['id']}/annotations2")
    access = {"id": file["parentId"], "resourceAccess": []}
    for method, path, content in (
        ("PUT", f"/entity/{file['id']}", body | {"name": "mine"}),
        ("PUT", f"/entity/{file['id']}/annotations2", annotations),
        ("PUT", f"/entity/{file['parentId']}/acl", access),
        ("POST", "/entity", {"concreteType": body["concreteType"], "name": "b", "parentId": file["parentId"]}),
        ("DELETE", f"/entity/{file['id']}", None),
    ):
        assert sage.other.send(method, path, json=content).status_code in (400, 403), (method, path)
    assert picture(sage, file) == before


def test_who_has_no_right_gets_no_bytes(sage, file):
    handle = {"fileHandleId": file["dataFileHandleId"], "fileHandleAssociationList": []}
    one = {**handle, "associateObjectId": file["id"], "associateObjectType": "FileEntity"}
    body = {"includeFileHandles": True, "includePreSignedURLs": True, "requestedFiles": [one]}
    [result] = sage.other.ok("POST", "/fileHandle/batch", 201, json=body)["requestedFiles"]
    assert result["failureCode"] == "UNAUTHORIZED"
    assert not {"fileHandle", "preSignedURL"} & result.keys()


def test_errors_do_not_repeat_tokens(sage, capfd):
    wrong = "pat-wrong-9876543210"
    sage.nobody.client.headers["Authorization"] = f"Bearer {wrong}"
    texts = [sage.nobody.send("GET", "/userProfile").text, sage.owner.send("GET", "/entity/syn1").text]
    texts += [sage.owner.send("POST", "/entity", content=b"{broken").text, *capfd.readouterr()]
    assert not [text for text in texts if re.search(f"{wrong}|pat-owner-0123456789", text)]
