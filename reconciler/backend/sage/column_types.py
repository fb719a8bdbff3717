"""The types of columns: what each may hold, how its cells are read, kept and written, and how much room they take.

Cells are kept as JSON values (texts, numbers, truth values, lists); on the wire every one is a text.
"""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from reconciler.backend.sage.errors import bad

MAX_STRING: Final = 1000
DEFAULT_STRING: Final = 50
MEDIUM_TEXT: Final = 2000
LARGE_TEXT: Final = 524_288
MAX_LIST: Final = 100
_WIDEST: Final = 1 << 63
_ENTITY: Final = re.compile(r"(?:syn)?([0-9]{1,15})(\.[0-9]{1,9})?", re.IGNORECASE)
_TRUTHS: Final = {"true": True, "false": False, "1": True, "0": False, "t": True, "f": False}
_ISO: Final = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([ T].*)?")

Cell = str | int | float | bool | list[Any] | dict[str, Any] | None


def _integer(text: str, _size: int) -> int:
    if not re.fullmatch(r"\s*[+-]?[0-9]{1,19}(?:\.0+)?\s*", text):
        raise ValueError
    number = int(text.split(".")[0])
    if not -_WIDEST <= number < _WIDEST:
        raise ValueError
    return number


def _double(text: str, _size: int) -> float | str:
    """Not-a-number and the infinities stay texts, because JSON has none."""
    if len(text) > 400:
        raise ValueError
    number = float(text)
    if math.isnan(number):
        return "NaN"
    return ("Infinity" if number > 0 else "-Infinity") if math.isinf(number) else number


def _boolean(text: str, _size: int) -> bool:
    found = _TRUTHS.get(text.strip().lower())
    if found is None:
        raise ValueError
    return found


def date_cell(text: str, _size: int = 0) -> int:
    """Milliseconds since 1970 from a number or a date such as `2020-01-31 12:00:00.000`. Raises ValueError."""
    if not _ISO.fullmatch(text.strip()):
        return _integer(text, 0)
    date, _, time = text.strip().replace(" ", "T").partition("T")
    year, month, day = (int(part) for part in date.split("-"))
    moment = datetime.fromisoformat(f"{year:04}-{month:02}-{day:02}" + (f"T{time}" if time else ""))
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def entity_cell(text: str, _size: int = 0) -> str:
    """An entity's id with its prefix. Raises ValueError."""
    found = _ENTITY.fullmatch(text.strip())
    if not found:
        raise ValueError
    return f"syn{int(found[1])}{found[2] or ''}"


def _string(text: str, size: int) -> str:
    if len(text) > size:
        raise bad(f"String exceeds {size} characters.")
    return text


def _json(text: str, _size: int) -> str:
    if len(text) > LARGE_TEXT:
        raise ValueError
    return json.dumps(lenient_json(text), ensure_ascii=False)


def lenient_json(text: str) -> Any:
    """JSON, or what the parser of the real service takes for it: single quotes, as tables of pandas write lists and
    objects. Raises ValueError."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except ValueError:
        if len(text) > LARGE_TEXT:
            raise
    try:
        found = ast.literal_eval(text)
        json.dumps(found, allow_nan=False)
    except (SyntaxError, TypeError, MemoryError, RecursionError) as exc:
        raise ValueError(text[:100]) from exc
    return found


def _no_constant(_name: str) -> Any:
    raise ValueError


@dataclass(frozen=True, slots=True)
class ColumnType:
    """One type. read: a cell from its text and the column's size, or ValueError; width: bytes a cell may take, None
    when the column's size says; affinity: as SQLite's columns have it; element: the type of a list's elements."""

    name: str
    read: Callable[[str, int], Any]
    width: int | None
    affinity: str = "TEXT"
    element: str | None = None
    is_sized: bool = False
    allows_default: bool = True


_PLAIN: Final = (
    ColumnType("STRING", _string, None, is_sized=True),
    ColumnType("DOUBLE", _double, 22, "REAL"),
    ColumnType("INTEGER", _integer, 20, "INTEGER"),
    ColumnType("BOOLEAN", _boolean, 5, "INTEGER"),
    ColumnType("DATE", date_cell, 20, "INTEGER"),
    ColumnType("FILEHANDLEID", _integer, 20, "INTEGER", allows_default=False),
    ColumnType("ENTITYID", entity_cell, 44, allows_default=False),
    ColumnType("SUBMISSIONID", _integer, 20, "INTEGER", allows_default=False),
    ColumnType("EVALUATIONID", _integer, 20, "INTEGER", allows_default=False),
    ColumnType("LINK", _string, None, is_sized=True),
    ColumnType("MEDIUMTEXT", lambda text, _: _string(text, MEDIUM_TEXT), 421 * 4),
    ColumnType("LARGETEXT", lambda text, _: _string(text, LARGE_TEXT), 2133 * 4, allows_default=False),
    ColumnType("USERID", _integer, 20, "INTEGER", allows_default=False),
    ColumnType("JSON", _json, 2133 * 4, allows_default=False),
)
_LISTED: Final = ("STRING", "INTEGER", "BOOLEAN", "DATE", "ENTITYID", "USERID")
_BY_NAME: Final = {one.name: one for one in _PLAIN}
TYPES: Final = _BY_NAME | {
    f"{name}_LIST": ColumnType(
        f"{name}_LIST", _BY_NAME[name].read, _BY_NAME[name].width, element=name, is_sized=_BY_NAME[name].is_sized
    )
    for name in _LISTED
}


def read_cell(column: dict[str, Any], value: Any) -> Cell:
    """A cell of a column from the wire; None for no value. Raises `ApiError` 400."""
    if value is None or (value == "" and column["columnType"] not in ("STRING", "LINK", "MEDIUMTEXT", "LARGETEXT")):
        return None
    kind = TYPES[column["columnType"]]
    size = column.get("maximumSize") or MAX_STRING
    if kind.element is not None:
        return _read_list(column, kind, size, value)
    text = value if isinstance(value, str) else _plain_text(value)
    cell: Cell = _checked(column, kind, size, text)
    allowed = column.get("enumValues")
    if allowed and cell not in allowed:
        raise bad(f"'{text[:100]}' is not a valid value for column '{column['name']}': it is none of its enumValues.")
    return cell


def _checked(column: dict[str, Any], kind: ColumnType, size: int, text: str) -> Any:
    try:
        return kind.read(text, size)
    except (ValueError, OverflowError, RecursionError):
        type_name = kind.element or kind.name
        raise bad(
            f"Value at column '{column['name']}' was not a valid {type_name}. The value was: {text[:100]}"
        ) from None


def _read_list(column: dict[str, Any], kind: ColumnType, size: int, value: Any) -> Cell:
    items = value
    if isinstance(value, str):
        try:
            items = lenient_json(value)
        except (ValueError, RecursionError):
            raise bad(f"Value at column '{column['name']}' was not a valid JSON list.") from None
    if not isinstance(items, list):
        raise bad(f"Value at column '{column['name']}' was not a JSON list.")
    most = column.get("maximumListLength") or MAX_LIST
    if len(items) > most:
        raise bad(f"Value at column '{column['name']}' has {len(items)} elements, more than its {most}.")
    if any(item is None for item in items):
        raise bad(f"Value at column '{column['name']}' holds null, which lists may not.")
    texts = [item if isinstance(item, str) else _plain_text(item) for item in items]
    return [_checked(column, kind, size, text) for text in texts] or None


def _plain_text(value: Any) -> str:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else json.dumps(value)


def cell_text(type_name: str, value: Any) -> str | None:
    """A cell as the wire has it. value: as kept, or as SQLite gives it back."""
    if value is None:
        return None
    if type_name == "BOOLEAN":
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_text(type_name, value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return str(value)


def _float_text(type_name: str, value: float) -> str:
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return str(int(value)) if type_name != "DOUBLE" and value.is_integer() else repr(value)


def scan_value(type_name: str, value: Any) -> Any:
    """A kept cell as SQLite scans it."""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    if type_name == "DOUBLE" and isinstance(value, str) and value != "NaN":
        return float(value)
    return value


def column_width(column: dict[str, Any]) -> int:
    """Bytes that a cell of a column may take, at four bytes a character."""
    kind = TYPES[column["columnType"]]
    width = kind.width if kind.width is not None else 4 * int(column["maximumSize"])
    return width * int(column["maximumListLength"]) if kind.element else width
