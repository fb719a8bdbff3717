"""Groups, scripts, grants and groups of units: an apply cut at any request is finished by the next, without doubles."""

from __future__ import annotations

import pytest

from tests.support.cutting import applied, assert_cuts_converge
from tests.support.workspace import Bench

COLLECTIONS = "/v2/data-collections/"


def new(root):
    root.mkdir()
    bench = Bench(root)
    bench.set("Collection", "pics", datamaker={"category": "image", "groups": ["a", "b"]})
    bench.set("Group", "readers", description="Two")
    bench.set("ValidationScript", "boxes", code="a = 1", timeout=5)
    bench.set("AccessGrant", "see", collection="pics", group="readers", roles=["viewer"])
    return bench


def change(bench):
    bench.set("Collection", "pics", datamaker={"category": "image", "groups": ["b", "c"]})
    bench.set("Group", "readers", description="Three")
    bench.set("ValidationScript", "boxes", code="a = 2")
    bench.set("AccessGrant", "see", roles=["viewer", "manager"])


def remove(bench):
    for kind, name in [key for key in bench.documents if key[0] != "Collection"]:
        bench.remove(kind, name)


def content(bench):
    """Everything at the backend, without ids."""
    (collection,) = bench.pages(COLLECTIONS)
    path = f"{COLLECTIONS}{collection['id']}/"
    details = [
        bench.call("GET", f"{base}{row['id']}/")["data"]
        for base in ("/v2/groups/", "/v2/validation-scripts/")
        for row in bench.pages(base)
    ]
    return {
        "objects": [(row["name"], row["description"], row.get("code"), row.get("timeout")) for row in details],
        "groups": sorted(row["name"] for row in bench.pages(f"{path}groups/")),
        "roles": [sorted(row["role"]) for row in bench.call("GET", f"{path}roles/")["data"]["group_roles"]],
        "owned": sorted(bench.owned()),
    }


@pytest.fixture(params=[None, change, remove], ids=["first", "change", "removal"])
def bench(request, tmp_path):
    """A workspace that is about to apply."""
    made = new(tmp_path / "w")
    if request.param:
        applied(made)
        request.param(made)
    return made


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_apply_cut_at_every_request_converges(bench, tmp_path, after):
    assert_cuts_converge(bench, tmp_path, content, after)
