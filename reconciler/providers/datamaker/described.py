"""Objects that are a name, a description and a few plain settings: the service keeps nothing free with them.

Our marker is the last line of the description. A kind of this sort is one line of data in `kinds`.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model.address import Address
from reconciler.model.json import JSON, digest
from reconciler.model.observed import Found
from reconciler.providers.datamaker.marker import marked_text, text_owner, unmarked_text
from reconciler.providers.datamaker.objects import RestKind

Wire = Mapping[str, JSON]


def described(path: str, settings: Mapping[str, str] | None = None, texts: frozenset[str] = frozenset()) -> RestKind:
    """How such a kind is spoken of.

    settings: our field → wire field. texts: those of our fields whose surrounding white space means nothing; they are
    sent with one line end, and services that trim what they get make no difference.
    """
    names = settings or {}

    def from_wire(wire: Wire) -> Found:
        fields: dict[str, JSON] = {"title": wire.get("name"), "description": unmarked_text(wire.get("description"))}
        for ours, theirs in names.items():
            if theirs in wire:
                fields[ours] = str(wire[theirs] or "").strip() if ours in texts else wire[theirs]
        owner = text_owner(wire.get("description"))
        return Found(str(wire["id"]), fields, etag=digest([fields, owner]), owner=owner)

    def to_wire(fields: Wire, address: Address, observed: Wire | None = None) -> dict[str, JSON]:
        del observed
        wire: dict[str, JSON] = {
            "name": fields["title"],
            "description": marked_text(fields.get("description") or "", address),
        }
        for ours, theirs in names.items():
            if ours in fields:
                wire[theirs] = f"{fields[ours]}\n" if ours in texts else fields[ours]
        return wire

    return RestKind(path, "name", from_wire, to_wire)
