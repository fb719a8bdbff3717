"""Users, teams and groups: who exists from the start, how users and tokens are added, and how they are found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from reconciler.backend.database import Connection, Row, one, scalar
from reconciler.backend.sage.call import Caller, fresh_etag
from reconciler.backend.sage.errors import missing

ADMIN_GROUP: Final = 2
CERTIFIED_GROUP: Final = 3
COMPLIANCE_TEAM: Final = 464532
AUTHENTICATED: Final = 273948
PUBLIC: Final = 273949
ANONYMOUS_ID: Final = 273950
LOCAL_USER: Final = "local"
ALL_SCOPES: Final = frozenset(
    {"view", "download", "modify", "authorize", "openid", "email", "profile", "offline_access"}
)
ANONYMOUS: Final = Caller(ANONYMOUS_ID, "anonymous", False, False, (ANONYMOUS_ID, PUBLIC), frozenset({"view"}))

# id, kind, name, certified, admin: what every installation of the platform has.
_WELL_KNOWN: Final = (
    (1, "user", "migrationAdmin", 1, 1),
    (ADMIN_GROUP, "group", "Administrators", 0, 0),
    (CERTIFIED_GROUP, "group", "CertifiedUsers", 0, 0),
    (AUTHENTICATED, "group", "AUTHENTICATED_USERS", 0, 0),
    (PUBLIC, "group", "PUBLIC", 0, 0),
    (ANONYMOUS_ID, "user", "anonymous", 0, 0),
    (COMPLIANCE_TEAM, "team", "Synapse Access and Compliance Team", 0, 0),
)


def add_well_known(db: Connection, now: str) -> None:
    """Add the principals that always exist; those that are there stay as they are."""
    if scalar(db, "SELECT count(*) FROM sage_principals WHERE id = ?", (ANONYMOUS_ID,)):
        return
    for number, kind, name, certified, admin in _WELL_KNOWN:
        db.execute(
            "INSERT INTO sage_principals (id, kind, name, name_key, certified, is_admin, etag, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (number, kind, name, name.lower(), certified, admin, fresh_etag(), now),
        )


def add_user(
    db: Connection,
    name: str,
    now: str,
    *,
    number: int | None = None,
    email: str = "",
    certified: bool = True,
    admin: bool = False,
) -> int | None:
    """Get or create a user by its name, bringing e-mail and rights up to date. number: its id, given when None.

    Returns the id, or None when another principal has the name or the number.
    """
    row = one(db, "SELECT id, kind FROM sage_principals WHERE name_key = ?", (name.lower(),))
    if row is None:
        return _insert_user(db, name, now, number, (email, int(certified), int(admin)))
    if row["kind"] != "user" or row["id"] != (number or row["id"]):
        return None
    db.execute(
        "UPDATE sage_principals SET email = ?, certified = ?, is_admin = ? WHERE id = ?",
        (email, int(certified), int(admin), row["id"]),
    )
    return int(row["id"])


def _insert_user(db: Connection, name: str, now: str, number: int | None, rest: tuple[str, int, int]) -> int | None:
    values: tuple[Any, ...] = ("user", name, name.lower(), fresh_etag(), now, *rest)
    columns = "kind, name, name_key, etag, created, email, certified, is_admin"
    if number is not None:
        if scalar(db, "SELECT count(*) FROM sage_principals WHERE id = ?", (number,)):
            return None
        columns, values = f"id, {columns}", (number, *values)
    marks = ", ".join("?" * len(values))
    return int(scalar(db, f"INSERT INTO sage_principals ({columns}) VALUES ({marks}) RETURNING id", values))


def add_token(
    db: Connection, hashed: str, *, user: int, name: str, now: str, scopes: Iterable[str] = ALL_SCOPES
) -> int | None:
    """Register a token by its hash; returns its id, None when it is registered already."""
    row = one(
        db,
        "INSERT INTO sage_tokens (hash, user_id, name, scopes, created) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (hash) DO NOTHING RETURNING id",
        (hashed, user, name, " ".join(sorted(scopes)), now),
    )
    return None if row is None else int(row["id"])


def add_local(db: Connection, hashed: str, now: str) -> None:
    """Let the store's own token in: its user may do everything, as whoever may read the folder could anyway."""
    if scalar(db, "SELECT count(*) FROM sage_tokens WHERE hash = ?", (hashed,)):
        return
    for name in (LOCAL_USER, f"{LOCAL_USER}-{hashed[:8]}"):
        if scalar(db, "SELECT count(*) FROM sage_principals WHERE name_key = ? AND is_admin = 0", (name,)):
            continue  # a user of the seed has that name
        user = add_user(db, name, now, email="local@localhost", certified=True, admin=True)
        if user is not None:
            add_token(db, hashed, user=user, name="local", now=now)
            return


def find_caller(db: Connection, hashed: str) -> Caller | None:
    """Who has a token, None when nobody has."""
    row = one(
        db,
        "SELECT p.id, p.name, p.is_admin, p.certified, t.scopes FROM sage_tokens t"
        " JOIN sage_principals p ON p.id = t.user_id WHERE t.hash = ?",
        (hashed,),
    )
    if row is None:
        return None
    groups = groups_of(db, row["id"])
    scopes = frozenset(row["scopes"].split())
    return Caller(row["id"], row["name"], bool(row["is_admin"]), bool(row["certified"]), groups, scopes)


def groups_of(db: Connection, user: int) -> tuple[int, ...]:
    """Ids whose rights a user has: its own, its teams', everybody's, and those of certified users if it is one."""
    if user == ANONYMOUS_ID:
        return (ANONYMOUS_ID, PUBLIC)
    teams = db.execute("SELECT team_id FROM sage_team_members WHERE user_id = ? ORDER BY team_id", (user,))
    certified = (CERTIFIED_GROUP,) if scalar(db, "SELECT certified FROM sage_principals WHERE id = ?", (user,)) else ()
    return (user, PUBLIC, AUTHENTICATED, *certified, *(row["team_id"] for row in teams))


def find_principal(db: Connection, number: int) -> Row | None:
    """A user, team or group."""
    return one(db, "SELECT * FROM sage_principals WHERE id = ?", (number,))


def find_user(db: Connection, number: int) -> Row:
    """A user; 404 when the id is nobody's or a group's."""
    row = find_principal(db, number)
    if row is None or row["kind"] != "user":
        raise missing(f"UserProfile cannot be found for: {number}")
    return row


def find_by_prefix(db: Connection, prefix: str, limit: int, offset: int) -> Sequence[Row]:
    """Users and teams whose name begins like this, in any case."""
    pattern = prefix.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    return db.execute(
        "SELECT * FROM sage_principals WHERE name_key LIKE ? ESCAPE '\\' ORDER BY name_key LIMIT ? OFFSET ?",
        (pattern, limit, offset),
    ).fetchall()
