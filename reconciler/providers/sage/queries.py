"""Queries of tables and views: `select …` → a CSV file that the service writes and hands out.

Flow: `POST /entity/{id}/table/download/csv/async/start` → `GET .../get/{token}` until it is done (the answer names a
file handle) → `POST file:/fileHandle/batch` for its address, size and MD5 → GET of the bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.errors import Invalid, NotFound, Transient
from reconciler.model.observed import RemoteFile
from reconciler.providers.http import HttpClient
from reconciler.providers.retry import Clock
from reconciler.providers.sage import jobs
from reconciler.providers.sage.connection import Clients
from reconciler.providers.sage.wire import PREFIX, Row, object_in, text_in

# Quotes are doubled and backslashes are nothing special, as RFC 4180 has it; by default the service escapes with them.
_PLAIN_CSV: Row = {"separator": ",", "quoteCharacter": '"', "escapeCharacter": '"', "lineEnd": "\n"}
_SOURCE = re.compile(r"\bfrom\s+(syn\d+)(?:\.(\d+))?\b", re.IGNORECASE)
# Bits of partMask.
_RESULTS, _SELECT_COLUMNS, _LAST_UPDATE = 1, 4, 128


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What a query gave. file: the CSV, with MD5 and size. etag: of the table. headers: (name, type) of each column."""

    file: RemoteFile
    etag: str | None
    headers: tuple[tuple[str, str], ...]


def queried_entity(sql: str) -> str:
    """The id of the table or view that a query reads first. Raises Invalid when it names none."""
    found = _SOURCE.search(sql)
    if found is None:
        raise Invalid("the query names no table", fix="write it as: select * from syn123")
    return found[1].lower()


def queried_version(sql: str) -> int | None:
    """The version that a query names (`from syn123.4`), None when it reads the rows of now."""
    found = _SOURCE.search(sql)
    return int(found[2]) if found is not None and found[2] else None


def query_csv(
    clients: Clients, sql: str, *, name: str = "query.csv", row_ids: bool = False, clock: Clock | None = None
) -> QueryResult:
    """Have a query written as CSV (header, comma, quotes doubled). row_ids: begin rows with ROW_ID and ROW_VERSION.

    name: of the file. Aggregates have no row ids in any case. Raises Invalid when the query cannot be read, Denied
    when the table may not be downloaded, NotFound when there is none.
    """
    table = queried_entity(sql)
    body: Row = {
        "concreteType": PREFIX + "table.DownloadFromTableRequest",
        "entityId": table,
        "sql": sql,
        "writeHeader": True,
        "includeRowIdAndRowVersion": row_ids,
        "fileName": name,
        "csvTableDescriptor": _PLAIN_CSV,
    }
    answer = jobs.run(clients.repo, f"/entity/{table}/table/download/csv/async", body, clock, repeatable=True)
    operation = "GET /entity/table/download/csv/async/get"
    headers = tuple((str(one.get("name")), str(one.get("columnType"))) for one in answer.get("headers") or ())
    file = handle_file(clients.file, text_in(answer, "resultsFileHandleId", operation), table, "TableEntity")
    return QueryResult(file, answer.get("etag"), headers)


def handle_file(client: HttpClient, handle_id: str, entity_id: str, association: str) -> RemoteFile:
    """`POST file:/fileHandle/batch`: where the bytes of a file handle are. association: kind of the object it is of."""
    path = "/fileHandle/batch"
    one = {"fileHandleId": handle_id, "associateObjectId": entity_id, "associateObjectType": association}
    body: Row = {"requestedFiles": [one], "includeFileHandles": True, "includePreSignedURLs": True}
    answer = object_in(client.call("POST", path, body=body, repeatable=True), f"POST {path}")
    [found] = answer.get("requestedFiles") or [{}]
    handle = found.get("fileHandle")
    if not found.get("preSignedURL") or not isinstance(handle, dict):
        reason = found.get("failureCode") or "it has no address"
        raise NotFound(f"the file {handle_id} cannot be downloaded: {reason}", operation=f"POST {path}")
    size = handle.get("contentSize")
    return RemoteFile(
        spec="file",
        name=str(handle.get("fileName") or "query.csv"),
        url=str(found["preSignedURL"]),
        size_bytes=int(size) if size is not None else None,
        checksum=handle.get("contentMd5"),
    )


def download(client: HttpClient, file: RemoteFile) -> Iterator[bytes]:
    """Stream the bytes of a file. Raises Transient at the end when they do not have its MD5."""
    found = hashlib.md5(usedforsecurity=False)
    for chunk in client.download(file.url):
        found.update(chunk)
        yield chunk
    if file.checksum and found.hexdigest() != file.checksum:
        raise Transient(f"{file.name} arrived damaged: its MD5 is not {file.checksum}", operation="GET file")


def last_update(client: HttpClient, table_id: str, clock: Clock | None = None, *, sql: str | None = None) -> str | None:
    """When the rows of a table last changed, as the service tells it; for comparison only.

    sql: a query on the table that is looked through as well. Raises Invalid when it cannot be read.
    """
    path = f"/entity/{table_id}/table/query/async"
    body: Row = {
        "concreteType": PREFIX + "table.QueryBundleRequest",
        "entityId": table_id,
        "query": {"sql": sql or f"select * from {table_id} limit 1"},
        "partMask": _LAST_UPDATE | (_SELECT_COLUMNS if sql else 0),
    }
    found = jobs.run(client, path, body, clock, repeatable=True).get("lastUpdatedOn")
    return None if found is None else str(found)


def count_values(client: HttpClient, table_id: str, column: str, clock: Clock | None = None) -> int:
    """How many rows have a value in a column."""
    quoted = column.replace('"', '""')
    return _count(client, table_id, f'select count(*) from {table_id} where "{quoted}" is not null', clock)


def count_rows(client: HttpClient, table_id: str, clock: Clock | None = None) -> int:
    """How many rows there are. Raises Invalid for a table without columns."""
    return _count(client, table_id, f"select count(*) from {table_id}", clock)


def _count(client: HttpClient, table_id: str, sql: str, clock: Clock | None) -> int:
    path = f"/entity/{table_id}/table/query/async"
    body: Row = {
        "concreteType": PREFIX + "table.QueryBundleRequest",
        "entityId": table_id,
        "query": {"sql": sql},
        "partMask": _RESULTS,
    }
    answer = jobs.run(client, path, body, clock, repeatable=True)
    rows = ((answer.get("queryResult") or {}).get("queryResults") or {}).get("rows") or []
    return int(rows[0]["values"][0]) if rows else 0
