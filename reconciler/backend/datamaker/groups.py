"""Groups of data units: `/v2/data-collections/{dc}/groups/`, and the hierarchical get-or-create of unit creation.

A group is unique by parent and name. `groups` of a unit is a path, the first the top, and the unit hangs on the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.backend.database import Connection, Row, insert, one, scalar
from reconciler.backend.datamaker.call import NO_CONTENT, Call
from reconciler.backend.datamaker.data_collections import find_collection
from reconciler.backend.datamaker.fields import Fields
from reconciler.backend.datamaker.listing import Selection, v2_list
from reconciler.backend.datamaker.revisions import touch_collection, touch_projects_of_collection
from reconciler.backend.routing import Route, Work
from reconciler.backend.wire import Response, invalid_field, not_found


class GroupPaths:
    """Gets or creates groups by path, remembering what it has seen during one request."""

    def __init__(self, db: Connection, collection: int) -> None:
        self._db = db
        self._collection = collection
        self._known: dict[tuple[str, ...], int] = {}

    def leaf(self, path: Sequence[str]) -> int | None:
        """Id of the last group of a path, creating what is missing; None for an empty path."""
        parent: int | None = None
        for depth in range(1, len(path) + 1):
            key = tuple(path[:depth])
            if key not in self._known:
                self._known[key] = get_or_create(self._db, self._collection, parent, key[-1])[0]
            parent = self._known[key]
        return parent


def get_or_create(db: Connection, collection: int, parent: int | None, name: str) -> tuple[int, bool]:
    """Id of a group by parent and name, and whether it was created just now."""
    values = (collection, parent, name)
    where = "collection_id = ? AND coalesce(parent_id, 0) = coalesce(?, 0) AND name = ?"
    found = scalar(db, f"SELECT id FROM unit_groups WHERE {where}", values)
    if found is not None:
        return int(found), False
    made = {"collection_id": collection, "parent_id": parent, "name": name}
    return insert(db, "unit_groups", made), True


def _wire(row: Row) -> dict[str, Any]:
    return {"id": row["id"], "name": row["name"]}


def list_v2(call: Call) -> Response:
    """`GET /v2/data-collections/{dc}/groups/`."""
    collection = find_collection(call.db, call.tenant, call.id("dc"))["id"]
    return v2_list(call, Selection("id, name", "unit_groups", "id", ("collection_id = ?",), (collection,)), _wire)


def create(call: Call) -> Response:
    """`POST /v2/data-collections/{dc}/groups/`: a top group; one of the same name is a 400."""
    collection = find_collection(call.db, call.tenant, call.id("dc"))["id"]
    fields = Fields(call.request.object())
    fields.text("name", shortest=1, longest=100, required=True)
    group, created = get_or_create(call.db, collection, None, fields.done()["name"])
    if not created:
        raise invalid_field("name", "a group of this name exists")
    return call.reply(_detail(call, group), 201)


def _detail(call: Call, group: int) -> dict[str, Any]:
    row = one(
        call.db,
        "SELECT g.* FROM unit_groups g JOIN collections c ON c.id = g.collection_id WHERE g.id = ? AND c.tenant_id = ?",
        (group, call.tenant),
    )
    if row is None:
        raise not_found("The group")
    return {"id": row["id"], "data_collection_id": row["collection_id"], "name": row["name"]}


def _own(call: Call) -> dict[str, Any]:
    detail = _detail(call, call.id())
    if detail["data_collection_id"] != call.id("dc"):
        raise not_found("The group")
    return detail


def get(call: Call) -> Response:
    """`GET /v2/data-collections/{dc}/groups/{id}/`."""
    return call.reply(_own(call))


def delete(call: Call) -> Response:
    """`DELETE /v2/data-collections/{dc}/groups/{id}/`: with the groups below; their units stay, without group."""
    group = _own(call)
    call.db.execute("DELETE FROM unit_groups WHERE id = ?", (group["id"],))
    touch_collection(call.db, group["data_collection_id"])
    touch_projects_of_collection(call.db, group["data_collection_id"])
    return NO_CONTENT


ROUTES = (
    Route("GET", "/v2/data-collections/{dc}/groups/", list_v2),
    Route("POST", "/v2/data-collections/{dc}/groups/", create, Work.WRITE, "create"),
    Route("GET", "/v2/data-collections/{dc}/groups/{id}/", get),
    Route("DELETE", "/v2/data-collections/{dc}/groups/{id}/", delete, Work.WRITE, "destroy"),
)
