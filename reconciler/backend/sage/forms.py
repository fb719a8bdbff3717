"""Forms: groups of them, the data that users hand in, and its review."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from reconciler.backend.database import Row, insert, one, update_sql
from reconciler.backend.sage.acls import find_acl, has_right, read_grants, write_acl
from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import Call, empty, fresh_etag, reply
from reconciler.backend.sage.errors import bad, forbidden, missing, stale
from reconciler.backend.sage.file_handles import own_handle
from reconciler.backend.sage.paging import token_page, token_range
from reconciler.backend.sage.routes import reads, writes
from reconciler.backend.wire import Response

GROUP: Final = "FORM_GROUP"
_ADMIN: Final = frozenset({"READ", "CHANGE_PERMISSIONS", "SUBMIT", "READ_PRIVATE_SUBMISSION"})
_REVIEW: Final = "READ_PRIVATE_SUBMISSION"
_WAITING, _SUBMITTED, _ACCEPTED, _REJECTED = (
    "WAITING_FOR_SUBMISSION",
    "SUBMITTED_WAITING_FOR_REVIEW",
    "ACCEPTED",
    "REJECTED",
)
_STATES: Final = (_WAITING, _SUBMITTED, _ACCEPTED, _REJECTED)


def _checked_name(name: str | None) -> str:
    if name is None:
        raise bad("name is required.")
    if not 3 <= len(name) <= 256:
        raise bad("Name must be 256 characters or less" if len(name) > 256 else "Name must be at least 3 characters")
    return name


def _group_wire(row: Row) -> dict[str, Any]:
    created = {"createdBy": str(row["created_by"]), "createdOn": row["created_on"]}
    return {"groupId": str(row["id"]), "name": row["name"], **created}


def _group_for(call: Call, number: int, access: str) -> Row:
    row = one(call.db, "SELECT * FROM sage_form_groups WHERE id = ?", (number,))
    if row is None:
        raise missing(f"FormGroup: {number} does not exist")
    if not has_right(call.db, call.caller, GROUP, number, access):
        raise forbidden(f"You do not have {access} permission for the requested form group, {number}.")
    return row


def create_group(call: Call) -> Response:
    """`POST /form/group?name=`: the group of this name, made when there is none."""
    name = _checked_name(call.query.text("name"))
    row = one(call.db, "SELECT * FROM sage_form_groups WHERE name = ?", (name,))
    if row is not None:
        if not has_right(call.db, call.caller, GROUP, row["id"], "READ"):
            raise bad(f"The group name: {name} is unavailable, please choose another name.")
        return reply(_group_wire(row), 201)
    number = insert(call.db, "sage_form_groups", {"name": name, "created_by": call.caller.id, "created_on": call.now})
    write_acl(call.db, GROUP, number, {call.caller.id: _ADMIN}, call.now)
    return reply(_group_wire(_group_for(call, number, "READ")), 201)


def get_group(call: Call) -> Response:
    """`GET /form/group/{id}`."""
    return reply(_group_wire(_group_for(call, call.id(), "READ")))


def get_acl(call: Call) -> Response:
    """`GET /form/group/{id}/acl`."""
    return _acl(call, _group_for(call, call.id(), "READ")["id"])


def _acl(call: Call, group: int) -> Response:
    acl = find_acl(call.db, GROUP, group, str(group))
    assert acl is not None, "every group is made with one"
    return reply(acl)


def put_acl(call: Call) -> Response:
    """`PUT /form/group/{id}/acl`."""
    body, group = call.body, _group_for(call, call.id(), "CHANGE_PERMISSIONS")["id"]
    acl = find_acl(call.db, GROUP, group, str(group))
    if acl is None or body.text("etag") != acl["etag"]:
        raise stale(str(group))
    grants = read_grants(call, body)
    if not any("CHANGE_PERMISSIONS" in grants.get(mine, ()) for mine in call.caller.groups):
        raise bad("Caller is trying to revoke their own ACL editing permission.")
    write_acl(call.db, GROUP, group, grants, call.now)
    return _acl(call, group)


def _wire(row: Row) -> dict[str, Any]:
    reviewer = None if row["reviewed_by"] is None else str(row["reviewed_by"])
    return {
        "formDataId": str(row["id"]),
        "etag": row["etag"],
        "groupId": str(row["group_id"]),
        "name": row["name"],
        "createdBy": str(row["created_by"]),
        "createdOn": row["created_on"],
        "modifiedOn": row["modified_on"],
        "dataFileHandleId": str(row["file_handle_id"]),
        "submissionStatus": {
            "submittedOn": row["submitted_on"],
            "reviewedOn": row["reviewed_on"],
            "reviewedBy": reviewer,
            "state": row["state"],
            "rejectionMessage": row["reason"],
        },
    }


def _find(call: Call, number: int) -> Row:
    row = one(call.db, "SELECT * FROM sage_form_data WHERE id = ?", (number,))
    if row is None:
        raise missing(f"FormData: {number} does not exist")
    return row


def _own(call: Call) -> Row:
    row = _find(call, call.id())
    if row["created_by"] != call.caller.id:
        raise forbidden("Cannot update a form created by another user")
    return row


def create(call: Call) -> Response:
    """`POST /form/data?groupId=`."""
    body, group = call.body, call.query.integer("groupId")
    if group is None:
        raise bad("groupId is required.")
    name, number = _checked_name(body.text("name")), _group_for(call, group, "SUBMIT")["id"]
    values = {
        "group_id": number,
        "name": name,
        "etag": fresh_etag(),
        "file_handle_id": own_handle(call, body.needed_integer("fileHandleId"))["id"],
        "state": _WAITING,
        "created_by": call.caller.id,
        "created_on": call.now,
        "modified_on": call.now,
    }
    return reply(_wire(_find(call, insert(call.db, "sage_form_data", values))), 201)


def put(call: Call) -> Response:
    """`PUT /form/data/{id}`: new data, which has to be submitted again."""
    body, row = call.body, _own(call)
    if row["state"] in (_SUBMITTED, _ACCEPTED):
        raise bad("Cannot update a form that is waiting for review, or was accepted.")
    _group_for(call, row["group_id"], "SUBMIT")
    name = row["name"] if body.text("name") is None else _checked_name(body.text("name"))
    handle = own_handle(call, body.needed_integer("fileHandleId"))["id"]
    cleared = dict.fromkeys(("reason", "submitted_on", "reviewed_on", "reviewed_by"))
    return _changed(call, row, {"name": name, "file_handle_id": handle, "state": _WAITING, **cleared})


def _changed(call: Call, row: Row, changes: dict[str, Any]) -> Response:
    values = {**changes, "etag": fresh_etag(), "modified_on": call.now}
    call.db.execute(update_sql("sage_form_data", values), {**values, "id": row["id"]})
    return reply(_wire(_find(call, row["id"])))


def delete(call: Call) -> Response:
    """`DELETE /form/data/{id}`."""
    call.db.execute("DELETE FROM sage_form_data WHERE id = ?", (_own(call)["id"],))
    return empty()


def submit(call: Call) -> Response:
    """`POST /form/data/{id}/submit`."""
    row = _own(call)
    if row["state"] in (_SUBMITTED, _ACCEPTED):
        raise bad("The form has already been submitted.")
    _group_for(call, row["group_id"], "SUBMIT")
    cleared = dict.fromkeys(("reason", "reviewed_on", "reviewed_by"))
    return _changed(call, row, {"state": _SUBMITTED, "submitted_on": call.now, **cleared})


def _reviewer(state: str, verb: str) -> Callable[[Call], Response]:
    def review(call: Call) -> Response:
        row = _find(call, call.id())
        _group_for(call, row["group_id"], _REVIEW)
        if row["state"] != _SUBMITTED:
            raise bad(f"Cannot {verb} a submission that is currently: {row['state']}")
        reason = call.body.needed("reason", longest=500) if state == _REJECTED else None
        changes = {"state": state, "reason": reason, "reviewed_by": call.caller.id, "reviewed_on": call.now}
        return _changed(call, row, changes)

    return review


def _states(body: Body) -> list[str]:
    states = [str(one) for one in body.items("filterByState", most=100)]
    if not states:
        raise bad("Must include at least one filterByState")
    if unknown := sorted(set(states) - set(_STATES)):
        raise bad(f"Unknown state of a form: {unknown[0][:100]}")
    return states


def list_own(call: Call) -> Response:
    """`POST /form/data/list`: the caller's."""
    return _listed(call, _states(call.body), "created_by = ?", call.caller.id)


def list_for_review(call: Call) -> Response:
    """`POST /form/data/list/reviewer`: everybody's that was submitted."""
    states = _states(call.body)
    if _WAITING in states:
        raise bad(f"Reviewer cannot filter by: {_WAITING}")
    group = _group_for(call, call.body.needed_integer("groupId"), _REVIEW)["id"]
    return _listed(call, states, "group_id = ?", group)


def _listed(call: Call, states: list[str], condition: str, value: int) -> Response:
    body = call.body
    limit, offset = token_range(body)
    rows = call.db.execute(
        f"SELECT * FROM sage_form_data WHERE group_id = ? AND {condition} AND state IN"
        f" ({', '.join('?' * len(states))}) ORDER BY id LIMIT ? OFFSET ?",
        (body.needed_integer("groupId"), value, *states, limit + 1, offset),
    ).fetchall()
    return reply(token_page([_wire(row) for row in rows], limit, offset))


ROUTES: Final = (
    writes("POST", "/form/group", create_group),
    reads("GET", "/form/group/{id}", get_group),
    reads("GET", "/form/group/{id}/acl", get_acl),
    writes("PUT", "/form/group/{id}/acl", put_acl),
    writes("POST", "/form/data", create),
    reads("POST", "/form/data/list", list_own),
    reads("POST", "/form/data/list/reviewer", list_for_review),
    writes("PUT", "/form/data/{id}", put),
    writes("DELETE", "/form/data/{id}", delete),
    writes("POST", "/form/data/{id}/submit", submit),
    writes("PUT", "/form/data/{id}/accept", _reviewer(_ACCEPTED, "accept")),
    writes("PUT", "/form/data/{id}/reject", _reviewer(_REJECTED, "reject")),
)
