"""Shortcuts for tests of tables: jobs, columns, tables, uploads and queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.unit.backend.sage.conftest import P, User

T = f"{P}.table"


def job(user: User, path: str, body: dict[str, Any], status: int = 201) -> Any:
    """Start a job and get what it gave."""
    token = user.ok("POST", f"{path}/start", 201, json=body)["token"]
    return user.ok("GET", f"{path}/get/{token}", status)


def column(user: User, name: str, kind: str = "STRING", **fields: Any) -> dict[str, Any]:
    """Make a column."""
    made: dict[str, Any] = user.ok("POST", "/column", 201, json={"name": name, "columnType": kind, **fields})
    return made


def table(user: User, project: str, *columns: dict[str, Any], name: str = "table") -> dict[str, Any]:
    """Make a table with these columns."""
    return user.entity("table.TableEntity", name, parentId=project, columnIds=[one["id"] for one in columns])


def transact(user: User, entity: str, *changes: dict[str, Any], status: int = 201, **more: Any) -> Any:
    """Run a transaction. changes: with `concreteType` without its prefix."""
    listed = [{**one, "concreteType": f"{T}.{one['concreteType']}"} for one in changes]
    body = {"concreteType": f"{T}.TableUpdateTransactionRequest", "entityId": entity, "changes": listed, **more}
    return job(user, f"/entity/{entity}/table/transaction/async", body, status)


def rows_change(entity: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Append or change rows. rows: `{rowId?, etag?, cells: {column id: value}}`."""
    listed = [
        {
            **{key: value for key, value in row.items() if key != "cells"},
            "values": [{"key": key, "value": value} for key, value in row.get("cells", {}).items()],
        }
        for row in rows
    ]
    partial = {"concreteType": f"{T}.PartialRowSet", "tableId": entity, "rows": listed}
    return {"concreteType": "AppendableRowSetRequest", "entityId": entity, "toAppend": partial}


def append(user: User, entity: str, rows: Sequence[dict[str, Any]], status: int = 201) -> Any:
    """Write rows of a table or view; returns the result of this one change."""
    answer = transact(user, entity, rows_change(entity, rows), status=status)
    return answer["results"][0] if status == 201 else answer


def query(user: User, entity: str, sql: str, status: int = 201, mask: int | None = 1, **more: Any) -> Any:
    """Ask for a bundle."""
    body = {
        "concreteType": f"{T}.QueryBundleRequest",
        "entityId": entity,
        "query": {"sql": sql, **more},
        "partMask": mask,
    }
    return job(user, f"/entity/{entity}/table/query/async", body, status)


def values(user: User, sql: str, entity: str = "syn1", **more: Any) -> list[list[str | None]]:
    """The values of the rows of a query's first page."""
    found = query(user, entity, sql, **more)["queryResult"]["queryResults"]["rows"]
    return [row["values"] for row in found]


def refused(user: User, sql: str, entity: str = "syn1", status: int = 400) -> str:
    """The reason why a query is refused."""
    return str(query(user, entity, sql, status)["reason"])
