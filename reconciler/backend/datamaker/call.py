"""What a handler gets: the request, who is calling, the store and the open transaction; and how it answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.backend.database import Connection, Row, Values, one
from reconciler.backend.store import Settings, Store
from reconciler.backend.wire import Query, Request, Response, encode_json, json_response, not_found


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is calling. tenant: 0 when the caller named none, which only account paths allow."""

    user: int
    tenant: int
    token: int


ANONYMOUS = Identity(0, 0, 0)


@dataclass(slots=True)
class Call:
    """One authenticated request on its way through a handler.

    takes_packs: whether to announce that several small files may come in one request; only over HTTP is that worth it.
    """

    store: Store
    request: Request
    identity: Identity
    request_id: str
    connection: Connection | None = None
    takes_packs: bool = False

    @property
    def db(self) -> Connection:
        """The connection of the transaction that the dispatcher opened."""
        assert self.connection is not None, "this route opens its transactions itself"
        return self.connection

    @property
    def tenant(self) -> int:
        """Id of the caller's tenant."""
        return self.identity.tenant

    @property
    def query(self) -> Query:
        """The query parameters."""
        return self.request.query

    @property
    def settings(self) -> Settings:
        """The store's settings."""
        return self.store.settings

    @property
    def is_v2(self) -> bool:
        """Whether the path belongs to the enveloped dialect."""
        return self.request.path.startswith("/v2/")

    @property
    def is_dry_run(self) -> bool:
        """Whether nothing may be written; only v2 knows dry runs."""
        return self.is_v2 and bool(self.query.boolean("dry_run"))

    def id(self, name: str = "id") -> int:
        """A captured identifier; what is no positive number below 2^31 names nothing, so it is a 404."""
        text = self.request.params[name]
        if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) >= 1 << 31:
            raise not_found("This object")
        return int(text)

    def find(self, what: str, sql: str, values: Values) -> Row:
        """The first row that is selected. Raises `ApiError` 404 without one. what: its name in the message."""
        row = one(self.db, sql, values)
        if row is None:
            raise not_found(what)
        return row

    def optional_id(self, value: int | None) -> int | None:
        """An id that may be missing, as the dialect setting wants it written."""
        return 0 if value is None and self.settings.sdk_compat else value

    def reply(self, data: Any, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Response:
        """Answer with one object, enveloped on v2 paths."""
        return self.reply_text(encode_json(data), status, headers)

    def reply_text(self, text: str, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Response:
        """Answer with JSON text that is encoded already."""
        if self.is_v2:
            text = f'{{"data":{text},"meta":{{"request_id":"{self.request_id}"}}}}'
        return json_response(text, status, headers)


NO_CONTENT = Response(204)
