"""Addresses: how people, plans and state name a resource or one unit of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_ADDRESS = re.compile(
    r"(?P<kind>[A-Z][A-Za-z]*)/(?P<name>[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)(?:\[(?P<key>\".*\")\])?", re.S
)


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """`Kind/name`, or `Kind/name["key"]` for one row (data unit, task, exported item) of a resource.

    The key is written as a JSON string, so that any character can be typed and read back.
    """

    kind: str
    name: str
    key: str | None = None

    def __str__(self) -> str:
        base = f"{self.kind}/{self.name}"
        return base if self.key is None else f"{base}[{json.dumps(self.key, ensure_ascii=False)}]"

    @property
    def resource(self) -> Address:
        """The address of the resource that this row belongs to."""
        return self if self.key is None else Address(self.kind, self.name)

    def row(self, key: str) -> Address:
        """The address of one row of this resource."""
        return Address(self.kind, self.name, key)


def parse_address(text: str) -> Address:
    """Read an address as `str(address)` writes it. Raises ValueError with the expected form."""
    match = _ADDRESS.fullmatch(text)
    if not match:
        raise ValueError(f'{text!r} is not an address; write Kind/name, or Kind/name["key"] for one unit')
    key = match["key"]
    return Address(match["kind"], match["name"], None if key is None else json.loads(key))
