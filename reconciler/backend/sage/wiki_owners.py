"""What a wiki belongs to, an entity or an evaluation, and the operations that each kind of owner has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from reconciler.backend.sage.acls import has_right
from reconciler.backend.sage.body import entity_id, plain_id
from reconciler.backend.sage.call import Call, syn
from reconciler.backend.sage.errors import forbidden, missing
from reconciler.backend.sage.evaluations import find_evaluation
from reconciler.backend.sage.nodes import find_node, may
from reconciler.backend.sage.routes import VIEW, SageRoute, moves_bytes, reads, writes
from reconciler.backend.wire import Response

ENTITY: Final = "ENTITY"
EVALUATION: Final = "EVALUATION"
_PREFIXES: Final = (
    ("/entity/{owner}", ENTITY),
    ("/evaluation/{owner}", EVALUATION),
    ("/access_requirement/{owner}", "ACCESS_REQUIREMENT"),
)


@dataclass(frozen=True, slots=True)
class Owner:
    """kind: as in `ownerObjectType`."""

    kind: str
    id: int

    @property
    def wire_id(self) -> str:
        """Its id as the wire has it."""
        return syn(self.id) if self.kind == ENTITY else str(self.id)


Handler = Callable[[Call, Owner], Response]


def find_owner(call: Call, kind: str, text: str, access: str) -> Owner:
    """An owner on which the caller has a right; 404 when there is none, 403 without the right."""
    if kind == ENTITY:
        owner = Owner(kind, entity_id(text))
        is_allowed = may(call, find_node(call.db, owner.id), access)
    elif kind == EVALUATION:
        owner = Owner(kind, find_evaluation(call.db, entity_id(text))["id"])
        is_allowed = has_right(call.db, call.caller, EVALUATION, owner.id, access)
    else:
        raise missing(f"Access requirement {plain_id(text)} does not exist.")
    if not is_allowed:
        raise forbidden(f"User is not authorized to {access} on a WikiPage with a ownerId: {text} of type: {kind}")
    return owner


def owner_of(call: Call, kind: str, access: str) -> Owner:
    """The owner that the path names."""
    return find_owner(call, kind, call.request.params["owner"], access)


def _with_owner(handler: Handler, kind: str, access: str, call: Call) -> Response:
    return handler(call, owner_of(call, kind, access))


def wiki_reads(method: str, template: str, handler: Handler, *, scopes: frozenset[str] = VIEW) -> tuple[SageRoute, ...]:
    """An operation that reads, for each kind of owner."""
    return tuple(
        reads(method, prefix + template, partial(_with_owner, handler, kind, "READ"), anonymous=True, scopes=scopes)
        for prefix, kind in _PREFIXES
    )


def wiki_writes(method: str, template: str, handler: Handler, access: str) -> tuple[SageRoute, ...]:
    """An operation that writes, for each kind of owner. access: the right on the owner that it needs."""
    return tuple(
        writes(method, prefix + template, partial(_with_owner, handler, kind, access)) for prefix, kind in _PREFIXES
    )


def wiki_moves_bytes(
    method: str, template: str, handler: Callable[[str, str, Call], Response], access: str
) -> tuple[SageRoute, ...]:
    """An operation that opens its transactions itself, for each kind of owner; the handler looks for the owner."""
    return tuple(moves_bytes(method, prefix + template, partial(handler, kind, access)) for prefix, kind in _PREFIXES)
