"""Finding entities: children by page or by name, paths, project aliases."""

from __future__ import annotations

from typing import Any, Final

from reconciler.backend.database import one, scalar
from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import Call, P, reply, syn
from reconciler.backend.sage.entity_types import BY_NAME, ROOT
from reconciler.backend.sage.errors import bad, missing
from reconciler.backend.sage.nodes import (
    CURRENT,
    NODE,
    ancestors,
    find_node,
    header_wire,
    is_root,
    readable_condition,
    readable_node,
    require,
)
from reconciler.backend.sage.paging import token_page, token_range
from reconciler.backend.sage.routes import SageRoute, reads
from reconciler.backend.wire import Response

_SORTS: Final = {"NAME": "e.name", "CREATED_ON": "e.created_on", "MODIFIED_ON": "v.modified_on"}
_DIRECTIONS: Final = ("ASC", "DESC")


def find_child(call: Call) -> Response:
    """`POST /entity/child`: the exact name; without parent, a project's."""
    body = call.body
    name, parent = body.needed("entityName"), body.entity("parentId")
    parent = ROOT if parent is None else parent
    sql = "SELECT id FROM sage_entities WHERE parent_id = ? AND name = ? AND trash_root IS NULL"
    found = scalar(call.db, sql, (parent, name))
    if found is None:
        raise missing(f"Did not find an entity with the name: {name} and parentId: {syn(parent)}")
    require(call, find_node(call.db, found), "READ")
    return reply({"id": syn(found)})


def list_children(call: Call) -> Response:
    """`POST /entity/children`: a page of what the caller can read; without parent, of projects."""
    body = call.body
    limit, offset = token_range(body)
    parent = body.entity("parentId")
    if not is_root(parent):
        assert parent is not None
        require(call, find_node(call.db, parent), "READ")
    where, values = _condition(call, body, parent)
    order = _order(body)
    passed = CURRENT if order.startswith("v.") else "sage_entities e"  # rows before the page cost no more than needed
    rows = call.db.execute(
        f"SELECT {NODE} FROM {CURRENT}"
        f" JOIN (SELECT e.id AS shown FROM {passed} WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?) p"
        f" ON p.shown = e.id ORDER BY {order}",
        (*values, limit + 1, offset),
    ).fetchall()
    page = token_page([header_wire(row) for row in rows], limit, offset)
    return reply(page | _sums(call, body, where, values))


def _condition(call: Call, body: Body, parent: int | None) -> tuple[str, tuple[Any, ...]]:
    """Which entities are meant. Types that nobody knows match nothing."""
    wanted = body.items("includeTypes", most=100)
    if not wanted:
        raise bad("EntityChildrenRequest.includeTypes must include at least one type.")
    kinds = [kind for kind in BY_NAME if kind in wanted] or [""]
    readable, groups = readable_condition(call)
    marks = ", ".join("?" * len(kinds))
    where = f"e.parent_id = ? AND e.trash_root IS NULL AND e.type IN ({marks}) AND {readable}"
    return where, (ROOT if parent is None else parent, *kinds, *groups)


def _order(body: Body) -> str:
    column = _SORTS.get(body.text("sortBy") or "NAME")
    direction = body.text("sortDirection") or "ASC"
    if column is None or direction not in _DIRECTIONS:
        raise bad(f"sortBy is one of {', '.join(_SORTS)}; sortDirection one of {', '.join(_DIRECTIONS)}.")
    return f"{column} {direction}, e.id"


def _sums(call: Call, body: Body, where: str, values: tuple[Any, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if body.boolean("includeTotalChildCount"):
        found["totalChildCount"] = scalar(call.db, f"SELECT count(*) FROM {CURRENT} WHERE {where}", values)
    if body.boolean("includeSumFileSizes"):
        source = f"{CURRENT} JOIN sage_file_handles f ON f.id = v.file_handle_id"
        total = scalar(call.db, f"SELECT sum(f.size) FROM {source} WHERE {where}", values)
        found["sumFileSizesBytes"] = int(total or 0)
    return found


def get_path(call: Call) -> Response:
    """`GET /entity/{id}/path`: from the root down to the entity."""
    return reply(path_wire(call, readable_node(call)["id"]))


def path_wire(call: Call, entity: int) -> dict[str, Any]:
    """The way from the root to an entity, both included."""
    root = {"name": "root", "id": syn(ROOT), "type": f"{P}.Folder"}
    rows = reversed(ancestors(call.db, entity))
    steps = [{"name": row["name"], "id": syn(row["id"]), "type": BY_NAME[row["type"]].concrete} for row in rows]
    return {"path": [root, *steps]}


def find_alias(call: Call) -> Response:
    """`GET /entity/alias/{alias}`."""
    alias = call.request.params["alias"]
    row = one(call.db, "SELECT id FROM sage_entities WHERE alias_key = ? AND trash_root IS NULL", (alias.lower(),))
    if row is None:
        raise missing(f"Did not find an entity with the alias: {alias}")
    return reply({"id": syn(row["id"])})


def find_repository(call: Call) -> Response:
    """`GET /entity/dockerRepo/id?repositoryName=`: repositories that the platform manages, of which there are none."""
    raise missing(f"There is no managed repository of the name {call.query.text('repositoryName')}")


ROUTES: Final[tuple[SageRoute, ...]] = (
    reads("POST", "/entity/child", find_child, anonymous=True),
    reads("POST", "/entity/children", list_children, anonymous=True),
    reads("GET", "/entity/{id}/path", get_path, anonymous=True),
    reads("GET", "/entity/alias/{alias}", find_alias, anonymous=True),
    reads("GET", "/entity/dockerRepo/id", find_repository),
)
