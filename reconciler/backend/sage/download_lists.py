"""A user's list of files to download: adding, removing, and a manifest of what is on it, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any, Final

from reconciler.backend.database import Row, scalar
from reconciler.backend.routing import Work
from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import Call, empty, reply, syn
from reconciler.backend.sage.errors import bad
from reconciler.backend.sage.jobs import JobKind
from reconciler.backend.sage.nodes import readable_condition
from reconciler.backend.sage.routes import DOWNLOAD, writes
from reconciler.backend.sage.small_files import written
from reconciler.backend.wire import Response

_BATCH: Final = 1000
_MOST: Final = 100_000
_COLUMNS: Final = (
    "ID", "name", "versionNumber", "contentType", "dataFileSizeBytes", "createdBy", "createdOn", "modifiedBy",
    "modifiedOn", "parentId", "synapseURL", "dataFileMD5Hex",
)  # fmt: skip
_LISTED: Final = (
    "SELECT e.id, e.name, v.number, f.content_type, f.size, e.created_by, e.created_on, v.modified_by, v.modified_on,"
    " e.parent_id, f.md5 FROM sage_download_lists d JOIN sage_entities e ON e.id = d.entity_id"
    " JOIN sage_versions v ON v.entity_id = e.id"
    " AND v.number = CASE WHEN d.version = 0 THEN e.version ELSE d.version END"
    " JOIN sage_file_handles f ON f.id = v.file_handle_id WHERE d.user_id = ? AND e.trash_root IS NULL AND "
)


def _batch(body: Body, key: str) -> list[tuple[int, int]]:
    """Entities and versions of a body, version 0 for whichever is current."""
    listed = body.objects(key)
    if not listed:
        raise bad("Batch must contain at least one item")
    if len(listed) > _BATCH:
        raise bad(f"Batch size of '{len(listed)}' exceeds the maximum of '{_BATCH}'")
    return [(one.needed_entity("fileEntityId"), one.integer("versionNumber") or 0) for one in listed]


def add(call: Call) -> Response:
    """`POST /download/list/add`: what is no file is left out, and what is there already does not count."""
    batch, user = _batch(call.body, "batchToAdd"), call.caller.id
    held = _count(call)
    if held + len(batch) > _MOST:
        raise bad(
            f"Adding '{len(batch)}' files to your download list would exceed the maximum number of '{_MOST}' files."
            f"  You currently have '{held}' files on you download list."
        )
    call.db.executemany(
        "INSERT INTO sage_download_lists (user_id, entity_id, version) SELECT ?, id, CAST(? AS BIGINT)"
        " FROM sage_entities WHERE id = ? AND type = 'file' AND trash_root IS NULL ON CONFLICT DO NOTHING",
        [(user, version, entity) for entity, version in batch],
    )
    return reply({"numberOfFilesAdded": _count(call) - held})


def remove(call: Call) -> Response:
    """`POST /download/list/remove`."""
    held = _count(call)
    call.db.executemany(
        "DELETE FROM sage_download_lists WHERE user_id = ? AND entity_id = ? AND version = ?",
        [(call.caller.id, *one) for one in _batch(call.body, "batchToRemove")],
    )
    return reply({"numberOfFilesRemoved": held - _count(call)})


def clear(call: Call) -> Response:
    """`DELETE /download/list`."""
    call.db.execute("DELETE FROM sage_download_lists WHERE user_id = ?", (call.caller.id,))
    return empty()


def _count(call: Call) -> int:
    return int(scalar(call.db, "SELECT count(*) FROM sage_download_lists WHERE user_id = ?", (call.caller.id,)))


def manifest(call: Call, body: Body) -> dict[str, Any]:
    """`/download/list/manifest/async`: the files on the list that the caller may download."""
    descriptor = body.object("csvTableDescriptor")
    separator = (descriptor.text("separator", longest=1) if descriptor else None) or ","
    if separator in '\r\n"':
        raise bad("The separator of a table cannot be a quote or the end of a line.")
    with call.store.reading() as call.connection:
        rows = _downloadable(call)
    if not rows:
        raise bad("No files available for download.")
    name, content_type = ("manifest.tsv", "text/tsv") if separator == "\t" else ("manifest.csv", "text/csv")
    with written(call, name, content_type, _table(rows, separator).encode()) as handle:
        return {"resultFileHandleId": str(handle["id"])}


def _downloadable(call: Call) -> list[Row]:
    condition, values = readable_condition(call, access="DOWNLOAD")
    return call.db.execute(f"{_LISTED}{condition} ORDER BY e.id, v.number", (call.caller.id, *values)).fetchall()


def _table(rows: Iterable[Row], separator: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in rows:
        entity = syn(row["id"])
        writer.writerow(
            (
                entity, row["name"], row["number"], row["content_type"], row["size"], row["created_by"],
                row["created_on"], row["modified_by"], row["modified_on"], syn(row["parent_id"]),
                f"https://www.synapse.org/#!Synapse:{entity}.{row['number']}", row["md5"],
            )
        )  # fmt: skip
    return text.getvalue()


ROUTES: Final = (
    writes("POST", "/download/list/add", add),
    writes("POST", "/download/list/remove", remove),
    writes("DELETE", "/download/list", clear),
)
JOBS: Final = (
    JobKind(
        "download.DownloadListManifestRequest", "/download/list/manifest/async", manifest, work=Work.NONE,
        scopes=DOWNLOAD,
    ),
)  # fmt: skip
