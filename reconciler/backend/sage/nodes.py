"""Rows of entities and versions: finding them, asking for rights on them, and what they look like on the wire."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from reconciler.backend.database import IDS, Connection, Row, one, scalar
from reconciler.backend.sage.acls import has_right
from reconciler.backend.sage.call import Call, fresh_etag, syn
from reconciler.backend.sage.entity_types import BY_NAME, ROOT
from reconciler.backend.sage.errors import lacks, missing, no_entity

# An entity joined with one of its versions; `number` is the version's.
NODE: Final = (
    "e.id, e.type, e.name, e.parent_id, e.benefactor_id, e.etag, e.version, e.max_version, e.alias, e.created_by,"
    " e.created_on, e.trash_root, v.number, v.label, v.comment, v.description, v.file_handle_id, v.activity_id,"
    " v.fields, v.annotations, v.modified_by, v.modified_on"
)
OPEN_DATA: Final = "OPEN_DATA"
CURRENT: Final = "sage_entities e JOIN sage_versions v ON v.entity_id = e.id AND v.number = e.version"

Node = Row


def find_row(db: Connection, entity: int) -> Node | None:
    """An entity at its current version, in the trash or not; None when there is none."""
    return one(db, f"SELECT {NODE} FROM {CURRENT} WHERE e.id = ?", (entity,))


def find_node(db: Connection, entity: int, version: int | None = None) -> Node:
    """An entity at a version, the current one when None; 404 when there is none, or when it is in the trash."""
    row = find_row(db, entity)
    if row is None:
        raise no_entity(entity)
    if row["trash_root"] is not None:
        raise missing(f"Entity {syn(entity)} is in trash can.")
    if version is None or version == row["number"]:
        return row
    found = one(
        db,
        f"SELECT {NODE} FROM sage_entities e JOIN sage_versions v ON v.entity_id = e.id WHERE e.id = ? AND number = ?",
        (entity, version),
    )
    if found is None:
        raise missing(f"Cannot find a node with id {syn(entity)} and version {version}")
    return found


def readable_node(call: Call, access: str = "READ") -> Node:
    """The entity that the path names (`{id}`, perhaps `{version}`), for which the caller needs a right."""
    version = call.id("version") if "version" in call.request.params else None
    node = find_node(call.db, call.entity(), version)
    require(call, node, access)
    return node


def may(call: Call, node: Node, access: str) -> bool:
    """Whether the caller has a right on an entity. Creators may change settings; locks keep others from files; who
    may see open data may download it."""
    if access == "CHANGE_SETTINGS" and node["created_by"] == call.caller.id:
        return True
    if access == "DOWNLOAD" and is_kept_from(call, node):
        return False
    if has_right(call.db, call.caller, "ENTITY", node["benefactor_id"], access):
        return True
    return access == "DOWNLOAD" and is_open(call.db, node) and may(call, node, "READ")


def is_open(db: Connection, node: Node) -> bool:
    """Whether the data type of an entity is open data."""
    found = scalar(db, "SELECT data_type FROM sage_data_types WHERE entity_id = ?", (node["id"],))
    return bool(found == OPEN_DATA)


def is_locked(db: Connection, node: Node) -> bool:
    """Whether there is a lock on an entity or on one above it."""
    if not scalar(db, "SELECT 1 FROM sage_locks LIMIT 1"):
        return False  # as nearly always: spares the way up
    above = json.dumps([row["id"] for row in ancestors(db, node["id"])])
    return bool(scalar(db, f"SELECT count(*) FROM sage_locks WHERE entity_id IN {IDS}", (above,)))


def is_kept_from(call: Call, node: Node) -> bool:
    """Whether a lock keeps the caller from the entity's file; never its creator, nor administrators."""
    is_exempt = call.caller.is_admin or node["created_by"] == call.caller.id
    return not is_exempt and is_locked(call.db, node)


def require(call: Call, node: Node, *accesses: str) -> None:
    """403 when the caller lacks one of these rights on an entity."""
    for access in accesses:
        if not may(call, node, access):
            raise lacks(access)


def touch(call: Call, entity: int) -> str:
    """Give an entity a fresh etag and note who changed its current version, and when; returns the etag."""
    etag = fresh_etag()
    call.db.execute("UPDATE sage_entities SET etag = ? WHERE id = ?", (etag, entity))
    call.db.execute(
        "UPDATE sage_versions SET modified_by = ?, modified_on = ? WHERE entity_id = ?"
        " AND number = (SELECT version FROM sage_entities WHERE id = ?)",
        (call.caller.id, call.now, entity, entity),
    )
    return etag


def entity_wire(node: Node) -> dict[str, Any]:
    """An entity with all its fields."""
    kind = BY_NAME[node["type"]]
    wire: dict[str, Any] = {
        "name": node["name"],
        "description": node["description"],
        "id": syn(node["id"]),
        "etag": node["etag"],
        "createdOn": node["created_on"],
        "modifiedOn": node["modified_on"],
        "createdBy": str(node["created_by"]),
        "modifiedBy": str(node["modified_by"]),
        "parentId": syn(node["parent_id"]),
        "concreteType": kind.concrete,
    }
    if kind.versioned:
        wire |= {
            "versionNumber": node["number"],
            "versionLabel": node["label"],
            "versionComment": node["comment"],
            "isLatestVersion": node["number"] == node["version"],
        }
    if node["type"] == "file":
        wire["dataFileHandleId"] = str(node["file_handle_id"])
    if node["type"] == "dockerrepo":
        wire["isManaged"] = False
    if node["type"] == "project":
        wire["alias"] = node["alias"]
    wire.update(json.loads(node["fields"]))
    return wire


def header_wire(node: Node) -> dict[str, Any]:
    """An entity as lists have it."""
    return {
        "name": node["name"],
        "id": syn(node["id"]),
        "type": BY_NAME[node["type"]].concrete,
        "versionNumber": node["number"],
        "versionLabel": node["label"],
        "isLatestVersion": node["number"] == node["version"],
        "benefactorId": node["benefactor_id"],
        "createdOn": node["created_on"],
        "modifiedOn": node["modified_on"],
        "createdBy": str(node["created_by"]),
        "modifiedBy": str(node["modified_by"]),
    }


def ancestors(db: Connection, entity: int) -> list[Row]:
    """An entity and all above it, itself first, the root left out: id, name, type, parent_id."""
    return db.execute(
        "WITH RECURSIVE up (id, depth) AS (SELECT CAST(? AS BIGINT), 0 UNION ALL"
        " SELECT e.parent_id, up.depth + 1 FROM sage_entities e JOIN up ON e.id = up.id WHERE up.depth < 100)"
        " SELECT e.id, e.name, e.type, e.parent_id FROM up JOIN sage_entities e ON e.id = up.id ORDER BY up.depth",
        (entity,),
    ).fetchall()


def subtree(db: Connection, entity: int, *, condition: str = "1 = 1") -> list[int]:
    """Ids of an entity and all below it that are in reach by entities (`e`) that meet a condition."""
    rows = db.execute(
        "WITH RECURSIVE down (id) AS (SELECT CAST(? AS BIGINT) UNION ALL"
        f" SELECT e.id FROM sage_entities e JOIN down ON e.parent_id = down.id WHERE {condition})"
        " SELECT id FROM down",
        (entity,),
    )
    return [row["id"] for row in rows]


def set_benefactor(db: Connection, entity: int, benefactor: int) -> None:
    """Let an entity, and all below that inherited from the same place, inherit from `benefactor`."""
    ids = subtree(db, entity, condition="e.benefactor_id <> e.id")
    db.executemany("UPDATE sage_entities SET benefactor_id = ? WHERE id = ?", [(benefactor, one) for one in ids])


def readable_condition(
    call: Call, column: str = "e.benefactor_id", *, access: str = "READ"
) -> tuple[str, tuple[Any, ...]]:
    """An SQL condition, with its values, that holds for what the caller has a right on."""
    if call.caller.is_admin:
        return "1 = 1", ()
    marks = ", ".join("?" * len(call.caller.groups))
    return (
        f"EXISTS (SELECT 1 FROM sage_grants g WHERE g.owner_kind = 'ENTITY' AND g.access = '{access}'"
        f" AND g.owner_id = {column} AND g.principal_id IN ({marks}))",
        call.caller.groups,
    )


def parent_benefactor(db: Connection, parent: int) -> int:
    """Where children of an entity inherit their access from."""
    return int(scalar(db, "SELECT benefactor_id FROM sage_entities WHERE id = ?", (parent,)))


def is_root(entity: int | None) -> bool:
    """Whether an id is that of the place where projects are."""
    return entity is None or entity == ROOT


Wire = Callable[[Node], dict[str, Any]]
