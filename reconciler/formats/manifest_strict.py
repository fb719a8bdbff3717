"""Annotation cells in strict mode: the value that every reader finds in a cell, or why there is no such value. Pure.

A cell is refused when the two official readers differ, when the result depends on the machine, the version of Python or
the other cells of the column, and when the server's own limits forbid it. Each refusal says how to write it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC
from functools import lru_cache
from typing import Any

from reconciler.formats.manifest_cells import (
    CellTooComplex,
    Dialect,
    Wire,
    WireType,
    is_naive,
    parse_cell,
    read_moment,
    wire_form,
)
from reconciler.formats.manifest_columns import MISSING_WORDS, decimal_value

MAX_KEYS = 100
MAX_VALUES = 100
MAX_TEXT_CHARACTERS = 500
KEY = re.compile(r"[A-Za-z0-9,_.]+")
RESERVED_KEY = "_accessRequirementIds"
_CANONICAL_INTEGER = re.compile(r"0|[+-]?[1-9][0-9]*")
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{3}|\.\d{6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII
)  # what every version of Python reads alike
_INT64 = 2**63


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a cell has no value that can be trusted. reason: a sentence. fix: what to write."""

    reason: str
    fix: str


@lru_cache(maxsize=16384)
def strict_cell(text: str) -> Wire | Refusal | None:
    """The wire form of a cell that is not empty; None when it clears the annotation (`[]`)."""
    bare = text.strip()
    if bare in MISSING_WORDS:
        fix = f"leave the cell empty for no value, or write {quoted(bare)} for the text"
        return Refusal(f"The readers take {bare!r} as a missing value.", fix)
    try:
        legacy, modern = parse_cell(bare, Dialect.TSV), parse_cell(bare, Dialect.CSV)
    except CellTooComplex as error:
        return Refusal(f"No reader can take it: {error}.", f"write {quoted(bare)} for the text")
    refusal = _about_time(bare, legacy, modern) or _about_number(bare, modern) or _about_quotes(bare)
    return refusal or _agreed(bare, legacy, modern)


def _agreed(bare: str, legacy: Any, modern: list[Any]) -> Wire | Refusal | None:
    old, new = wire_form(legacy, UTC), wire_form(modern, UTC)
    if old != new:
        reason = f"The TSV reader makes {_shown(old)} of it, the CSV reader {_shown(new)}."
        return Refusal(reason, f"write {_alternative(bare, new)} for the text")
    if len({type(value) for value in modern}) > 1:
        return Refusal("Its values are of several types, and all of them would become text.", _one_type(modern))
    return new if new is None else _server_limits(new) or new


def _about_time(bare: str, legacy: Any, modern: list[Any]) -> Refusal | None:
    items = bare[1:-1].split(",") if bare.startswith("[") else [bare]
    for value in modern if modern else [legacy]:
        if is_naive(value) and not isinstance(value, str):
            fix = f"add the offset, as in {value.isoformat()}Z, or write {_alternative(bare, None)} for the text"
            if bare.isdigit():
                fix += f", or +{bare} for the number"
            return Refusal("It is a time without offset, so it depends on the zone of the machine.", fix)
        if hasattr(value, "isoformat") and not any(_MOMENT.fullmatch(item.strip()) for item in items):
            fix = f"write {value.isoformat()}, or {_alternative(bare, None)} for the text"
            return Refusal("Whether it is a time depends on the version of Python.", fix)
    return None


def _about_number(bare: str, modern: list[Any]) -> Refusal | None:
    number = decimal_value(bare)
    values = [value for value in modern if isinstance(value, int | float) and not isinstance(value, bool)]
    if number is None:
        fix = f"write {', '.join(map(str, values))}, or {quoted(bare)} for the text"
        return Refusal("It is a number in the notation of Python.", fix) if _odd_number(bare, values) else None
    if _CANONICAL_INTEGER.fullmatch(bare):
        return None
    if values != [number] or not isinstance(values[0], float):
        fix = f"write {number:g} for the number, or {quoted(bare)} for the text"
        return Refusal("Beside numbers alone it is a number, beside text it is read otherwise.", fix)
    return None


def _odd_number(bare: str, values: list[Any]) -> bool:
    return bool(values) and ("_" in bare or re.search(r"\b0[xob]", bare, re.IGNORECASE) is not None)


def _about_quotes(bare: str) -> Refusal | None:
    if len(bare) > 1 and bare[0] == bare[-1] == '"':
        fix = f"write {quoted(bare[1:-1])}, or {quoted(bare)} if the quotes belong to it"
        return Refusal("Double quotes around a whole cell are taken away.", fix)
    return None


def _server_limits(wire: Wire) -> Refusal | None:
    if len(wire.values) > MAX_VALUES:
        return Refusal(f"It has {len(wire.values)} values; the server takes {MAX_VALUES}.", "shorten the list")
    if wire.type is WireType.LONG and not all(-_INT64 <= int(value) < _INT64 for value in wire.values):
        return Refusal("The server takes integers of 64 bits.", f"write {quoted(wire.values[0])} for the text")
    if wire.type is WireType.STRING and sum(map(len, wire.values)) > MAX_TEXT_CHARACTERS:
        total = sum(map(len, wire.values))
        return Refusal(f"Its text has {total} characters; the server takes {MAX_TEXT_CHARACTERS}.", "shorten it")
    return None


def quoted(text: str) -> str:
    """The text in single quotes: a cell that both readers store as this very text, in or outside a list.

    Signs that mean something to a table or to a list are written as escapes.
    """
    escaped = "".join(_ESCAPES.get(sign) or _escape(sign) for sign in text)
    return f"'{escaped}'"


_ESCAPES = {"\\": "\\\\", "'": "\\'", '"': "\\x22", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escape(sign: str) -> str:
    return sign if sign.isprintable() else sign.encode("unicode_escape").decode()


def quoted_item(text: str) -> str:
    """As `quoted`, for an item of a list: commas and closing brackets are escapes too."""
    return quoted(text).replace(",", "\\x2c").replace("]", "\\x5d")


def _alternative(bare: str, wire: Wire | None) -> str:
    text = wire.values[0] if wire is not None and wire.type is WireType.STRING and len(wire.values) == 1 else bare
    # A lone quoted date is still a date to the TSV reader; a second, empty item hides it.
    return quoted(text) if read_moment(text) is None else f"[{quoted_item(text)},]"


def _one_type(values: list[Any]) -> str:
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return f"write [{', '.join(str(float(value)) for value in values)}]"
    return "quote every item with single quotes, to make all of them text"


def _shown(wire: Wire | None) -> str:
    return "nothing" if wire is None else f"{wire.type} {', '.join(map(repr, wire.values[:3]))}"
