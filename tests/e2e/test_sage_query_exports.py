"""Exports of the rows of a query on the embedded Sage backend: what travels when, and what is told of it."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ConfigError, ExitCode, Invalid, NotFound
from tests.support.sage_bench import WORKSPACE, EmbeddedSage, sage_call
from tests.support.workspace import Bench

COLUMNS = [{"name": "patient", "type": "STRING", "maximumSize": 20}, {"name": "age", "type": "INTEGER"}]
ROWS = 'patient,age\np1,44\n"p ""2"", late",\np3,7\n'


@pytest.fixture
def sage() -> EmbeddedSage:
    return EmbeddedSage()


@pytest.fixture
def bench(tmp_path: Path, sage: EmbeddedSage) -> Any:
    """A table of three rows and an export of it, not applied."""
    (tmp_path / "reconciler.yaml").write_text(WORKSPACE)
    made = Bench(tmp_path, {}, open_backend=sage.open)
    (tmp_path / "visits.csv").write_text(ROWS)
    made.set("Collection", "lung", title="Lung", sage={"type": "project"})
    made.set("Table", "visits", parent="lung", columns=COLUMNS, rows={"url": "visits.csv", "key": ["patient"]})
    made.set(
        "Export",
        "rows",
        query="select * from {table} order by age desc",
        table="visits",
        format="csv",
        destination={"url": "out"},
    )
    return made


@pytest.fixture
def applied(bench: Any, sage: EmbeddedSage) -> Any:
    _apply(bench)
    sage.log.clear()
    return bench


def _apply(bench: Any) -> None:
    report = bench.apply()
    assert report.exit_code is ExitCode.OK, report


def _rows(bench: Any) -> list[list[str]]:
    with (bench.root / "out/rows.csv").open(newline="") as stream:
        return list(csv.reader(stream))


def _summary(bench: Any) -> Any:
    return json.loads((bench.root / "out/metadata/export_summary.json").read_text())


def _downloads(sage: EmbeddedSage) -> int:
    return len([path for _, path in sage.log if path.endswith("/fileHandle/batch")])


def _starts(sage: EmbeddedSage) -> int:
    return len([path for _, path in sage.log if path.endswith("/table/download/csv/async/start")])


def test_rows_of_a_table_of_the_same_plan_are_exported(applied: Any) -> None:
    assert _rows(applied) == [["patient", "age"], ["p1", "44"], ["p3", "7"], ['p "2", late', ""]]


def test_summary_tells_the_query_the_table_and_the_file(applied: Any) -> None:
    content, table = (applied.root / "out/rows.csv").read_bytes(), applied.remote_id("Table/visits")
    found = _summary(applied)["result"]
    assert found.pop("updated")
    assert found == {
        "query": f"select * from {table} order by age desc",
        "table": table,
        "version": 1,
        "file": "rows.csv",
        "rows": 3,
        "bytes": len(content),
        "md5": hashlib.md5(content).hexdigest(),
    }
    assert _summary(applied)["rows"]["written"] == 3


def test_second_plan_is_empty_and_downloads_nothing(applied: Any, sage: EmbeddedSage) -> None:
    for _ in range(2):
        planned = applied.plan()
        assert planned.is_empty, planned.text
    assert (_downloads(sage), _starts(sage)) == (0, 0)


def test_changed_row_of_the_file_reaches_the_export_in_one_apply(applied: Any) -> None:
    (applied.root / "visits.csv").write_text(ROWS.replace("44", "45"))
    _apply(applied)
    assert _rows(applied)[1] == ["p1", "45"]
    assert applied.plan().is_empty


def _edit_row(bench: Any, table: str) -> None:
    """A row by somebody else, of a table that is not declared any more."""
    columns = sage_call(bench, "GET", f"/repo/v1/entity/{table}/column")["results"]
    name = "org.sagebionetworks.repo.model.table."
    rows = [{"values": [{"key": columns[0]["id"], "value": "p4"}, {"key": columns[1]["id"], "value": "1"}]}]
    change = {"concreteType": name + "AppendableRowSetRequest", "entityId": table}
    change["toAppend"] = {"concreteType": name + "PartialRowSet", "tableId": table, "rows": rows}  # type: ignore[assignment]
    body = {"concreteType": name + "TableUpdateTransactionRequest", "entityId": table, "changes": [change]}
    path = f"/repo/v1/entity/{table}/table/transaction/async"
    token = sage_call(bench, "POST", f"{path}/start", body)["token"]
    sage_call(bench, "GET", f"{path}/get/{token}")


@pytest.fixture
def foreign(applied: Any, sage: EmbeddedSage) -> Any:
    """The export of a table that others keep, its id written in the query; gives the id beside the bench."""
    table = applied.remote_id("Table/visits")
    applied.set("Table", "visits", lifecycle={"onDelete": "orphan"})
    _apply(applied)
    applied.set("Export", "rows", query=f"select patient from {table} order by patient", table=None)
    applied.remove("Table", "visits")
    _apply(applied)
    sage.log.clear()
    return applied, table


def test_row_of_somebody_else_is_exported_with_the_next_apply(foreign: Any, sage: EmbeddedSage) -> None:
    bench, table = foreign
    assert bench.plan().is_empty
    _edit_row(bench, table)
    assert not bench.plan().is_empty
    assert _starts(sage) == 0  # a plan takes no rows
    _apply(bench)
    assert (_rows(bench)[-1], _summary(bench)["result"]["rows"], _starts(sage)) == (["p4"], 4, 1)
    assert bench.plan().is_empty


def test_damaged_file_is_drift_and_is_repaired(applied: Any) -> None:
    good = (applied.root / "out/rows.csv").read_bytes()
    (applied.root / "out/rows.csv").write_bytes(b"theirs")
    assert "rows.csv" in applied.plan().text
    _apply(applied)
    assert (applied.root / "out/rows.csv").read_bytes() == good
    assert applied.plan().is_empty


def test_changed_query_is_written_again(applied: Any) -> None:
    applied.set("Export", "rows", query="select patient from {table} where age > 10")
    _apply(applied)
    assert _rows(applied) == [["patient"], ["p1"]]
    assert _summary(applied)["result"]["rows"] == 1


def test_row_ids_are_written_when_asked_for(applied: Any) -> None:
    applied.set("Export", "rows", options={"rowIds": True})
    _apply(applied)
    assert _rows(applied)[:2] == [["ROW_ID", "ROW_VERSION", "patient", "age"], ["2", "1", "p1", "44"]]
    assert applied.plan().is_empty


def test_query_that_the_service_refuses_is_told_with_its_reason(applied: Any) -> None:
    before = (applied.root / "out/rows.csv").read_bytes()
    applied.set("Export", "rows", query="select nothing_there from {table}")
    with pytest.raises(Invalid, match="nothing_there"):
        applied.plan()
    assert (applied.root / "out/rows.csv").read_bytes() == before


def test_table_that_is_not_there_is_told(applied: Any) -> None:
    applied.set("Export", "rows", query="select * from syn999999", table=None)
    with pytest.raises(NotFound, match="syn999999"):
        applied.plan()


def test_query_refused_while_applying_fails_the_export_alone(bench: Any) -> None:
    bench.set("Export", "rows", query="select nothing_there from {table}")
    report = bench.apply()
    assert report.exit_code is not ExitCode.OK
    assert "nothing_there" in str(report)
    assert (bench.remote_id("Table/visits") is not None, (bench.root / "out").exists()) == (True, False)


@pytest.fixture
def view(bench: Any) -> Any:
    """An export of a view on the files of the same configuration."""
    (bench.root / "data").mkdir()
    (bench.root / "data/a.txt").write_bytes(b"first")
    bench.set("AssetSet", "files", collection="lung", source={"url": "data"})
    columns = [{"name": "name", "type": "STRING", "maximumSize": 256}]
    bench.set("EntityView", "scans", parent="lung", scope=["lung"], columns=columns)
    bench.set("Export", "rows", query="select name from {table}", table={"kind": "EntityView", "name": "scans"})
    return bench


def test_export_of_a_view_waits_for_its_files(view: Any) -> None:
    _apply(view)
    assert _rows(view) == [["name"], ["a.txt"]]
    (view.root / "data/b.txt").write_bytes(b"second")
    _apply(view)
    assert _rows(view) == [["name"], ["a.txt"], ["b.txt"]]


def test_second_plan_of_a_view_is_empty(view: Any, sage: EmbeddedSage) -> None:
    _apply(view)
    before = (view.root / "out/rows.csv").stat().st_ino
    for _ in range(2):
        planned = view.plan()
        assert planned.is_empty, planned.text
    _apply(view)
    assert (view.root / "out/rows.csv").stat().st_ino == before


def test_table_without_its_mark_in_the_query_is_refused(bench: Any) -> None:
    bench.set("Export", "rows", query="select * from syn1")
    with pytest.raises(ConfigError, match="the query does not name"):
        bench.plan()


def test_mark_without_a_table_is_refused(bench: Any) -> None:
    bench.set("Export", "rows", table=None)
    with pytest.raises(ConfigError, match="there is none"):
        bench.plan()
