"""What a handler gets: the request, who is calling, the store and the open transaction; and how it answers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from reconciler.backend.database import Connection
from reconciler.backend.sage.body import Body, body_of, entity_id, plain_id
from reconciler.backend.store import Store
from reconciler.backend.wire import Query, Request, Response, encode_json, json_response

P: Final = "org.sagebionetworks.repo.model"  # prefix of all type names
MAX_LIMIT: Final = 1000
TOKEN_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling. groups: ids whose rights the caller has, its own included."""

    id: int
    name: str
    is_admin: bool
    is_certified: bool
    groups: tuple[int, ...]
    scopes: frozenset[str] = field(default_factory=frozenset)


@dataclass(slots=True)
class Call:
    """One authenticated request on its way through a handler."""

    store: Store
    request: Request
    caller: Caller
    connection: Connection | None = None
    _now: str = ""

    @property
    def db(self) -> Connection:
        """The connection of the transaction that the dispatcher opened."""
        assert self.connection is not None, "this route opens its transactions itself"
        return self.connection

    @property
    def query(self) -> Query:
        """The query parameters."""
        return self.request.query

    @property
    def body(self) -> Body:
        """The body as an object."""
        return body_of(self.request)

    @property
    def now(self) -> str:
        """The time of the call, ISO 8601 in UTC with milliseconds: one for all that it does."""
        self._now = self._now or iso(self.store.clock())
        return self._now

    def entity(self, name: str = "id") -> int:
        """A captured entity id."""
        return entity_id(self.request.params[name])

    def id(self, name: str = "id") -> int:
        """Any other captured id."""
        return plain_id(self.request.params[name])


def iso(seconds: float) -> str:
    """A time as the dialect writes it: `2024-05-06T07:08:09.123Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fresh_etag() -> str:
    """An etag that was never used."""
    return str(uuid.uuid4())


def syn(entity: int) -> str:
    """An entity's id as the wire has it."""
    return f"syn{entity}"


def reply(data: Mapping[str, Any] | list[Any] | int, status: int = 200) -> Response:
    """Answer with JSON; absent values are left out, never null."""
    return json_response(encode_json(without_nulls(data)), status)


def empty(status: int = 200) -> Response:
    """Answer without a body, and without calling it JSON."""
    return Response(status)


NO_CONTENT: Final = Response(204)


def text_reply(text: str) -> Response:
    """Answer with plain text."""
    return Response(200, text.encode(), (("Content-Type", "text/plain; charset=utf-8"),))


def url_reply(call: Call, url: str) -> Response:
    """Answer with a URL: as text for `redirect=false`, else by sending the caller there."""
    if call.query.boolean("redirect") is False:
        return text_reply(url)
    return Response(307, headers=(("Location", url),))


class Verbatim(dict[str, Any]):
    """An object in which null is a value, as in a JSON schema: it is answered as it is."""


def without_nulls(value: Any) -> Any:
    """The value with keys left out whose value is None, at any depth; lists keep theirs, and so does `Verbatim`."""
    if isinstance(value, Verbatim):
        return value
    if isinstance(value, Mapping):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [without_nulls(inner) for inner in value]
    return value
