"""The target `query` of exports: one record, the result of a query, whose file is made when it is fetched."""

from __future__ import annotations

import json
from collections.abc import Iterator

from reconciler.errors import BackendError
from reconciler.model.json import JSON, canonical_json, digest
from reconciler.model.observed import AnnotationRecord, RemoteFile
from reconciler.providers.base import NotModified, RecordListing
from reconciler.providers.sage import tables
from reconciler.providers.sage.connection import Clients
from reconciler.providers.sage.queries import download, last_update, queried_entity, queried_version, query_csv
from reconciler.providers.sage.wire import object_in

SPEC = "rows"


def records(clients: Clients, sql: str, etag: str | None, *, row_ids: bool) -> RecordListing | NotModified:
    """The result of a query as a record; no row travels. `updated` is the last update of a table, and the MD5 of what
    a view gives.

    Raises Invalid with the service's reason when the query cannot be read, NotFound when there is no such table.
    """
    table = queried_entity(sql)
    entity = object_in(clients.repo.get(f"/entity/{table}"), "GET /entity/{id}")
    is_table = entity.get("concreteType") == tables.TYPE
    updated = last_update(clients.repo, table, sql=sql) if is_table else _checksum(clients, sql, row_ids=row_ids)
    version = queried_version(sql) or entity.get("versionNumber")
    data: dict[str, JSON] = {"query": sql, "table": table, "version": version, "updated": updated}
    found = digest([data, row_ids])
    if found == etag:
        return NotModified()
    file = RemoteFile(SPEC, "rows.csv", canonical_json({"sql": sql, "rowIds": row_ids}), is_primary=True)
    return RecordListing(found, iter([AnnotationRecord(table, table, "rows", data, (file,))]))


def _checksum(clients: Clients, sql: str, *, row_ids: bool) -> str:
    """MD5 of the result, which the service writes: what a view shows may change without the view being told."""
    found = query_csv(clients, sql, row_ids=row_ids).file.checksum
    if not found:
        raise BackendError("the result of the query has no MD5", operation="POST file:/fileHandle/batch")
    return found


def fetch(clients: Clients, file: RemoteFile) -> Iterator[bytes]:
    """Have the query written and stream what it gave. Raises Transient when the bytes do not have their MD5."""
    asked = json.loads(file.url)
    result = query_csv(clients, asked["sql"], name=file.name, row_ids=asked["rowIds"])
    yield from download(clients.file, result.file)
