"""Versions of entities: listing and deleting them."""

from __future__ import annotations

from typing import Any, Final

from reconciler.backend.database import Row
from reconciler.backend.sage.call import NO_CONTENT, Call, syn
from reconciler.backend.sage.entity_types import BY_NAME
from reconciler.backend.sage.errors import bad
from reconciler.backend.sage.nodes import find_node, readable_node, require, touch
from reconciler.backend.sage.paging import page_query
from reconciler.backend.sage.routes import SageRoute, reads, writes
from reconciler.backend.wire import Response


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


ROUTES: Final[tuple[SageRoute, ...]] = (
    reads("GET", "/entity/{id}/version", list_versions, anonymous=True),
    writes("DELETE", "/entity/{id}/version/{version}", delete_version),
)
