"""Annotations as metadata values and back.

A value has its type from how it is written: true and false, whole numbers, other numbers, text, and times (ISO 8601; a
date for midnight UTC). Text that looks like a time is {text: ...}, a decimal that JSON does not know {double: ...}.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from reconciler.formats.manifest_cells import Wire, WireType
from reconciler.formats.manifest_writing import Unwritable, iso_time
from reconciler.model.json import JSON

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:[Zz]|[+-]\d\d:\d\d)?)?", re.ASCII)
_DAY_MS = 86_400_000


def json_value(wire: Wire | None) -> JSON:
    """A bare value for one, a list for several, None to clear the annotation."""
    if wire is None:
        return None
    dates = wire.type is WireType.STRING and all(_milliseconds(text) is not None for text in wire.values)
    values = [{"text": text} if dates else _json_item(wire.type, text) for text in wire.values]
    return values[0] if len(values) == 1 else values


def _json_item(kind: WireType, text: str) -> JSON:
    match kind:
        case WireType.LONG:
            return int(text)
        case WireType.DOUBLE:
            return float(text) if math.isfinite(float(text)) else {"double": text}
        case WireType.BOOLEAN:
            return text == "true"
        case WireType.TIMESTAMP:
            written = iso_time(int(text))
            return written[:10] if int(text) % _DAY_MS == 0 else written
        case WireType.STRING:
            return text


def wire_of(value: JSON) -> Wire | None:
    """The wire form of a metadata value: the inverse of `json_value`; None when nothing is left to send.

    Raises:
        Unwritable: an object, or a list of several types.
    """
    items = [item for item in (value if isinstance(value, list) else [value]) if item is not None and item != ""]
    if not items:
        return None
    typed = [_typed(item) for item in items]
    kinds = {kind for kind, _ in typed}
    if kinds == {WireType.STRING, WireType.TIMESTAMP}:  # text beside what looks like a time is text
        return Wire(WireType.STRING, tuple(str(item) for item in items))
    if kinds == {WireType.LONG, WireType.DOUBLE}:
        return Wire(WireType.DOUBLE, tuple(str(float(text)) for _, text in typed))
    if len(kinds) > 1:
        raise Unwritable(f"it has values of several types: {', '.join(sorted(kinds))}")
    return Wire(kinds.pop(), tuple(text for _, text in typed))


def _typed(item: JSON) -> tuple[WireType, str]:
    if isinstance(item, bool):
        return WireType.BOOLEAN, "true" if item else "false"
    if isinstance(item, int):
        return WireType.LONG, str(item)
    if isinstance(item, float):
        return WireType.DOUBLE, str(item)
    if isinstance(item, Mapping) and len(item) == 1:
        ((mark, text),) = item.items()
        if mark in ("text", "double") and isinstance(text, str):
            return (WireType.STRING if mark == "text" else WireType.DOUBLE), text
    if not isinstance(item, str):
        raise Unwritable("objects and nested lists are no annotations")
    found = _milliseconds(item)
    return (WireType.STRING, item) if found is None else (WireType.TIMESTAMP, str(found))


def _milliseconds(text: str) -> int | None:
    """Milliseconds since 1970 of text that looks like a time, UTC when it names no zone."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        found = datetime.fromisoformat(text.upper().replace(" ", "T", 1))
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return (found - _EPOCH) // timedelta(milliseconds=1)
