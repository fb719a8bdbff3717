"""What tables and views are as entities: their own fields, checked and completed whenever they are written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from reconciler.backend.database import IDS
from reconciler.backend.sage.body import Body, entity_id, plain_id
from reconciler.backend.sage.call import Call, syn
from reconciler.backend.sage.columns import Column, check_schema, column_ids, find_columns, keep_columns, rows_per_page
from reconciler.backend.sage.errors import bad
from reconciler.backend.sage.nodes import Node, find_node
from reconciler.backend.sage.relations import in_batches
from reconciler.backend.sage.sql_parser import parse_query
from reconciler.backend.sage.sql_render import render, shown_name
from reconciler.backend.sage.sql_scope import Copy
from reconciler.backend.sage.table_rows import find_state, save_state
from reconciler.backend.sage.table_schema import set_schema
from reconciler.backend.sage.table_sources import DEFINED, TABULAR, columns_of_node, find_tabular, output_column
from reconciler.backend.sage.view_columns import check_mask

MOST_SCOPES: Final = 35_000
MOST_ITEMS: Final = 30_000
_KINDS: Final = {"materializedview": "materialized view", "virtualtable": "virtual table"}
_IN_DATASETS: Final = {"dataset": "file", "datasetcollection": "dataset"}

Own = Mapping[str, Any]


def settle(call: Call, entity: int) -> None:
    """Check the own fields of a table or view that was just written, and complete them. Raises `ApiError` 400."""
    node = find_node(call.db, entity)
    if node["type"] not in TABULAR:
        return
    own = json.loads(node["fields"])
    fields = _COMPLETE[node["type"]](call, node, own)
    write_fields(call, node, fields)


def write_fields(call: Call, node: Node, fields: Own) -> None:
    """Replace the own fields of a version."""
    call.db.execute(
        "UPDATE sage_versions SET fields = ? WHERE entity_id = ? AND number = ?",
        (json.dumps(dict(fields), sort_keys=True), node["id"], node["number"]),
    )


def set_columns(call: Call, node: Node, ids: Sequence[int]) -> list[Column]:
    """Give a view these columns. Raises `ApiError` 400."""
    columns = find_columns(call.db, ids)
    check_schema(columns)
    write_fields(call, node, json.loads(node["fields"]) | {"columnIds": [str(one) for one in ids]})
    return columns


def _table(call: Call, node: Node, own: dict[str, Any]) -> Own:
    state = find_state(call, node["id"])
    if "columnIds" in own:
        set_schema(call, state, column_ids(own["columnIds"]))
    save_state(call, state)
    return own | {"columnIds": list(state.slots), "isSearchEnabled": own.get("isSearchEnabled", False)}


def _entity_view(call: Call, node: Node, own: dict[str, Any]) -> Own:
    scope = [str(entity_id(one)) for one in own.get("scopeIds") or ()]
    if len(scope) > MOST_SCOPES:
        raise bad(f"A view may have {MOST_SCOPES} containers in its scope at most.")
    return _view(call, node, own) | {"scopeIds": scope, "viewTypeMask": check_mask(own.get("viewTypeMask"))}


def _submission_view(call: Call, node: Node, own: dict[str, Any]) -> Own:
    scope = [str(plain_id(str(one).removeprefix("syn"))) for one in own.get("scopeIds") or ()]
    if len(scope) > MOST_SCOPES:
        raise bad(f"A view may have {MOST_SCOPES} evaluations in its scope at most.")
    return _view(call, node, own) | {"scopeIds": scope}


def _view(call: Call, node: Node, own: dict[str, Any]) -> dict[str, Any]:
    ids = column_ids(own.get("columnIds") or ())
    check_schema(find_columns(call.db, ids))
    save_state(call, find_state(call, node["id"]))
    return own | {"columnIds": [str(one) for one in ids], "isSearchEnabled": own.get("isSearchEnabled", False)}


def _dataset(call: Call, node: Node, own: dict[str, Any]) -> Own:
    items = [Body(item, f"items[{place}]") for place, item in enumerate(own.get("items") or ())]
    if len(items) > MOST_ITEMS:
        raise bad(f"A dataset may have {MOST_ITEMS} items at most.")
    listed = [(item.needed_entity("entityId"), item.needed_integer("versionNumber")) for item in items]
    if len({entity for entity, _ in listed}) < len(listed):
        raise bad("Each entity may be in a dataset once only.")
    kept = [{"entityId": syn(entity), "versionNumber": version} for entity, version in listed]
    return _view(call, node, own) | {"items": kept} | _sizes(call, _IN_DATASETS[node["type"]], listed)


def _sizes(call: Call, wanted: str, listed: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Size in bytes, checksum and number of a dataset's items. The checksum is over the items' own, in their order."""
    sizes: dict[tuple[int, int], tuple[str, int]] = {}
    for some in in_batches(listed, 1000):
        rows = call.db.execute(
            "SELECT e.id, e.type, v.number, v.fields, f.md5, f.size FROM sage_entities e"
            " JOIN sage_versions v ON v.entity_id = e.id LEFT JOIN sage_file_handles f ON f.id = v.file_handle_id"
            f" WHERE e.trash_root IS NULL AND e.id IN {IDS}",
            (json.dumps([entity for entity, _ in some]),),
        )
        for row in rows:
            if row["type"] != wanted:
                raise bad(f"Only entities of type {wanted} can be included here: {syn(row['id'])} is a {row['type']}.")
            own = json.loads(row["fields"])
            sizes[row["id"], row["number"]] = (
                row["md5"] or own.get("checksum") or "",
                row["size"] or own.get("size") or 0,
            )
    if lacking := [item for item in listed if item not in sizes]:
        raise bad(f"Entity {syn(lacking[0][0])} with version {lacking[0][1]} does not exist.")
    checksums = "".join(sizes[item][0] for item in sorted(listed))
    checksum = hashlib.md5(checksums.encode(), usedforsecurity=False).hexdigest() if listed else None
    return {"size": sum(sizes[item][1] for item in listed), "count": len(listed), "checksum": checksum}


def _defined(call: Call, node: Node, own: dict[str, Any]) -> Own:
    kind = _KINDS[node["type"]]
    sql = own.get("definingSQL")
    if not sql or not sql.strip():
        raise bad(f"The definingSQL of the {kind} is required and must not be the empty string.")
    query = parse_query(sql)
    if node["type"] == "virtualtable" and (len(query.selects) > 1 or query.first.joins):
        raise bad("The JOIN and UNION keywords are not supported in the definingSQL of a virtual table.")
    copies = []
    for source in query.sources():
        if source.entity == node["id"]:
            raise bad(f"The definingSQL of the {kind} must not name the {kind} itself.")
        below = find_tabular(call, source.entity, source.version)
        columns = columns_of_node(call, below)
        if not columns:
            raise bad(f"Schema for {syn(source.entity)} is empty.")
        copies.append(Copy("r0", shown_name(source), columns))
    outputs = render(query, copies, user=call.caller.id, now_ms=0).outputs
    made = _distinct([output_column(output.name, output.type, output.column) for output in outputs])
    check_schema(made)
    save_state(call, find_state(call, node["id"]))
    return own | {"columnIds": [column["id"] for column in keep_columns(call.db, made)]}


def _distinct(columns: list[Column]) -> list[Column]:
    """Columns with other names where two have the same, as joins of two `*` give."""
    seen: dict[str, int] = {}
    for column in columns:
        count = seen[column["name"]] = seen.get(column["name"], 0) + 1
        if count > 1:
            column["name"] = f"{column['name']}_{count}"[:256]
    return columns


def table_bundle(call: Call, node: Node) -> dict[str, Any] | None:
    """`tableBundle` of a bundle: the columns and how many rows a page may have; None for what is no table."""
    if node["type"] not in TABULAR:
        return None
    columns = columns_of_node(call, node)
    return {"columnModels": columns, "maxRowsPerPage": rows_per_page(columns)}


_COMPLETE: Final[Mapping[str, Callable[[Call, Node, dict[str, Any]], Own]]] = {
    "table": _table,
    "entityview": _entity_view,
    "submissionview": _submission_view,
    "dataset": _dataset,
    "datasetcollection": _dataset,
    **dict.fromkeys(DEFINED, _defined),
}
