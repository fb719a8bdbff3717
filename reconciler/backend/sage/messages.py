"""Messages between users: kept for whoever reads them here, and sent nowhere. The text is a file of the sender's."""

from __future__ import annotations

import json
from typing import Any, Final

from reconciler.backend.database import Row, insert, one
from reconciler.backend.sage.body import plain_id
from reconciler.backend.sage.call import Call, empty, reply, url_reply
from reconciler.backend.sage.downloads import needed_url
from reconciler.backend.sage.errors import bad, forbidden, missing
from reconciler.backend.sage.file_handles import find_handle, own_handle
from reconciler.backend.sage.paging import page_query
from reconciler.backend.sage.principals import find_principal
from reconciler.backend.sage.routes import DOWNLOAD, reads, writes
from reconciler.backend.wire import Response

_MOST_RECIPIENTS: Final = 50
_STATES: Final = ("READ", "UNREAD", "ARCHIVED")


def _wire(row: Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "createdBy": str(row["created_by"]),
        "createdOn": row["created_on"],
        "subject": row["subject"],
        "fileHandleId": str(row["file_handle_id"]),
        "recipients": json.loads(row["recipients"]),
        "inReplyTo": None if row["in_reply_to"] is None else str(row["in_reply_to"]),
    }


def send(call: Call) -> Response:
    """`POST /message`: to users, and to the members of teams."""
    body = call.body
    recipients = sorted({plain_id(str(one)) for one in body.items("recipients", most=_MOST_RECIPIENTS)})
    if not recipients:
        raise bad("recipients is required.")
    if any(find_principal(call.db, recipient) is None for recipient in recipients):
        raise bad(f"One or more of the following IDs are not recognized: {recipients}")
    handle = own_handle(call, body.needed_integer("fileHandleId"))
    replied = body.integer("inReplyTo")
    values = {
        "created_by": call.caller.id,
        "created_on": call.now,
        "subject": body.text("subject", longest=256),
        "file_handle_id": handle["id"],
        "recipients": json.dumps([str(recipient) for recipient in recipients]),
        "in_reply_to": None if replied is None else _visible(call, replied)["id"],
    }
    number = insert(call.db, "sage_messages", values)
    _deliver(call, number, recipients)
    return reply(_wire(_visible(call, number)), 201)


def _deliver(call: Call, number: int, recipients: list[int]) -> None:
    marks = ", ".join("?" * len(recipients))
    call.db.execute(
        "INSERT INTO sage_inbox (user_id, message_id, status)"
        f" SELECT id, CAST(? AS BIGINT), 'UNREAD' FROM sage_principals WHERE kind = 'user' AND (id IN ({marks})"
        f" OR id IN (SELECT user_id FROM sage_team_members WHERE team_id IN ({marks})))",
        (number, *recipients, *recipients),
    )


def _visible(call: Call, number: int) -> Row:
    row = one(call.db, "SELECT * FROM sage_messages WHERE id = ?", (number,))
    if row is None:
        raise missing(f"Message ({number}) not found.")
    got = one(call.db, "SELECT 1 FROM sage_inbox WHERE user_id = ? AND message_id = ?", (call.caller.id, number))
    if got is None and row["created_by"] != call.caller.id:
        raise forbidden(f"You are not the sender or receiver of this message ({number})")
    return row


def get(call: Call) -> Response:
    """`GET /message/{id}`: for sender and recipients."""
    return reply(_wire(_visible(call, call.id())))


def file_url(call: Call) -> Response:
    """`GET /message/{id}/file`."""
    return url_reply(call, needed_url(call, find_handle(call.db, _visible(call, call.id())["file_handle_id"])))


def inbox(call: Call) -> Response:
    """`GET /message/inbox`: latest first, those that were not archived unless `inboxFilter` says otherwise."""
    wanted = call.query.all("inboxFilter") or ["READ", "UNREAD"]
    if unknown := sorted(set(wanted) - set(_STATES)):
        raise bad(f"Unknown status of a message: {unknown[0][:100]}")
    marks = ", ".join("?" * len(wanted))
    source = f"sage_inbox i JOIN sage_messages m ON m.id = i.message_id WHERE i.user_id = ? AND i.status IN ({marks})"
    return page_query(call, "m.*, i.status, i.user_id", source, "m.id DESC", (call.caller.id, *wanted), _bundle)


def _bundle(row: Row) -> dict[str, Any]:
    status = {"messageId": str(row["id"]), "recipientId": str(row["user_id"]), "status": row["status"]}
    return {"message": _wire(row), "status": status}


def outbox(call: Call) -> Response:
    """`GET /message/outbox`: latest first."""
    return page_query(call, "*", "sage_messages WHERE created_by = ?", "id DESC", (call.caller.id,), _wire)


def mark(call: Call) -> Response:
    """`PUT /message/status`: of a message that the caller got."""
    body = call.body
    number, state = body.needed_integer("messageId"), body.needed("status")
    if state not in _STATES:
        raise bad(f"Unknown status of a message: {state[:100]}")
    marked = call.db.execute(
        "UPDATE sage_inbox SET status = ? WHERE user_id = ? AND message_id = ?", (state, call.caller.id, number)
    )
    if not marked.rowcount:
        raise missing(f"You did not get a message ({number}).")
    return empty()


ROUTES: Final = (
    writes("POST", "/message", send),
    reads("GET", "/message/inbox", inbox),
    reads("GET", "/message/outbox", outbox),
    writes("PUT", "/message/status", mark),
    reads("GET", "/message/{id}", get),
    reads("GET", "/message/{id}/file", file_url, scopes=DOWNLOAD),
)
