"""Tables and views: an apply cut at any request is finished by the next, and no row is there twice."""

from __future__ import annotations

import pytest
import yaml

from reconciler.providers.sage.queries import download, query_csv
from tests.support.cutting import applied, assert_cuts_converge
from tests.support.sage_tables import clients_of
from tests.support.workspace import Bench, document

COLUMNS = [{"name": "patient", "type": "STRING", "maximumSize": 20}, {"name": "age", "type": "INTEGER"}]


def new(root):
    root.mkdir()
    bench = Bench(root)
    lab = {"type": "embedded", "dialect": "sage"}
    workspace = document("Workspace", "study", {"backends": {"lab": lab}, "defaultBackend": "lab"})
    (root / "reconciler.yaml").write_text(yaml.safe_dump(workspace))
    (root / "visits.csv").write_text("patient,age\np1,1\np2,2\np3,3\n")
    bench.set("Collection", "lung", title="Lung", sage={"type": "project"})
    bench.set(
        "Table",
        "visits",
        parent="lung",
        columns=COLUMNS,
        rows={"url": "visits.csv", "key": ["patient"], "prune": True},
        annotations={"site": "a"},
        snapshots=["v1"],
    )
    bench.set("EntityView", "things", parent="lung", scope=["lung"], include=["folders"], snapshots=["v1"])
    return bench


def change(bench):
    (bench.root / "visits.csv").write_text("years,patient\n5,p1\n3,p3\n4,p4\n")
    columns = [{"name": "years", "type": "DOUBLE", "previousName": "age"}, COLUMNS[0]]
    bench.set("Table", "visits", columns=columns, annotations={"site": "b"}, snapshots=["v1", "v2"])
    bench.set("EntityView", "things", description="All of it", snapshots=["v1", "v2"])


def remove(bench):
    for kind, name in [key for key in bench.documents if key[0] != "Collection"]:
        bench.remove(kind, name)


def content(bench):
    """Tables and views with their rows and versions, without ids of rows."""

    def read(provider):
        clients = clients_of(provider)
        found = {}
        for kind in ("Table", "EntityView"):
            for one in provider.discover(kind):
                fields = {name: value for name, value in one.fields.items() if name not in ("parent", "scope")}
                rows = query_csv(clients, f"select * from {one.remote_id}") if kind == "Table" else None
                lines = b"".join(download(clients.file, rows.file)).decode().splitlines() if rows else []
                found[str(one.fields["title"])] = (fields, sorted(lines))
        return found

    return bench.with_provider(read)


@pytest.fixture(params=[None, change, remove], ids=["first", "change", "removal"])
def bench(request, tmp_path):
    """A workspace that is about to apply."""
    made = new(tmp_path / "w")
    if request.param:
        applied(made)
        request.param(made)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_apply_cut_at_every_request_converges(bench, tmp_path, after):
    assert_cuts_converge(bench, tmp_path, content, after)
