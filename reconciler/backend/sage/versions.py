"""Versions of entities: listing and deleting them, and exchanging the file handle of one."""

from __future__ import annotations

from typing import Any, Final

from reconciler.backend.database import Row
from reconciler.backend.sage.call import NO_CONTENT, Call, empty, syn
from reconciler.backend.sage.entity_types import BY_NAME
from reconciler.backend.sage.entity_writes import check_file, md5_of
from reconciler.backend.sage.errors import bad, stale
from reconciler.backend.sage.nodes import find_node, readable_node, require, touch
from reconciler.backend.sage.paging import page_query
from reconciler.backend.sage.routes import SageRoute, reads, writes
from reconciler.backend.wire import ApiError, Response


def list_versions(call: Call) -> Response:
    """`GET /entity/{id}/version`, newest first. Of tables and views, snapshots only."""
    node = readable_node(call)
    last = node["version"] - 1 if BY_NAME[node["type"]].by_snapshot else node["max_version"]
    source = (
        "sage_versions v LEFT JOIN sage_file_handles f ON f.id = v.file_handle_id"
        " WHERE v.entity_id = ? AND v.number <= ?"
    )

    def wire(row: Row) -> dict[str, Any]:
        return _version_wire(row, row["number"] == node["version"])

    return page_query(call, "v.*, f.md5, f.size", source, "v.number DESC", (node["id"], last), wire)


def _version_wire(row: Row, is_latest: bool) -> dict[str, Any]:
    return {
        "id": syn(row["entity_id"]),
        "versionNumber": row["number"],
        "versionLabel": row["label"],
        "versionComment": row["comment"],
        "isLatestVersion": is_latest,
        "contentMd5": row["md5"],
        "contentSize": None if row["size"] is None else str(row["size"]),
        "modifiedByPrincipalId": str(row["modified_by"]),
        "modifiedOn": row["modified_on"],
    }


def delete_version(call: Call) -> Response:
    """`DELETE /entity/{id}/version/{version}`: an unknown version is fine, the last one has to stay."""
    node = find_node(call.db, call.entity())
    require(call, node, "DELETE")
    entity, number = node["id"], call.id("version")
    numbers = [row[0] for row in call.db.execute("SELECT number FROM sage_versions WHERE entity_id = ?", (entity,))]
    if number not in numbers:
        return NO_CONTENT
    if len(numbers) == 1:
        raise bad("Cannot delete the last version of a node")
    call.db.execute("DELETE FROM sage_versions WHERE entity_id = ? AND number = ?", (entity, number))
    highest = max(one for one in numbers if one != number)
    if number == node["version"]:
        call.db.execute("UPDATE sage_entities SET version = ? WHERE id = ?", (highest, entity))
    touch(call, entity)
    return NO_CONTENT


def put_file_handle(call: Call) -> Response:
    """`PUT /entity/{id}/version/{version}/filehandle`: another handle of the same content, same version."""
    node = find_node(call.db, call.entity(), call.id("version"))
    require(call, node, "UPDATE")
    if node["type"] != "file":
        raise bad(f"{syn(node['id'])} is not a file.")
    old, new = call.body.needed_integer("oldFileHandleId"), call.body.needed_integer("newFileHandleId")
    if old != node["file_handle_id"]:
        raise stale(syn(node["id"]))
    check_file(call, new)
    md5 = md5_of(call, old)
    if md5 is None or md5 != md5_of(call, new):
        raise ApiError(412, "", "The file handles do not have the same MD5.")
    call.db.execute(
        "UPDATE sage_versions SET file_handle_id = ? WHERE entity_id = ? AND number = ?",
        (new, node["id"], node["number"]),
    )
    touch(call, node["id"])
    return empty()


ROUTES: Final[tuple[SageRoute, ...]] = (
    reads("GET", "/entity/{id}/version", list_versions, anonymous=True),
    writes("DELETE", "/entity/{id}/version/{version}", delete_version),
    writes("PUT", "/entity/{id}/version/{version}/filehandle", put_file_handle),
)
