"""What stands for one upload that was handed out: its file key, and presigned URLs.

Nothing is remembered: a file key carries the upload's number, size and part size, and a signature over these, tenant
and collection.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from reconciler.backend.datamaker.call import Call
from reconciler.backend.store import Store

_PARTS_LIMIT: Final = 1000
_KEY: Final = re.compile(r"([0-9]{1,10})/([0-9a-f]{32})\.([0-9]{1,16})\.([0-9]{1,16})\.([0-9a-f]{32})/(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Ticket:
    """One upload that was handed out. scope: id of the collection, 0 for v1. part_size: 0 for a single PUT."""

    scope: int
    upload: str
    size: int
    part_size: int
    name: str
    key: str

    @property
    def part_count(self) -> int:
        """How many parts there are, 0 for a single PUT."""
        return -(-self.size // self.part_size) if self.part_size else 0

    def staged_name(self, part: int) -> str:
        """Name of the staged file of a part, 0 for the whole."""
        return f"{self.upload}.{part}" if part else self.upload


def issue(call: Call, scope: int, filename: str, size: int) -> Ticket:
    """Make a ticket for a file."""
    threshold = call.settings.multipart_threshold
    part_size = max(threshold, -(-size // _PARTS_LIMIT)) if size > threshold else 0
    upload = secrets.token_hex(16)
    leaf = quote(filename.replace("\\", "/").rstrip("/").rpartition("/")[2] or "file", safe="")
    if len(leaf) > 800:  # a file key has at most 1024 characters
        leaf = re.sub("%[0-9A-F]{2}", "_", leaf)[-800:]
    signature = call.store.signer.sign("key", call.tenant, scope, upload, size, part_size, leaf)
    key = f"{scope}/{upload}.{size}.{part_size}.{signature}/{leaf}"
    return Ticket(scope, upload, size, part_size, unquote(leaf), key)


def read_key(key: str) -> tuple[Ticket, str] | None:
    """Take a file key apart into the ticket and its signature, unverified; None when it is malformed."""
    found = _KEY.fullmatch(key)
    if not found:
        return None
    scope, upload, size, part_size, signature, leaf = found.groups()
    return Ticket(int(scope), upload, int(size), int(part_size), unquote(leaf), key), signature


def verified_ticket(call: Call, scope: int, key: str) -> Ticket | None:
    """The ticket of a key that we handed out to this tenant for this scope, else None."""
    found = read_key(key)
    if found is None or found[0].scope != scope:
        return None
    ticket, signature = found
    parts = (call.tenant, scope, ticket.upload, ticket.size, ticket.part_size, key.split("/", 2)[2])
    return ticket if call.store.signer.is_valid(signature, "key", *parts) else None


def presigned_url(store: Store, base_url: str, ticket: Ticket, part: int, expires: int) -> str:
    """URL for the PUT of a whole file (part 0) or of one part. expires: seconds since the epoch."""
    signature = store.signer.sign("put", ticket.key, part, expires)
    return f"{base_url}/uploads/{quote(ticket.key)}?part={part}&expires={expires}&signature={signature}"
