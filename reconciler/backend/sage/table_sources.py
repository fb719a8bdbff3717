"""Opening what a query names: a table, a view, a dataset, or another query, at its current state or at a version."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from reconciler.backend.sage.body import entity_id, plain_id
from reconciler.backend.sage.call import Call, syn
from reconciler.backend.sage.columns import Column, column_ids, find_columns
from reconciler.backend.sage.errors import bad
from reconciler.backend.sage.nodes import Node, find_node, require
from reconciler.backend.sage.relations import Record, Relation
from reconciler.backend.sage.sql_parser import parse_query
from reconciler.backend.sage.sql_render import Statement, render, shown_name
from reconciler.backend.sage.sql_scan import Scan
from reconciler.backend.sage.sql_scope import Copy
from reconciler.backend.sage.sql_tree import Query, Source
from reconciler.backend.sage.submission_view_rows import submission_records
from reconciler.backend.sage.table_rows import find_state, kept_relation, readable_relation, shown_at
from reconciler.backend.sage.view_rows import dataset_records, milliseconds, view_records

TABULAR: Final = frozenset(
    {
        "table", "entityview", "submissionview", "dataset", "datasetcollection", "materializedview", "virtualtable",
    }
)  # fmt: skip
DEFINED: Final = frozenset({"materializedview", "virtualtable"})
VIEWS: Final = TABULAR - DEFINED - {"table"}
_DEEPEST: Final = 5
_MOST_SOURCES: Final = 20


def find_tabular(call: Call, entity: int, version: int | None = None) -> Node:
    """A table or view that the caller may query."""
    node = find_node(call.db, entity, version)
    if node["type"] not in TABULAR:
        raise bad(f"{syn(entity)} is not a table or view")
    require(call, node, "READ")
    if node["type"] == "table":
        require(call, node, "DOWNLOAD")
    return node


def columns_of_node(call: Call, node: Node) -> list[Column]:
    """The columns of a table or view at a version."""
    if node["type"] == "table":
        shown = shown_at(call, node)
        slots = shown[1] if shown else find_state(call, node["id"]).slots
        return find_columns(call.db, [int(one) for one in slots])
    return find_columns(call.db, column_ids(json.loads(node["fields"]).get("columnIds") or ()))


def live_records(call: Call, node: Node, columns: Sequence[Column]) -> Iterator[Record]:
    """The rows of a view as they are now."""
    own = json.loads(node["fields"])
    if node["type"] == "entityview":
        scope = [entity_id(one) for one in own.get("scopeIds") or ()]
        return view_records(call, scope, own.get("viewTypeMask") or 0, columns)
    if node["type"] == "submissionview":
        return submission_records(call, [plain_id(str(one)) for one in own.get("scopeIds") or ()], columns)
    return dataset_records(call, own.get("items") or (), columns)


class Sources:
    """The copies of one query's sources; each is made once."""

    def __init__(self, call: Call, scan: Scan, *, depth: int = 0) -> None:
        self._call = call
        self._scan = scan
        self._depth = depth
        self._copied: dict[tuple[int, int | None], tuple[str, Sequence[Column]]] = {}

    def copy(self, source: Source, window: tuple[int, int] | None = None) -> Copy:
        """Copy a source. window: limit and offset of the rows that suffice."""
        key = (source.entity, source.version)
        if key not in self._copied:
            self._copied[key] = self._load(find_tabular(self._call, *key), window)
        table, columns = self._copied[key]
        return Copy(table, shown_name(source), columns)

    def statement(self, query: Query, window: tuple[int, int] | None = None) -> Statement:
        """Copy all that a query reads and render it."""
        sources = query.sources()
        if len(sources) > _MOST_SOURCES:
            raise bad(f"A query may name {_MOST_SOURCES} tables at most.")
        copies = [self.copy(source, window) for source in sources]
        return render(query, copies, user=self._call.caller.id, now_ms=milliseconds(self._call.now))

    def _load(self, node: Node, window: tuple[int, int] | None) -> tuple[str, Sequence[Column]]:
        if node["type"] in DEFINED:
            return self._load_defined(node)
        relation = self._relation(node, window)
        return self._scan.add(relation), relation.columns

    def _relation(self, node: Node, window: tuple[int, int] | None) -> Relation:
        shown = shown_at(self._call, node)
        if node["type"] == "table":
            state = find_state(self._call, node["id"])
            change, slots = shown or (state.change, state.slots)
            return kept_relation(self._call, node["id"], change, slots, window=window)
        if shown is not None:
            return readable_relation(self._call, node["id"], *shown)
        columns = columns_of_node(self._call, node)
        return Relation(node["id"], columns, live_records(self._call, node, columns), has_etags=True)

    def _load_defined(self, node: Node) -> tuple[str, Sequence[Column]]:
        if self._depth >= _DEEPEST:
            raise bad("Views over views are nested too deeply.")
        own = json.loads(node["fields"])
        query = parse_query(own["definingSQL"])
        inner = Sources(self._call, self._scan, depth=self._depth + 1)
        statement = inner.statement(query)
        columns = columns_of_node(self._call, node)
        if len(columns) != len(statement.outputs):
            # What is below changed since the view was defined: its own columns follow.
            columns = [output_column(output.name, output.type, output.column) for output in statement.outputs]
        relation = Relation(node["id"], columns, iter(()))
        return self._scan.add_result(relation, statement, limit_sql(query.limit, query.offset)), columns


def limit_sql(limit: int | None, offset: int) -> str:
    """The end of a statement. Both numbers are ours."""
    return f" LIMIT {-1 if limit is None else int(limit)} OFFSET {int(offset)}" if limit is not None or offset else ""


def output_column(name: str, kind: str, column: Column | None) -> dict[str, Any]:
    """The column that a column of a result makes, without an id."""
    if column is not None:
        kept = {key: value for key, value in column.items() if key not in ("id", "defaultValue", "enumValues")}
        return kept | {"name": name}
    made: dict[str, Any] = {"name": name[:256], "columnType": kind}
    if kind in ("STRING", "LINK", "STRING_LIST"):
        made["maximumSize"] = 1000 if kind != "STRING_LIST" else 50
    if kind.endswith("_LIST"):
        made["maximumListLength"] = 100
    return made
