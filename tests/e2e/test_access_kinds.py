"""Groups of people, validation scripts and access grants: planned, applied, drifting, imported, destroyed."""

from __future__ import annotations

import pytest

from reconciler.engine.context import PlanOptions
from reconciler.engine.importing import import_object
from reconciler.errors import BlockedPlan, ConfigError, ExitCode
from reconciler.model.address import Address
from tests.support.workspace import Bench

GROUPS = "/v2/groups/"
SCRIPTS = "/v2/validation-scripts/"
COLLECTIONS = "/v2/data-collections/"
CHECK = "def validate(data):\n    return []"


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    made.set("Collection", "pics", title="Pictures", datamaker={"category": "image"})
    made.set("Group", "readers", title="Readers", description="Radiologists")
    made.set("ValidationScript", "boxes", title="Boxes", code=CHECK, timeout=10)
    made.set("AccessGrant", "readers-pics", collection="pics", group="readers", roles=["viewer"])
    return made


@pytest.fixture
def applied(bench):
    assert bench.apply().exit_code is ExitCode.OK
    return bench


def only(bench, path):
    (row,) = bench.pages(path)
    return bench.call("GET", f"{path}{row['id']}/")["data"]


def held(bench):
    """Who holds what on the collection."""
    roles = bench.call("GET", f"{COLLECTIONS}{only(bench, COLLECTIONS)['id']}/roles/")["data"]
    return {name: roles[name] for name in ("group_roles", "member_roles") if roles[name]}


def forget_state(bench):
    (bench.root / ".reconciler/state.db").unlink()


def test_apply_makes_all_of_them_and_the_next_plan_is_empty(applied):
    group, script = only(applied, GROUPS), only(applied, SCRIPTS)
    assert (group["name"], group["description"]) == ("Readers", "Radiologists\n\nreconciler: Group/readers")
    assert (script["code"], script["timeout"], script["is_active"]) == (f"{CHECK}\n", 10, True)
    assert held(applied) == {"group_roles": [{"group": group["id"], "role": ["viewer"]}]}
    assert applied.plan().is_empty


@pytest.mark.parametrize(
    ("path", "body", "kind", "shown"),
    [
        (GROUPS, {"description": "Others"}, "Group/readers", "description"),
        (SCRIPTS, {"code": "pass"}, "ValidationScript/boxes", "code"),
        (SCRIPTS, {"timeout": 3}, "ValidationScript/boxes", "timeout"),
    ],
    ids=["group", "code", "timeout"],
)
def test_drift_is_shown_and_put_right(applied, path, body, kind, shown):
    applied.call("PATCH", f"{path}{only(applied, path)['id']}/", json=body)
    planned = applied.plan()
    assert planned.changes[kind] == ("update", "changed_outside")
    assert f"~ {shown} =" in planned.text
    assert applied.apply().exit_code is ExitCode.OK
    assert applied.plan().is_empty


def test_field_that_nobody_declares_is_left_alone(applied):
    applied.call("PATCH", f"{SCRIPTS}{only(applied, SCRIPTS)['id']}/", json={"is_active": False})
    assert applied.plan().is_empty


def test_code_from_a_file_follows_the_file(applied):
    path = applied.root / "check.py"
    path.write_text(f"{CHECK}\n\n")
    applied.set("ValidationScript", "boxes", code={"file": "check.py"})
    assert applied.plan().is_empty
    path.write_text("def validate(data):\n    return ['no']\n")
    assert applied.plan().changes["ValidationScript/boxes"] == ("update", "fields_differ")
    applied.apply()
    assert only(applied, SCRIPTS)["code"] == path.read_text()


def test_added_role_is_granted_and_the_plan_warns_that_it_stays(applied):
    applied.set("AccessGrant", "readers-pics", roles=["viewer", "manager"])
    planned = applied.plan()
    assert "+ roles.manager" in planned.text
    assert "roles are only ever added" in planned.text
    applied.apply()
    assert sorted(held(applied)["group_roles"][0]["role"]) == ["manager", "viewer"]
    assert applied.plan().is_empty


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"roles": ["manager"]}, "roles.viewer: the service has no call that takes access back"),
        ({"collection": None, "project": {"id": 7}}, "collection: what was granted before stays granted"),
        ({"group": None, "user": 1}, "group: what was granted before stays granted"),
    ],
    ids=["role", "target", "grantee"],
)
def test_what_would_revoke_access_is_refused_with_the_reason(applied, change, shown):
    applied.set("AccessGrant", "readers-pics", **change)
    planned = applied.plan()
    assert planned.changes["AccessGrant/readers-pics"] == ("blocked", "unsupported")
    assert shown in planned.text
    with pytest.raises(BlockedPlan):
        applied.apply()


def test_removed_grant_is_refused_until_it_is_to_be_forgotten(applied):
    spec = applied.documents["AccessGrant", "readers-pics"]
    applied.remove("AccessGrant", "readers-pics")
    planned = applied.plan()
    assert planned.changes["AccessGrant/readers-pics"] == ("blocked", "unsupported")
    assert "no call that takes access back" in planned.text
    applied.set("AccessGrant", "readers-pics", **spec, lifecycle={"onDelete": "orphan"})
    applied.apply()
    applied.remove("AccessGrant", "readers-pics")
    assert applied.plan().changes["AccessGrant/readers-pics"] == ("forget", "orphaned")
    applied.apply()
    assert applied.plan().is_empty
    assert held(applied)["group_roles"][0]["role"] == ["viewer"]


def test_grant_goes_with_the_group_that_is_removed(applied):
    applied.remove("AccessGrant", "readers-pics")
    applied.remove("Group", "readers")
    planned = applied.plan()
    assert planned.changes["AccessGrant/readers-pics"] == ("forget", "gone_with")
    assert "it goes with Group/readers" in planned.text
    assert applied.apply().exit_code is ExitCode.OK
    assert held(applied) == {}


def test_grant_of_others_is_left_alone(applied):
    path = f"{COLLECTIONS}{only(applied, COLLECTIONS)['id']}/invite/"
    group = only(applied, GROUPS)["id"]
    applied.call("POST", path, json={"group_roles": [{"group": group, "role": "leader"}]})
    assert applied.plan().is_empty


def test_grant_of_a_user_goes_to_the_member_of_that_user(applied):
    user = applied.call("GET", "/v2/users/me/")["data"]["id"]
    (member,) = [row["id"] for row in applied.pages("/v2/members/") if row["user_id"] == user]
    applied.set("AccessGrant", "me", collection="pics", user=user, roles=["leader"])
    applied.apply()
    assert held(applied)["member_roles"] == [{"member": member, "role": ["leader"]}]
    assert applied.plan().is_empty


def test_unknown_user_is_told_before_anything_is_written(applied):
    applied.set("AccessGrant", "me", collection="pics", user=987654, roles=["leader"])
    applied.set("AccessGrant", "you", collection="pics", user=987655, roles=["leader"])
    with pytest.raises(ConfigError) as error:
        applied.plan()
    assert [problem.address for problem in error.value.problems] == ["AccessGrant/me", "AccessGrant/you"]
    assert all("no member of the workspace" in problem.summary for problem in error.value.problems)


def test_access_that_is_there_already_is_taken_over_without_being_asked(applied):
    forget_state(applied)
    planned = applied.plan()
    assert {action for action, _ in planned.changes.values()} == {"adopt"}
    assert applied.apply().exit_code is ExitCode.OK
    assert applied.plan().is_empty
    assert (len(applied.pages(GROUPS)), len(applied.pages(SCRIPTS))) == (1, 1)


def test_group_deleted_outside_is_made_again_with_its_access(applied):
    applied.call("DELETE", f"{GROUPS}{only(applied, GROUPS)['id']}/")
    planned = applied.plan()
    assert planned.changes["Group/readers"] == ("create", "deleted_outside")
    assert planned.changes["AccessGrant/readers-pics"] == ("create", "deleted_outside")
    assert applied.apply().exit_code is ExitCode.OK
    assert held(applied)["group_roles"][0]["role"] == ["viewer"]
    assert applied.plan().is_empty


@pytest.mark.parametrize(
    ("kind", "name", "path"), [("Group", "readers", GROUPS), ("ValidationScript", "boxes", SCRIPTS)]
)
def test_object_of_another_is_taken_over_only_when_asked(bench, kind, name, path):
    bench.call("POST", path, json={"name": bench.documents[kind, name]["title"], "code": "pass"})
    assert bench.plan().changes[f"{kind}/{name}"] == ("blocked", "exists_foreign")
    bench.set(kind, name, lifecycle={"onExists": "adopt"})
    assert bench.apply().exit_code is ExitCode.OK
    assert len(bench.pages(path)) == 1
    assert bench.plan().is_empty


def test_protected_script_is_not_deleted(applied):
    applied.set("ValidationScript", "boxes", lifecycle={"protect": True})
    applied.apply()
    applied.remove("ValidationScript", "boxes")
    assert applied.plan().changes["ValidationScript/boxes"] == ("blocked", "protected")


def test_destroy_leaves_nothing_and_takes_grants_along(applied):
    planned = applied.plan(PlanOptions(destroy=True))
    assert planned.changes["AccessGrant/readers-pics"] == ("forget", "gone_with")
    assert applied.apply(PlanOptions(destroy=True)).exit_code is ExitCode.OK
    assert [applied.pages(path) for path in (GROUPS, SCRIPTS, COLLECTIONS)] == [[], [], []]
    assert applied.owned() == {}


def test_import_all_rebuilds_the_state_and_leaves_an_empty_plan(applied):
    forget_state(applied)
    assert len(applied.import_all(write=False).resources) == 4
    assert applied.plan().is_empty


def test_import_all_writes_documents_whose_plan_is_empty(applied):
    for key in list(applied.documents):
        applied.remove(*key)
    forget_state(applied)
    written = applied.import_all().written
    assert sorted(path.name.partition("-")[0] for path in written) == [
        "accessgrant",
        "collection",
        "group",
        "validationscript",
    ]
    assert applied.plan().is_empty


def test_import_of_a_single_grant_takes_its_made_up_id(applied):
    ids = [only(applied, path)["id"] for path in (COLLECTIONS, GROUPS)]
    with applied.session() as session, session.lock("import"):
        store = session.open_state()
        store.drop_resource(Address("AccessGrant", "readers-pics"))
        remote_id = f"collections/{ids[0]}/groups/{ids[1]}"
        import_object(session, store, Address("AccessGrant", "readers-pics"), remote_id)
    assert applied.plan().is_empty


def test_server_dry_run_checks_and_writes_nothing(applied):
    before = held(applied)
    applied.set("AccessGrant", "readers-pics", roles=["viewer", "manager"])
    applied.set("ValidationScript", "boxes", timeout=20)
    planned = applied.plan(PlanOptions(server_dry_run=True))
    assert planned.changes["AccessGrant/readers-pics"][0] == "update"
    assert (held(applied), only(applied, SCRIPTS)["timeout"]) == (before, 10)


def test_server_dry_run_tells_an_unknown_role(applied):
    applied.set("AccessGrant", "readers-pics", roles=["viewer", "emperor"])
    with pytest.raises(ConfigError) as error:
        applied.plan(PlanOptions(server_dry_run=True))
    (problem,) = error.value.problems
    assert problem.address == "AccessGrant/readers-pics"


def test_access_lost_on_the_platform_is_granted_again_or_forgotten(applied):
    """Nothing but the platform takes roles back; here the group goes and another one comes in its place."""
    applied.call("DELETE", f"{GROUPS}{only(applied, GROUPS)['id']}/")
    applied.remove("AccessGrant", "readers-pics")
    assert applied.plan().changes["AccessGrant/readers-pics"] == ("forget", "gone")


def test_import_all_grants_nothing(applied):
    applied.set("AccessGrant", "readers-pics", roles=["viewer", "manager"])
    forget_state(applied)
    before = held(applied)
    applied.import_all(write=False)
    assert held(applied) == before
    assert applied.plan().changes["AccessGrant/readers-pics"] == ("update", "fields_differ")
