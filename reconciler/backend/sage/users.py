"""Profiles, headers of users and groups, certification, and access tokens."""

from __future__ import annotations

import json
import secrets
from typing import Any, Final

from reconciler.backend.database import Row, one
from reconciler.backend.sage.body import plain_id
from reconciler.backend.sage.call import NO_CONTENT, Call, P, fresh_etag, reply
from reconciler.backend.sage.errors import bad, missing, stale
from reconciler.backend.sage.paging import limit_and_offset, page_query
from reconciler.backend.sage.principals import ALL_SCOPES, add_token, find_by_prefix, find_principal, find_user
from reconciler.backend.sage.routes import AUTHORIZE, reads, writes
from reconciler.backend.store import token_hash
from reconciler.backend.wire import Response

_TEXTS: Final = (
    "firstName", "lastName", "company", "position", "location", "industry", "summary", "url", "teamName", "rStudioUrl",
    "profilePicureFileHandleId",
)  # fmt: skip


def header(row: Row) -> dict[str, Any]:
    """A principal as lists of users and teams have it."""
    profile = json.loads(row["profile"])
    return {
        "ownerId": str(row["id"]),
        "userName": row["name"],
        "firstName": profile.get("firstName"),
        "lastName": profile.get("lastName"),
        "isIndividual": row["kind"] == "user",
    }


def profile(row: Row, *, own: bool) -> dict[str, Any]:
    """A user's profile; e-mails and settings only for the user itself."""
    public = {
        "ownerId": str(row["id"]),
        "etag": row["etag"],
        "userName": row["name"],
        "createdOn": row["created"],
        **json.loads(row["profile"]),
    }
    if not own:
        return {key: value for key, value in public.items() if key not in ("notificationSettings", "preferences")}
    settings = {"sendEmailNotifications": True, "markEmailedMessagesAsRead": False}
    emails = [row["email"]] if row["email"] else []
    private = {"emails": emails, "openIds": [], "notificationSettings": settings, "twoFactorAuthEnabled": False}
    return {**private, **public}


def my_profile(call: Call) -> Response:
    """`GET /userProfile`."""
    return reply(profile(find_user(call.db, call.caller.id), own=True))


def put_profile(call: Call) -> Response:
    """`PUT /userProfile`: one's own only; the user name stays."""
    row, body = find_user(call.db, call.caller.id), call.body
    if body.text("etag") != row["etag"]:
        raise stale(str(row["id"]))
    values: dict[str, Any] = {key: body.text(key) for key in _TEXTS}
    for key, kind in (("notificationSettings", dict), ("preferences", list)):
        if isinstance(body.values.get(key), kind):
            values[key] = body.values[key]
    kept = {key: value for key, value in values.items() if value is not None}
    call.db.execute(
        "UPDATE sage_principals SET profile = ?, etag = ? WHERE id = ?",
        (json.dumps(kept, sort_keys=True), fresh_etag(), row["id"]),
    )
    return my_profile(call)


def get_profile(call: Call) -> Response:
    """`GET /userProfile/{id}`."""
    return reply(profile(find_user(call.db, call.id()), own=call.id() == call.caller.id))


def headers_by_prefix(call: Call) -> Response:
    """`GET /userGroupHeaders?prefix=`."""
    prefix = call.query.text("prefix") or ""
    limit, offset = limit_and_offset(call)
    children = [header(row) for row in find_by_prefix(call.db, prefix, limit, offset)]
    return reply({"children": children, "prefixFilter": prefix, "totalNumberOfResults": offset + len(children)})


def headers_by_ids(call: Call) -> Response:
    """`GET /userGroupHeaders/batch?ids=`."""
    rows = [find_principal(call.db, plain_id(one)) for one in call.query.all("ids")]
    children = [header(row) for row in rows if row is not None]
    return reply({"children": children, "totalNumberOfResults": len(children)})


def user_bundle(call: Call) -> Response:
    """`GET /user/{id}/bundle`: 404 for groups, which is how clients tell them apart."""
    row = find_user(call.db, call.id())
    shown = profile(row, own=row["id"] == call.caller.id)
    return reply(
        {
            "userId": str(row["id"]),
            "userProfile": shown,
            "isCertified": bool(row["certified"]),
            "isVerified": False,
            "isACTMember": False,
        }
    )


def passing_record(call: Call) -> Response:
    """`GET /user/{id}/certifiedUserPassingRecord`: nobody took the quiz here."""
    find_user(call.db, call.id())
    raise missing(f"No passing record of the certification quiz was found for user {call.id()}.")


def create_token(call: Call) -> Response:
    """`POST /personalAccessToken`: the token itself is shown this once."""
    body = call.body
    scopes = [str(scope) for scope in body.items("scope")] or ["view"]
    unknown = sorted(set(scopes) - ALL_SCOPES)
    if unknown:
        raise bad(f"Unknown scope: {unknown[0][:100]}. One of {', '.join(sorted(ALL_SCOPES))}.")
    token = f"sagepat_{secrets.token_hex(32)}"
    name = body.text("name", longest=256) or f"token of {call.now}"
    if one(call.db, "SELECT 1 FROM sage_tokens WHERE user_id = ? AND name = ?", (call.caller.id, name)):
        raise bad("There is a personal access token of this name already.")
    add_token(call.db, token_hash(token), user=call.caller.id, name=name, now=call.now, scopes=scopes)
    return reply({"token": token}, 201)


def _token(row: Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "scopes": row["scopes"].split(),
        "userInfoClaims": {},
        "createdOn": row["created"],
        "state": "ACTIVE",
    }


def list_tokens(call: Call) -> Response:
    """`GET /personalAccessToken`."""
    return page_query(call, "*", "sage_tokens WHERE user_id = ?", "id DESC", (call.caller.id,), _token)


def get_token(call: Call) -> Response:
    """`GET /personalAccessToken/{id}`."""
    row = one(call.db, "SELECT * FROM sage_tokens WHERE id = ? AND user_id = ?", (call.id(), call.caller.id))
    if row is None:
        raise missing(f"Personal access token {call.id()} does not exist.")
    return reply(_token(row))


def delete_token(call: Call) -> Response:
    """`DELETE /personalAccessToken/{id}`."""
    call.db.execute("DELETE FROM sage_tokens WHERE id = ? AND user_id = ?", (call.id(), call.caller.id))
    return NO_CONTENT


def version(_call: Call) -> Response:
    """`GET /version`."""
    return reply({"concreteType": f"{P}.versionInfo.SynapseVersionInfo", "version": "embedded"})


ROUTES = (
    reads("GET", "/userProfile", my_profile, anonymous=True),
    writes("PUT", "/userProfile", put_profile),
    reads("GET", "/userProfile/{id}", get_profile),
    reads("GET", "/userGroupHeaders", headers_by_prefix),
    reads("GET", "/userGroupHeaders/batch", headers_by_ids),
    reads("GET", "/user/{id}/bundle", user_bundle),
    reads("GET", "/user/{id}/certifiedUserPassingRecord", passing_record),
    writes("POST", "/personalAccessToken", create_token, scopes=AUTHORIZE),
    reads("GET", "/personalAccessToken", list_tokens, scopes=AUTHORIZE),
    reads("GET", "/personalAccessToken/{id}", get_token, scopes=AUTHORIZE),
    writes("DELETE", "/personalAccessToken/{id}", delete_token, scopes=AUTHORIZE),
    reads("GET", "/version", version, anonymous=True),
)
