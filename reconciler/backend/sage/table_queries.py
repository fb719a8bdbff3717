"""Queries: the bundle with the parts that are asked for, page after page."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from reconciler.backend.database import IDS
from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import Call, P, syn
from reconciler.backend.sage.column_types import cell_text
from reconciler.backend.sage.columns import rows_per_page
from reconciler.backend.sage.errors import bad
from reconciler.backend.sage.facets import facet_results
from reconciler.backend.sage.jobs import JobKind
from reconciler.backend.sage.query_options import Asked, read_query, with_facets
from reconciler.backend.sage.sql_render import Statement, is_row_wise
from reconciler.backend.sage.sql_scan import Scan, scanning
from reconciler.backend.sage.sql_scope import Output
from reconciler.backend.sage.sql_tree import Query
from reconciler.backend.sage.table_rows import count_rows, find_state, shown_at
from reconciler.backend.sage.table_sources import Sources, columns_of_node, find_tabular, limit_sql

_SUMMED: Final = 100_000
_ALL_PARTS: Final = (1 << 10) - 1
(
    _RESULTS, _COUNT, _SELECT_COLUMNS, _MAX_ROWS, _COLUMN_MODELS, _FACETS, _SUM_SIZES, _UPDATED, _COMBINED, _ACTIONS,
) = (1 << bit for bit in range(10))  # fmt: skip


class Answer:
    """One query being answered: its sources are copied once, whatever parts are asked for."""

    def __init__(self, call: Call, scan: Scan, asked: Asked) -> None:
        self.call = call
        self.scan = scan
        self.asked = asked
        source = asked.query.first.source
        self.node = find_tabular(call, source.entity, source.version)
        self.columns = columns_of_node(call, self.node)
        self.query = with_facets(asked.query, asked.facets, self.columns)
        self._sources = Sources(call, scan)
        self._statement: Statement | None = None

    @property
    def max_rows(self) -> int:
        """How many rows fit into a page."""
        return rows_per_page(self.columns)

    @property
    def is_plain(self) -> bool:
        """Whether the query takes rows of a table as they come, so that those before a page need not be read."""
        query = self.query
        select = query.first
        is_simple = len(query.selects) == 1 and is_row_wise(select) and not (select.where or query.order)
        return is_simple and self.node["type"] == "table"

    def statement(self) -> Statement:
        """The statement over copies of everything."""
        if self._statement is None:
            self._statement = self._sources.statement(self.query)
        return self._statement

    def run(self, query: Query) -> list[tuple[Any, ...]]:
        """All rows of another query over the same sources."""
        statement = self._sources.statement(query)
        limit = limit_sql(query.limit, query.offset)
        return [row[3:] if statement.rows else row for row in self.scan.run(statement.sql + limit, statement.values)]

    def outputs(self) -> list[Output]:
        """The columns of the result."""
        return self.statement().outputs if not self.is_plain else self._page_statement(0, 0)[0].outputs

    def rows(self, limit: int | None, offset: int) -> tuple[Statement, Iterator[tuple[Any, ...]]]:
        """So many rows of the result from an offset on, within the limit of the query itself."""
        own = self.query.limit
        if own is not None:
            left = max(own - offset, 0)
            limit = left if limit is None else min(limit, left)
        statement, start = self._page_statement(limit, offset + self.query.offset)
        return statement, self.scan.run(statement.sql + limit_sql(limit, start), statement.values)

    def _page_statement(self, limit: int | None, offset: int) -> tuple[Statement, int]:
        if not self.is_plain or limit is None:
            return self.statement(), offset
        return Sources(self.call, self.scan).statement(self.query, (limit, offset)), 0

    def count(self) -> int:
        """How many rows the result has."""
        if self.is_plain:
            shown = shown_at(self.call, self.node)
            change = shown[0] if shown else find_state(self.call, self.node["id"]).change
            total = max(count_rows(self.call.db, self.node["id"], change) - self.query.offset, 0)
            return total if self.query.limit is None else min(total, self.query.limit)
        statement = self.statement()
        inner = statement.sql + limit_sql(self.query.limit, self.query.offset)
        (found,) = self.scan.run(f"SELECT count(*) FROM ({inner})", statement.values)
        return int(found[0])


def query_bundle(call: Call, body: Body) -> dict[str, Any]:
    """`QueryBundleRequest`."""
    inner = body.object("query")
    if inner is None:
        raise bad("query is required.")
    mask = body.integer("partMask", _ALL_PARTS)
    asked = read_query(inner)
    with scanning() as scan:
        return bundle(Answer(call, scan, asked), _ALL_PARTS if mask is None else mask)


def bundle(answer: Answer, mask: int) -> dict[str, Any]:
    """The parts of a mask."""
    parts: dict[str, Any] = {"concreteType": f"{P}.table.QueryResultBundle"}
    makers: tuple[tuple[int, str, Callable[[Answer], Any]], ...] = (
        (_RESULTS, "queryResult", query_result),
        (_COUNT, "queryCount", Answer.count),
        (_SELECT_COLUMNS, "selectColumns", lambda one: [output.wire() for output in one.outputs()]),
        (_MAX_ROWS, "maxRowsPerPage", lambda one: one.max_rows),
        (_COLUMN_MODELS, "columnModels", lambda one: one.columns),
        (_FACETS, "facets", facet_results),
        (_SUM_SIZES, "sumFileSizes", _sum_sizes),
        (_UPDATED, "lastUpdatedOn", _last_updated),
        (_COMBINED, "combinedSql", lambda one: None if one.asked.is_combined else one.asked.sql),
        (_ACTIONS, "actionsRequired", lambda _: []),
    )
    return parts | {key: make(answer) for bit, key, make in makers if mask & bit}


def query_result(answer: Answer) -> dict[str, Any]:
    """One page, and the token of the next one if there is one."""
    asked = answer.asked
    limit = answer.max_rows if asked.limit is None else min(asked.limit, answer.max_rows)
    statement, rows = answer.rows(limit + 1, asked.offset)
    found = list(islice(rows, limit + 1))
    wants_etag = asked.wants_etag or answer.node["type"] not in ("table", "materializedview", "virtualtable")
    row_set = {
        "concreteType": f"{P}.table.RowSet",
        "tableId": syn(answer.node["id"]),
        "etag": find_state(answer.call, answer.node["id"]).etag,
        "headers": [output.wire() for output in statement.outputs],
        "rows": [_row(statement, row, wants_etag=wants_etag) for row in found[:limit]],
    }
    left = None if asked.limit is None else asked.limit - limit
    token = _token(answer, asked.offset + limit, left) if len(found) > limit and left != 0 else None
    return {"concreteType": f"{P}.table.QueryResult", "queryResults": row_set, "nextPageToken": token}


def _row(statement: Statement, row: tuple[Any, ...], *, wants_etag: bool) -> dict[str, Any]:
    cells = row[3:] if statement.rows else row
    texts = [cell_text(output.type, cell) for output, cell in zip(statement.outputs, cells, strict=True)]
    if not statement.rows:
        return {"values": texts}
    return {"rowId": row[0], "versionNumber": row[1], "etag": row[2] if wants_etag else None, "values": texts}


def _token(answer: Answer, offset: int, limit: int | None) -> dict[str, Any]:
    """Everything that is needed to ask for the next page; nothing in it is trusted when it comes back."""
    inner = json.dumps({**answer.asked.wire, "offset": offset} | ({} if limit is None else {"limit": limit}))
    text = base64.urlsafe_b64encode(inner.encode()).decode()
    entity = syn(answer.node["id"])
    return {"concreteType": f"{P}.table.QueryNextPageToken", "entityId": entity, "token": text}


def next_page(call: Call, body: Body) -> dict[str, Any]:
    """`QueryNextPageToken`."""
    try:
        inner = json.loads(base64.urlsafe_b64decode(body.needed("token", longest=1 << 26)))
    except (ValueError, RecursionError):
        raise bad("The token is not valid.") from None
    with scanning() as scan:
        return query_result(Answer(call, scan, read_query(Body(inner, "token"))))


def _sum_sizes(answer: Answer) -> dict[str, Any]:
    """Bytes of the files that a view's result shows; of no more than a number of them."""
    if answer.node["type"] not in ("entityview", "dataset") or not is_row_wise(answer.query.first):
        return {"sumFileSizesBytes": 0, "greaterThan": False}
    _, rows = answer.rows(_SUMMED + 1, 0)
    shown = [(row[0], row[1]) for row in rows]
    total = 0
    for start in range(0, min(len(shown), _SUMMED), 1000):
        some = dict(shown[start : start + 1000])
        found = answer.call.db.execute(
            "SELECT v.entity_id, v.number, f.size FROM sage_versions v JOIN sage_file_handles f"
            f" ON f.id = v.file_handle_id WHERE v.entity_id IN {IDS}",
            (json.dumps(list(some)),),
        )
        total += sum(row["size"] or 0 for row in found if some[row["entity_id"]] == row["number"])
    return {"sumFileSizesBytes": total, "greaterThan": len(shown) > _SUMMED}


def _last_updated(answer: Answer) -> str:
    """When rows changed last; views are computed while they are asked."""
    if answer.node["type"] == "table" or shown_at(answer.call, answer.node):
        return find_state(answer.call, answer.node["id"]).changed_on
    return answer.call.now


JOBS: Final = (
    JobKind("table.QueryBundleRequest", "/entity/{id}/table/query/async", query_bundle),
    JobKind("table.QueryNextPageToken", "/entity/{id}/table/query/nextPage/async", next_page),
)
