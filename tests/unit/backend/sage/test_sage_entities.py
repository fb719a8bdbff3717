"""Entities of the Sage dialect: names, parents, etags, versions, moves."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.backend.sage.conftest import P, Sage, User


def project(user: User, name: str = "atlas", **fields: Any) -> dict[str, Any]:
    return user.entity("Project", name, **fields)


def folder(user: User, parent: dict[str, Any], name: str = "raw", **fields: Any) -> dict[str, Any]:
    return user.entity("Folder", name, parentId=parent["id"], **fields)


def file(user: User, parent: dict[str, Any], content: bytes, name: str = "a.txt", **fields: Any) -> dict[str, Any]:
    return user.entity("FileEntity", name, parentId=parent["id"], dataFileHandleId=user.upload(content), **fields)


def put(user: User, entity: dict[str, Any], query: str = "", **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = user.ok("PUT", f"/entity/{entity['id']}{query}", json=entity | changes)
    return made


def test_entity_created_has_all_fields_and_no_nulls(sage: Sage) -> None:
    made = project(sage.owner, contentType="ignored", unknown={"a": 1})
    assert made["parentId"] == "syn4489"
    assert made["createdBy"] == made["modifiedBy"] == "3000001"
    assert made["concreteType"] == f"{P}.Project"
    assert set(made) == {
        "id", "name", "etag", "parentId", "concreteType", "createdBy", "createdOn", "modifiedBy", "modifiedOn",
    }  # fmt: skip


def test_entity_without_name_is_called_by_its_id(sage: Sage) -> None:
    made = sage.owner.ok("POST", "/entity", 201, json={"concreteType": f"{P}.Project"})
    assert made["name"] == made["id"]


def test_entity_name_is_trimmed(sage: Sage) -> None:
    assert project(sage.owner, "  atlas ")["name"] == "atlas"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("   ", "blank"), ("a/b", "Invalid Name: 'a/b'"), ("ü", "Invalid Name"), ("x" * 257, "256")],
    ids=["blank", "slash", "not ASCII", "long"],
)
def test_entity_name_that_breaks_a_rule_is_refused(sage: Sage, name: str, reason: str) -> None:
    body = {"concreteType": f"{P}.Project", "name": name}
    assert reason in sage.owner.fails("POST", "/entity", 400, json=body)


def test_entity_name_may_hold_a_comma(sage: Sage) -> None:
    assert project(sage.owner, "a,b (c) `d` e'f+g-h_i.j")["name"] == "a,b (c) `d` e'f+g-h_i.j"


def test_entity_name_taken_in_parent_is_a_conflict(sage: Sage) -> None:
    top = project(sage.owner)
    folder(sage.owner, top)
    body = {"concreteType": f"{P}.Folder", "name": "raw", "parentId": top["id"]}
    reason = sage.owner.fails("POST", "/entity", 409, json=body)
    assert reason == f"An entity with the name: raw already exists with a parentId: {top['id']}"


def test_entity_names_differ_by_case(sage: Sage) -> None:
    top = project(sage.owner)
    assert folder(sage.owner, top, "raw")["id"] != folder(sage.owner, top, "Raw")["id"]


def test_project_name_of_another_user_is_taken(sage: Sage) -> None:
    project(sage.owner)
    sage.other.fails("POST", "/entity", 409, json={"concreteType": f"{P}.Project", "name": "atlas"})


def test_update_with_old_etag_is_refused(sage: Sage) -> None:
    made = project(sage.owner)
    put(sage.owner, made, description="first")
    reason = sage.owner.fails("PUT", f"/entity/{made['id']}", 412, json=made | {"description": "second"})
    expected = "was updated since you last fetched it, retrieve it again and re-apply the update"
    assert reason == f"Object: {made['id']} {expected}"
    assert sage.owner.ok("GET", f"/entity/{made['id']}")["description"] == "first"


def test_update_gives_a_fresh_etag_and_time(sage: Sage) -> None:
    made = project(sage.owner)
    sage.backend.clock.now += 60
    changed = put(sage.owner, made)
    assert changed["etag"] != made["etag"]
    assert changed["modifiedOn"] > made["modifiedOn"] == made["createdOn"]


def test_update_without_description_clears_it(sage: Sage) -> None:
    made = project(sage.owner, description="old")
    del made["description"]
    assert "description" not in put(sage.owner, made)


@pytest.mark.parametrize("missing", ["id", "etag", "name", "concreteType"])
def test_update_without_a_needed_field_is_refused(sage: Sage, missing: str) -> None:
    made = project(sage.owner)
    body = {key: value for key, value in made.items() if key != missing}
    sage.owner.fails("PUT", f"/entity/{made['id']}", 400, json=body)


def test_update_cannot_change_the_type(sage: Sage) -> None:
    top = project(sage.owner)
    made = folder(sage.owner, top)
    body = made | {"concreteType": f"{P}.Link"}
    assert "concreteType" in sage.owner.fails("PUT", f"/entity/{made['id']}", 400, json=body)


def test_update_by_a_reader_is_refused(sage: Sage) -> None:
    made = project(sage.owner)
    reason = sage.other.fails("PUT", f"/entity/{made['id']}", 403, json=made)
    assert reason == "You lack UPDATE access to the requested entity."


def test_entity_of_others_cannot_be_read(sage: Sage) -> None:
    made = project(sage.owner)
    reason = sage.other.fails("GET", f"/entity/{made['id']}", 403)
    assert reason == "You lack READ access to the requested entity."


def test_child_of_others_project_cannot_be_created(sage: Sage) -> None:
    body = {"concreteType": f"{P}.Folder", "name": "mine", "parentId": project(sage.owner)["id"]}
    assert sage.other.fails("POST", "/entity", 403, json=body) == "You lack CREATE access to the requested entity."


def test_entity_unknown_is_missing(sage: Sage) -> None:
    assert sage.owner.fails("GET", "/entity/syn999", 404) == "Resource: '999' does not exist"


def test_project_has_no_parent_and_a_file_needs_one(sage: Sage) -> None:
    top = project(sage.owner)
    sage.owner.fails("POST", "/entity", 400, json={"concreteType": f"{P}.Project", "parentId": top["id"]})
    sage.owner.fails("POST", "/entity", 400, json={"concreteType": f"{P}.Folder", "name": "a"})
    sage.owner.fails("POST", "/entity", 400, json={"concreteType": f"{P}.Folder", "parentId": "syn4489"})


def test_file_cannot_hold_children(sage: Sage) -> None:
    top = project(sage.owner)
    within = file(sage.owner, top, b"one")
    sage.owner.fails("POST", "/entity", 400, json={"concreteType": f"{P}.Folder", "parentId": within["id"]})


def test_alias_is_unique_in_any_case(sage: Sage) -> None:
    made = project(sage.owner, alias="Atlas")
    body = {"concreteType": f"{P}.Project", "name": "b", "alias": "aTLAS"}
    assert "aTLAS" in sage.owner.fails("POST", "/entity", 409, json=body)
    assert sage.owner.ok("GET", "/entity/alias/ATLAS") == {"id": made["id"]}


def test_file_with_other_content_gets_a_version_without_label(sage: Sage) -> None:
    made = file(sage.owner, project(sage.owner), b"one", versionLabel="first")
    changed = put(
        sage.owner, made, dataFileHandleId=sage.owner.upload(b"two"), versionLabel="mine", versionComment="hello"
    )
    assert (changed["versionNumber"], changed["versionLabel"]) == (2, "2")
    assert "versionComment" not in changed


def test_file_with_the_same_content_keeps_its_version(sage: Sage) -> None:
    made = file(sage.owner, project(sage.owner), b"one")
    again = sage.owner.upload(b"one", fileName="other.bin")
    assert again != made["dataFileHandleId"]
    changed = put(sage.owner, made, dataFileHandleId=again)
    assert (changed["versionNumber"], changed["dataFileHandleId"]) == (1, again)


def test_file_with_changed_description_keeps_version_and_label(sage: Sage) -> None:
    made = file(sage.owner, project(sage.owner), b"one", versionLabel="first")
    del made["versionLabel"]
    changed = put(sage.owner, made, description="more")
    assert (changed["versionNumber"], changed["versionLabel"]) == (1, "first")


def test_new_version_asked_for_is_one_above_the_highest_ever(sage: Sage) -> None:
    made = file(sage.owner, project(sage.owner), b"one")
    del made["versionLabel"]
    second = put(sage.owner, made, "?newVersion=true")
    sage.owner.ok("DELETE", f"/entity/{made['id']}/version/2", 204)
    current = sage.owner.ok("GET", f"/entity/{made['id']}")
    assert (second["versionNumber"], current["versionNumber"]) == (2, 1)
    del current["versionLabel"]
    assert put(sage.owner, current, "?newVersion=true")["versionNumber"] == 3


def test_version_label_is_unique_in_any_case(sage: Sage) -> None:
    made = file(sage.owner, project(sage.owner), b"one", versionLabel="Final")
    body = made | {"versionLabel": "fINAL"}
    assert "fINAL" in sage.owner.fails("PUT", f"/entity/{made['id']}?newVersion=true", 400, json=body)


def test_file_handle_of_others_cannot_be_used(sage: Sage) -> None:
    top, handle = project(sage.owner), sage.other.upload(b"theirs")
    body = {"concreteType": f"{P}.FileEntity", "parentId": top["id"], "dataFileHandleId": handle}
    sage.owner.fails("POST", "/entity", 403, json=body)


def test_move_needs_rights_on_both_sides(sage: Sage) -> None:
    moved = folder(sage.owner, project(sage.owner))
    target = project(sage.other, "theirs")
    body = moved | {"parentId": target["id"]}
    reason = sage.owner.fails("PUT", f"/entity/{moved['id']}", 403, json=body)
    assert reason == "You lack CREATE access to the requested entity."


def test_move_makes_no_version_and_inherits_from_the_new_place(sage: Sage) -> None:
    moved = file(sage.owner, project(sage.owner), b"one")
    target = project(sage.owner, "second")
    changed = put(sage.owner, moved, parentId=target["id"])
    assert (changed["versionNumber"], changed["parentId"]) == (1, target["id"])
    assert sage.owner.ok("GET", f"/entity/{moved['id']}/benefactor")["id"] == target["id"]


def test_move_into_itself_is_refused(sage: Sage) -> None:
    outer = folder(sage.owner, project(sage.owner))
    inner = folder(sage.owner, outer)
    sage.owner.fails("PUT", f"/entity/{outer['id']}", 400, json=outer | {"parentId": inner["id"]})


def test_move_onto_a_taken_name_is_a_conflict(sage: Sage) -> None:
    top = project(sage.owner)
    target = folder(sage.owner, top, "target")
    folder(sage.owner, target, "raw")
    moved = folder(sage.owner, top, "raw")
    sage.owner.fails("PUT", f"/entity/{moved['id']}", 409, json=moved | {"parentId": target["id"]})


def test_entities_are_at_most_fifty_levels_deep(sage: Sage) -> None:
    place = project(sage.owner)
    for level in range(49):
        place = folder(sage.owner, place, f"level {level}")
    body = {"concreteType": f"{P}.Folder", "name": "too deep", "parentId": place["id"]}
    assert "50" in sage.owner.fails("POST", "/entity", 400, json=body)


def test_children_come_in_pages_that_leave_out_what_is_not_readable(sage: Sage) -> None:
    top = project(sage.owner)
    made = [folder(sage.owner, top, f"f{number:02}")["id"] for number in range(51)]
    request = {"parentId": top["id"], "includeTypes": ["folder", "searchindex"], "includeTotalChildCount": True}
    first = sage.owner.ok("POST", "/entity/children", json=request)
    second = sage.owner.ok("POST", "/entity/children", json=request | {"nextPageToken": first["nextPageToken"]})
    assert [row["id"] for row in first["page"] + second["page"]] == made
    assert first["totalChildCount"] == 51
    assert "nextPageToken" not in second
    sage.other.fails("POST", "/entity/children", 403, json=request)
    assert sage.other.ok("POST", "/entity/children", json={"includeTypes": ["project"]})["page"] == []


def test_children_of_no_type_are_refused(sage: Sage) -> None:
    sage.owner.fails("POST", "/entity/children", 400, json={"parentId": None, "includeTypes": []})


def test_child_is_found_by_its_exact_name(sage: Sage) -> None:
    top = project(sage.owner)
    made = folder(sage.owner, top)
    request = {"parentId": top["id"], "entityName": "raw"}
    assert sage.owner.ok("POST", "/entity/child", json=request) == {"id": made["id"]}
    sage.owner.fails("POST", "/entity/child", 404, json=request | {"entityName": "RAW"})
    sage.other.fails("POST", "/entity/child", 403, json=request)


def test_path_begins_at_the_root(sage: Sage) -> None:
    top = project(sage.owner)
    made = folder(sage.owner, top)
    path = sage.owner.ok("GET", f"/entity/{made['id']}/path")["path"]
    assert [step["id"] for step in path] == ["syn4489", top["id"], made["id"]]


def test_versions_are_listed_newest_first_and_end_with_an_empty_page(sage: Sage) -> None:
    made = file(sage.owner, project(sage.owner), b"one")
    put(sage.owner, made, dataFileHandleId=sage.owner.upload(b"two2"))
    listed = sage.owner.ok("GET", f"/entity/{made['id']}/version?limit=20&offset=0")["results"]
    assert [(one["versionNumber"], one["isLatestVersion"], one["contentSize"]) for one in listed] == [
        (2, True, "4"),
        (1, False, "3"),
    ]
    assert sage.owner.ok("GET", f"/entity/{made['id']}/version?limit=20&offset=20")["results"] == []


def test_version_unknown_is_missing_and_the_last_one_stays(sage: Sage) -> None:
    made = file(sage.owner, project(sage.owner), b"one")
    reason = sage.owner.fails("GET", f"/entity/{made['id']}/version/7", 404)
    assert reason == f"Cannot find a node with id {made['id']} and version 7"
    sage.owner.ok("DELETE", f"/entity/{made['id']}/version/7", 204)
    sage.owner.fails("DELETE", f"/entity/{made['id']}/version/1", 400)


def test_headers_leave_out_what_is_not_readable(sage: Sage) -> None:
    mine, theirs = project(sage.owner), project(sage.other, "theirs")
    references = [{"targetId": mine["id"]}, {"targetId": theirs["id"]}, {"targetId": "syn1", "targetVersionNumber": 3}]
    found = sage.owner.ok("POST", "/entity/header", json={"references": references})
    assert [row["id"] for row in found["results"]] == [mine["id"]]


def test_link_keeps_its_target(sage: Sage) -> None:
    top = project(sage.owner)
    target = {"targetId": folder(sage.owner, top)["id"], "targetVersionNumber": 1}
    made = sage.owner.entity("Link", "short", parentId=top["id"], linksTo=target, linksToClassName=f"{P}.Folder")
    assert sage.owner.ok("GET", f"/entity/{made['id']}")["linksTo"] == target
