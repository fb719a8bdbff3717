"""Evaluations, which are queues that take submissions: finding and writing them, and who may what.

They have no rounds and no quotas here, so that all of them are always active. As on the real service, `syn` may stand
before their ids.
"""

from __future__ import annotations

import re
from typing import Any, Final

from reconciler.backend.database import Connection, Row, insert, one, scalar, update_sql
from reconciler.backend.sage.acls import ACCESS_TYPES, delete_acls, find_acl, has_right, read_grants, rights, write_acl
from reconciler.backend.sage.body import Body, plain_id
from reconciler.backend.sage.call import NO_CONTENT, Call, fresh_etag, reply, syn
from reconciler.backend.sage.errors import bad, forbidden, missing, stale, taken
from reconciler.backend.sage.nodes import find_node, may
from reconciler.backend.sage.paging import page_query
from reconciler.backend.sage.principals import ANONYMOUS, AUTHENTICATED
from reconciler.backend.sage.routes import reads, writes
from reconciler.backend.wire import Response

OWNER_RIGHTS: Final = frozenset(
    {
        "CREATE", "READ", "SUBMIT", "READ_PRIVATE_SUBMISSION", "UPDATE_SUBMISSION", "CHANGE_PERMISSIONS", "UPDATE",
        "DELETE", "DELETE_SUBMISSION",
    }
)  # fmt: skip
_FLAGS: Final = (
    ("canView", "READ"),
    ("canEdit", "UPDATE"),
    ("canDelete", "DELETE"),
    ("canChangePermissions", "CHANGE_PERMISSIONS"),
    ("canSubmit", "SUBMIT"),
    ("canViewPrivateSubmissionStatusAnnotations", "READ_PRIVATE_SUBMISSION"),
    ("canEditSubmissionStatuses", "UPDATE_SUBMISSION"),
    ("canDeleteSubmissions", "DELETE_SUBMISSION"),
)
_NAME: Final = re.compile(r"[A-Za-z0-9,_.\-+()'` ]{1,256}")
_NAME_RULE: Final = (
    "Names may only contain: letters, numbers, spaces, underscores, hyphens, periods, plus signs, apostrophes,"
    " and parentheses"
)


def find_evaluation(db: Connection, number: int) -> Row:
    """An evaluation; 404 when there is none."""
    row = one(db, "SELECT * FROM sage_evaluations WHERE id = ?", (number,))
    if row is None:
        raise missing(f"Evaluation of ID {number} does not exist yet.")
    return row


def evaluation_for(call: Call, number: int, access: str) -> Row:
    """An evaluation on which the caller has a right; 404 when there is none, 403 without the right."""
    row = find_evaluation(call.db, number)
    if not has_right(call.db, call.caller, "EVALUATION", number, access):
        raise forbidden(f"User lacks {access} access to Evaluation {number}")
    return row


def _wire(row: Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "etag": row["etag"],
        "name": row["name"],
        "description": row["description"],
        "ownerId": str(row["owner_id"]),
        "createdOn": row["created_on"],
        "contentSource": syn(row["content_source"]),
        "submissionInstructionsMessage": row["instructions"],
        "submissionReceiptMessage": row["receipt"],
    }


def _fields(call: Call, body: Body, number: int | None = None) -> dict[str, Any]:
    return {
        "name": _free_name(call, body, number),
        "etag": fresh_etag(),
        "description": body.text("description", longest=1_000_000),
        "instructions": body.text("submissionInstructionsMessage", longest=1_000_000),
        "receipt": body.text("submissionReceiptMessage", longest=1_000_000),
    }


def _free_name(call: Call, body: Body, number: int | None) -> str:
    name = body.needed("name", longest=1_000_000).strip()
    if not _NAME.fullmatch(name):
        raise bad(f"Invalid Name: '{name[:100]}'. {_NAME_RULE}")
    holder = scalar(call.db, "SELECT id FROM sage_evaluations WHERE name = ?", (name,))
    if holder not in (None, number):
        raise taken(f"An Evaluation already exists with the name {name}")
    return name


def create(call: Call) -> Response:
    """`POST /evaluation`: in a project, on which the caller needs CREATE."""
    body = call.body
    fields, source = _fields(call, body), body.entity("contentSource")
    if source is None:
        raise bad("Evaluation is missing content source (are you sure there is Synapse entity for it?).")
    node = find_node(call.db, source)
    if not may(call, node, "CREATE"):
        raise forbidden(
            f"User {call.caller.id} must have CREATE right on the entity {syn(source)} in order to create a evaluation"
            " based on it."
        )
    if node["type"] != "project":
        raise bad(f"Evaluation could not be created because the parent entity {syn(source)} is not a project.")
    values = {"owner_id": call.caller.id, "content_source": source, "created_on": call.now, **fields}
    number = insert(call.db, "sage_evaluations", values)
    write_acl(call.db, "EVALUATION", number, {call.caller.id: OWNER_RIGHTS}, call.now)
    return reply(_wire(find_evaluation(call.db, number)), 201)


def get(call: Call) -> Response:
    """`GET /evaluation/{id}`."""
    return reply(_wire(evaluation_for(call, call.entity(), "READ")))


def by_name(call: Call) -> Response:
    """`GET /evaluation/name/{name}`."""
    name = call.request.params["name"]
    number = scalar(call.db, "SELECT id FROM sage_evaluations WHERE name = ?", (name,))
    if number is None:
        raise missing(f"No Evaluation found with name {name[:300]}")
    return reply(_wire(evaluation_for(call, number, "READ")))


def put(call: Call) -> Response:
    """`PUT /evaluation/{id}`: owner, project and time of creation stay."""
    body, row = call.body, evaluation_for(call, call.entity(), "UPDATE")
    if body.integer("id", row["id"]) != row["id"]:
        raise bad(f"The ID of the evaluation does not match the path: {call.entity()}")
    if body.text("etag") != row["etag"]:
        raise stale(str(row["id"]))
    values = _fields(call, body, row["id"])
    call.db.execute(update_sql("sage_evaluations", values), {**values, "id": row["id"]})
    return reply(_wire(find_evaluation(call.db, row["id"])))


def delete(call: Call) -> Response:
    """`DELETE /evaluation/{id}`: with its submissions and its wiki."""
    number = evaluation_for(call, call.entity(), "DELETE")["id"]
    delete_acls(call.db, "EVALUATION", [number])
    call.db.execute("DELETE FROM sage_wiki_pages WHERE owner_kind = 'EVALUATION' AND owner_id = ?", (number,))
    call.db.execute("DELETE FROM sage_evaluations WHERE id = ?", (number,))
    return NO_CONTENT


def _listed(call: Call, access: str, condition: str = "1 = 1", values: tuple[Any, ...] = ()) -> Response:
    """One page of the evaluations on which the caller has a right, as the query narrows them down."""
    parts, given = [condition], list(values)
    if not call.caller.is_admin:
        marks = ", ".join("?" * len(call.caller.groups))
        parts.append(
            "EXISTS (SELECT 1 FROM sage_grants g WHERE g.owner_kind = 'EVALUATION' AND g.owner_id = e.id"
            f" AND g.access = ? AND g.principal_id IN ({marks}))"
        )
        given += [access, *call.caller.groups]
    if wanted := [plain_id(one) for one in call.query.all("evaluationIds")]:
        parts.append(f"e.id IN ({', '.join('?' * len(wanted))})")
        given += wanted
    return page_query(call, "e.*", f"sage_evaluations e WHERE {' AND '.join(parts)}", "e.name", given, _wire)


def _access(call: Call) -> str:
    access = call.query.text("accessType") or "READ"
    if access not in ACCESS_TYPES:
        raise bad(f"Unknown access type: {access[:100]}")
    return access


def listed(call: Call) -> Response:
    """`GET /evaluation`."""
    return _listed(call, _access(call))


def available(call: Call) -> Response:
    """`GET /evaluation/available`: to which the caller may submit."""
    return _listed(call, "SUBMIT")


def of_project(call: Call) -> Response:
    """`GET /entity/{id}/evaluation`."""
    return _listed(call, _access(call), "e.content_source = ?", (call.entity(),))


def get_acl(call: Call) -> Response:
    """`GET /evaluation/{id}/acl`."""
    number = evaluation_for(call, call.entity(), "READ")["id"]
    return _acl(call, number)


def _acl(call: Call, number: int) -> Response:
    acl = find_acl(call.db, "EVALUATION", number, str(number))
    assert acl is not None, "every evaluation is made with one"
    return reply(acl)


def put_acl(call: Call) -> Response:
    """`PUT /evaluation/acl`: the body names the evaluation."""
    body = call.body
    row = evaluation_for(call, body.needed_integer("id"), "CHANGE_PERMISSIONS")
    acl = find_acl(call.db, "EVALUATION", row["id"], str(row["id"]))
    if acl is None or body.text("etag") != acl["etag"]:
        raise stale(str(row["id"]))
    grants = read_grants(call, body)
    if grants.get(AUTHENTICATED, frozenset()) - {"READ"}:
        raise bad("Only read access on an evaluation can be granted to all authenticated Synapse users.")
    keeps = any("CHANGE_PERMISSIONS" in grants.get(group, ()) for group in call.caller.groups)
    if not keeps and not call.caller.is_admin and row["owner_id"] != call.caller.id:
        raise bad("Caller is trying to revoke their own ACL editing permission.")
    write_acl(call.db, "EVALUATION", row["id"], grants, call.now)
    return _acl(call, row["id"])


def permissions(call: Call) -> Response:
    """`GET /evaluation/{id}/permissions`: what the caller may."""
    row = find_evaluation(call.db, call.entity())
    mine = rights(call.db, call.caller, "EVALUATION", row["id"])
    return reply(
        {
            **{flag: access in mine for flag, access in _FLAGS},
            "canPublicRead": has_right(call.db, ANONYMOUS, "EVALUATION", row["id"], "READ"),
            "ownerPrincipalId": row["owner_id"],
        }
    )


ROUTES: Final = (
    writes("POST", "/evaluation", create),
    reads("GET", "/evaluation", listed, anonymous=True),
    reads("GET", "/evaluation/available", available, anonymous=True),
    writes("PUT", "/evaluation/acl", put_acl),
    reads("GET", "/evaluation/name/{name}", by_name, anonymous=True),
    reads("GET", "/evaluation/{id}", get, anonymous=True),
    writes("PUT", "/evaluation/{id}", put),
    writes("DELETE", "/evaluation/{id}", delete),
    reads("GET", "/evaluation/{id}/acl", get_acl, anonymous=True),
    reads("GET", "/evaluation/{id}/permissions", permissions, anonymous=True),
    reads("GET", "/entity/{id}/evaluation", of_project, anonymous=True),
)
