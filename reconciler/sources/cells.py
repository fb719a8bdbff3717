"""Single values of tables and paths: from what a file holds to JSON values of a declared type. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

from reconciler.model.json import JSON
from reconciler.sources.names import nfc

# A cell as the readers give it: text, number, truth value, date or time, or a JSON value.
Cell = Any

_INTEGER = re.compile(r"[+-]?\d+")
_MIDNIGHT = time(0)
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def is_empty(cell: Cell) -> bool:
    """True for a missing cell, for blank text, and for "not a number", which data frames write for missing cells."""
    if isinstance(cell, str):
        return not cell.strip()
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def header_text(cell: Cell) -> str:
    """The text of a header cell: trimmed, NFC, inner line breaks as one space."""
    return " ".join(nfc(key_text(cell)).split())


def key_text(cell: Cell) -> str:
    """The text of a key cell: 7.0 becomes "7", dates ISO; trimmed, NFC."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    value = plain(cell)
    return nfc(value.strip()) if isinstance(value, str) else str(value)


def plain(cell: Cell) -> JSON:
    """The JSON value of a cell without a declared type.

    Whole floats become integers (spreadsheets know no others), dates and times ISO 8601 text, durations "H:MM:SS",
    decimals numbers where none of their digits is lost, bytes text.

    Raises:
        ValueError: infinity, bytes that are not UTF-8, or something that JSON has nothing for.
    """
    if isinstance(cell, float):
        return _plain_float(cell)
    if cell is None or isinstance(cell, str | int):
        return cell
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        minutes, seconds = divmod(round(cell.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
    if isinstance(cell, list | tuple):
        return [_nested(item) for item in cell]
    if isinstance(cell, dict):
        return {str(name): _nested(item) for name, item in cell.items()}
    return _plain_other(cell)


def _nested(item: Cell) -> JSON:
    """The JSON value of something in a list or an object, whose numbers are what they are."""
    return item if isinstance(item, float) and math.isfinite(item) else plain(item)


def _plain_float(cell: float) -> JSON:
    if cell.is_integer():
        return int(cell)
    if math.isinf(cell):
        raise ValueError
    return None if math.isnan(cell) else cell


def _plain_other(cell: Cell) -> JSON:
    """Decimals and bytes, which only Parquet files hold."""
    from decimal import Decimal  # slow to import

    if isinstance(cell, bytes):
        return nfc(cell.decode("utf-8"))
    if not isinstance(cell, Decimal) or not cell.is_finite():
        raise ValueError
    if cell == cell.to_integral_value():
        return int(cell)
    return float(cell) if Decimal(repr(float(cell))) == cell else str(cell)


def coerce(cell: Cell, kind: str | None) -> JSON:
    """Convert a cell to a declared type; None keeps what it is.

    kind: string, integer, number, boolean, date (YYYY-MM-DD) or datetime (ISO 8601).

    Raises:
        ValueError: the cell cannot be read as that type without losing anything.
    """
    return plain(cell) if kind is None else _KINDS[kind](cell)


def _string(cell: Cell) -> str:
    if isinstance(cell, dict | list):
        raise ValueError
    return cell if isinstance(cell, str) else key_text(cell)


def _integer(cell: Cell) -> int:
    value = plain(cell)
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError


def _number(cell: Cell) -> int | float:
    if isinstance(cell, str) and "_" not in cell:
        text = cell.strip()
        value: int | float = int(text) if _INTEGER.fullmatch(text) else float(text)
    elif isinstance(cell, int | float) and not isinstance(cell, bool):
        value = cell
    else:
        value = _plain_number(cell)
    if not math.isfinite(value):
        raise ValueError
    return int(value) if isinstance(cell, float) and cell.is_integer() else value


def _plain_number(cell: Cell) -> int | float:
    """A decimal without losing a digit."""
    value = None if isinstance(cell, str | bool) else plain(cell)
    if not isinstance(value, int | float):
        raise ValueError
    return value


def _boolean(cell: Cell) -> bool:
    if isinstance(cell, bool):
        return cell
    return _truth(str(plain(cell)).strip().casefold())


def _truth(text: str) -> bool:
    if text not in _TRUTH:
        raise ValueError
    return _TRUTH[text]


def _moment(cell: Cell) -> datetime:
    if isinstance(cell, str):
        return datetime.fromisoformat(cell.strip())
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, date):
        return datetime.combine(cell, _MIDNIGHT)
    raise ValueError


def _date(cell: Cell) -> str:
    moment = _moment(cell)
    if moment.time() != _MIDNIGHT:
        raise ValueError
    return moment.date().isoformat()


def _datetime(cell: Cell) -> str:
    return _moment(cell).isoformat()


_KINDS: dict[str, Callable[[Cell], JSON]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
}
KINDS = tuple(_KINDS)


def schema_kinds(schema: JSON) -> dict[str, str]:
    """Types that a unit metadata schema declares for its top-level properties, where one simple type is declared."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict):
        return {}
    declared = {name: rule.get("type") for name, rule in properties.items() if isinstance(rule, dict)}
    return {name: kind for name, kind in declared.items() if kind in ("string", "integer", "number", "boolean")}
