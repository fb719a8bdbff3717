"""Columns, rows, versions and uploads of tables in the Sage dialect."""

from __future__ import annotations

import csv
import io
import time
from typing import Any

import pytest

from tests.unit.backend.sage.conftest import P, Sage
from tests.unit.backend.sage.table_session import (
    append,
    column,
    job,
    query,
    rows_change,
    table,
    transact,
    values,
)


@pytest.fixture
def project(sage: Sage) -> str:
    return str(sage.owner.entity("Project", "atlas")["id"])


@pytest.fixture
def name(sage: Sage) -> dict[str, Any]:
    return column(sage.owner, "name")


@pytest.fixture
def people(sage: Sage, project: str, name: dict[str, Any]) -> str:
    made = str(table(sage.owner, project, name)["id"])
    append(sage.owner, made, [{"cells": {name["id"]: text}} for text in ("Ann", "Bob")])
    return made


def schema_change(*changes: tuple[str | None, str | None], order: list[str] | None = None) -> dict[str, Any]:
    listed = [{"oldColumnId": old, "newColumnId": new} for old, new in changes]
    return {"concreteType": "TableSchemaChangeRequest", "changes": listed, "orderedColumnIds": order}


def upload_change(sage: Sage, text: str, **fields: Any) -> dict[str, Any]:
    handle = sage.owner.upload(text.encode(), fileName="rows.csv", contentType="text/csv")
    return {"concreteType": "UploadToTableRequest", "uploadFileHandleId": handle, **fields}


def test_same_column_has_the_same_id_and_its_defaults(sage: Sage) -> None:
    first, second = column(sage.owner, "name"), column(sage.other, "name", "STRING", maximumSize=50)
    assert first == second == {"id": first["id"], "name": "name", "columnType": "STRING", "maximumSize": 50}


BAD_COLUMNS = (
    (
        {"name": "a", "columnType": "STRING", "maximumSize": 1001},
        "ColumnModel.maxSize for a STRING cannot exceed: 1000",
    ),
    ({"name": "ROW_ID", "columnType": "STRING"}, "reserved"),
    ({"name": "a", "columnType": "WHAT"}, "Unknown columnType"),
    ({"name": "a", "columnType": "STRING", "facetType": "range"}, "range is not supported"),
    ({"name": "a", "columnType": "STRING_LIST", "maximumListLength": 101}, "cannot exceed: 100"),
    ({"name": "a", "columnType": "INTEGER", "defaultValue": "x"}, "not a valid INTEGER"),
    ({"name": "", "columnType": "INTEGER"}, "name is required"),
    ({"name": 'a"b', "columnType": "INTEGER"}, "quotes"),
)


@pytest.mark.parametrize(("body", "text"), BAD_COLUMNS)
def test_wrong_column_is_refused(sage: Sage, body: dict[str, Any], text: str) -> None:
    assert text in sage.owner.fails("POST", "/column", 400, json=body)


CELLS = (
    ("INTEGER", "5", "5"), ("INTEGER", "5.5", None), ("INTEGER", "99999999999999999999", None),
    ("DOUBLE", "1e3", "1000.0"), ("DOUBLE", "nan", "NaN"), ("DOUBLE", "x", None),
    ("BOOLEAN", "TRUE", "true"), ("BOOLEAN", "maybe", None), ("DATE", "1000", "1000"),
    ("DATE", "1970-01-01T00:00:01.5Z", "1500"), ("DATE", "1970-13-01", None), ("ENTITYID", "12", "syn12"),
    ("ENTITYID", "x12", None), ("USERID", "7", "7"), ("STRING_LIST", '["a", "b"]', '["a", "b"]'),
    ("STRING_LIST", "['a', 'b']", '["a", "b"]'), ("INTEGER_LIST", '["a"]', None), ("STRING_LIST", "a", None),
    ("JSON", '{"a": 1}', '{"a": 1}'), ("JSON", "{", None), ("JSON", "__import__('os')", None),
)  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "expected"), CELLS)
def test_cell_is_read_as_its_type_or_refused(
    sage: Sage, project: str, kind: str, text: str, expected: str | None
) -> None:
    one = column(sage.owner, "value", kind)
    made = str(table(sage.owner, project, one)["id"])
    append(sage.owner, made, [{"cells": {one["id"]: text}}], 201 if expected is not None else 400)
    assert values(sage.owner, f"SELECT * FROM {made}", made) == ([] if expected is None else [[expected]])


def test_text_longer_than_its_column_is_refused_and_nothing_is_written(sage: Sage, project: str) -> None:
    short = column(sage.owner, "short", maximumSize=3)
    made = str(table(sage.owner, project, short)["id"])
    append(sage.owner, made, [{"cells": {short["id"]: "abc"}}, {"cells": {short["id"]: "abcd"}}], 400)
    assert values(sage.owner, f"SELECT * FROM {made}", made) == []


def test_changed_row_keeps_its_id_and_other_cells_and_gets_a_version(sage: Sage, project: str) -> None:
    one, two = column(sage.owner, "one"), column(sage.owner, "two")
    made = str(table(sage.owner, project, one, two)["id"])
    append(sage.owner, made, [{"cells": {one["id"]: "a", two["id"]: "b"}}])
    append(sage.owner, made, [{"rowId": 1, "cells": {two["id"]: "c"}}])
    (row,) = query(sage.owner, made, f"SELECT * FROM {made}")["queryResult"]["queryResults"]["rows"]
    assert row == {"rowId": 1, "versionNumber": 2, "values": ["a", "c"]}


def test_unknown_row_is_refused(sage: Sage, people: str, name: dict[str, Any]) -> None:
    append(sage.owner, people, [{"rowId": 99, "cells": {name["id"]: "x"}}], 404)


def test_row_that_changed_since_it_was_read_is_refused(sage: Sage, people: str, name: dict[str, Any]) -> None:
    append(sage.owner, people, [{"rowId": 1, "cells": {name["id"]: "Eve"}}])
    change = upload_change(sage, "ROW_ID,ROW_VERSION,name\n1,1,Old\n")
    assert "changed since last read" in transact(sage.owner, people, change, status=409)["reason"]


def test_only_who_may_update_writes_rows(sage: Sage, people: str, name: dict[str, Any]) -> None:
    append(sage.other, people, [{"cells": {name["id"]: "x"}}], 403)


def test_uploaded_lines_add_change_and_delete_rows(sage: Sage, people: str) -> None:
    change = upload_change(sage, 'ROW_ID,ROW_VERSION,name\n1,1,"An,na"\n2,1,\n,,"Eve ""x"""\n')
    assert transact(sage.owner, people, change)["results"][0]["rowsProcessed"] == 3
    assert values(sage.owner, f"SELECT name FROM {people}", people) == [["An,na"], ['Eve "x"']]


BAD_FILES = (
    ("other\nx\n", "not a valid column name or id"), ("name\na,b\n", "Line 2"), ("", "empty"),
    ("name\n" + "x" * 51 + "\n", "Line 2"), ("ROW_ID,name\nx,y\n", "Line 2"), ("name\n\ud83d\n", "UTF-8"),
)  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), BAD_FILES)
def test_wrong_file_is_refused_and_says_where(sage: Sage, people: str, text: str, reason: str) -> None:
    handle = sage.owner.upload(text.encode("utf-8", "surrogatepass") or b"\n", fileName="rows.csv")
    change = {"concreteType": "UploadToTableRequest", "uploadFileHandleId": handle}
    assert reason in transact(sage.owner, people, change, status=400)["reason"]


def test_file_of_somebody_else_is_refused(sage: Sage, people: str) -> None:
    handle = sage.other.upload(b"name\nx\n", fileName="rows.csv")
    change = {"concreteType": "UploadToTableRequest", "uploadFileHandleId": handle}
    transact(sage.owner, people, change, status=403)


@pytest.mark.every_database
def test_snapshot_keeps_rows_and_columns_while_the_table_moves_on(
    sage: Sage, people: str, name: dict[str, Any]
) -> None:
    made = sage.owner.ok("POST", f"/entity/{people}/table/snapshot", 201, json={"snapshotLabel": "v1"})
    assert made == {"snapshotVersionNumber": 1}
    other = column(sage.owner, "other")
    transact(sage.owner, people, schema_change((name["id"], None), (None, other["id"])))
    append(sage.owner, people, [{"cells": {other["id"]: "new"}}])
    assert values(sage.owner, f"SELECT * FROM {people}.1", people) == [["Ann"], ["Bob"]]
    assert values(sage.owner, f"SELECT * FROM {people}", people) == [[None], [None], ["new"]]
    assert sage.owner.ok("GET", f"/entity/{people}")["versionNumber"] == 2


def test_column_that_comes_back_does_not_bring_its_cells(sage: Sage, people: str, name: dict[str, Any]) -> None:
    transact(sage.owner, people, schema_change((name["id"], None)))
    transact(sage.owner, people, schema_change((None, name["id"])))
    assert values(sage.owner, f"SELECT * FROM {people}", people) == [[None], [None]]


def test_renamed_column_keeps_its_cells_and_a_default_fills_rows(sage: Sage, people: str, name: dict[str, Any]) -> None:
    renamed, age = column(sage.owner, "title"), column(sage.owner, "age", "INTEGER", defaultValue="7")
    order = [age["id"], renamed["id"]]
    transact(sage.owner, people, schema_change((name["id"], renamed["id"]), (None, age["id"]), order=order))
    assert values(sage.owner, f"SELECT * FROM {people}", people) == [["7", "Ann"], ["7", "Bob"]]


def test_change_of_type_that_cells_do_not_allow_leaves_everything(
    sage: Sage, people: str, name: dict[str, Any]
) -> None:
    number = column(sage.owner, "name", "INTEGER")
    extra = rows_change(people, [{"cells": {name["id"]: "lost"}}])
    transact(sage.owner, people, extra, schema_change((name["id"], number["id"])), status=400)
    assert values(sage.owner, f"SELECT * FROM {people}", people) == [["Ann"], ["Bob"]]


def test_order_of_columns_must_name_all_of_them(sage: Sage, people: str) -> None:
    other = column(sage.owner, "other")
    found = transact(sage.owner, people, schema_change((None, other["id"]), order=[other["id"]]), status=400)
    assert "orderedColumnIds" in found["reason"]


def download(sage: Sage, entity: str, sql: str, **more: Any) -> tuple[dict[str, Any], list[list[str]]]:
    body = {"concreteType": f"{P}.table.DownloadFromTableRequest", "entityId": entity, "sql": sql, **more}
    done = job(sage.owner, f"/entity/{entity}/table/download/csv/async", body)
    url = sage.owner.ok("GET", f"/file/v1/fileHandle/{done['resultsFileHandleId']}/url?redirect=false")
    text = sage.owner.send("GET", url).text
    return done, list(csv.reader(io.StringIO(text), escapechar="\\"))


def test_csv_of_a_query_has_ids_versions_and_cells_as_they_were(sage: Sage, people: str, name: dict[str, Any]) -> None:
    nasty = 'a\\b "c",\nd'
    append(sage.owner, people, [{"rowId": 2, "cells": {name["id"]: nasty}}])
    done, lines = download(sage, people, f"SELECT name FROM {people}")
    assert lines == [["ROW_ID", "ROW_VERSION", "name"], ["1", "1", "Ann"], ["2", "2", nasty]]
    assert done["headers"][0]["id"] == name["id"]


def test_csv_of_an_aggregate_has_no_ids(sage: Sage, people: str) -> None:
    assert download(sage, people, f"SELECT COUNT(*) FROM {people}")[1] == [["COUNT(*)"], ["2"]]


def test_hundred_thousand_rows_are_written_and_asked_in_reasonable_time(sage: Sage, project: str) -> None:
    text, number = column(sage.owner, "text"), column(sage.owner, "number", "INTEGER")
    made = str(table(sage.owner, project, text, number)["id"])
    started = time.monotonic()
    lines = "".join(f"t{place % 100},{place}\n" for place in range(100_000))
    transact(sage.owner, made, upload_change(sage, f"text,number\n{lines}"))
    assert values(
        sage.owner, f"SELECT text, COUNT(*) FROM {made} WHERE number >= 50000 GROUP BY text LIMIT 1", made
    ) == [["t0", "500"]]
    assert values(sage.owner, f"SELECT number FROM {made} LIMIT 1 OFFSET 99999", made) == [["99999"]]
    assert time.monotonic() - started < 60


def test_bundle_has_the_columns_of_a_table(sage: Sage, people: str, name: dict[str, Any]) -> None:
    found = sage.owner.ok("POST", f"/entity/{people}/bundle2", json={"includeTableBundle": True})["tableBundle"]
    assert found["columnModels"] == [name]
    assert found["maxRowsPerPage"] == 512_000 // 200
