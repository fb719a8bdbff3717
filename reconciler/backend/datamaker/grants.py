"""Granting roles: invitations of members and groups, and who was granted which."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from reconciler.backend.database import scalar
from reconciler.backend.datamaker.call import Call
from reconciler.backend.datamaker.fields import MAX_ID
from reconciler.backend.datamaker.role_targets import Find, Target
from reconciler.backend.wire import FieldError, Response, invalid

ROLES: Final = {"leader": "Leader", "manager": "Manager", "viewer": "Viewer"}
PRIMARY_ROLE: Final = "leader"


def granted(call: Call, target: Target) -> dict[str, Any]:
    """Roles by member and by group."""
    sql = "SELECT member_id, group_id, role FROM grants WHERE kind = ? AND target_id = ? ORDER BY id"
    members: dict[int, list[str]] = {}
    groups: dict[int, list[str]] = {}
    for member, group, role in call.db.execute(sql, (target.kind, target.id)):
        (members if group is None else groups).setdefault(member if group is None else group, []).append(role)
    return {
        "member_roles": [{"member": one, "role": granted} for one, granted in members.items()],
        "group_roles": [{"group": one, "role": granted} for one, granted in groups.items()],
    }


def invite(find: Find) -> Callable[[Call], Response]:
    """`POST …/invite/`: grant roles to members and groups; what is granted already stays."""

    def handler(call: Call) -> Response:
        target = find(call)
        wanted = _read_invitation(call)
        for who, one_id, code in wanted:
            sql = f"INSERT INTO grants (kind, target_id, {who}_id, role) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
            call.db.execute(sql, (target.kind, target.id, one_id, code))
        return call.reply(granted(call, target))

    return handler


def _read_invitation(call: Call) -> list[tuple[str, int, str]]:
    """(member or group, id, role) of both documented forms of the body: entries with roles, or ids and one role."""
    body = call.request.object()
    errors: list[FieldError] = []
    wanted: list[tuple[str, int, str]] = []
    for who in ("member", "group"):
        entries = _entries(body.get(f"{who}_roles", []), f"{who}_roles", errors)
        short = _entries(body.get(f"{who}_ids", []), f"{who}_ids", errors)
        pairs = [(f"{who}_roles[{index}]", one.get(who), one.get("role")) for index, one in enumerate(entries)]
        pairs += [(f"{who}_ids[{index}]", one, body.get("role_code")) for index, one in enumerate(short)]
        for where, one_id, role in pairs:
            wanted += [(who, one_id, code) for code in _checked(call, who, one_id, role, where, errors)]
    if errors:
        raise invalid(errors)
    return wanted


def _entries(value: Any, name: str, errors: list[FieldError]) -> Sequence[Any]:
    kind = int if name.endswith("_ids") else dict
    if isinstance(value, list) and all(isinstance(one, kind) for one in value):
        return value
    errors.append(FieldError(name, f"must be a list of {'ids' if kind is int else 'objects'}"))
    return ()


def _checked(call: Call, who: str, one_id: Any, role: Any, where: str, errors: list[FieldError]) -> list[str]:
    table = "members" if who == "member" else "workspace_groups"
    sql = f"SELECT 1 FROM {table} WHERE id = ? AND tenant_id = ?"
    if type(one_id) is not int or not 0 <= one_id <= MAX_ID or not scalar(call.db, sql, (one_id, call.tenant)):
        errors.append(FieldError(f"{where}.{who}", f"is no {who} of the workspace"))
    codes = role if isinstance(role, list) else [role]
    if not codes or not all(isinstance(code, str) and code in ROLES for code in codes):
        errors.append(FieldError(f"{where}.role", f"must be one of {', '.join(ROLES)}, or a list of them"))
        return []
    return list(dict.fromkeys(codes))
