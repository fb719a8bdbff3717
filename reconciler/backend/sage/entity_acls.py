"""Access lists of entities: own or inherited, and what a caller may do by them."""

from __future__ import annotations

from typing import Any, Final

from reconciler.backend.sage.acls import (
    ACCESS_TYPES,
    Grants,
    delete_acls,
    find_acl,
    has_public_right,
    read_grants,
    rights,
    write_acl,
)
from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import NO_CONTENT, Call, reply, syn
from reconciler.backend.sage.entity_types import ROOT
from reconciler.backend.sage.errors import bad, forbidden, missing, stale
from reconciler.backend.sage.nodes import (
    Node,
    find_node,
    is_open,
    may,
    parent_benefactor,
    readable_node,
    require,
    set_benefactor,
    touch,
)
from reconciler.backend.sage.principals import ANONYMOUS_ID
from reconciler.backend.sage.routes import SageRoute, reads, writes
from reconciler.backend.wire import Response


def acl_wire(call: Call, entity: int) -> dict[str, Any]:
    """An entity's own access list. Raises `ApiError` 404 when it inherits."""
    found = find_acl(call.db, "ENTITY", entity, syn(entity))
    if found is None:
        benefactor = find_node(call.db, entity)["benefactor_id"]
        raise missing(
            "The requested ACL does not exist. This entity inherits its permissions from:"
            f" /entity/{syn(benefactor)}/acl"
        )
    return found


def has_own(node: Node) -> bool:
    """Whether an entity has an access list of its own."""
    return bool(node["benefactor_id"] == node["id"])


def get(call: Call) -> Response:
    """`GET /entity/{id}/acl`."""
    return reply(acl_wire(call, readable_node(call)["id"]))


def create(call: Call) -> Response:
    """`POST /entity/{id}/acl`: stop inheriting. Id and etag of the body are those of the list that was copied."""
    node = readable_node(call, "CHANGE_PERMISSIONS")
    if has_own(node):
        raise forbidden("Resource already has an ACL.")
    return reply(_write(call, node, read_entity_grants(call, node, call.body)), 201)


def put(call: Call) -> Response:
    """`PUT /entity/{id}/acl`."""
    node, body = readable_node(call, "CHANGE_PERMISSIONS"), call.body
    if not has_own(node):
        raise forbidden("Cannot update ACL for a resource which inherits its permissions.")
    if body.entity("id") != node["id"]:
        raise bad("The id in the body is not the one in the path.")
    if body.text("etag") != acl_wire(call, node["id"])["etag"]:
        raise stale(syn(node["id"]))
    return reply(_write(call, node, read_entity_grants(call, node, body)))


def replace_acl(call: Call, node: Node, body: Body) -> None:
    """Create or update an entity's list, whichever is to be done."""
    require(call, node, "CHANGE_PERMISSIONS")
    _write(call, node, read_entity_grants(call, node, body))


def read_entity_grants(call: Call, node: Node, body: Body) -> Grants:
    """The grants of a body. Nobody but the creator may lock themselves out."""
    grants = read_grants(call, body)
    kept = any("CHANGE_PERMISSIONS" in grants.get(group, ()) for group in call.caller.groups)
    if not kept and not call.caller.is_admin and node["created_by"] != call.caller.id:
        raise bad("Caller is trying to revoke their own ACL editing permissions.")
    return grants


def _write(call: Call, node: Node, grants: Grants) -> dict[str, Any]:
    entity = node["id"]
    write_acl(call.db, "ENTITY", entity, grants, call.now)
    if not has_own(node):
        set_benefactor(call.db, entity, entity)
    touch(call, entity)
    return acl_wire(call, entity)


def delete(call: Call) -> Response:
    """`DELETE /entity/{id}/acl`: inherit again."""
    node = readable_node(call, "CHANGE_PERMISSIONS")
    entity = node["id"]
    if not has_own(node):
        raise forbidden("Resource already inherits its permissions.")
    if node["parent_id"] == ROOT:
        raise forbidden("Cannot restore inheritance for a project, which has nothing to inherit from.")
    delete_acls(call.db, "ENTITY", [entity])
    benefactor = parent_benefactor(call.db, node["parent_id"])
    call.db.execute("UPDATE sage_entities SET benefactor_id = ? WHERE id = ?", (benefactor, entity))
    set_benefactor(call.db, entity, benefactor)
    touch(call, entity)
    return NO_CONTENT


def get_permissions(call: Call) -> Response:
    """`GET /entity/{id}/permissions`: what the caller may do."""
    return reply(permissions_wire(call, find_node(call.db, call.entity())))


def permissions_wire(call: Call, node: Node) -> dict[str, Any]:
    """The caller's rights on an entity. Clients expect every one of the keys."""
    held = rights(call.db, call.caller, "ENTITY", node["benefactor_id"])
    is_certified, is_project = call.caller.is_certified, node["parent_id"] == ROOT
    return {
        "canView": "READ" in held,
        "canEdit": "UPDATE" in held and (is_certified or is_project),
        "canMove": {"UPDATE", "CHANGE_PERMISSIONS"} <= held,
        "canAddChild": "CREATE" in held and is_certified,
        "canCertifiedUserEdit": "UPDATE" in held,
        "canCertifiedUserAddChild": "CREATE" in held,
        "isCertifiedUser": is_certified,
        "canChangePermissions": "CHANGE_PERMISSIONS" in held,
        "canChangeSettings": may(call, node, "CHANGE_SETTINGS"),
        "canDelete": "DELETE" in held,
        "canDownload": may(call, node, "DOWNLOAD"),
        "canUpload": call.caller.id != ANONYMOUS_ID,
        "canEnableInheritance": "CHANGE_PERMISSIONS" in held and not is_project,
        "ownerPrincipalId": node["created_by"],
        "canPublicRead": has_public_right(call.db, "ENTITY", node["benefactor_id"]),
        "canModerate": "MODERATE" in held,
        "isCertificationRequired": True,
        "isEntityOpenData": is_open(call.db, node),
    }


def get_access(call: Call) -> Response:
    """`GET /entity/{id}/access?accessType=`."""
    access = call.query.text("accessType")
    if access not in ACCESS_TYPES:
        raise bad(f"accessType is one of {', '.join(ACCESS_TYPES)}.")
    return reply({"result": may(call, find_node(call.db, call.entity()), access)})


ROUTES: Final[tuple[SageRoute, ...]] = (
    reads("GET", "/entity/{id}/acl", get, anonymous=True),
    writes("POST", "/entity/{id}/acl", create),
    writes("PUT", "/entity/{id}/acl", put),
    writes("DELETE", "/entity/{id}/acl", delete),
    reads("GET", "/entity/{id}/permissions", get_permissions, anonymous=True),
    reads("GET", "/entity/{id}/access", get_access, anonymous=True),
)
