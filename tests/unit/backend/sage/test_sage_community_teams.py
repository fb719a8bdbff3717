"""Teams: names, etags, who may join and leave, invitations and requests, and the access list."""

from __future__ import annotations

from typing import Any

import pytest

OWNER_ID, OTHER_ID = 3000001, 3000002


def make_team(user: Any, name: str = "crew", **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = user.ok("POST", "/team", 201, json={"name": name, **fields})
    return made


def invite(user: Any, team: dict[str, Any], invitee: int = OTHER_ID) -> dict[str, Any]:
    body = {"teamId": team["id"], "inviteeId": str(invitee)}
    made: dict[str, Any] = user.ok("POST", "/membershipInvitation", 201, json=body)
    return made


def members(user: Any, team: dict[str, Any]) -> dict[str, bool]:
    listed = user.ok("GET", f"/teamMembers/{team['id']}")["results"]
    return {one["member"]["userName"]: one["isAdmin"] for one in listed}


def test_creator_of_a_team_is_its_member_and_manager(sage):
    team = make_team(sage.owner, description="d", canPublicJoin=False)
    assert members(sage.nobody, team) == {"owner": True}
    assert sage.owner.ok("GET", f"/user/{OWNER_ID}/team")["results"] == [team]
    assert "icon" not in team


def test_team_of_an_unknown_id_is_the_text_that_clients_match_on(sage):
    assert sage.owner.fails("GET", "/team/77", 404) == "Team id: '77' does not exist"
    assert sage.owner.fails("GET", f"/team/{OWNER_ID}", 404) == f"Team id: '{OWNER_ID}' does not exist"


@pytest.mark.parametrize("name", ["crew", "CREW", " crew ", "other"])
def test_team_name_that_a_team_or_user_has_is_409(sage, name):
    make_team(sage.owner)
    sage.owner.fails("POST", "/team", 409, json={"name": name})


def test_team_name_can_be_kept_in_an_update_and_not_be_taken_from_another(sage):
    make_team(sage.owner, "first")
    team = make_team(sage.owner, "second")
    sage.owner.fails("PUT", "/team", 409, json={**team, "name": "First"})
    kept = sage.owner.ok("PUT", "/team", json={**team, "description": "new"})
    assert (kept["name"], kept["description"], kept["createdOn"]) == ("second", "new", team["createdOn"])


def test_update_of_a_team_needs_its_etag_and_gives_a_fresh_one(sage):
    team = make_team(sage.owner)
    changed = sage.owner.ok("PUT", "/team", json={**team, "description": "x"})
    assert changed["etag"] != team["etag"]
    sage.owner.fails("PUT", "/team", 412, json={**team, "description": "y"})


def test_only_managers_change_and_delete_a_team(sage):
    team = make_team(sage.owner)
    sage.other.fails("PUT", "/team", 403, json=team)
    sage.other.fails("DELETE", f"/team/{team['id']}", 403)
    sage.nobody.fails("DELETE", f"/team/{team['id']}", 401)
    sage.owner.ok("DELETE", f"/team/{team['id']}", 204)
    sage.owner.ok("DELETE", f"/team/{team['id']}", 204)
    make_team(sage.other)


def test_team_that_an_entity_is_shared_with_cannot_be_deleted(sage):
    team = make_team(sage.owner)
    project = sage.owner.entity("Project", "p")
    acl = sage.owner.ok("GET", f"/entity/{project['id']}/acl")
    acl["resourceAccess"].append({"principalId": int(team["id"]), "accessType": ["READ"]})
    sage.owner.ok("PUT", f"/entity/{project['id']}/acl", json=acl)
    assert "referenced" in sage.owner.fails("DELETE", f"/team/{team['id']}", 400)


def test_right_of_a_team_holds_for_its_members_only_while_they_are(sage):
    team = make_team(sage.owner, canPublicJoin=True)
    project = sage.owner.entity("Project", "p")
    acl = sage.owner.ok("GET", f"/entity/{project['id']}/acl")
    acl["resourceAccess"].append({"principalId": int(team["id"]), "accessType": ["READ"]})
    sage.owner.ok("PUT", f"/entity/{project['id']}/acl", json=acl)
    sage.other.fails("GET", f"/entity/{project['id']}", 403)
    sage.other.ok("PUT", f"/team/{team['id']}/member/{OTHER_ID}", 204)
    sage.other.ok("GET", f"/entity/{project['id']}")
    sage.owner.ok("DELETE", f"/team/{team['id']}/member/{OTHER_ID}", 204)
    sage.other.fails("GET", f"/entity/{project['id']}", 403)


def test_search_finds_teams_by_a_part_of_their_name_and_takes_marks_literally(sage):
    for name in ("red crew", "blue crew", "100%"):
        make_team(sage.owner, name)
    found = sage.nobody.ok("GET", "/teams?fragment=CREW")["results"]
    assert [one["name"] for one in found] == ["blue crew", "red crew"]
    assert [one["name"] for one in sage.nobody.ok("GET", "/teams?fragment=%25")["results"]] == ["100%"]
    assert sage.nobody.ok("GET", "/teams?fragment=crew&limit=1&offset=2")["results"] == []


def test_team_list_keeps_the_order_of_the_ids(sage):
    first, second = make_team(sage.owner, "first"), make_team(sage.owner, "second")
    assert sage.owner.ok("POST", "/teamList", json={"list": [second["id"], first["id"]]})["list"] == [second, first]
    sage.owner.fails("POST", "/teamList", 404, json={"list": [first["id"], 77]})


def test_closed_team_is_joined_by_invitation_which_ends_then(sage):
    team = make_team(sage.owner)
    assert "invitation" in sage.other.fails("PUT", f"/team/{team['id']}/member/{OTHER_ID}", 403)
    invited = invite(sage.owner, team)
    assert (invited["inviteeId"], "inviteeEmail" in invited, "message" in invited) == (str(OTHER_ID), False, False)
    sage.other.ok("PUT", f"/team/{team['id']}/member/{OTHER_ID}", 204)
    assert members(sage.owner, team) == {"other": False, "owner": True}
    assert sage.owner.ok("GET", f"/team/{team['id']}/openInvitation")["results"] == []


def test_manager_adds_only_who_asked_to_join(sage):
    team = make_team(sage.owner)
    sage.owner.fails("PUT", f"/team/{team['id']}/member/{OTHER_ID}", 403)
    sage.other.ok("POST", "/membershipRequest", 201, json={"teamId": team["id"], "userId": str(OTHER_ID)})
    sage.owner.ok("PUT", f"/team/{team['id']}/member/{OTHER_ID}", 204)
    assert sage.owner.ok("GET", f"/team/{team['id']}/openRequest")["results"] == []


def test_nobody_adds_others_to_a_team_they_do_not_manage(sage):
    team = make_team(sage.owner, canPublicJoin=True)
    sage.other.fails("PUT", f"/team/{team['id']}/member/3000003", 403)
    sage.other.fails("POST", "/membershipInvitation", 403, json={"teamId": team["id"], "inviteeId": "3000003"})
    sage.other.fails("GET", f"/team/{team['id']}/openInvitation", 403)


@pytest.mark.parametrize(
    "body",
    [{}, {"inviteeId": "3000002", "inviteeEmail": "a@b.co"}, {"inviteeEmail": "no address"}, {"inviteeId": "x"}],
    ids=["neither", "both", "no address", "no id"],
)
def test_invitation_names_a_user_or_an_address(sage, body):
    team = make_team(sage.owner)
    sage.owner.fails("POST", "/membershipInvitation", 400, json={"teamId": team["id"], **body})


def test_invitation_is_withdrawn_by_manager_or_invitee_and_seen_by_nobody_else(sage):
    team = make_team(sage.owner)
    invited = invite(sage.owner, team, 3000003)
    sage.other.fails("GET", f"/membershipInvitation/{invited['id']}", 403)
    sage.other.fails("DELETE", f"/membershipInvitation/{invited['id']}", 403)
    sage.other.fails("GET", "/user/3000003/openInvitation", 403)
    assert sage.admin.ok("GET", "/membershipInvitation/openInvitationCount") == {"count": 1}
    sage.owner.ok("DELETE", f"/membershipInvitation/{invited['id']}", 204)
    assert sage.admin.ok("GET", "/user/3000003/openInvitation")["results"] == []


def test_invitation_that_expired_is_not_open(sage):
    team = make_team(sage.owner)
    body = {"teamId": team["id"], "inviteeId": str(OTHER_ID), "expiresOn": "2020-01-01T00:00:00.000Z"}
    sage.owner.ok("POST", "/membershipInvitation", 201, json=body)
    assert sage.other.ok("GET", f"/user/{OTHER_ID}/openInvitation")["results"] == []
    sage.other.fails("PUT", f"/team/{team['id']}/member/{OTHER_ID}", 403)


def test_membership_status_says_what_is_needed_to_join(sage):
    team = make_team(sage.owner)
    path = f"/team/{team['id']}/member/{OTHER_ID}/membershipStatus"
    before = sage.other.ok("GET", path)
    invite(sage.owner, team)
    after = sage.other.ok("GET", path)
    flags = ("isMember", "hasOpenInvitation", "hasOpenRequest", "canJoin", "membershipApprovalRequired", "canSendEmail")
    assert [before[flag] for flag in flags] == [False, False, False, False, True, True]
    assert [after[flag] for flag in flags] == [False, True, False, True, True, True]
    own = sage.owner.ok("GET", f"/team/{team['id']}/member/{OWNER_ID}/membershipStatus")
    assert [own[flag] for flag in flags] == [True, False, False, True, False, True]


def test_last_member_and_last_manager_stay(sage):
    team = make_team(sage.owner, canPublicJoin=True)
    sage.owner.fails("DELETE", f"/team/{team['id']}/member/{OWNER_ID}", 403)
    sage.other.ok("PUT", f"/team/{team['id']}/member/{OTHER_ID}", 204)
    sage.owner.fails("DELETE", f"/team/{team['id']}/member/{OWNER_ID}", 400)
    sage.owner.fails("PUT", f"/team/{team['id']}/member/{OWNER_ID}/permission?isAdmin=false", 400)
    assert members(sage.owner, team) == {"other": False, "owner": True}


def test_manager_hands_over_and_leaves(sage):
    team = make_team(sage.owner, canPublicJoin=True)
    sage.other.ok("PUT", f"/team/{team['id']}/member/{OTHER_ID}", 204)
    sage.other.fails("PUT", f"/team/{team['id']}/member/{OTHER_ID}/permission?isAdmin=true", 403)
    sage.owner.ok("PUT", f"/team/{team['id']}/member/{OTHER_ID}/permission?isAdmin=true", 204)
    sage.owner.ok("DELETE", f"/team/{team['id']}/member/{OWNER_ID}", 204)
    assert members(sage.other, team) == {"other": True}
    sage.owner.fails("PUT", "/team", 403, json=team)


def test_member_cannot_remove_others(sage):
    team = make_team(sage.owner, canPublicJoin=True)
    sage.other.ok("PUT", f"/team/{team['id']}/member/{OTHER_ID}", 204)
    sage.other.fails("DELETE", f"/team/{team['id']}/member/{OWNER_ID}", 403)


def test_access_list_of_a_team_needs_its_etag_and_a_manager(sage):
    team = make_team(sage.owner)
    acl = sage.owner.ok("GET", f"/team/{team['id']}/acl")
    sage.other.ok("GET", f"/team/{team['id']}/acl")
    sage.other.fails("PUT", "/team/acl", 403, json=acl)
    none = [{"principalId": OWNER_ID, "accessType": ["READ", "UPDATE"]}]
    sage.owner.fails("PUT", "/team/acl", 400, json={**acl, "resourceAccess": none})
    changed = sage.owner.ok("PUT", "/team/acl", json=acl)
    assert (changed["resourceAccess"], changed["etag"] != acl["etag"]) == (acl["resourceAccess"], True)
    sage.owner.fails("PUT", "/team/acl", 412, json=acl)


def test_members_are_narrowed_down_and_counted(sage):
    team = make_team(sage.owner, canPublicJoin=True)
    sage.other.ok("PUT", f"/team/{team['id']}/member/{OTHER_ID}", 204)
    path = f"/teamMembers/{team['id']}"
    for query, names in (("memberType=ADMIN", ["owner"]), ("memberType=MEMBER", ["other"]), ("fragment=ot", ["other"])):
        assert [one["member"]["userName"] for one in sage.owner.ok("GET", f"{path}?{query}")["results"]] == names
    assert sage.owner.ok("GET", f"/teamMembers/count/{team['id']}") == {"count": 2}
    sage.owner.fails("GET", f"{path}?memberType=x", 400)
    assert sage.owner.ok("GET", f"/team/{team['id']}/member/{OTHER_ID}")["isAdmin"] is False


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/team", {"name": 7}),
        ("POST", "/team", {"name": "  "}),
        ("POST", "/team", {"name": "x" * 300}),
        ("POST", "/team", {"name": "x", "canPublicJoin": "yes"}),
        ("POST", "/team", ["x"]),
        ("PUT", "/team", {"id": "syn1", "name": "x"}),
        ("PUT", "/team/acl", {"id": []}),
        ("POST", "/teamList", {"list": [{}]}),
        ("POST", "/membershipInvitation", {"teamId": {}}),
        ("POST", "/membershipRequest", {"teamId": "0" * 40}),
    ],
)
def test_hostile_bodies_are_400(sage, method, path, body):
    sage.owner.fails(method, path, 400, json=body)


@pytest.mark.parametrize(
    "path", ["/team/x", "/team/1.5/acl", "/teamMembers/-1", "/team/99999999999999999999", "/user/x/team"]
)
def test_ids_that_are_none_are_400(sage, path):
    sage.owner.fails("GET", path, 400)
