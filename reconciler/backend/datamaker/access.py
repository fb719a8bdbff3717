"""Who is calling: tokens in either header and either spelling, tenants, and nothing without a token."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from reconciler.backend.database import Connection, Row, one, scalar
from reconciler.backend.datamaker.call import Identity
from reconciler.backend.routing import Access
from reconciler.backend.store import Store, token_hash
from reconciler.backend.wire import ApiError, Request, denied

_USED_RESOLUTION: Final = timedelta(hours=1)  # `last_used` is a hint; writing it at every request would cost a commit

_FIND_TOKEN: Final = """
SELECT tokens.id, user_id, tenant_id, last_used, tenants.code FROM tokens
LEFT JOIN tenants ON tenants.id = tenant_id WHERE hash = ?"""


def authenticate(store: Store, request: Request, access: Access) -> Identity:
    """Find out who is calling.

    Raises ApiError 401 without a valid token, 403 when the tenant is foreign, or missing where one is needed.
    """
    token = _presented_token(request)
    if not token:
        raise ApiError(401, "AUTHENTICATION_REQUIRED", "Authentication credentials were not provided.")
    with store.reading() as db:
        row = one(db, _FIND_TOKEN, (token_hash(token),))
        if row is None:
            raise ApiError(401, "AUTHENTICATION_REQUIRED", "The token is not valid.")
        tenant = _tenant(db, row, _plain(request.header("Synapse-Tenant")), access)
    _note_use(store, row)
    return Identity(row["user_id"], tenant, row["id"])


def _presented_token(request: Request) -> str:
    return _plain(request.header("Synapse-Access-Token")) or _plain(request.header("Authorization"))


def _plain(value: str | None) -> str:
    """Strip the scheme word that the older dialect puts before tokens and tenants."""
    text = (value or "").strip()
    scheme, _, rest = text.partition(" ")
    return rest.strip() if scheme.lower() in ("token", "bearer") else text


def _tenant(db: Connection, row: Row, code: str, access: Access) -> int:
    if row["tenant_id"] is not None:
        if code and code != row["code"]:
            raise denied("The token belongs to another tenant.")
        return int(row["tenant_id"])
    if not code:
        if access is Access.USER:
            return 0
        raise denied("A tenant is needed: send its code in the header SYNAPSE-Tenant.")
    tenant = scalar(
        db,
        "SELECT tenants.id FROM tenants JOIN members ON members.tenant_id = tenants.id WHERE code = ? AND user_id = ?",
        (code, row["user_id"]),
    )
    if tenant is None:
        raise denied("You are not a member of this tenant.")
    return int(tenant)


def _note_use(store: Store, row: Row) -> None:
    now = datetime.fromtimestamp(store.clock(), UTC)
    last = row["last_used"]
    if last is not None and now - datetime.fromisoformat(last) < _USED_RESOLUTION:
        return
    with store.writing() as db:
        db.execute("UPDATE tokens SET last_used = ? WHERE id = ?", (store.now(), row["id"]))
