"""Access lists of entities of the Sage dialect: own and inherited, and what they allow."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.backend.sage.conftest import Sage, User

OWNER_RIGHTS = ["CREATE", "READ", "UPDATE", "DELETE", "CHANGE_PERMISSIONS", "DOWNLOAD", "CHANGE_SETTINGS", "MODERATE"]


def tree(sage: Sage) -> tuple[dict[str, Any], dict[str, Any]]:
    top = sage.owner.entity("Project", "atlas")
    return top, sage.owner.entity("Folder", "raw", parentId=top["id"])


def grant(acl: dict[str, Any], principal: int, *access: str) -> dict[str, Any]:
    kept = [row for row in acl["resourceAccess"] if row["principalId"] != principal]
    return acl | {"resourceAccess": [*kept, {"principalId": principal, "accessType": list(access)}]}


def acl_of(sage: Sage, entity: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = sage.owner.ok("GET", f"/entity/{entity['id']}/acl")
    return found


def test_new_project_belongs_to_its_creator(sage: Sage) -> None:
    top, _ = tree(sage)
    acl = acl_of(sage, top)
    (row,) = acl["resourceAccess"]
    assert (acl["id"], row["principalId"], row["accessType"]) == (top["id"], 3000001, OWNER_RIGHTS)


def test_inherited_list_is_missing_and_the_answer_says_where_it_is(sage: Sage) -> None:
    top, inner = tree(sage)
    reason = sage.owner.fails("GET", f"/entity/{inner['id']}/acl", 404)
    expected = "The requested ACL does not exist. This entity inherits its permissions from: "
    assert reason == f"{expected}/entity/{top['id']}/acl"


def test_own_list_takes_the_place_of_the_inherited_one(sage: Sage) -> None:
    top, inner = tree(sage)
    body = grant(acl_of(sage, top), 3000002, "READ")  # id and etag are those of the project's list
    made = sage.owner.ok("POST", f"/entity/{inner['id']}/acl", 201, json=body)
    assert made["id"] == inner["id"]
    assert sage.other.ok("GET", f"/entity/{inner['id']}")["name"] == "raw"
    sage.other.fails("GET", f"/entity/{top['id']}", 403)
    sage.owner.fails("POST", f"/entity/{inner['id']}/acl", 403, json=body)


def test_list_of_a_middle_entity_holds_for_what_is_below(sage: Sage) -> None:
    top, middle = tree(sage)
    inner = sage.owner.entity("Folder", "deep", parentId=middle["id"])
    sage.owner.ok("POST", f"/entity/{middle['id']}/acl", 201, json=grant(acl_of(sage, top), 3000002, "READ"))
    assert sage.other.ok("GET", f"/entity/{inner['id']}/benefactor")["id"] == middle["id"]
    sage.owner.ok("DELETE", f"/entity/{middle['id']}/acl", 204)
    sage.other.fails("GET", f"/entity/{inner['id']}", 403)


def test_deleting_an_inherited_list_is_refused(sage: Sage) -> None:
    top, inner = tree(sage)
    assert sage.owner.fails("DELETE", f"/entity/{inner['id']}/acl", 403) == "Resource already inherits its permissions."
    sage.owner.fails("DELETE", f"/entity/{top['id']}/acl", 403)


def test_list_changes_with_its_own_etag_and_changes_the_entity(sage: Sage) -> None:
    top, _ = tree(sage)
    acl = acl_of(sage, top)
    changed = sage.owner.ok("PUT", f"/entity/{top['id']}/acl", json=grant(acl, 3000002, "READ"))
    assert changed["etag"] != acl["etag"]
    sage.owner.fails("PUT", f"/entity/{top['id']}/acl", 412, json=acl)
    assert sage.owner.ok("GET", f"/entity/{top['id']}")["etag"] != top["etag"]


def test_list_for_another_entity_is_refused(sage: Sage) -> None:
    top, inner = tree(sage)
    sage.owner.fails("PUT", f"/entity/{top['id']}/acl", 400, json=acl_of(sage, top) | {"id": inner["id"]})
    sage.owner.fails("PUT", f"/entity/{inner['id']}/acl", 403, json=acl_of(sage, top) | {"id": inner["id"]})


@pytest.mark.parametrize(
    ("principal", "access"),
    [(273949, ["READ", "DOWNLOAD"]), (273950, ["READ"]), (3000002, []), (3000002, ["FLY"]), (77, ["READ"])],
    ids=["public may only read", "anonymous user", "no right", "unknown right", "unknown principal"],
)
def test_grant_that_breaks_a_rule_is_refused(sage: Sage, principal: int, access: list[str]) -> None:
    top, _ = tree(sage)
    sage.owner.fails("PUT", f"/entity/{top['id']}/acl", 400, json=grant(acl_of(sage, top), principal, *access))


def test_nobody_but_the_creator_can_lock_themselves_out(sage: Sage) -> None:
    top, _ = tree(sage)
    acl = grant(acl_of(sage, top), 3000002, "READ", "CHANGE_PERMISSIONS")
    acl = sage.owner.ok("PUT", f"/entity/{top['id']}/acl", json=acl)
    sage.other.fails("PUT", f"/entity/{top['id']}/acl", 400, json=grant(acl, 3000002, "READ"))
    sage.owner.ok("PUT", f"/entity/{top['id']}/acl", json=grant(acl, 3000001, "READ"))


def test_list_is_changed_only_with_the_right_to(sage: Sage) -> None:
    top, _ = tree(sage)
    acl = sage.owner.ok("PUT", f"/entity/{top['id']}/acl", json=grant(acl_of(sage, top), 3000002, "READ", "UPDATE"))
    reason = sage.other.fails("PUT", f"/entity/{top['id']}/acl", 403, json=acl)
    assert reason == "You lack CHANGE_PERMISSIONS access to the requested entity."


def test_public_reads_without_a_token(sage: Sage) -> None:
    top, _ = tree(sage)
    sage.nobody.fails("GET", f"/entity/{top['id']}", 403)
    sage.owner.ok("PUT", f"/entity/{top['id']}/acl", json=grant(acl_of(sage, top), 273949, "READ"))
    assert sage.nobody.ok("GET", f"/entity/{top['id']}")["name"] == "atlas"


def test_permissions_have_every_key(sage: Sage) -> None:
    top, _ = tree(sage)
    own = sage.owner.ok("GET", f"/entity/{top['id']}/permissions")
    assert len(own) == 18
    assert own["ownerPrincipalId"] == 3000001
    assert all(own[key] for key in ("canView", "canEdit", "canMove", "canAddChild", "canChangeSettings", "canDownload"))
    assert not own["canEnableInheritance"]
    others = sage.other.ok("GET", f"/entity/{top['id']}/permissions")
    assert not any(others[key] for key in ("canView", "canEdit", "canMove", "canDelete", "canChangeSettings"))


def test_creator_may_always_change_settings(sage: Sage) -> None:
    top, _ = tree(sage)
    sage.owner.ok("PUT", f"/entity/{top['id']}/acl", json=grant(acl_of(sage, top), 3000001, "READ"))
    assert sage.owner.ok("GET", f"/entity/{top['id']}/permissions")["canChangeSettings"]


def test_access_is_asked_for_by_type(sage: Sage) -> None:
    top, _ = tree(sage)
    assert sage.owner.ok("GET", f"/entity/{top['id']}/access?accessType=DOWNLOAD") == {"result": True}
    assert sage.other.ok("GET", f"/entity/{top['id']}/access?accessType=DOWNLOAD") == {"result": False}
    sage.owner.fails("GET", f"/entity/{top['id']}/access?accessType=FLY", 400)


@pytest.mark.parametrize(("certified", "status"), [(True, 200), (False, 403)])
def test_grant_to_certified_users_is_for_those_only(
    sage: Sage, open_backend: Any, anonymous: Any, certified: bool, status: int
) -> None:
    top, _ = tree(sage)
    sage.owner.ok("PUT", f"/entity/{top['id']}/acl", json=grant(acl_of(sage, top), 3, "READ"))
    user = {"userName": "third", "certified": certified, "tokens": ["pat-third-0123456789"]}
    again = open_backend(seed={"sage": {"users": [user]}})
    client = User(anonymous(again.app, Authorization="Bearer pat-third-0123456789"))
    assert client.send("GET", f"/entity/{top['id']}").status_code == status


def test_lock_shows_in_what_one_may_do(sage: Sage) -> None:
    top, inner = tree(sage)
    sage.owner.ok("PUT", f"/entity/{top['id']}/acl", json=grant(acl_of(sage, top), 3000002, "READ", "DOWNLOAD"))
    path = f"/entity/{inner['id']}/permissions"
    assert sage.other.ok("GET", path)["canDownload"] is True
    sage.owner.ok("POST", f"/entity/{top['id']}/lockAccessRequirement", 201)
    assert sage.other.ok("GET", path)["canDownload"] is False
    assert sage.owner.ok("GET", path)["canDownload"] is True


def test_open_data_can_be_downloaded_by_whoever_may_read(sage: Sage) -> None:
    top, _ = tree(sage)
    sage.owner.ok("PUT", f"/entity/{top['id']}/acl", json=grant(acl_of(sage, top), 3000002, "READ"))
    path = f"/entity/{top['id']}"
    sage.owner.fails("PUT", f"{path}/datatype?type=OPEN_DATA", 403)
    assert sage.other.ok("GET", f"{path}/permissions")["canDownload"] is False
    assert sage.admin.ok("PUT", f"{path}/datatype?type=OPEN_DATA")["dataType"] == "OPEN_DATA"
    found = sage.other.ok("GET", f"{path}/permissions")
    assert (found["canDownload"], found["isEntityOpenData"]) == (True, True)
    sage.owner.ok("PUT", f"{path}/datatype?type=SENSITIVE_DATA")
    assert sage.other.ok("GET", f"{path}/permissions")["canDownload"] is False


@pytest.mark.parametrize("query", ["", "?type=", "?type=open_data", "?type=NULL"])
def test_unknown_data_type_is_refused(sage: Sage, query: str) -> None:
    assert "OPEN_DATA" in sage.owner.fails("PUT", f"/entity/{tree(sage)[0]['id']}/datatype{query}", 400)
