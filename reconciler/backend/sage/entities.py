"""Entities: create, read, update, delete; their headers, types and benefactors."""

from __future__ import annotations

from typing import Final

from reconciler.backend.sage.body import Body, entity_id
from reconciler.backend.sage.call import NO_CONTENT, Call, reply, syn
from reconciler.backend.sage.entity_writes import create_entity, update_entity
from reconciler.backend.sage.errors import bad
from reconciler.backend.sage.nodes import entity_wire, find_node, header_wire, readable_node
from reconciler.backend.sage.routes import SageRoute, reads, writes
from reconciler.backend.sage.trash import put_in_trash, remove
from reconciler.backend.wire import ApiError, Response

_MOST_HEADERS: Final = 1000


def generated_by(call: Call) -> int | None:
    """The activity that the query names."""
    text = call.query.text("generatedBy")
    return None if text is None else entity_id(text)


def create(call: Call) -> Response:
    """`POST /entity`."""
    entity = create_entity(call, call.body, generated_by(call))
    return reply(entity_wire(find_node(call.db, entity)), 201)


def get(call: Call) -> Response:
    """`GET /entity/{id}` and `GET /entity/{id}/version/{version}`."""
    return reply(entity_wire(readable_node(call)))


def put(call: Call) -> Response:
    """`PUT /entity/{id}`: the id in the body counts."""
    body = call.body
    entity = body.entity("id")
    if entity is None:
        raise bad("Updated Entity cannot have a null id")
    wants_version = bool(call.query.boolean("newVersion"))
    update_entity(call, entity, body, wants_version=wants_version, activity=generated_by(call))
    return reply(entity_wire(find_node(call.db, entity)))


def delete(call: Call) -> Response:
    """`DELETE /entity/{id}`: into the trash, or with `skipTrashCan` for good; unknown and deleted ids are fine."""
    put_in_trash(call, call.entity())
    if call.query.boolean("skipTrashCan"):
        remove(call, call.entity())
    return NO_CONTENT


def get_type(call: Call) -> Response:
    """`GET /entity/{id}/type`."""
    return reply(header_wire(readable_node(call)))


def get_benefactor(call: Call) -> Response:
    """`GET /entity/{id}/benefactor`."""
    node = readable_node(call)
    return reply(header_wire(find_node(call.db, node["benefactor_id"])))


def get_headers(call: Call) -> Response:
    """`POST /entity/header`: headers of what is there and can be read."""
    found = [header for row in call.body.objects("references", most=_MOST_HEADERS) for header in _header(call, row)]
    return reply({"results": found, "totalNumberOfResults": len(found)})


def _header(call: Call, row: Body) -> list[dict[str, object]]:
    entity, version = row.needed_entity("targetId"), row.integer("targetVersionNumber")
    call.request.params = {"id": syn(entity)} | ({} if version is None else {"version": str(version)})
    try:
        return [header_wire(readable_node(call))]
    except ApiError:
        return []


ROUTES: Final[tuple[SageRoute, ...]] = (
    writes("POST", "/entity", create),
    reads("GET", "/entity/{id}", get, anonymous=True),
    writes("PUT", "/entity/{id}", put),
    writes("DELETE", "/entity/{id}", delete),
    reads("GET", "/entity/{id}/type", get_type, anonymous=True),
    reads("GET", "/entity/{id}/benefactor", get_benefactor, anonymous=True),
    reads("POST", "/entity/header", get_headers, anonymous=True),
    reads("GET", "/entity/{id}/version/{version}", get, anonymous=True),
)
