"""The part of the seed document that is for this dialect: users with their tokens."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.backend.database import Connection
from reconciler.backend.sage.principals import add_token, add_user
from reconciler.backend.store import token_hash
from reconciler.errors import ConfigError, Problem


@dataclass(frozen=True, slots=True)
class SageUser:
    """A user to get or create. id: None for the next free one."""

    name: str
    id: int | None = None
    email: str = ""
    is_certified: bool = True
    is_admin: bool = False
    tokens: tuple[str, ...] = field(default=(), repr=False)


def apply_users(db: Connection, users: tuple[SageUser, ...], now: str) -> None:
    """Write users and tokens. Raises ConfigError when a name or an id is taken by somebody else."""
    for user in users:
        made = add_user(
            db, user.name, now, number=user.id, email=user.email, certified=user.is_certified, admin=user.is_admin
        )
        if made is None:
            problem = f"sage.users: the name {user.name} or its id belongs to another user, team or group of the store"
            raise ConfigError([Problem(problem, fix="choose another name or id, or a new store")])
        for token in user.tokens:
            add_token(db, token_hash(token), user=made, name=f"seed {token_hash(token)[:8]}", now=now)
