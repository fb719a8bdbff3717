"""Class configuration of projects: class names ↔ the service's `configuration.classification`. Pure.

The caller makes the ids, so they are derived from address, annotation type and class name: the same declaration gives
the same ids everywhere, and ids that are there already stay. Colours are derived from the class name.

Shape: `{type: {"id", "representativeCodes", "classification_schema": [{"id", "code", "name", "value": "#RRGGBB",
"is_default", "customFields", "attributes"}]}}`.
"""

from __future__ import annotations

import colorsys
import hashlib
import uuid
from collections.abc import Mapping, Sequence

from reconciler.model.address import Address
from reconciler.model.json import JSON

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://reconciler.dev/v1/classification")


def names_of(classification: JSON) -> dict[str, list[str]]:
    """Class names by annotation type, in their order."""
    if not isinstance(classification, Mapping):
        return {}
    return {tool: [entry["name"] for entry in _entries(block)] for tool, block in classification.items()}


def expand(classes: Mapping[str, Sequence[str]], address: Address, observed: JSON = None) -> dict[str, JSON]:
    """The full classification for these classes; entries that exist keep their ids, colours and attributes."""
    there = observed if isinstance(observed, Mapping) else {}
    return {tool: _block(tool, names, address, there.get(tool)) for tool, names in classes.items()}


def _block(tool: str, names: Sequence[str], address: Address, there: JSON) -> dict[str, JSON]:
    known = {entry["name"]: entry for entry in _entries(there)}
    entries = [known.get(name) or _entry(tool, name, address) for name in names]
    fresh = {"id": _id(address, tool), "representativeCodes": []}
    return {**fresh, **(there if isinstance(there, Mapping) else {}), "classification_schema": entries}


def _entry(tool: str, name: str, address: Address) -> dict[str, JSON]:
    return {
        "id": _id(address, tool, name),
        "code": name,
        "name": name,
        "value": colour(name),
        "is_default": False,
        "customFields": {},
        "attributes": [],
    }


def _entries(block: JSON) -> list[Mapping[str, JSON]]:
    entries = block.get("classification_schema") if isinstance(block, Mapping) else None
    entries = entries if isinstance(entries, list) else []
    return [entry for entry in entries if isinstance(entry, Mapping) and isinstance(entry.get("name"), str)]


def _id(address: Address, *parts: str) -> str:
    """A UUID (version 5) of address and parts; NUL cannot occur in them, so it separates."""
    return str(uuid.uuid5(_NAMESPACE, "\0".join((str(address), *parts))))


def colour(name: str) -> str:
    """A colour for a class name, "#RRGGBB": hue from its hash, saturation and value fixed, so that it shows."""
    hue = int.from_bytes(hashlib.sha256(name.encode()).digest()[:2], "big") / 65536
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.75, 0.95))
    return f"#{red:02X}{green:02X}{blue:02X}"
