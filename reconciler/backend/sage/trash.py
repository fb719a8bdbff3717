"""The trash: what is deleted goes there with all that is in it, gives its name free, and can be restored."""

from __future__ import annotations

from typing import Final

from reconciler.backend.database import Row, one
from reconciler.backend.sage.acls import delete_acls
from reconciler.backend.sage.call import Call, empty, syn
from reconciler.backend.sage.entity_types import BY_NAME
from reconciler.backend.sage.entity_writes import give_to_creator
from reconciler.backend.sage.errors import forbidden, missing
from reconciler.backend.sage.hierarchy import check_depth, check_free, check_place, height
from reconciler.backend.sage.nodes import find_row, is_root, parent_benefactor, require, subtree, touch
from reconciler.backend.sage.paging import page_query
from reconciler.backend.sage.routes import SageRoute, reads, writes
from reconciler.backend.wire import Response


def put_in_trash(call: Call, entity: int) -> None:
    """Delete an entity with all that is in it. Nothing happens when it is unknown or in the trash already."""
    node = find_row(call.db, entity)
    if node is None or node["trash_root"] is not None:
        return
    require(call, node, "DELETE")
    ids = subtree(call.db, entity, condition="e.trash_root IS NULL")
    touch(call, entity)
    call.db.executemany("UPDATE sage_entities SET trash_root = ? WHERE id = ?", [(entity, one) for one in ids])
    delete_acls(call.db, "ENTITY", ids)
    call.db.execute(
        "INSERT INTO sage_trash (entity_id, parent_id, deleted_by, deleted_on) VALUES (?, ?, ?, ?)",
        (entity, node["parent_id"], call.caller.id, call.now),
    )


def _find_trashed(call: Call) -> Row:
    """The deleted entity that the path names; it must be of the caller's deleting."""
    entity = call.entity()
    row = one(call.db, "SELECT * FROM sage_trash WHERE entity_id = ?", (entity,))
    if row is None:
        raise missing(f"The entity {syn(entity)} is not in trash can.")
    if row["deleted_by"] != call.caller.id and not call.caller.is_admin:
        raise forbidden(f"{syn(entity)} was deleted by another user.")
    return row


def restore(call: Call) -> Response:
    """`PUT /trashcan/restore/{id}` and `/restore/{id}/{parent}`: names in it may have been taken meanwhile (409)."""
    row = _find_trashed(call)
    entity = row["entity_id"]
    parent = call.entity("parent") if "parent" in call.request.params else row["parent_id"]
    node = find_row(call.db, entity)
    assert node is not None
    check_place(call, BY_NAME[node["type"]], parent)
    check_depth(call, parent, height(call.db, entity))
    check_free(call.db, node["name"], parent)
    call.db.execute("UPDATE sage_entities SET parent_id = ? WHERE id = ?", (parent, entity))
    call.db.execute("UPDATE sage_entities SET trash_root = NULL WHERE trash_root = ?", (entity,))
    call.db.execute("DELETE FROM sage_trash WHERE entity_id = ?", (entity,))
    _give_access(call, entity, parent)
    touch(call, entity)
    return empty()


def _give_access(call: Call, entity: int, parent: int) -> None:
    """Access lists are gone: a project gets a new one, all else inherits."""
    if is_root(parent):
        give_to_creator(call, entity)
    benefactor = entity if is_root(parent) else parent_benefactor(call.db, parent)
    ids = subtree(call.db, entity, condition="e.trash_root IS NULL")
    call.db.executemany("UPDATE sage_entities SET benefactor_id = ? WHERE id = ?", [(benefactor, one) for one in ids])


def purge(call: Call) -> Response:
    """`PUT /trashcan/purge/{id}`: remove for good."""
    remove(call, _find_trashed(call)["entity_id"])
    return empty()


def remove(call: Call, entity: int) -> None:
    """Remove an entity, with all that it took along into the trash, for good."""
    call.db.execute("DELETE FROM sage_entities WHERE trash_root = ?", (entity,))


def delete(call: Call) -> Response:
    """`PUT /trashcan/trash/{id}`."""
    put_in_trash(call, call.entity())
    return empty()


def view(call: Call) -> Response:
    """`GET /trashcan/view`: what the caller deleted, newest first."""
    source = "sage_trash t JOIN sage_entities e ON e.id = t.entity_id WHERE t.deleted_by = ?"
    columns = "e.id, e.name, e.type, t.deleted_by, t.deleted_on, t.parent_id"
    return page_query(call, columns, source, "t.deleted_on DESC, e.id", (call.caller.id,), _wire)


def _wire(row: Row) -> dict[str, str]:
    return {
        "entityId": syn(row["id"]),
        "entityName": row["name"],
        "entityType": BY_NAME[row["type"]].concrete,
        "deletedByPrincipalId": str(row["deleted_by"]),
        "deletedOn": row["deleted_on"],
        "originalParentId": syn(row["parent_id"]),
    }


ROUTES: Final[tuple[SageRoute, ...]] = (
    writes("PUT", "/trashcan/trash/{id}", delete),
    writes("PUT", "/trashcan/restore/{id}", restore),
    writes("PUT", "/trashcan/restore/{id}/{parent}", restore),
    writes("PUT", "/trashcan/purge/{id}", purge),
    reads("GET", "/trashcan/view", view),
)
