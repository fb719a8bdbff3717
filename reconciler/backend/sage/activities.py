"""Activities, which say how entities came to be, and their links to versions of entities.

Ids of activities may be written as those of entities are, `syn1`.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from reconciler.backend.database import Row, insert, one, scalar
from reconciler.backend.sage.activity_links import check_activity, find_activity
from reconciler.backend.sage.body import Body, entity_id
from reconciler.backend.sage.call import NO_CONTENT, Call, P, fresh_etag, reply, syn
from reconciler.backend.sage.errors import bad, forbidden, missing, stale
from reconciler.backend.sage.nodes import find_node, readable_condition, readable_node, require, touch
from reconciler.backend.sage.paging import page_query
from reconciler.backend.sage.routes import SageRoute, reads, writes
from reconciler.backend.wire import Response

_USED_ENTITY: Final = f"{P}.provenance.UsedEntity"
_USED_URL: Final = f"{P}.provenance.UsedURL"
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://\S.*")  # with spaces too: the platform's parser takes them
_MOST_USED: Final = 10_000


def activity_wire(row: Row) -> dict[str, Any]:
    """An activity as the wire has it."""
    return {
        "id": str(row["id"]),
        "etag": row["etag"],
        "name": row["name"],
        "description": row["description"],
        "used": json.loads(row["used"]),
        "createdOn": row["created_on"],
        "createdBy": str(row["created_by"]),
        "modifiedOn": row["modified_on"],
        "modifiedBy": str(row["modified_by"]),
    }


def _values(call: Call, body: Body) -> dict[str, Any]:
    used = [_used(call, item) for item in body.objects("used", most=_MOST_USED)]
    return {
        "name": body.text("name"),
        "description": body.text("description", longest=100_000),
        "used": json.dumps(used, sort_keys=True),
        "etag": fresh_etag(),
        "modified_by": call.caller.id,
        "modified_on": call.now,
    }


def _used(call: Call, item: Body) -> dict[str, Any]:
    """One thing that was used. A version that is not given is the current one."""
    kind, was_executed = item.needed("concreteType"), item.boolean("wasExecuted")
    if kind == _USED_URL:
        url = item.needed("url")
        if not _URL.fullmatch(url):
            raise bad(f"The URL of a used resource is malformed: {url[:200]}")
        named = {} if item.text("name") is None else {"name": item.text("name")}
        return {"concreteType": kind, "url": url, "wasExecuted": was_executed, **named}
    if kind != _USED_ENTITY:
        raise bad(f"Unknown concreteType: {kind[:200]}")
    reference = item.object("reference")
    if reference is None:
        raise bad("UsedEntity.reference is required.")
    entity, version = reference.needed_entity("targetId"), reference.integer("targetVersionNumber")
    if version is None:
        version = scalar(call.db, "SELECT version FROM sage_entities WHERE id = ?", (entity,))
    target = {"targetId": syn(entity)} | ({} if version is None else {"targetVersionNumber": version})
    return {"concreteType": kind, "reference": target, "wasExecuted": was_executed}


def create(call: Call) -> Response:
    """`POST /activity`."""
    values = _values(call, call.body)
    made = {"created_by": call.caller.id, "created_on": call.now}
    return reply(activity_wire(find_activity(call, insert(call.db, "sage_activities", values | made))), 201)


def get(call: Call) -> Response:
    """`GET /activity/{id}`."""
    return reply(activity_wire(check_activity(call, call.entity())))


def _require_creator(call: Call, row: Row) -> None:
    if row["created_by"] != call.caller.id and not call.caller.is_admin:
        raise forbidden("Only the creator of an activity can change it.")


def put(call: Call) -> Response:
    """`PUT /activity/{id}`: replaces all."""
    row, body = find_activity(call, call.entity()), call.body
    _require_creator(call, row)
    if body.integer("id", row["id"]) != row["id"]:
        raise bad("The id in the body is not the one in the path.")
    if body.needed("etag") != row["etag"]:
        raise stale(str(row["id"]))
    values = _values(call, body)
    columns = ", ".join(f"{name} = ?" for name in values)
    call.db.execute(f"UPDATE sage_activities SET {columns} WHERE id = ?", (*values.values(), row["id"]))
    return reply(activity_wire(find_activity(call, row["id"])))


def delete(call: Call) -> Response:
    """`DELETE /activity/{id}`: an unknown one is fine, one that still generated a version is not."""
    row = one(call.db, "SELECT * FROM sage_activities WHERE id = ?", (call.entity(),))
    if row is None:
        return NO_CONTENT
    _require_creator(call, row)
    if scalar(call.db, "SELECT count(*) FROM sage_versions WHERE activity_id = ?", (row["id"],)):
        raise bad(f"Activity {row['id']} cannot be deleted: an entity refers to it.")
    call.db.execute("DELETE FROM sage_activities WHERE id = ?", (row["id"],))
    return NO_CONTENT


def list_generated(call: Call) -> Response:
    """`GET /activity/{id}/generated`: versions that the caller can read."""
    row = check_activity(call, call.entity())
    readable, values = readable_condition(call)
    source = (
        "sage_versions v JOIN sage_entities e ON e.id = v.entity_id"
        f" WHERE v.activity_id = ? AND e.trash_root IS NULL AND {readable}"
    )
    return page_query(call, "e.id, v.number", source, "e.id, v.number", (row["id"], *values), _reference)


def _reference(row: Row) -> dict[str, Any]:
    return {"targetId": syn(row["id"]), "targetVersionNumber": row["number"]}


def get_generated_by(call: Call) -> Response:
    """`GET /entity/{id}/generatedBy`, also of a version."""
    node = readable_node(call)
    if node["activity_id"] is None:
        raise missing(f"No activity generated version {node['number']} of {syn(node['id'])}.")
    return reply(activity_wire(find_activity(call, node["activity_id"])))


def put_generated_by(call: Call) -> Response:
    """`PUT /entity/{id}/generatedBy?generatedBy=`: links the current version."""
    text = call.query.text("generatedBy")
    if text is None:
        raise bad("The parameter generatedBy is required.")
    activity = entity_id(text)
    _link(call, activity)
    return reply(activity_wire(find_activity(call, activity)))


def delete_generated_by(call: Call) -> Response:
    """`DELETE /entity/{id}/generatedBy`."""
    _link(call, None)
    return NO_CONTENT


def _link(call: Call, activity: int | None) -> None:
    node = find_node(call.db, call.entity())
    require(call, node, "UPDATE")
    if activity is not None:
        check_activity(call, activity)
    call.db.execute(
        "UPDATE sage_versions SET activity_id = ? WHERE entity_id = ? AND number = ?",
        (activity, node["id"], node["number"]),
    )
    touch(call, node["id"])


ROUTES: Final[tuple[SageRoute, ...]] = (
    writes("POST", "/activity", create),
    reads("GET", "/activity/{id}", get, anonymous=True),
    writes("PUT", "/activity/{id}", put),
    writes("DELETE", "/activity/{id}", delete),
    reads("GET", "/activity/{id}/generated", list_generated, anonymous=True),
    reads("GET", "/entity/{id}/generatedBy", get_generated_by, anonymous=True),
    reads("GET", "/entity/{id}/version/{version}/generatedBy", get_generated_by, anonymous=True),
    writes("PUT", "/entity/{id}/generatedBy", put_generated_by),
    writes("DELETE", "/entity/{id}/generatedBy", delete_generated_by),
)
