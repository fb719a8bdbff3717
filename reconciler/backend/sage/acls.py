"""Access lists of any kind of owner: reading, checking and writing them, and asking whether somebody has a right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from reconciler.backend.database import Connection, one, scalar
from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import Call, Caller, fresh_etag
from reconciler.backend.sage.errors import bad
from reconciler.backend.sage.principals import ANONYMOUS_ID, AUTHENTICATED, PUBLIC, find_principal

ACCESS_TYPES: Final = (
    "CREATE", "READ", "UPDATE", "DELETE", "CHANGE_PERMISSIONS", "DOWNLOAD", "UPLOAD", "PARTICIPATE", "SUBMIT",
    "READ_PRIVATE_SUBMISSION", "UPDATE_SUBMISSION", "DELETE_SUBMISSION", "TEAM_MEMBERSHIP_UPDATE", "SEND_MESSAGE",
    "CHANGE_SETTINGS", "MODERATE", "REVIEW_SUBMISSIONS", "EXEMPTION_ELIGIBLE",
)  # fmt: skip
_ORDER: Final = {access: index for index, access in enumerate(ACCESS_TYPES)}

Grants = Mapping[int, frozenset[str]]


def has_right(db: Connection, caller: Caller, kind: str, owner: int, access: str) -> bool:
    """Whether a caller has a right by an owner's list; administrators have all."""
    if caller.is_admin:
        return True
    marks = ", ".join("?" * len(caller.groups))
    found = scalar(
        db,
        "SELECT count(*) FROM sage_grants WHERE owner_kind = ? AND owner_id = ? AND access = ?"
        f" AND principal_id IN ({marks})",
        (kind, owner, access, *caller.groups),
    )
    return bool(found)


def rights(db: Connection, caller: Caller, kind: str, owner: int) -> frozenset[str]:
    """All rights that a caller has by an owner's list."""
    if caller.is_admin:
        return frozenset(ACCESS_TYPES)
    marks = ", ".join("?" * len(caller.groups))
    rows = db.execute(
        f"SELECT DISTINCT access FROM sage_grants WHERE owner_kind = ? AND owner_id = ? AND principal_id IN ({marks})",
        (kind, owner, *caller.groups),
    )
    return frozenset(row["access"] for row in rows)


def has_public_right(db: Connection, kind: str, owner: int) -> bool:
    """Whether everybody may read by an owner's list, signed in or not."""
    sql = (
        "SELECT count(*) FROM sage_grants WHERE owner_kind = ? AND owner_id = ? AND access = 'READ'"
        " AND principal_id = ?"
    )
    return bool(scalar(db, sql, (kind, owner, PUBLIC)))


def find_acl(db: Connection, kind: str, owner: int, wire_id: str) -> dict[str, Any] | None:
    """An owner's own list as the wire has it, None when it has none. wire_id: the owner's id as the wire has it."""
    head = one(db, "SELECT * FROM sage_acls WHERE owner_kind = ? AND owner_id = ?", (kind, owner))
    if head is None:
        return None
    granted: dict[int, list[str]] = {}
    for row in db.execute(
        "SELECT principal_id, access FROM sage_grants WHERE owner_kind = ? AND owner_id = ? ORDER BY principal_id",
        (kind, owner),
    ):
        granted.setdefault(row["principal_id"], []).append(row["access"])
    return {
        "id": wire_id,
        "creationDate": head["created_on"],
        "etag": head["etag"],
        "resourceAccess": [
            {"principalId": principal, "accessType": sorted(access, key=_ORDER.__getitem__)}
            for principal, access in granted.items()
        ],
    }


def write_acl(db: Connection, kind: str, owner: int, grants: Grants, now: str) -> None:
    """Make or replace an owner's list, with a fresh etag."""
    db.execute(
        "INSERT INTO sage_acls (owner_kind, owner_id, etag, created_on) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (owner_kind, owner_id) DO UPDATE SET etag = excluded.etag",
        (kind, owner, fresh_etag(), now),
    )
    db.execute("DELETE FROM sage_grants WHERE owner_kind = ? AND owner_id = ?", (kind, owner))
    db.executemany(
        "INSERT INTO sage_grants (owner_kind, owner_id, principal_id, access) VALUES (?, ?, ?, ?)",
        [(kind, owner, principal, access) for principal, some in grants.items() for access in sorted(some)],
    )


def delete_acls(db: Connection, kind: str, owners: Iterable[int]) -> None:
    """Remove lists with their grants."""
    db.executemany("DELETE FROM sage_acls WHERE owner_kind = ? AND owner_id = ?", [(kind, one) for one in owners])


def read_grants(call: Call, body: Body) -> dict[int, frozenset[str]]:
    """The grants of a body, checked against what holds for all kinds of owners."""
    granted: dict[int, frozenset[str]] = {}
    for row in body.objects("resourceAccess", most=1000):
        principal = row.needed_integer("principalId")
        access = frozenset(str(one) for one in row.items("accessType"))
        _check_row(call, principal, access)
        granted[principal] = granted.get(principal, frozenset()) | access
    return granted


def _check_row(call: Call, principal: int, access: frozenset[str]) -> None:
    if not access:
        raise bad("Invalid resource access: each principal needs at least one access type.")
    if unknown := sorted(access - set(ACCESS_TYPES)):
        raise bad(f"Unknown access type: {unknown[0][:100]}")
    if principal == ANONYMOUS_ID:
        raise bad("The anonymous user cannot be granted access: use the public group.")
    if principal == PUBLIC and access != {"READ"}:
        raise bad("Public group can only have READ access.")
    if principal == AUTHENTICATED and "DOWNLOAD" in access and not call.caller.is_certified:
        raise bad("Only certified users may let all authenticated users download.")
    if find_principal(call.db, principal) is None:
        raise bad(f"Principal {principal} does not exist.")
