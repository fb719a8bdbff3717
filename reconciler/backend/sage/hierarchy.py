"""Where entities may be: parents, depth, numbers of children, names that are free, and moves."""

from __future__ import annotations

from typing import Final

from reconciler.backend.database import Connection, scalar
from reconciler.backend.sage.call import Call, syn
from reconciler.backend.sage.entity_types import ROOT, EntityType
from reconciler.backend.sage.errors import bad, forbidden, no_entity, taken
from reconciler.backend.sage.nodes import Node, ancestors, find_row, parent_benefactor, require, set_benefactor

DEEPEST: Final = 50
MOST_CHILDREN: Final = 10_000
_COUNTED: Final = frozenset({"file", "folder", "link"})


def check_place(call: Call, kind: EntityType, parent: int) -> None:
    """Whether a new or moved entity of a type may be in a parent, and whether the caller may put it there."""
    if parent == ROOT:
        if kind.parents:
            raise bad(f"An entity of type {kind.name} cannot be in the root.")
        return
    row = find_row(call.db, parent)
    if row is None:
        raise no_entity(parent)
    if row["trash_root"] is not None:
        raise forbidden(f"The parent {syn(parent)} is in trash can.")
    require(call, row, "CREATE")
    if row["type"] not in kind.parents:
        raise bad(f"Entity type: {kind.name} cannot have a parent of type: {row['type']}")
    if kind.name in _COUNTED and _children(call.db, parent) >= MOST_CHILDREN:
        raise bad(f"Limit of {MOST_CHILDREN} children exceeded for parent: {syn(parent)}")


def check_depth(call: Call, parent: int, height: int = 1) -> None:
    """400 when something of a height, in levels, would be too deep in a parent. Projects are at depth 1."""
    above = 0 if parent == ROOT else len(ancestors(call.db, parent))
    if above + height > DEEPEST:
        raise bad(f"Entities may be nested {DEEPEST} levels deep at most.")


def check_free(db: Connection, name: str, parent: int, entity: int | None = None) -> None:
    """409 when another entity in a parent has a name; what is in the trash holds none."""
    owner = scalar(
        db, "SELECT id FROM sage_entities WHERE parent_id = ? AND name = ? AND trash_root IS NULL", (parent, name)
    )
    if owner is not None and owner != entity:
        raise taken(f"An entity with the name: {name} already exists with a parentId: {syn(parent)}")


def check_move(call: Call, node: Node, kind: EntityType, parent: int) -> None:
    """Whether the caller may move an entity below another parent."""
    require(call, node, "UPDATE", "CHANGE_PERMISSIONS")
    check_place(call, kind, parent)
    if any(row["id"] == node["id"] for row in ancestors(call.db, parent)):
        raise bad(f"{syn(node['id'])} cannot be moved into itself or into something within it.")
    check_depth(call, parent, height(call.db, node["id"]))


def inherit(db: Connection, entity: int, parent: int) -> None:
    """Let a moved entity inherit from its new parent, unless it has an access list of its own."""
    own = scalar(db, "SELECT benefactor_id FROM sage_entities WHERE id = ?", (entity,))
    if own != entity:
        set_benefactor(db, entity, parent_benefactor(db, parent))


def height(db: Connection, entity: int) -> int:
    """How many levels an entity and what is in it take up."""
    sql = (
        "WITH RECURSIVE down (id, depth) AS (SELECT CAST(? AS BIGINT), 1 UNION ALL SELECT e.id, down.depth + 1"
        " FROM sage_entities e JOIN down ON e.parent_id = down.id)"
        " SELECT max(depth) FROM down"
    )
    return int(scalar(db, sql, (entity,)))


def _children(db: Connection, parent: int) -> int:
    sql = (
        "SELECT count(*) FROM sage_entities WHERE parent_id = ? AND trash_root IS NULL"
        " AND type IN ('file', 'folder', 'link')"
    )
    return int(scalar(db, sql, (parent,)))
