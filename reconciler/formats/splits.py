"""Which part of a data set an item belongs to; the same answer for the same key, whatever else is there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from reconciler.model.json import JSON
from reconciler.model.resource import Splits

_STEPS: Final = 1 << 53  # every step is exact in a float


def assign_split(key: str, splits: Splits | None, category: str | None, meta: Mapping[str, JSON]) -> str | None:
    """The split of one item, None without splits or when the item does not say.

    By ratios: SHA-256 of seed and key, read as a fraction in [0, 1), falls into one of the shares in their order. New
    items never move old ones. By "category": the ground truth category. By "meta.KEY": that metadata value as text. By
    "list": what the list says of the key.
    """
    if splits is None:
        return None
    if splits.by is None:
        return _by_ratio(key, splits)
    if splits.by == "list":
        return splits.assigned.get(key)
    value = category if splits.by == "category" else meta.get(splits.by.removeprefix("meta."))
    return None if value is None or value == "" else str(value)


def _by_ratio(key: str, splits: Splits) -> str | None:
    hashed = hashlib.sha256(f"{splits.seed}\0{key}".encode()).digest()
    place = (int.from_bytes(hashed[:8]) >> 11) / _STEPS * sum(splits.ratios.values())
    total = 0.0
    names = [name for name, share in splits.ratios.items() if share > 0]
    for name in names:
        total += splits.ratios[name]
        if place < total:
            return name
    return names[-1] if names else None
