"""Bundles: many parts of an entity in one answer, and entity, annotations and access list in one request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from reconciler.backend.database import scalar
from reconciler.backend.sage.acls import find_acl
from reconciler.backend.sage.activities import activity_wire
from reconciler.backend.sage.activity_links import find_activity
from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import Call, reply, syn
from reconciler.backend.sage.entities import generated_by
from reconciler.backend.sage.entity_acls import acl_wire, permissions_wire, replace_acl
from reconciler.backend.sage.entity_annotations import (
    annotations_of,
    annotations_wire,
    check_number,
    read_annotations,
    store_annotations,
)
from reconciler.backend.sage.entity_types import BY_NAME
from reconciler.backend.sage.entity_writes import create_entity, update_entity
from reconciler.backend.sage.errors import bad
from reconciler.backend.sage.file_handles import handle_wire, lookup_handle
from reconciler.backend.sage.lookup import path_wire
from reconciler.backend.sage.nodes import (
    Node,
    entity_wire,
    find_node,
    is_kept_from,
    is_locked,
    may,
    readable_node,
    require,
)
from reconciler.backend.sage.routes import SageRoute, reads, writes
from reconciler.backend.sage.tabular import table_bundle
from reconciler.backend.sage.wiki_rows import root_id
from reconciler.backend.wire import Response

Part = Callable[[Call, Node], Any]


def _has_children(call: Call, node: Node) -> bool:
    sql = "SELECT 1 FROM sage_entities WHERE parent_id = ? AND trash_root IS NULL LIMIT 1"
    return bool(scalar(call.db, sql, (node["id"],)))


def _file_handles(call: Call, node: Node) -> list[dict[str, Any]]:
    if node["file_handle_id"] is None or not may(call, node, "DOWNLOAD"):
        return []
    row = lookup_handle(call.db, node["file_handle_id"])
    return [] if row is None else [handle_wire(row)]


def _file_name(call: Call, node: Node) -> str | None:
    name: str | None = scalar(
        call.db, "SELECT file_name FROM sage_file_handles WHERE id = ?", (node["file_handle_id"],)
    )
    return name


def _restrictions(call: Call, node: Node) -> dict[str, Any]:
    level = "CONTROLLED_BY_ACT" if is_locked(call.db, node) else "OPEN"
    return {
        "objectId": node["id"],
        "restrictionLevel": level,
        "hasUnmetAccessRequirement": is_kept_from(call, node),
    }


def _root_wiki(call: Call, node: Node) -> str | None:
    found = root_id(call.db, "ENTITY", node["id"])
    return None if found is None else str(found)


def _activity(call: Call, node: Node) -> dict[str, Any] | None:
    return None if node["activity_id"] is None else activity_wire(find_activity(call, node["activity_id"]))


# What a request asks for → key of the answer and how it is made. What is None is left out.
PARTS: Final[Mapping[str, tuple[str, Part]]] = {
    "includeEntity": ("entity", lambda _call, node: entity_wire(node)),
    "includeAnnotations": ("annotations", lambda _call, node: annotations_wire(node)),
    "includePermissions": ("permissions", permissions_wire),
    "includeEntityPath": ("path", lambda call, node: path_wire(call, node["id"])),
    "includeHasChildren": ("hasChildren", _has_children),
    "includeAccessControlList": (
        "accessControlList",
        lambda call, node: find_acl(call.db, "ENTITY", node["id"], syn(node["id"])),
    ),
    "includeBenefactorACL": ("benefactorAcl", lambda call, node: acl_wire(call, node["benefactor_id"])),
    "includeFileHandles": ("fileHandles", _file_handles),
    "includeFileName": ("fileName", _file_name),
    "includeRootWikiId": ("rootWikiId", _root_wiki),
    "includeThreadCount": ("threadCount", lambda _call, _node: 0),
    "includeRestrictionInformation": ("restrictionInformation", _restrictions),
    "includeActivity": ("activity", _activity),
    "includeTableBundle": ("tableBundle", table_bundle),
}


def read(call: Call) -> Response:
    """`POST /entity/{id}/bundle2`, also of a version."""
    node, body = readable_node(call), call.body
    return reply(bundle_wire(call, node, [name for name in PARTS if body.boolean(name)]))


def bundle_wire(call: Call, node: Node, wanted: list[str]) -> dict[str, Any]:
    """The parts of an entity that are wanted, by the names of `PARTS`."""
    made = {key: make(call, node) for key, make in (PARTS[name] for name in wanted)}
    return made | ({"entityType": BY_NAME[node["type"]].name} if "entity" in made else {})


def create(call: Call) -> Response:
    """`POST /entity/bundle2/create`."""
    body = call.body
    entity = body.object("entity")
    if entity is None:
        raise bad("entity is required.")
    made = create_entity(call, entity, generated_by(call))
    return _finish(call, body, made, 201)


def update(call: Call) -> Response:
    """`PUT /entity/{id}/bundle2`: never makes a version of its own accord; annotations are added to those there are."""
    number, body = call.entity(), call.body
    entity = body.object("entity")
    if entity is not None:
        if entity.entity("id") != number:
            raise bad("The id of the entity in the body is not the one in the path.")
        update_entity(call, number, entity, activity=generated_by(call))
    return _finish(call, body, number, 200)


def _finish(call: Call, body: Body, entity: int, status: int) -> Response:
    """Write annotations and access list, and answer with what was written."""
    written = ["includeEntity"] if body.object("entity") else []
    if annotations := body.object("annotations"):
        _merge_annotations(call, entity, annotations)
        written.append("includeAnnotations")
    if acl := body.object("accessControlList"):
        replace_acl(call, find_node(call.db, entity), acl)
        written.append("includeAccessControlList")
    node = find_node(call.db, entity)
    require(call, node, "READ")
    return reply(bundle_wire(call, node, written), status)


def _merge_annotations(call: Call, entity: int, body: Body) -> None:
    node = find_node(call.db, entity)
    require(call, node, "UPDATE")
    merged = annotations_of(node) | read_annotations(body)
    check_number(merged)
    store_annotations(call, entity, merged)


ROUTES: Final[tuple[SageRoute, ...]] = (
    reads("POST", "/entity/{id}/bundle2", read, anonymous=True),
    reads("POST", "/entity/{id}/version/{version}/bundle2", read, anonymous=True),
    writes("POST", "/entity/bundle2/create", create),
    writes("PUT", "/entity/{id}/bundle2", update),
)
