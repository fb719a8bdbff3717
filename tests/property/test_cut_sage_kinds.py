"""The research kinds of Sage: an apply cut at any writing request is finished by the next, without doubles.

A cut at a reading request is one after the write before it.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cutting import Cutter, applied, assert_cuts_converge
from tests.support.sage_embedded import SageBench, embedded_bench, open_as, register_schema
from tests.support.workspace import Bench


def _writes(environ: dict[str, Any]) -> bool:
    last = environ["PATH_INFO"].rpartition("/")[2]
    return environ["REQUEST_METHOD"] != "GET" and last not in ("bundle2", "child", "children")


def writing_cut(bench: Bench, at: int | None, after: bool) -> Cutter:
    cutter = Cutter(at, after, _writes)
    bench.open_backend = open_as(around=cutter.around)
    return cutter


ADMIN = {"user": "tester", "access": "admin"}


def new(root):
    bench = embedded_bench(root)
    register_schema(root, "lab.example-Scan-1.0.0")
    register_schema(root, "lab.example-Scan-1.1.0")
    (root / "flow.png").write_bytes(b"picture")
    bench.set("Team", "readers", members={"alice": "manager"}, invitations=["c@example.org"])
    bench.set("Evaluation", "queue", project="lab")
    bench.set("AccessPolicy", "scans", of="scans", entries=[ADMIN, {"team": "readers", "access": "view"}])
    queue = {"kind": "Evaluation", "name": "queue"}
    bench.set("AccessPolicy", "queue", of=queue, entries=[ADMIN, {"user": "bob", "access": "submit"}])
    bench.set("Link", "raw", parent="lab", target="scans")
    bench.set("StorageLocation", "place", of="scans", locations=[{"type": "s3", "baseKey": "a"}, {"id": 1}])
    bench.set("WikiPage", "home", of="lab", markdown="Start", attachments=["flow.png"])
    bench.set("WikiPage", "methods", of="lab", parent="home", markdown="How")
    bench.set("SchemaBinding", "scan", of="scans", schema="lab.example-Scan-1.0.0")
    return bench


def change(bench):
    (bench.root / "flow.png").write_bytes(b"another picture")
    bench.set("Team", "readers", description="Two", members={"bob": "member"}, invitations=["d@example.org"])
    bench.set("Evaluation", "queue", submissionReceipt="Thanks")
    bench.set("AccessPolicy", "scans", entries=None, inherit=True)
    bench.set("AccessPolicy", "queue", entries=[ADMIN])
    bench.set("Link", "raw", parent="scans", target="lab", description="Two")
    bench.set("StorageLocation", "place", locations=[{"id": 1}, {"type": "sftp", "url": "sftp://x.example"}])
    bench.set("WikiPage", "home", markdown="New start")
    bench.set("WikiPage", "methods", title="Ways")
    bench.set("SchemaBinding", "scan", schema="lab.example-Scan-1.1.0")


def remove(bench):
    for kind, name in [key for key in bench.documents if key[0] != "Collection"]:
        bench.remove(kind, name)


def content(bench: SageBench):
    """Everything at the backend, as others see it, without ids."""
    ids = {name: bench.remote_id(f"Collection/{name}") for name in ("lab", "scans")}
    children = {name: bench.ask("POST", "/entity/children", json={"parentId": id, "includeTypes": ["link"]})
                for name, id in ids.items()}  # fmt: skip
    team = [team["id"] for team in bench.ask("GET", "/teams?fragment=readers")["results"]]
    return {
        "links": {name: [row["name"] for row in found["page"]] for name, found in children.items()},
        "evaluations": [
            (row["name"], row.get("submissionReceiptMessage"), grants(bench, f"/evaluation/{row['id']}/acl"))
            for row in bench.ask("GET", "/evaluation")["results"]
        ],
        "own": bench.ask("POST", f"/entity/{ids['scans']}/bundle2", json={"includeBenefactorACL": True})[
            "benefactorAcl"
        ]["id"]
        == ids["scans"],
        "teams": [people(bench, number) for number in team],
        "places": setting(bench, ids["scans"]),
        "wiki": wiki(bench, ids["lab"]),
        "owned": sorted(bench.owned()),
    }


def grants(bench, path):
    return sorted((row["principalId"], sorted(row["accessType"])) for row in bench.ask("GET", path)["resourceAccess"])


def people(bench, team):
    members = bench.ask("GET", f"/teamMembers/{team}")["results"]
    invited = bench.ask("GET", f"/team/{team}/openInvitation")["results"]
    return (
        [row["member"]["userName"] for row in members],
        sorted(str(row.get("inviteeId") or row.get("inviteeEmail")) for row in invited),
    )


def setting(bench, entity):
    found = bench.ask("GET", f"/projectSettings/{entity}/type/upload")
    return [bench.ask("GET", f"/storageLocation/{n}")["concreteType"] for n in (found or {}).get("locations", [])]


def wiki(bench, owner):
    try:
        pages = bench.ask("GET", f"/entity/{owner}/wikiheadertree2")["results"]
    except AssertionError:
        return []
    details = [bench.ask("GET", f"/entity/{owner}/wiki/{page['id']}") for page in pages]
    return sorted((page["title"], page["markdown"], len(page.get("attachmentFileHandleIds", []))) for page in details)


@pytest.fixture(params=[None, change, remove], ids=["first", "change", "removal"])
def bench(request, tmp_path):
    """A workspace that is about to apply."""
    made = new(tmp_path / "w")
    if request.param:
        applied(made, writing_cut)
        request.param(made)
    return made


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_apply_cut_at_every_request_converges(bench, tmp_path, after):
    assert_cuts_converge(bench, tmp_path, content, after, writing_cut)
