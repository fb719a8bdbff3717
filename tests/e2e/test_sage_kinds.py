"""The research kinds of Sage from documents to the backend and back, on the embedded backend."""

from __future__ import annotations

import pytest

from reconciler.engine.context import PlanOptions
from reconciler.errors import ConfigError, ExitCode
from tests.support.sage_embedded import embedded_bench, register_schema

ADMIN = {"user": "tester", "access": "admin"}
SECRET = "hush-hush-secret"


def _applied(bench):
    report = bench.apply()
    assert report.exit_code is ExitCode.OK, report
    planned = bench.plan()
    assert planned.is_empty, planned.text


@pytest.fixture
def bench(tmp_path):
    """One of each kind, applied; two members have been invited."""
    made = embedded_bench(tmp_path)
    register_schema(tmp_path, "lab.example-Scan-1.0.0")
    (tmp_path / "key.txt").write_text(SECRET)
    (tmp_path / "home.md").write_text("# Home\n\nStart\n")
    (tmp_path / "flow.png").write_bytes(b"picture")
    proxy = {"type": "proxy", "proxyUrl": "https://p.example", "benefactorId": "syn1"}
    key = {"credentials": {"secretKey": "${file.key.txt}"}}
    queue = {"kind": "Evaluation", "name": "queue"}
    made.set("Team", "readers", title="Lung readers", members={"Alice": "manager", "bob": "member"})
    made.set("Evaluation", "queue", project="lab")
    made.set("AccessPolicy", "lab", of="lab", entries=[ADMIN, {"team": "readers", "access": "download"}])
    made.set("AccessPolicy", "queue", of=queue, entries=[ADMIN, {"user": "bob", "access": "submit"}])
    made.set("Link", "raw", parent="scans", target="lab")
    made.set("StorageLocation", "place", of="scans", locations=[{**proxy, **key}, {"id": 1}])
    made.set("WikiPage", "home", of="lab", markdown={"file": "home.md"}, attachments=["flow.png"])
    made.set("WikiPage", "methods", of="lab", parent="home", markdown="How")
    made.set("SchemaBinding", "scan", of="scans", schema="lab.example-Scan-1.0.0")
    _applied(made)
    return made


def test_lost_documents_and_state_come_back_with_an_empty_plan(bench):
    (bench.root / ".reconciler/state.db").unlink()
    (bench.root / "main.yaml").unlink()
    report = bench.import_all()
    assert report.failures == ()
    kinds = {address.kind for address in report.resources}
    assert kinds >= {"Team", "Evaluation", "AccessPolicy", "Link", "StorageLocation", "WikiPage", "SchemaBinding"}
    planned = bench.plan()
    assert planned.is_empty, planned.text


def test_secret_is_in_no_file_of_ours(bench):
    ours = [path for path in bench.root.rglob("*") if path.is_file() and "backend" not in path.parts]
    assert [path.name for path in ours if SECRET.encode() in path.read_bytes()] == ["key.txt"]


def test_invited_member_becomes_what_was_declared_after_joining(bench):
    team, alice = bench.remote_id("Team/readers"), 3000002
    bench.ask("PUT", f"/team/{team}/member/{alice}", user="alice")
    assert "members.alice" in bench.plan().text
    _applied(bench)
    rows = bench.ask("GET", f"/teamMembers/{team}")["results"]
    assert {row["member"]["userName"]: row["isAdmin"] for row in rows} == {"tester": True, "alice": True}


def test_member_who_is_declared_no_more_is_pointed_out_and_uninvited(bench):
    bench.set("Team", "readers", members={"alice": "manager"})
    assert "danger: bob removed from the team" in bench.plan().text
    _applied(bench)
    open_now = bench.ask("GET", f"/team/{bench.remote_id('Team/readers')}/openInvitation")["results"]
    assert [row["inviteeId"] for row in open_now] == ["3000002"]


def test_access_that_others_gave_is_drift_and_taken_back(bench):
    path = f"/entity/{bench.remote_id('Collection/lab')}/acl"
    acl = bench.ask("GET", path)
    granted = [*acl["resourceAccess"], {"principalId": 273949, "accessType": ["READ"]}]
    bench.ask("PUT", path, json={**acl, "resourceAccess": granted})
    planned = bench.plan()
    assert planned.changes["AccessPolicy/lab"] == ("update", "changed_outside")
    _applied(bench)
    assert bench.ask("GET", path)["resourceAccess"] == acl["resourceAccess"]


def test_destroy_leaves_nothing_but_the_locations(bench):
    assert bench.apply(PlanOptions(destroy=True)).exit_code is ExitCode.OK
    assert bench.owned() == {}
    assert bench.ask("GET", "/teams?fragment=lung")["results"] == []
    assert bench.ask("GET", "/evaluation")["results"] == []


def test_unknown_people_are_refused_while_planning(bench):
    bench.set("Team", "readers", members={"alicia": "member"})
    with pytest.raises(ConfigError, match="no user or team named 'alicia'") as refused:
        bench.plan()
    assert refused.value.problems[0].fix == "did you mean 'alice'?"
