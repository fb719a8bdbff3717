"""Access requirements. The one kind here is the lock, which keeps others from an entity's files, see `nodes`.

Nobody here looks at locked data and sets it free: only deleting what is locked ends a lock.
"""

from __future__ import annotations

from typing import Any, Final

from reconciler.backend.database import one
from reconciler.backend.sage.call import Call, P, reply, syn
from reconciler.backend.sage.errors import bad, missing
from reconciler.backend.sage.nodes import readable_node
from reconciler.backend.sage.paging import page_list
from reconciler.backend.sage.routes import reads, writes
from reconciler.backend.sage.teams import find_team
from reconciler.backend.wire import Response


def of_entity(call: Call) -> Response:
    """`GET /entity/{id}/accessRequirement`: the lock, if there is one."""
    node = readable_node(call)
    lock = one(call.db, "SELECT * FROM sage_locks WHERE entity_id = ?", (node["id"],))
    return page_list(call, [] if lock is None else [_wire(node["id"], lock)])


def _wire(entity: int, lock: Any) -> dict[str, Any]:
    return {
        "concreteType": f"{P}.LockAccessRequirement",
        "id": lock["id"],
        "subjectIds": [{"id": syn(entity), "type": "ENTITY"}],
        "accessType": "DOWNLOAD",
        "createdBy": str(lock["created_by"]),
        "createdOn": lock["created_on"],
        "modifiedBy": str(lock["created_by"]),
        "modifiedOn": lock["created_on"],
        "versionNumber": 0,
    }


def lock(call: Call) -> Response:
    """`POST /entity/{id}/lockAccessRequirement`: 400 when it is locked already."""
    node = readable_node(call, "CHANGE_PERMISSIONS")
    if one(call.db, "SELECT 1 FROM sage_locks WHERE entity_id = ?", (node["id"],)):
        raise bad(f"The entity {syn(node['id'])} is already locked.")
    made = one(
        call.db,
        "INSERT INTO sage_locks (entity_id, created_by, created_on) VALUES (?, ?, ?) RETURNING *",
        (node["id"], call.caller.id, call.now),
    )
    return reply(_wire(node["id"], made), 201)


def of_team(call: Call) -> Response:
    """`GET /team/{id}/accessRequirement`: none."""
    find_team(call.db, call.id())
    return page_list(call, [])


def get(call: Call) -> Response:
    """`GET /accessRequirement/{id}`: only locks are there."""
    found = one(call.db, "SELECT * FROM sage_locks WHERE id = ?", (call.id(),))
    if found is None:
        raise missing(f"Access requirement {call.id()} does not exist.")
    return reply(_wire(found["entity_id"], found))


ROUTES: Final = (
    reads("GET", "/entity/{id}/accessRequirement", of_entity, anonymous=True),
    writes("POST", "/entity/{id}/lockAccessRequirement", lock),
    reads("GET", "/team/{id}/accessRequirement", of_team, anonymous=True),
    reads("GET", "/accessRequirement/{id}", get, anonymous=True),
)
