"""Tags of docker repositories, and which digest each of them means."""

from __future__ import annotations

from typing import Any, Final

from reconciler.backend.database import Row
from reconciler.backend.sage.call import Call, empty, syn
from reconciler.backend.sage.entity_types import BY_NAME
from reconciler.backend.sage.errors import bad
from reconciler.backend.sage.nodes import Node, readable_node
from reconciler.backend.sage.paging import page_query
from reconciler.backend.sage.routes import reads, writes
from reconciler.backend.wire import Response

_DOCKER: Final = BY_NAME["dockerrepo"]
_SORTS: Final = {"CREATED_ON": "created_on", "TAG": "tag"}


def _repository(call: Call, access: str) -> Node:
    node = readable_node(call, access)
    if node["type"] != _DOCKER.name:
        raise bad(f"{syn(node['id'])} is not a Docker repository.")
    return node


def add_commit(call: Call) -> Response:
    """`POST /entity/{id}/dockerCommit`: a tag now means this digest."""
    node, body = _repository(call, "UPDATE"), call.body
    call.db.execute(
        "INSERT INTO sage_docker_commits (entity_id, tag, digest, created_on) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (entity_id, tag) DO UPDATE SET digest = excluded.digest, created_on = excluded.created_on",
        (node["id"], body.needed("tag", longest=128), body.needed("digest", longest=200), call.now),
    )
    return empty(201)


def tags(call: Call) -> Response:
    """`GET /entity/{id}/dockerTag`, and `…/dockerCommit`: latest first unless `sort` and `ascending` say otherwise."""
    node = _repository(call, "READ")
    sort = _SORTS.get(call.query.text("sort") or "CREATED_ON")
    if sort is None:
        raise bad(f"sort must be one of {', '.join(_SORTS)}.")
    direction = "ASC" if call.query.boolean("ascending") else "DESC"
    source = "sage_docker_commits WHERE entity_id = ?"
    return page_query(call, "*", source, f"{sort} {direction}, tag", (node["id"],), _wire)


def _wire(row: Row) -> dict[str, Any]:
    return {"tag": row["tag"], "digest": row["digest"], "createdOn": row["created_on"]}


ROUTES: Final = (
    writes("POST", "/entity/{id}/dockerCommit", add_commit),
    reads("GET", "/entity/{id}/dockerCommit", tags, anonymous=True),
    reads("GET", "/entity/{id}/dockerTag", tags, anonymous=True),
)
