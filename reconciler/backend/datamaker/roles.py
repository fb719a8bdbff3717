"""Roles on collections and projects, and what one may do there: the membership family of `/v2/`.

Roles are granted by invitation and by accepted join requests; there is no way to take one back, in either dialect.
Every member of the workspace may do everything here whatever the roles say: they are kept and shown, not enforced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from reconciler.backend.database import scalar
from reconciler.backend.datamaker import join_requests
from reconciler.backend.datamaker.call import Call
from reconciler.backend.datamaker.grants import PRIMARY_ROLE, ROLES, granted, invite
from reconciler.backend.datamaker.members import member_role
from reconciler.backend.datamaker.role_targets import CHILDREN, FAMILIES, Find, Target
from reconciler.backend.routing import Route, Work
from reconciler.backend.wire import Response, denied

_ACTIONS: Final = ("read", "add", "change", "delete")
_VIEWER_ACTIONS: Final = ("read",)


def _role_wire(code: str) -> dict[str, Any]:
    return {"id": list(ROLES).index(code) + 1, "code": code, "display_name": ROLES[code]}


def _own_role(call: Call, target: Target) -> tuple[str, str]:
    """The caller's role on a target, and where it comes from."""
    if member_role(call) in ("owner", "admin"):
        return PRIMARY_ROLE, "workspace_role"
    sql = (
        "SELECT g.role FROM grants g JOIN members m ON m.id = g.member_id WHERE g.kind = ? AND g.target_id = ?"
        " AND m.user_id = ? ORDER BY g.id LIMIT 1"
    )
    own = scalar(call.db, sql, (target.kind, target.id, call.identity.user))
    return (own, "member_role") if own else ("manager", "workspace_role")


def _permissions(target: Target, role: str) -> list[str]:
    return [f"{target.app}.{one}" for one in (_VIEWER_ACTIONS if role == "viewer" else _ACTIONS)]


def permissions(find: Find) -> Callable[[Call], Response]:
    """`GET …/permissions/`: the caller's role and permissions."""

    def handler(call: Call) -> Response:
        target = find(call)
        role, source = _own_role(call, target)
        wire = {"role": _role_wire(role), "permissions": _permissions(target, role), "role_source": source}
        return call.reply(wire)

    return handler


def check_permission(find: Find) -> Callable[[Call], Response]:
    """`GET …/check_permission/?permission=`: 403 without it. A bare action such as `read` will do."""

    def handler(call: Call) -> Response:
        target = find(call)
        wanted = call.query.text("permission") or "read"
        allowed = _permissions(target, _own_role(call, target)[0])
        if wanted not in allowed and f"{target.app}.{wanted}" not in allowed:
            raise denied("You do not have this permission.")
        return call.reply({"permission": wanted, "has_permission": True})

    return handler


def roles(find: Find) -> Callable[[Call], Response]:
    """`GET …/roles/`: the roles that exist, and who was granted which."""

    def handler(call: Call) -> Response:
        target = find(call)
        return call.reply({"roles": [_role_wire(code) for code in ROLES], **granted(call, target)})

    return handler


def grantable_roles(find: Find) -> Callable[[Call], Response]:
    """`GET …/grantable_roles/`: the primary role can be granted only by who has it."""

    def handler(call: Call) -> Response:
        role, _ = _own_role(call, find(call))
        return call.reply({"roles": [_role_wire(code) for code in ROLES if code != PRIMARY_ROLE or role == code]})

    return handler


def default_roles(call: Call) -> Response:
    """`GET …/default_roles/`."""
    return call.reply({"roles": [_role_wire(code) for code in ROLES]})


def _reading_routes(base: str, find: Find) -> tuple[Route, ...]:
    return (
        Route("GET", f"{base}check_permission/", check_permission(find)),
        Route("GET", f"{base}permissions/", permissions(find)),
        Route("GET", f"{base}roles/", roles(find)),
    )


def _family_routes(base: str, find: Find) -> tuple[Route, ...]:
    own = f"{base}{{id}}/"
    return (
        *_reading_routes(own, find),
        Route("GET", f"{base}default_roles/", default_roles),
        Route("GET", f"{own}grantable_roles/", grantable_roles(find)),
        Route("POST", f"{own}invite/", invite(find), Work.WRITE, "invite"),
        *join_requests.routes(base, find),
    )


ROUTES: Final[tuple[Route, ...]] = (
    *(route for base, find in FAMILIES.items() for route in _family_routes(base, find)),
    *(route for base, find in CHILDREN.items() for route in _reading_routes(base, find)),
)
