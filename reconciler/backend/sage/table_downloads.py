"""The result of a query as a CSV file, which becomes a file handle of the caller's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from reconciler.backend.blobs import Digests
from reconciler.backend.routing import Work
from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import Call, P, fresh_etag, syn
from reconciler.backend.sage.column_types import cell_text
from reconciler.backend.sage.csv_texts import read_format, write_lines
from reconciler.backend.sage.file_handles import S3, NewHandle, add_handle, stored_details
from reconciler.backend.sage.jobs import JobKind
from reconciler.backend.sage.query_options import read_query
from reconciler.backend.sage.routes import DOWNLOAD
from reconciler.backend.sage.sql_render import Statement
from reconciler.backend.sage.sql_scan import scanning
from reconciler.backend.sage.table_queries import Answer
from reconciler.backend.sage.table_rows import find_state
from reconciler.backend.sage.table_sources import VIEWS


def download(call: Call, body: Body) -> dict[str, Any]:
    """`DownloadFromTableRequest`. The file is written while the store is only read."""
    staged = f"sage-table-{fresh_etag()}"
    blobs = call.store.blobs
    try:
        with call.store.reading() as call.connection:
            digests, result = _write(call, body, staged)
        name = body.text("fileName", longest=256) or f"Job-{fresh_etag()}.csv"
        with blobs.naming():
            blobs.keep(staged, digests)
            with call.store.writing() as call.connection:
                handle = add_handle(call, _handle(call, name, digests))
        return result | {"resultsFileHandleId": str(handle["id"])}
    finally:
        blobs.discard(staged)


def _handle(call: Call, name: str, digests: Digests) -> NewHandle:
    details = stored_details(call, name, fresh_etag())
    return NewHandle(S3, name, "text/csv", digests.md5, digests.size, sha256=digests.sha256, details=details)


def _write(call: Call, body: Body, staged: str) -> tuple[Digests, dict[str, Any]]:
    asked = read_query(body)
    form = read_format(body)
    with scanning() as scan:
        answer = Answer(call, scan, asked)
        statement, rows = answer.rows(asked.limit, asked.offset)
        system = _system(answer, statement, body)
        lines = _lines(statement, rows, system, with_header=body.boolean("writeHeader", default=True))
        digests = call.store.blobs.stage(staged, write_lines(lines, form))
        return digests, {
            "concreteType": f"{P}.table.DownloadFromTableResult",
            "tableId": syn(answer.node["id"]),
            "etag": find_state(call, answer.node["id"]).etag,
            "headers": [output.wire() for output in statement.outputs],
        }


def _system(answer: Answer, statement: Statement, body: Body) -> list[str]:
    if not statement.rows or not body.boolean("includeRowIdAndRowVersion", default=True):
        return []
    has_etags = answer.asked.wants_etag and answer.node["type"] in VIEWS
    return ["ROW_ID", "ROW_VERSION", *(["ROW_ETAG"] if has_etags else [])]


def _lines(
    statement: Statement, rows: Iterator[tuple[Any, ...]], system: list[str], *, with_header: bool
) -> Iterator[list[str | None]]:
    kinds = [output.type for output in statement.outputs]
    if with_header:
        yield [*system, *(output.name for output in statement.outputs)]
    first = 3 if statement.rows else 0
    for row in rows:
        head = [cell_text("STRING", cell) for cell in row[: len(system)]]
        yield [*head, *(cell_text(kind, cell) for kind, cell in zip(kinds, row[first:], strict=True))]


JOBS: Final = (
    JobKind(
        "table.DownloadFromTableRequest",
        "/entity/{id}/table/download/csv/async",
        download,
        work=Work.NONE,
        scopes=DOWNLOAD,
    ),
)
