"""Ownership markers: how remote objects say which declared resource or unit they are.

They live under one key of the free JSON that every object has, beside whatever others keep there:

- collections, `meta.reconciler`, and projects, `configuration.reconciler`: `{"address": "Collection/chest-ct",
  "version": 1}`;
- units, `meta.reconciler`: `{"set": "ct-2026", "key": "patient_001"}`.

Objects without free JSON (ground truth data sets, …) carry it in their description, as the last line:
`reconciler: GroundTruthDataset/ct-gold`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.model.address import Address
from reconciler.model.json import JSON

MARKER = "reconciler"
VERSION = 1


def object_marker(address: Address) -> dict[str, JSON]:
    """The marker of a resource."""
    return {"address": str(address), "version": VERSION}


def object_owner(holder: JSON) -> str | None:
    """The address in the marker of a collection's `meta` or a project's `configuration`; None without a marker."""
    marker = holder.get(MARKER) if isinstance(holder, Mapping) else None
    address = marker.get("address") if isinstance(marker, Mapping) else None
    return address if isinstance(address, str) else None


def unit_marker(address: Address) -> dict[str, JSON]:
    """The marker of a unit: name of its AssetSet and key."""
    return {"set": address.name, "key": address.key}


def unit_owner(meta: JSON) -> Address | None:
    """The address in a unit's marker; None without one."""
    marker = meta.get(MARKER) if isinstance(meta, Mapping) else None
    if not isinstance(marker, Mapping):
        return None
    name, key = marker.get("set"), marker.get("key")
    return Address("AssetSet", name, key) if isinstance(name, str) and isinstance(key, str) else None


def without_marker(meta: JSON) -> dict[str, JSON]:
    """Free JSON without the marker; {} when it is no object."""
    return {key: value for key, value in meta.items() if key != MARKER} if isinstance(meta, Mapping) else {}


_LINE = re.compile(r"(?:\A|\n+)reconciler: (?P<address>[A-Z][A-Za-z]*/[a-z0-9._-]+)\s*\Z")


def marked_text(text: str, address: Address) -> str:
    """A description with our marker as its last line, after an empty one."""
    line = f"reconciler: {address}"
    plain = unmarked_text(text)
    return f"{plain}\n\n{line}" if plain else line


def text_owner(text: JSON) -> str | None:
    """The address in a marked description; None without a marker."""
    match = _LINE.search(text) if isinstance(text, str) else None
    return match["address"] if match else None


def unmarked_text(text: JSON) -> str:
    """A description without the marker; "" when there is none."""
    return _LINE.sub("", text) if isinstance(text, str) else ""
