"""Tables and views on the embedded Sage backend: plan, apply, drift, renames, rows, snapshots, imports."""

from __future__ import annotations

import pytest
import yaml

from reconciler.engine.context import PlanOptions
from reconciler.errors import ConfigError, ExitCode
from reconciler.providers.sage.queries import download, query_csv
from tests.support.cutting import Cutter
from tests.support.sage_tables import add_rows, clients_of
from tests.support.workspace import Bench, document

COLUMNS = [
    {"name": "patient", "type": "STRING", "maximumSize": 20},
    {"name": "age", "type": "INTEGER"},
    {"name": "seen", "type": "DATE"},
    {"name": "tags", "type": "STRING_LIST"},
]
ROWS = 'patient,age,seen,tags\np1,44,2026-05-06,"[""a"", ""b""]"\np2,,2026-05-06T07:08:09Z,\np3,7,,\n'


@pytest.fixture
def bench(tmp_path):
    """A workspace with a project and a table, not applied."""
    made = Bench(tmp_path)
    lab = {"type": "embedded", "dialect": "sage"}
    workspace = document("Workspace", "study", {"backends": {"lab": lab}, "defaultBackend": "lab"})
    (tmp_path / "reconciler.yaml").write_text(yaml.safe_dump(workspace))
    made.set("Collection", "lung", title="Lung", sage={"type": "project"})
    rows = {"url": "visits.csv", "key": ["patient"]}
    made.set("Table", "visits", parent="lung", columns=COLUMNS, rows=rows)
    (tmp_path / "visits.csv").write_text(ROWS)
    return made


def applied(bench):
    report = bench.apply()
    assert report.exit_code is ExitCode.OK, report
    planned = bench.plan()
    assert planned.is_empty, planned.text
    return report


def content(bench, sql="select * from {}"):
    """The table as the service gives it."""

    def read(provider):
        clients = clients_of(provider)
        result = query_csv(clients, sql.format(bench.remote_id("Table/visits")))
        return b"".join(download(clients.file, result.file)).decode().splitlines()

    return bench.with_provider(read)


def column_ids(provider, table):
    found = clients_of(provider).repo.get(f"/entity/{table}/column").value["results"]
    return {row["name"]: row["id"] for row in found}


def add(bench, **cells):
    """A row by somebody else."""
    table = bench.remote_id("Table/visits")

    def work(provider):
        ids = column_ids(provider, table)
        add_rows(clients_of(provider), table, [{ids.get(name, name): value for name, value in cells.items()}])

    bench.with_provider(work)


def rows(bench, text):
    (bench.root / "visits.csv").write_text(text)


def test_table_is_made_with_its_rows(bench):
    applied(bench)
    assert content(bench) == [
        '"patient","age","seen","tags"',
        '"p1","44","1778025600000","[""a"", ""b""]"',
        '"p2",,"1778051289000",',
        '"p3","7",,',
    ]


def test_unchanged_table_makes_no_writing_call_and_few_reads(bench):
    applied(bench)
    counter = Cutter()
    bench.open_backend = counter.open
    assert bench.apply().exit_code is ExitCode.OK
    assert counter.requests <= 7  # project; table, columns, versions; one query that is started and asked for


def test_changed_rows_are_counted_and_written(bench):
    applied(bench)
    rows(bench, "patient,age\np1,45\np2,\np4,1\n")
    planned = bench.plan()
    assert planned.rows["Table/visits"] == {
        "p1": ("update", "fields_differ"),
        "p2": ("update", "fields_differ"),
        "p4": ("create", "not_remote"),
    }
    assert "1 of its rows left the file and stay" in planned.text
    applied(bench)
    assert content(bench, "select patient, age from {} order by patient")[1:] == [
        '"p1","45"',
        '"p2",',
        '"p3","7"',
        '"p4","1"',
    ]


def test_rows_that_left_are_deleted_when_asked(bench):
    applied(bench)
    rows(bench, "patient,age,seen,tags\np3,7,,\n")
    bench.set("Table", "visits", rows={"url": "visits.csv", "key": ["patient"], "prune": True})
    assert {action for action, _ in bench.plan().rows["Table/visits"].values()} == {"delete"}
    applied(bench)
    assert content(bench)[1:] == ['"p3","7",,']


def test_rows_of_a_file_that_shrank_are_guarded(bench):
    rows(bench, "patient\n" + "".join(f"p{n}\n" for n in range(200)))
    bench.set("Table", "visits", rows={"url": "visits.csv", "key": ["patient"], "prune": True})
    applied(bench)
    rows(bench, "patient\np1\n")
    report = None
    with pytest.raises(Exception, match="199 of 200 rows would be deleted"):
        report = bench.apply()
    assert report is None


def test_row_that_others_changed_is_put_back(bench):
    applied(bench)
    add(bench, rowId=1, age="99")
    assert bench.plan().rows["Table/visits"] == {"p1": ("update", "changed_outside")}
    applied(bench)
    assert content(bench)[1].startswith('"p1","44"')


def test_row_that_others_deleted_is_made_again(bench):
    applied(bench)
    bench.with_provider(lambda provider: provider.delete_rows(bench.remote_id("Table/visits"), {"p2": "2"}))
    assert bench.plan().rows["Table/visits"] == {"p2": ("create", "deleted_outside")}
    applied(bench)
    assert len(content(bench)) == 4


def test_rows_of_others_stay(bench):
    applied(bench)
    add(bench, patient="theirs", age="1")
    assert bench.plan().is_empty
    assert len(content(bench)) == 5


def test_row_that_is_there_with_the_key_is_taken_over(bench):
    applied(bench)
    add(bench, patient="p9", age="1")
    rows(bench, f"{ROWS}p9,2,,\n")
    assert bench.plan().rows["Table/visits"] == {"p9": ("adopt", "marked_as_ours")}
    applied(bench)
    assert content(bench)[-1] == '"p9","2",,'


def test_rows_without_key_are_what_they_hold(bench):
    rows(bench, "patient,age\np1,1\np1,1\np2,2\n")
    bench.set("Table", "visits", rows={"url": "visits.csv", "prune": True})
    applied(bench)
    rows(bench, "patient,age\np2,2\np1,1\np3,3\n")
    assert sorted(action for action, _ in bench.plan().rows["Table/visits"].values()) == ["create", "delete"]
    applied(bench)
    assert sorted(content(bench, "select patient from {}")[1:]) == ['"p1"', '"p2"', '"p3"']


def test_row_that_a_cut_write_made_is_not_made_again(bench):
    rows(bench, "patient,age\np1,1\n")
    bench.set("Table", "visits", rows={"url": "visits.csv"})
    applied(bench)
    rows(bench, "patient,age\np1,1\np1,1\n")
    add(bench, patient="p1", age="1")
    assert [action for action, _ in bench.plan().rows["Table/visits"].values()] == ["adopt"]
    applied(bench)
    assert len(content(bench)) == 3


def test_rows_of_a_protected_table_are_not_deleted(bench):
    bench.set("Table", "visits", rows={"url": "visits.csv", "key": ["patient"], "prune": True})
    applied(bench)
    rows(bench, "patient\np1\np2\n")
    bench.set("Table", "visits", lifecycle={"protect": True})
    assert ("blocked", "protected") in bench.plan().rows["Table/visits"].values()
    assert bench.apply().exit_code is not ExitCode.OK
    assert len(content(bench)) == 4


def test_renamed_column_keeps_its_values_and_writes_no_row(bench):
    applied(bench)
    years = {"name": "years", "type": "INTEGER", "previousName": "age"}
    renamed = [years if column["name"] == "age" else column for column in COLUMNS]
    bench.set("Table", "visits", columns=renamed)
    rows(bench, ROWS.replace("age", "years"))
    planned = bench.plan()
    assert planned.rows["Table/visits"] == {}
    assert "column 'age' is renamed to 'years'; its values stay" in planned.text
    applied(bench)
    assert content(bench)[:2] == ['"patient","years","seen","tags"', '"p1","44","1778025600000","[""a"", ""b""]"']


def test_removed_column_says_how_many_rows_lose_a_value(bench):
    applied(bench)
    bench.set("Table", "visits", columns=[column for column in COLUMNS if column["name"] != "age"])
    rows(bench, "patient\np1\np2\np3\n")
    assert "danger: column 'age' goes; 2 rows have a value there" in bench.plan().text
    applied(bench)
    assert content(bench)[0] == '"patient","seen","tags"'


def test_type_that_cannot_change_is_a_problem_of_the_document(bench):
    applied(bench)
    bench.set("Table", "visits", columns=[{"name": "patient", "type": "JSON"}, *COLUMNS[1:]], rows=None)
    with pytest.raises(ConfigError, match="cannot change its type from STRING to JSON"):
        bench.plan()


def test_snapshot_holds_the_rows_of_the_same_apply(bench):
    bench.set("Table", "visits", snapshots=["v1"])
    applied(bench)
    rows(bench, f"{ROWS}p4,1,,\n")
    bench.set("Table", "visits", snapshots=["v1", "v2"])
    applied(bench)
    assert [len(content(bench, f"select * from {{}}.{n}")) - 1 for n in (1, 2)] == [3, 4]


def test_snapshot_that_is_no_longer_declared_is_refused(bench):
    bench.set("Table", "visits", snapshots=["v1"])
    applied(bench)
    bench.set("Table", "visits", snapshots=[])
    planned = bench.plan()
    assert planned.changes["Table/visits"][0] == "blocked"
    assert "a snapshot is a version that is never changed again" in planned.text


def test_all_mistakes_of_a_file_are_told_at_once(bench):
    rows(bench, 'patient,age,seen,tags\np1,x,2026-02-31,"[1"\n,1,,\np3,1\np1,2,,\np1,3,,\n')
    with pytest.raises(ConfigError) as caught:
        bench.plan()
    places = [(problem.at.line, problem.at.column) for problem in caught.value.problems]
    assert places == [(2, 2), (2, 3), (2, 4), (3, 1), (4, 0), (6, 1)]


def test_column_of_the_file_that_nobody_declared_is_an_error(bench):
    rows(bench, "patient,agee\np1,1\n")
    with pytest.raises(ConfigError, match="the table has no column 'agee'"):
        bench.plan()


def test_destroyed_table_is_in_the_trash(bench):
    applied(bench)
    table = bench.remote_id("Table/visits")
    assert "3 rows of the table go with it" in bench.plan(PlanOptions(destroy=True)).text
    assert bench.apply(PlanOptions(destroy=True)).exit_code is ExitCode.OK
    found = bench.with_provider(lambda provider: clients_of(provider).repo.get("/trashcan/view").value["results"])
    assert table in {f"syn{str(row['entityId']).removeprefix('syn')}" for row in found}


def test_lost_state_is_rebuilt_with_the_rows(bench):
    applied(bench)
    (bench.root / ".reconciler/state.db").unlink()
    assert bench.plan().changes["Table/visits"][0] == "blocked"
    report = bench.import_all(write=False)
    assert report.rows == 3
    planned = bench.plan()
    assert planned.is_empty, planned.text


def test_table_of_others_is_adopted_by_its_place(bench):
    applied(bench)
    add(bench, rowId=2, age="99")
    (bench.root / ".reconciler/state.db").unlink()
    for kind, name in list(bench.documents):
        bench.set(kind, name, lifecycle={"onExists": "adopt"})
    assert bench.plan().changes["Table/visits"] == ("adopt", "exists")
    applied(bench)
    assert content(bench)[2] == '"p2",,"1778051289000",'


def test_import_writes_documents_whose_plan_is_empty(bench):
    bench.set("Table", "visits", rows=None, annotations={"site": ["a", "b"], "year": 2026}, snapshots=["v1"])
    view = {"parent": "lung", "scope": ["lung"], "include": ["files", "folders"], "snapshots": ["v1"]}
    bench.set("EntityView", "things", **view)
    applied(bench)
    for key in [key for key in bench.documents if key[0] in ("Table", "EntityView")]:
        bench.remove(*key)
    (bench.root / ".reconciler/state.db").unlink()
    bench.import_all()
    written = [yaml.safe_load(path.read_text()) for path in sorted((bench.root / "imported").glob("*.yaml"))]
    assert sorted(doc["kind"] for doc in written) == ["EntityView", "Table"]
    planned = bench.plan()
    assert planned.is_empty, planned.text


def test_view_shows_another_scope(bench):
    bench.set("Collection", "scans", title="scans", sage={"type": "folder", "parent": "lung"})
    bench.set("EntityView", "things", parent="lung", scope=["lung"], include=["folders"])
    applied(bench)
    bench.set("EntityView", "things", scope=["scans"])
    assert bench.plan().changes["EntityView/things"] == ("update", "fields_differ")
    applied(bench)


def test_types_that_a_view_shows_cannot_change(bench):
    bench.set("EntityView", "things", parent="lung", scope=["lung"], include=["folders"])
    applied(bench)
    bench.set("EntityView", "things", include=["files"])
    planned = bench.plan()
    assert planned.changes["EntityView/things"][0] == "blocked"
    assert "declare another view" in planned.text
