"""Calls about single entities: bundles, lookups, writes that carry the etag of the answer before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.errors import NotFound, Transient
from reconciler.model.json import JSON
from reconciler.providers.http import HttpClient
from reconciler.providers.sage.wire import Row, object_in, rows_in, text_in

_PARTS = ("includeEntity", "includeAnnotations", "includeFileHandles", "includeActivity")


def bundle(client: HttpClient, entity_id: str) -> Row:
    """`POST /entity/{id}/bundle2`: entity, annotations, file handles, activity. Raises NotFound, also for the trash."""
    path = f"/entity/{entity_id}/bundle2"
    reply = client.call("POST", path, body=dict.fromkeys(_PARTS, True), repeatable=True)
    found = object_in(reply, f"POST {path}")
    object_of(found)
    return found


def object_of(found: Row) -> Row:
    """The entity of a bundle. An answer without one says nothing, least of all that it is gone."""
    entity = found.get("entity")
    if not isinstance(entity, dict):
        raise Transient("the answer lacks the entity", operation="bundle2")
    return _identified(entity, "bundle2")


def _identified(entity: Row, operation: str) -> Row:
    for name in ("id", "etag", "modifiedOn"):
        text_in(entity, name, operation)
    return entity


def create_bundle(
    client: HttpClient, entity: Row, annotations: Mapping[str, JSON], activity_id: str | None = None
) -> Row:
    """`POST /entity/bundle2/create`: the entity with annotations and activity, all at once. Not repeatable."""
    path = "/entity/bundle2/create"
    body: Row = {"entity": entity}
    if annotations:
        body["annotations"] = {"annotations": dict(annotations)}
    params = {"generatedBy": activity_id} if activity_id else None
    made = object_in(client.call("POST", path, params=params, body=body), f"POST {path}")
    object_of(made)
    return made


def put_entity(client: HttpClient, entity: Row, *, new_version: bool = False, activity_id: str | None = None) -> Row:
    """`PUT /entity/{id}`: everything writable, with the etag in it. Raises Conflict (412) when it is not the latest.

    A repetition of a request that was carried out has an old etag, so it cannot make a second version.
    """
    path = f"/entity/{entity['id']}"
    params = {
        **({"newVersion": "true"} if new_version else {}),
        **({"generatedBy": activity_id} if activity_id else {}),
    }
    written = object_in(client.call("PUT", path, params=params or None, body=entity), f"PUT {path}")
    return _identified(written, f"PUT {path}")


def put_annotations(client: HttpClient, entity_id: str, etag: str, annotations: Mapping[str, JSON]) -> str:
    """`PUT /entity/{id}/annotations2`: the whole map. Returns the new etag."""
    path = f"/entity/{entity_id}/annotations2"
    body = {"id": entity_id, "etag": etag, "annotations": dict(annotations)}
    return text_in(object_in(client.call("PUT", path, body=body), f"PUT {path}"), "etag", f"PUT {path}")


def child(client: HttpClient, parent_id: str | None, name: str) -> str | None:
    """`POST /entity/child`: the id of the entity of that name; a project when there is no parent."""
    body: Row = {"entityName": name} | ({"parentId": parent_id} if parent_id else {})
    try:
        reply = client.call("POST", "/entity/child", body=body, repeatable=True)
    except NotFound:
        return None
    return text_in(object_in(reply, "POST /entity/child"), "id", "POST /entity/child")


def children(client: HttpClient, parent_id: str | None, types: tuple[str, ...]) -> Iterator[list[Row]]:
    """`POST /entity/children`: headers by name, 50 a page; projects when there is no parent."""
    token: JSON = None
    while True:
        body: Row = {"includeTypes": list(types), "sortBy": "NAME", "sortDirection": "ASC"}
        body |= ({"parentId": parent_id} if parent_id else {}) | ({"nextPageToken": token} if token else {})
        path = "/entity/children"
        answer = object_in(client.call("POST", path, body=body, repeatable=True), f"POST {path}")
        rows = rows_in(answer, "page", f"POST {path}")
        for row in rows:
            for name in ("id", "name", "type"):
                text_in(row, name, f"POST {path}")
        yield rows
        token = answer.get("nextPageToken")
        if not token:
            return


def child_count(client: HttpClient, parent_id: str, types: tuple[str, ...]) -> int:
    """How many entities of these types are directly below one."""
    body = {"parentId": parent_id, "includeTypes": list(types), "includeTotalChildCount": True}
    answer = object_in(client.call("POST", "/entity/children", body=body, repeatable=True), "POST /entity/children")
    return max(int(answer.get("totalChildCount") or 0), len(rows_in(answer, "page", "POST /entity/children")))


def delete(client: HttpClient, entity_id: str) -> None:
    """`DELETE /entity/{id}`: to the trash, with all below it; succeeds when it is there already."""
    try:
        client.call("DELETE", f"/entity/{entity_id}")
    except NotFound:
        return


def token_of(row: Row) -> str:
    """What changes with every write to an entity: of an entity and of a header alike."""
    return f"{row.get('modifiedOn')}/{row.get('versionNumber')}"
