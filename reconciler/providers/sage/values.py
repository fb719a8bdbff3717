"""Typed annotations ↔ metadata values. Pure.

The service keeps a list of texts per key, all of one type. A value of ours has its type from how it is written: true
and false, whole numbers, other numbers, texts, and dates or times (texts such as `2024-05-06` or
`2024-05-06T07:08:09Z`). A text that looks like a date and is none is written {text: ...}. A list of one value is that
value, for the service cannot tell them apart; null and empty lists are no annotation.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from reconciler.model.json import JSON

_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:[Zz]|[+-]\d\d:\d\d)?)?")
_KEY = re.compile(r"[A-Za-z0-9,_.]+")
_RESERVED = "_accessRequirementIds"
_KEYS, _VALUES, _CHARACTERS = 100, 100, 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def normal_meta(meta: Mapping[str, JSON]) -> tuple[dict[str, JSON], tuple[str, ...]]:
    """Bring metadata into the form that the service gives back; says what it cannot hold, values left as they are."""
    result: dict[str, JSON] = {}
    flaws: list[str] = []
    for key, value in meta.items():
        found, flaw = _normal(value)
        flaws += [f"meta.{key} {flaw}"] if flaw else []
        flaws += [f"meta.{key}: a key may have letters, digits and , _ . only"] if not _KEY.fullmatch(key) else []
        flaws += [f"meta.{key} is reserved"] if key == _RESERVED else []
        if found is not None:
            result[key] = found
    if len(result) > _KEYS:
        flaws.append(f"meta has {len(result)} keys; an entity holds at most {_KEYS} annotations")
    return result, tuple(flaws)


def _normal(value: JSON) -> tuple[JSON, str]:
    values = list(_flat(value))
    if not values:
        return None, ""
    kind = _kind(values)
    if kind is None:
        return value, "has values of several types, or one that is no number, text, date, true or false"
    flaw = f"has {len(values)} values; at most {_VALUES} fit" if len(values) > _VALUES else _limit(kind, values)
    if flaw:
        return value, flaw
    return _value(kind, _texts(kind, values)), ""


def _flat(value: JSON) -> Iterator[JSON]:
    """The values of one key; {text: ...} and {double: ...} keep their mark."""
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _flat(item)
    elif isinstance(value, Mapping) and value.keys() <= {"text", "double"} and len(value) == 1:
        ((mark, inner),) = value.items()
        for item in _flat(inner):
            yield {mark: item}
    elif value is not None and value != "":
        yield value


def _kind(values: Sequence[JSON]) -> str | None:
    if all(isinstance(value, bool) for value in values):
        return "BOOLEAN"
    if any(isinstance(value, bool) for value in values):
        return None
    if all(isinstance(value, int) for value in values):
        return "LONG"
    if all(isinstance(value, (int, float)) or _marked(value, "double") for value in values):
        return "DOUBLE"
    if all(isinstance(value, str) and moment(value) is not None for value in values):
        return "TIMESTAMP_MS"
    return "STRING" if all(isinstance(value, str) or _marked(value, "text") for value in values) else None


def _marked(value: JSON, mark: str) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get(mark), str)


def _limit(kind: str, values: Sequence[JSON]) -> str:
    if kind == "LONG" and any(not -(2**63) <= value < 2**63 for value in values):
        return "has a number beyond 64 bits"
    length = sum(map(len, _texts(kind, values))) if kind == "STRING" else 0
    return f"has {length} characters of text; at most {_CHARACTERS} fit" if length > _CHARACTERS else ""


def _texts(kind: str, values: Sequence[JSON]) -> list[str]:
    return [_text(kind, value) for value in values]


def _text(kind: str, value: JSON) -> str:
    match kind:
        case "BOOLEAN":
            return "true" if value else "false"
        case "DOUBLE":
            return str(value["double"]) if isinstance(value, Mapping) else repr(float(value))
        case "TIMESTAMP_MS":
            return str(moment(value))
        case _:
            return str(value["text"] if isinstance(value, Mapping) else value)


def to_wire(meta: Mapping[str, JSON]) -> dict[str, JSON]:
    """Metadata as the service's map of annotations. Raises ValueError for what `normal_meta` finds fault with."""
    result: dict[str, JSON] = {}
    for key, value in meta.items():
        values = list(_flat(value))
        kind = _kind(values) if values else ""
        if kind is None:
            raise ValueError(f"meta.{key} cannot be an annotation")
        if kind:
            result[key] = {"type": kind, "value": _texts(kind, values)}
    return result


def from_wire(annotations: JSON) -> dict[str, JSON]:
    """Metadata of a map of annotations; keys without value are left out."""
    there = annotations if isinstance(annotations, Mapping) else {}
    found = {str(key): _value(str(entry.get("type")), entry.get("value") or []) for key, entry in there.items()}
    return {key: value for key, value in found.items() if value is not None}


def _value(kind: str, texts: Sequence[str]) -> JSON:
    match kind:
        case "BOOLEAN":
            values: list[JSON] = [text.lower() == "true" for text in texts]
        case "LONG":
            values = [int(text) for text in texts]
        case "DOUBLE":
            values = [_double(text) for text in texts]
        case "TIMESTAMP_MS":
            values = [moment_text(int(text)) for text in texts]
        case _:
            dates = all(moment(text) is not None for text in texts)
            values = [{"text": text} if dates else text for text in texts]
    return values[0] if len(values) == 1 else values or None


def _double(text: str) -> JSON:
    value = float(text)
    return value if math.isfinite(value) else {"double": text.lower()}


def moment(text: str) -> int | None:
    """Milliseconds since 1970 of a date or time, UTC when it names no zone; None when the text is none."""
    if not _DATE.fullmatch(text):
        return None
    try:
        found = datetime.fromisoformat(text.upper().replace(" ", "T", 1))
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return (found - _EPOCH) // timedelta(milliseconds=1)


def moment_text(milliseconds: int) -> JSON:
    """The one way to write a moment: a date when it is midnight UTC, else with time and Z."""
    try:
        found = _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return {"text": str(milliseconds)}
    if milliseconds % 86_400_000 == 0:
        return found.strftime("%Y-%m-%d") if found.year >= 1000 else f"{found.year:04}-{found:%m-%d}"
    precision = "milliseconds" if milliseconds % 1000 else "seconds"
    return found.replace(tzinfo=None).isoformat(timespec=precision) + "Z"
