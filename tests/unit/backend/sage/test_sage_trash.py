"""The trash of the Sage dialect."""

from __future__ import annotations

from typing import Any

from tests.unit.backend.sage.conftest import P, Sage


def tree(sage: Sage) -> tuple[dict[str, Any], dict[str, Any]]:
    top = sage.owner.entity("Project", "atlas")
    return top, sage.owner.entity("Folder", "raw", parentId=top["id"])


def test_deleted_entity_and_what_is_in_it_is_in_the_trash(sage: Sage) -> None:
    top, inner = tree(sage)
    sage.owner.ok("DELETE", f"/entity/{top['id']}", 204)
    for one in (top, inner):
        assert sage.owner.fails("GET", f"/entity/{one['id']}", 404) == f"Entity {one['id']} is in trash can."


def test_name_of_a_deleted_entity_is_free(sage: Sage) -> None:
    top, inner = tree(sage)
    sage.owner.ok("DELETE", f"/entity/{inner['id']}", 204)
    again = sage.owner.entity("Folder", "raw", parentId=top["id"])
    assert again["id"] != inner["id"]
    sage.owner.fails("PUT", f"/trashcan/restore/{inner['id']}", 409)


def test_deleting_twice_or_what_never_was_is_fine(sage: Sage) -> None:
    top, _ = tree(sage)
    for _time in range(2):
        sage.owner.ok("DELETE", f"/entity/{top['id']}", 204)
    sage.owner.ok("DELETE", "/entity/syn999", 204)


def test_deleting_needs_the_right_to(sage: Sage) -> None:
    top, _ = tree(sage)
    assert sage.other.fails("DELETE", f"/entity/{top['id']}", 403) == "You lack DELETE access to the requested entity."


def test_restored_entity_is_back_with_a_fresh_access_list(sage: Sage) -> None:
    top, inner = tree(sage)
    acl = sage.owner.ok("GET", f"/entity/{top['id']}/acl")
    sage.owner.ok("POST", f"/entity/{inner['id']}/acl", 201, json=acl)
    sage.owner.ok("DELETE", f"/entity/{top['id']}", 204)
    assert sage.owner.ok("PUT", f"/trashcan/restore/{top['id']}") == ""
    assert sage.owner.ok("GET", f"/entity/{inner['id']}/benefactor")["id"] == top["id"]
    assert [row["principalId"] for row in sage.owner.ok("GET", f"/entity/{top['id']}/acl")["resourceAccess"]] == [
        3000001
    ]


def test_restoring_into_another_parent_moves(sage: Sage) -> None:
    _, inner = tree(sage)
    second = sage.owner.entity("Project", "second")
    sage.owner.ok("DELETE", f"/entity/{inner['id']}", 204)
    sage.owner.ok("PUT", f"/trashcan/restore/{inner['id']}/{second['id']}")
    assert sage.owner.ok("GET", f"/entity/{inner['id']}")["parentId"] == second["id"]


def test_restoring_below_a_deleted_parent_is_refused(sage: Sage) -> None:
    top, inner = tree(sage)
    sage.owner.ok("DELETE", f"/entity/{inner['id']}", 204)
    sage.owner.ok("DELETE", f"/entity/{top['id']}", 204)
    sage.owner.fails("PUT", f"/trashcan/restore/{inner['id']}", 403)


def test_what_others_deleted_cannot_be_restored(sage: Sage) -> None:
    top, _ = tree(sage)
    sage.owner.ok("DELETE", f"/entity/{top['id']}", 204)
    sage.other.fails("PUT", f"/trashcan/restore/{top['id']}", 403)
    assert sage.other.ok("GET", "/trashcan/view")["results"] == []


def test_trash_lists_what_was_deleted_and_not_what_went_along(sage: Sage) -> None:
    top, _ = tree(sage)
    sage.owner.ok("PUT", f"/trashcan/trash/{top['id']}")
    (row,) = sage.owner.ok("GET", "/trashcan/view")["results"]
    assert (row["entityId"], row["originalParentId"], row["entityType"]) == (top["id"], "syn4489", f"{P}.Project")


def test_purged_entity_is_gone(sage: Sage) -> None:
    top, inner = tree(sage)
    sage.owner.ok("DELETE", f"/entity/{top['id']}", 204)
    sage.owner.ok("PUT", f"/trashcan/purge/{top['id']}")
    assert "does not exist" in sage.owner.fails("GET", f"/entity/{inner['id']}", 404)
