"""Rows of tables: read as the CSV of a query, written as partial row sets, one transaction at a time."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

from reconciler.errors import BackendError, Invalid, NotFound, ReconcilerError
from reconciler.model.json import JSON
from reconciler.model.observed import ObservedRow
from reconciler.providers.base import NotModified, RowOutcome, TableListing, TableRow
from reconciler.providers.sage import cells, columns, jobs
from reconciler.providers.sage.connection import Clients
from reconciler.providers.sage.queries import download, last_update, query_csv
from reconciler.providers.sage.wire import PREFIX, Row

_PAGE = 1000
_SYSTEM = 2  # ROW_ID, ROW_VERSION


@dataclass(slots=True)
class TableRows:
    """The rows of tables of one service. The service carries out one transaction of a table at a time; so do we."""

    clients: Clients
    _lock: Lock = field(default_factory=Lock)

    def read(self, table_id: str, etag: str | None) -> TableListing | NotModified:
        """All rows, unless none changed since: two calls, and three more when some did."""
        now = last_update(self.clients.repo, table_id)
        if now is not None and now == etag:
            return NotModified()
        return TableListing(now, self._pages(table_id))

    def _pages(self, table_id: str) -> Iterator[list[ObservedRow]]:
        result = query_csv(self.clients, f"select * from {table_id}", name=f"{table_id}.csv", row_ids=True)
        lines = csv.reader(_lines(download(self.clients.file, result.file)))
        names = next(lines, [])[_SYSTEM:]
        kinds = dict(result.headers)
        page = []
        for line in lines:
            if len(line) != len(names) + _SYSTEM:
                raise BackendError(f"a row of {table_id} has {len(line)} cells", operation="GET table/download/csv")
            named = zip(names, line[_SYSTEM:], strict=True)
            page.append(ObservedRow(line[0], {name: cells.observed(kinds[name], text) for name, text in named}))
            if len(page) == _PAGE:
                yield page
                page = []
        if page:
            yield page

    def write(self, table_id: str, rows: Sequence[TableRow]) -> list[RowOutcome]:
        """Create rows (without id) or change them, all in one transaction; where it is refused, in ever smaller ones.

        A row that is refused for its own sake costs no other.
        """
        with self._lock:
            ids = {str(one["name"]): str(one["id"]) for one in columns.read(self.clients.repo, table_id)}
            return self._written(table_id, rows, ids)

    def _written(self, table_id: str, rows: Sequence[TableRow], ids: Mapping[str, str]) -> list[RowOutcome]:
        try:
            return self._append(table_id, rows, ids)
        except Invalid as error:
            if len(rows) == 1:
                return [RowOutcome(rows[0].key, error=error)]
            half = len(rows) // 2
            return self._written(table_id, rows[:half], ids) + self._written(table_id, rows[half:], ids)
        except ReconcilerError as error:
            return [RowOutcome(row.key, error=error) for row in rows]

    def _append(self, table_id: str, rows: Sequence[TableRow], ids: Mapping[str, str]) -> list[RowOutcome]:
        listed = [_partial(row, ids) for row in rows]
        table = PREFIX + "table."
        added: Row = {"concreteType": table + "PartialRowSet", "tableId": table_id, "rows": listed}
        change: Row = {"concreteType": table + "AppendableRowSetRequest", "entityId": table_id, "toAppend": added}
        body: Row = {"concreteType": table + "TableUpdateTransactionRequest", "entityId": table_id, "changes": [change]}
        answer = jobs.run(self.clients.repo, f"/entity/{table_id}/table/transaction/async", body)
        [result] = answer.get("results") or [{}]
        made = (result.get("rowReferenceSet") or {}).get("rows") or []
        if len(made) != len(rows):
            text = f"{len(rows)} rows were written, {len(made)} were told"
            raise BackendError(text, operation="POST table/transaction")
        return [RowOutcome(row.key, str(one["rowId"])) for row, one in zip(rows, made, strict=True)]

    def delete(self, table_id: str, rows: Mapping[str, str]) -> list[RowOutcome]:
        """`POST /entity/{id}/table/deleteRows`; rows that are gone count as deleted."""
        path = f"/entity/{table_id}/table/deleteRows"
        body: Row = {"tableId": table_id, "rowIds": [int(remote_id) for remote_id in rows.values()]}
        try:
            with self._lock:
                self.clients.repo.call("POST", path, body=body, repeatable=True)
        except NotFound:
            pass
        except ReconcilerError as error:
            return [RowOutcome(key, error=error) for key in rows]
        return [RowOutcome(key) for key in rows]


def _partial(row: TableRow, ids: Mapping[str, str]) -> Row:
    missing = sorted(row.cells.keys() - ids.keys())
    if missing:
        raise Invalid(f"the table has no column {missing[0]!r}", fix="plan again")
    values: list[JSON] = [{"key": ids[name], "value": value} for name, value in row.cells.items()]
    return {"values": values} | ({"rowId": int(row.remote_id)} if row.remote_id else {})


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Text lines with their ends, however the bytes are cut."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    rest = ""
    for chunk in chunks:
        rest += decoder.decode(chunk)
        *whole, rest = rest.split("\n")
        yield from (f"{line}\n" for line in whole)
    rest += decoder.decode(b"", final=True)
    if rest:
        yield rest
