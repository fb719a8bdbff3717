"""Login, the calling user, tenants, access tokens, and the default storage.

`POST /users/login/`, `/v2/users/me/`, `/v2/tenants/`, `/v2/tokens/`, `/storages/`, `/agents/`, `/health/`.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any, Final

from reconciler.backend.database import Connection, Row, one, scalar
from reconciler.backend.datamaker.call import NO_CONTENT, Call
from reconciler.backend.datamaker.fields import Fields
from reconciler.backend.datamaker.listing import Selection, v2_list
from reconciler.backend.routing import Access, Route, Work
from reconciler.backend.store import add_token, new_token
from reconciler.backend.wire import ApiError, Response

_SCRYPT: Final = {"n": 1 << 14, "r": 8, "p": 1}
_LOGIN_TOKENS_KEPT: Final = 20


def hash_password(password: str) -> str:
    """Derive what is stored of a password: salt and scrypt result, hex."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}:{_scrypt(password, salt).hex()}"


def is_password(password: str, stored: str | None) -> bool:
    """Compare a password with what is stored; takes as long when nothing is stored."""
    salt, _, expected = (stored or f"{'00' * 16}:").partition(":")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)).hex(), expected)


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT)


def login(call: Call) -> Response:
    """Exchange e-mail and password for a token that needs a tenant header."""
    fields = Fields(call.request.object())
    fields.text("email", shortest=1, longest=320, required=True)
    fields.text("password", shortest=1, longest=1000, required=True)
    given = fields.done()
    with call.store.reading() as db:
        row = one(db, "SELECT id, password FROM users WHERE email = ?", (given["email"],))
    if not is_password(given["password"], row["password"] if row else None) or row is None:
        raise ApiError(400, "VALIDATION_ERROR", "Unable to log in with provided credentials.")
    token = secrets.token_hex(20)
    with call.store.writing() as db:
        add_token(db, token, user=row["id"], tenant=None, description="login", now=call.store.now())
        _forget_old_logins(db, row["id"])
    return call.reply({"token": token})


def _forget_old_logins(db: Connection, user: int) -> None:
    db.execute(
        "DELETE FROM tokens WHERE user_id = :user AND tenant_id IS NULL AND description = 'login' AND id NOT IN"
        " (SELECT id FROM tokens WHERE user_id = :user AND tenant_id IS NULL ORDER BY id DESC LIMIT :kept)",
        {"user": user, "kept": _LOGIN_TOKENS_KEPT},
    )


def me(call: Call) -> Response:
    """The calling user."""
    row = one(call.db, "SELECT id, email, name, is_admin FROM users WHERE id = ?", (call.identity.user,))
    assert row is not None
    return call.reply(
        {"id": row["id"], "email": row["email"], "name": row["name"], "is_synapse_admin": bool(row["is_admin"])}
    )


def _tenants(call: Call, *where: str, values: tuple[Any, ...] = ()) -> Selection:
    own = "id IN (SELECT tenant_id FROM members WHERE user_id = ?)"
    # A token of one tenant shows that tenant only.
    bound = ("id = ?",) if call.tenant else ()
    given = (call.identity.user, *((call.tenant,) if call.tenant else ()), *values)
    return Selection("*", "tenants", "id", (own, *bound, *where), given)


def _tenant_wire(row: Row) -> dict[str, Any]:
    return {"code": row["code"], "name": row["name"], "slug": row["slug"], "is_active": bool(row["is_active"])}


def list_tenants(call: Call) -> Response:
    """Tenants of the caller."""
    return v2_list(call, _tenants(call), _tenant_wire)


def get_tenant(call: Call) -> Response:
    """One tenant by its code."""
    chosen = _tenants(call, "code = ?", values=(call.request.params["code"],))
    row = call.find("The tenant", chosen.sql(tail=""), chosen.values)
    return call.reply(_tenant_wire(row))


def _token_wire(row: Row) -> dict[str, Any]:
    return {"id": row["id"], "description": row["description"], "last_used": row["last_used"]}


def _tokens(call: Call, *where: str, values: tuple[Any, ...] = ()) -> Selection:
    return Selection(
        "*", "tokens", "id", ("user_id = ?", "coalesce(tenant_id, 0) = ?", *where),
        (call.identity.user, call.tenant, *values),
    )  # fmt: skip


def list_tokens(call: Call) -> Response:
    """Tokens of the caller, without the tokens themselves."""
    return v2_list(call, _tokens(call), _token_wire)


def create_token(call: Call) -> Response:
    """Make a token for the caller and tenant; its text is in this answer only."""
    fields = Fields({} if call.request.json() is None else call.request.object())
    fields.text("description", longest=1000, default="")
    token = new_token()
    made = add_token(call.db, token, user=call.identity.user, tenant=call.tenant, now=call.store.now(), **fields.done())
    return call.reply({**_token_wire(_token(call, made)), "token": token}, 201)


def _token(call: Call, token: int | None) -> Row:
    chosen = _tokens(call, "id = ?", values=(token,))
    return call.find("The token", chosen.sql(tail=""), chosen.values)


def get_token(call: Call) -> Response:
    """One token of the caller."""
    return call.reply(_token_wire(_token(call, call.id())))


def delete_token(call: Call) -> Response:
    """Revoke a token."""
    call.db.execute("DELETE FROM tokens WHERE id = ?", (_token(call, call.id())["id"],))
    return NO_CONTENT


def list_storages(call: Call) -> Response:
    """The tenant's storage, an array of one."""
    wanted = call.query.text("category")
    rows = call.db.execute("SELECT * FROM storages WHERE tenant_id = ?", (call.tenant,)).fetchall()
    return call.reply([_storage_wire(row) for row in rows] if wanted in (None, "internal") else [])


def get_storage(call: Call) -> Response:
    """One storage."""
    row = call.find("The storage", "SELECT * FROM storages WHERE id = ? AND tenant_id = ?", (call.id(), call.tenant))
    return call.reply(_storage_wire(row))


def _storage_wire(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "category": "internal",
        "provider": row["provider"],
        "configuration": {},
        "is_default": True,
    }


def open_session(call: Call) -> Response:
    """`POST /storages/{id}/session/`: what a client needs to reach the storage; this one is reached by URLs only."""
    fields = Fields(call.request.object())
    fields.text("purpose", choices=("read", "write"), required=True)
    fields.done()
    row = call.find("The storage", "SELECT * FROM storages WHERE id = ? AND tenant_id = ?", (call.id(), call.tenant))
    return call.reply({"provider": row["provider"], "configuration": {}, "expires_at": None, "contract_version": 1})


def storage_id(call: Call, db: Connection) -> int:
    """Id of the tenant's storage."""
    return int(scalar(db, "SELECT id FROM storages WHERE tenant_id = ?", (call.tenant,)))


def list_agents(call: Call) -> Response:
    """Agents: there are none here; clients call this to check their token."""
    return call.reply({"count": 0, "next": None, "previous": None, "results": []})


def health(call: Call) -> Response:
    """Say that the server answers."""
    return call.reply({"status": "ok"})


ROUTES = (
    Route("GET", "/health/", health, Work.NONE, access=Access.ANYONE),
    Route("POST", "/users/login/", login, Work.NONE, access=Access.ANYONE),
    Route("GET", "/v2/users/me/", me, access=Access.USER),
    Route("GET", "/v2/tenants/", list_tenants, access=Access.USER),
    Route("GET", "/v2/tenants/{code}/", get_tenant, access=Access.USER),
    Route("GET", "/v2/tokens/", list_tokens),
    Route("POST", "/v2/tokens/", create_token, Work.WRITE, "create"),
    Route("GET", "/v2/tokens/{id}/", get_token),
    Route("DELETE", "/v2/tokens/{id}/", delete_token, Work.WRITE, "destroy"),
    Route("GET", "/storages/", list_storages),
    Route("GET", "/storages/{id}/", get_storage),
    Route("POST", "/storages/{id}/session/", open_session),
    Route("GET", "/agents/", list_agents),
)
