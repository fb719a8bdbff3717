"""How a service declares its operations. Templates begin after `/repo/v1`, `/auth/v1` or `/file/v1`.

As on the real service, every operation answers below each of the three roots.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from reconciler.backend.routing import Access, Route, Work

VIEW: Final = frozenset({"view"})
MODIFY: Final = frozenset({"modify"})
VIEW_AND_MODIFY: Final = VIEW | MODIFY
DOWNLOAD: Final = frozenset({"view", "download"})
AUTHORIZE: Final = frozenset({"authorize"})


@dataclass(frozen=True, slots=True)
class SageRoute(Route):
    """An operation and what a token must be allowed to do for it."""

    scopes: frozenset[str] = VIEW


def reads(
    method: str,
    template: str,
    handler: Callable[..., Any],
    *,
    anonymous: bool = False,
    scopes: frozenset[str] = VIEW,
) -> SageRoute:
    """An operation that reads. anonymous: also without a token, for what the public may read."""
    access = Access.ANYONE if anonymous else Access.USER
    return SageRoute(method, template, handler, Work.READ, access=access, scopes=scopes)


def writes(
    method: str, template: str, handler: Callable[..., Any], *, scopes: frozenset[str] | None = None
) -> SageRoute:
    """An operation that writes."""
    needed = scopes or (MODIFY if method == "DELETE" else VIEW_AND_MODIFY)
    return SageRoute(method, template, handler, Work.WRITE, access=Access.USER, scopes=needed)


def moves_bytes(
    method: str, template: str, handler: Callable[..., Any], *, scopes: frozenset[str] = VIEW_AND_MODIFY
) -> SageRoute:
    """An operation that opens its transactions itself."""
    return SageRoute(method, template, handler, Work.NONE, access=Access.USER, scopes=scopes)
