"""Transactions on a table or view: changes of columns and rows, and a snapshot, all of them or none."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from reconciler.backend.routing import Work
from reconciler.backend.sage.body import Body, plain_id
from reconciler.backend.sage.call import Call, P, reply, syn
from reconciler.backend.sage.column_types import read_cell
from reconciler.backend.sage.columns import Column, column_ids
from reconciler.backend.sage.errors import bad, stale
from reconciler.backend.sage.jobs import JobKind
from reconciler.backend.sage.nodes import Node, find_node, readable_node, require, touch
from reconciler.backend.sage.routes import VIEW_AND_MODIFY, reads, writes
from reconciler.backend.sage.table_appends import Appender, RowChange, RowReference
from reconciler.backend.sage.table_rows import TableState, find_state, save_state
from reconciler.backend.sage.table_schema import change_schema
from reconciler.backend.sage.table_snapshots import take_snapshot
from reconciler.backend.sage.table_sources import DEFINED, TABULAR, columns_of_node
from reconciler.backend.sage.table_uploads import uploaded_changes
from reconciler.backend.sage.tabular import set_columns, write_fields
from reconciler.backend.sage.view_updates import update_view
from reconciler.backend.wire import Response

_MOST_CHANGES: Final = 1000
_MOST_ROWS: Final = 1_000_000


def transaction(call: Call, body: Body) -> dict[str, Any]:
    """`TableUpdateTransactionRequest`."""
    entity = call.entity()
    node = _writable(call, entity)
    changes = body.objects("changes", most=_MOST_CHANGES)
    wants_snapshot = body.boolean("createSnapshot")
    if not changes and not wants_snapshot:
        raise bad("The transaction has neither changes nor createSnapshot.")
    results = []
    for change in changes:
        run = _CHANGES.get(change.needed("concreteType").removeprefix(f"{P}.table."))
        if run is None:
            raise bad(f"Unknown concreteType of a change: {change.needed('concreteType')[:200]}")
        results.append(run(call, find_node(call.db, entity), change))
    answer: dict[str, Any] = {"concreteType": f"{P}.table.TableUpdateTransactionResponse", "results": results}
    if wants_snapshot:
        options = body.object("snapshotOptions") or Body({})
        answer["snapshotVersionNumber"] = take_snapshot(call, find_node(call.db, node["id"]), options)
    return answer


def _writable(call: Call, entity: int) -> Node:
    node = find_node(call.db, entity)
    if node["type"] not in TABULAR:
        raise bad(f"{syn(entity)} is not a table or view")
    require(call, node, "UPDATE")
    return node


def _schema(call: Call, node: Node, body: Body) -> dict[str, Any]:
    changes = [(_column(one, "oldColumnId"), _column(one, "newColumnId")) for one in body.objects("changes")]
    ordered = column_ids(body.items("orderedColumnIds")) if body.values.get("orderedColumnIds") is not None else None
    if node["type"] in DEFINED:
        raise bad("The columns of this view follow from its definingSQL.")
    if node["type"] == "table":
        state = find_state(call, node["id"])
        columns = change_schema(call, state, changes, ordered)
        save_state(call, state)
        write_fields(call, node, json.loads(node["fields"]) | {"columnIds": list(state.slots)})
    else:
        columns = set_columns(call, node, _view_order(columns_of_node(call, node), changes, ordered))
    touch(call, node["id"])
    return {"concreteType": f"{P}.table.TableSchemaChangeResponse", "schema": columns}


def _column(body: Body, key: str) -> str | None:
    value = body.values.get(key)
    return None if value is None else str(plain_id(str(value)))


def _view_order(
    columns: list[Column], changes: list[tuple[str | None, str | None]], ordered: list[int] | None
) -> list[int]:
    ids = [column["id"] for column in columns]
    for old, new in changes:
        if old is not None and old not in ids:
            raise bad(f"The column {old} is not one of this view.")
        if old is None:
            ids += [new] if new is not None and new not in ids else []
        elif new is None:
            ids.remove(old)
        else:
            ids[ids.index(old)] = new
    found = [int(one) for one in ids]
    if ordered is not None and sorted(set(ordered)) != sorted(set(found)):
        raise bad("The orderedColumnIds must name all columns of the resulting schema, and no others.")
    return found if ordered is None else ordered


def _append(call: Call, node: Node, body: Body) -> dict[str, Any]:
    rows = body.object("toAppend")
    if rows is None:
        raise bad("toAppend is required.")
    columns = columns_of_node(call, node)
    is_partial = rows.needed("concreteType") == f"{P}.table.PartialRowSet"
    read = _partial_changes if is_partial else _full_changes
    changes = read(rows, {column["id"]: column for column in columns})
    if node["type"] != "table":
        _refuse_defined(node)
        results = update_view(call, node, columns, changes)
        return {"concreteType": f"{P}.table.EntityUpdateResults", "updateResults": results}
    state = find_state(call, node["id"])
    if (etag := rows.text("etag")) is not None and not is_partial and etag != state.etag:
        raise stale(syn(node["id"]))
    references = list(Appender(call, state).write(changes))
    save_state(call, state)
    touch(call, node["id"])
    return {
        "concreteType": f"{P}.table.RowReferenceSetResults",
        "rowReferenceSet": _references(state, columns, references),
    }


def _refuse_defined(node: Node) -> None:
    if node["type"] in DEFINED:
        raise bad("Rows of a materialized view or virtual table cannot be written.")


def _references(state: TableState, columns: list[Column], references: list[RowReference]) -> dict[str, Any]:
    return {
        "tableId": syn(state.entity),
        "etag": state.etag,
        "headers": [{key: column[key] for key in ("id", "name", "columnType")} for column in columns],
        "rows": [{"rowId": one.id, "versionNumber": one.version} for one in references],
    }


def _partial_changes(rows: Body, columns: Mapping[str, Column]) -> list[RowChange]:
    return [_partial(row, columns) for row in rows.objects("rows", most=_MOST_ROWS)]


def _partial(row: Body, columns: Mapping[str, Column]) -> RowChange:
    number, etag = row.integer("rowId"), row.text("etag")
    values = row.objects("values")
    if number is not None and not values:
        return RowChange(number, None, None, etag)
    cells = {}
    for value in values:
        column = columns.get(str(value.values.get("key")))
        if column is None:
            raise bad(
                f"PartialRow.value.key: '{str(value.values.get('key'))[:100]}' is not a valid column ID"
                f" for row ID: {number}"
            )
        cells[column["id"]] = read_cell(column, value.values.get("value"))
    return RowChange(number, cells, None, etag)


def _full_changes(rows: Body, columns: Mapping[str, Column]) -> list[RowChange]:
    headers = [str(header.values.get("id")) for header in rows.objects("headers")]
    if unknown := [one for one in headers if one not in columns]:
        raise bad(f"The column {unknown[0][:100]} is not one of this table.")
    return [_full(row, [columns[one] for one in headers]) for row in rows.objects("rows", most=_MOST_ROWS)]


def _full(row: Body, columns: list[Column]) -> RowChange:
    number, version = row.integer("rowId"), row.integer("versionNumber")
    values = row.items("values")
    if number is not None and not values:
        return RowChange(number, None, version)
    if len(values) != len(columns):
        raise bad(f"A row has {len(values)} values for {len(columns)} columns.")
    cells = {column["id"]: read_cell(column, value) for column, value in zip(columns, values, strict=True)}
    return RowChange(number, cells, version if number is not None else None, row.text("etag"))


def _upload(call: Call, node: Node, body: Body) -> dict[str, Any]:
    _refuse_defined(node)
    columns = columns_of_node(call, node)
    changes = uploaded_changes(call, body, columns)
    if node["type"] != "table":
        results = update_view(call, node, columns, changes)
        return {"concreteType": f"{P}.table.EntityUpdateResults", "updateResults": results}
    state = find_state(call, node["id"])
    if (etag := body.text("updateEtag")) is not None and etag != state.etag:
        raise stale(syn(node["id"]))
    count = sum(1 for _ in Appender(call, state).write(changes))
    save_state(call, state)
    touch(call, node["id"])
    return {"concreteType": f"{P}.table.UploadToTableResult", "rowsProcessed": count, "etag": state.etag}


def _search(call: Call, node: Node, body: Body) -> dict[str, Any]:
    enabled = body.boolean("searchEnabled")
    write_fields(call, node, json.loads(node["fields"]) | {"isSearchEnabled": enabled})
    touch(call, node["id"])
    return {"concreteType": f"{P}.table.TableSearchChangeResponse", "searchEnabled": enabled}


def delete_rows(call: Call) -> Response:
    """`POST /entity/{id}/table/deleteRows`: a `RowSelection`, `{rowIds, etag?}`."""
    node = _writable(call, call.entity())
    if node["type"] != "table":
        raise bad("Rows can be deleted from tables only.")
    body = call.body
    state = find_state(call, node["id"])
    if (etag := body.text("etag")) is not None and etag != state.etag:
        raise stale(syn(node["id"]))
    ids = [plain_id(str(one)) for one in body.items("rowIds", most=_MOST_ROWS)]
    references = list(Appender(call, state).write(RowChange(one, None) for one in ids))
    save_state(call, state)
    touch(call, node["id"])
    return reply(_references(state, columns_of_node(call, node), references), 201)


def get_columns(call: Call) -> Response:
    """`GET /entity/{id}/column`."""
    node = readable_node(call)
    if node["type"] not in TABULAR:
        raise bad(f"{syn(node['id'])} is not a table or view")
    columns = columns_of_node(call, node)
    return reply({"results": columns, "totalNumberOfResults": len(columns)})


_CHANGES: Final[Mapping[str, Callable[[Call, Node, Body], dict[str, Any]]]] = {
    "TableSchemaChangeRequest": _schema,
    "AppendableRowSetRequest": _append,
    "UploadToTableRequest": _upload,
    "TableSearchChangeRequest": _search,
}
JOBS: Final = (
    JobKind(
        "table.TableUpdateTransactionRequest",
        "/entity/{id}/table/transaction/async",
        transaction,
        work=Work.WRITE,
        scopes=VIEW_AND_MODIFY,
    ),
)
ROUTES = (
    writes("POST", "/entity/{id}/table/deleteRows", delete_rows),
    reads("GET", "/entity/{id}/column", get_columns, anonymous=True),
)
