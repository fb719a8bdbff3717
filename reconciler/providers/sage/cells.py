"""Cells of tables: one text per value, as the service gives it back, whatever the file had. Pure.

On the wire every cell is text: numbers in decimal, dates as milliseconds since 1970, lists as JSON, nothing as null.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from reconciler.model.json import JSON, canonical_json

_LIST = "_LIST"
_WHOLE = re.compile(r"[+-]?\d{1,19}(?:\.0+)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?)?", re.IGNORECASE)
_ENTITY = re.compile(r"(?:syn)?(\d{1,15})(\.\d{1,9})?", re.IGNORECASE)
_TRUTHS = {"true": "true", "false": "false"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MEDIUM, _LARGE, _STRING, _ITEMS = 2000, 524_288, 50, 100

# What a file has: text, or what Parquet gives.
Cell = Any


def fit(column: Mapping[str, JSON], cell: Cell) -> str | None:
    """Bring a cell into the form in which the service gives it back; None for an empty one.

    Raises ValueError, with what is wrong, when the column cannot hold it.
    """
    kind = str(column["type"])
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        default = column.get("defaultValue")
        return None if default is None else fit({**column, "defaultValue": None}, default)
    text = _fit_list(column, kind, cell) if kind.endswith(_LIST) else _one(column, kind, cell)
    allowed = column.get("enumValues")
    if allowed and text not in allowed:
        raise ValueError(f"{_shown(cell)} is none of {', '.join(map(str, allowed))}")
    return text


def observed(kind: str, text: str) -> str | None:
    """The same form of a cell that the service gave. kind: type of its column. What is odd stays as it is."""
    if not text:
        return None
    try:
        return fit({"type": kind, "maximumSize": _LARGE, "maximumListLength": _LARGE}, text)
    except ValueError:
        return text


def _fit_list(column: Mapping[str, JSON], kind: str, cell: Cell) -> str | None:
    items = cell
    if isinstance(cell, str):
        try:
            items = json.loads(cell)
        except ValueError:
            items = None
    if not isinstance(items, list) or any(item is None for item in items):
        raise ValueError(f'{_shown(cell)} is not a list such as ["a", "b"] (in JSON, without null)')
    most = int(column.get("maximumListLength") or _ITEMS)
    if len(items) > most:
        raise ValueError(f"{_shown(cell)} has {len(items)} values; the column takes {most}")
    texts = [_one(column, kind.removesuffix(_LIST), item) for item in items]
    return canonical_json(texts) if texts else None


def _one(column: Mapping[str, JSON], kind: str, cell: Cell) -> str:
    try:
        return _FORMS[kind](column, cell)
    except (ValueError, OverflowError) as error:
        if error.args and str(error.args[0]).startswith("\0"):
            raise ValueError(str(error.args[0])[1:]) from None
        raise ValueError(f"{_shown(cell)} is not {_NAMES.get(kind, kind)}") from None


def _text(most: int) -> Callable[[Mapping[str, JSON], Cell], str]:
    def form(column: Mapping[str, JSON], cell: Cell) -> str:
        text = cell if isinstance(cell, str) else _plain(cell)
        room = int(column.get("maximumSize") or most)
        if len(text) > room:
            raise ValueError(f"\0{_shown(text)} has {len(text)} characters; the column takes {room}")
        return text

    return form


def _plain(cell: Cell) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, (date, datetime)):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, (int, float)):
        return str(cell)
    raise ValueError


def _whole(_: Mapping[str, JSON], cell: Cell) -> str:
    if isinstance(cell, bool):
        raise ValueError
    text = _plain(cell) if not isinstance(cell, str) else cell.strip()
    if not _WHOLE.fullmatch(text):
        raise ValueError
    number = int(text.partition(".")[0])
    if not -(2**63) <= number < 2**63:
        raise ValueError
    return str(number)


def _double(_: Mapping[str, JSON], cell: Cell) -> str:
    if isinstance(cell, bool) or (isinstance(cell, str) and "_" in cell):
        raise ValueError
    number = float(cell)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return repr(number)


def _boolean(_: Mapping[str, JSON], cell: Cell) -> str:
    text = _plain(cell) if isinstance(cell, bool) else str(cell).strip().lower()
    if text not in _TRUTHS:
        raise ValueError
    return _TRUTHS[text]


def _date(column: Mapping[str, JSON], cell: Cell) -> str:
    if isinstance(cell, str) and not _DATE.fullmatch(cell.strip()):
        return _whole(column, cell)
    if isinstance(cell, int):
        return _whole(column, cell)
    if isinstance(cell, str):
        moment = datetime.fromisoformat(cell.strip().upper().replace(" ", "T"))
    elif isinstance(cell, datetime):
        moment = cell
    elif isinstance(cell, date):
        moment = datetime(cell.year, cell.month, cell.day)
    else:
        raise ValueError
    found = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return str(found.days * 86_400_000 + found.seconds * 1000 + found.microseconds // 1000)


def _entity(_: Mapping[str, JSON], cell: Cell) -> str:
    found = _ENTITY.fullmatch(cell.strip() if isinstance(cell, str) else _plain(cell))
    if found is None:
        raise ValueError
    return f"syn{int(found[1])}{found[2] or ''}"


def _json(_: Mapping[str, JSON], cell: Cell) -> str:
    return canonical_json(json.loads(cell) if isinstance(cell, str) else cell)


def _shown(cell: Cell) -> str:
    text = str(cell)
    return repr(text if len(text) <= 40 else f"{text[:37]}...")


_FORMS: Mapping[str, Callable[[Mapping[str, JSON], Cell], str]] = {
    "STRING": _text(_STRING),
    "LINK": _text(_STRING),
    "MEDIUMTEXT": _text(_MEDIUM),
    "LARGETEXT": _text(_LARGE),
    "INTEGER": _whole,
    "DOUBLE": _double,
    "BOOLEAN": _boolean,
    "DATE": _date,
    "ENTITYID": _entity,
    "JSON": _json,
    **dict.fromkeys(("FILEHANDLEID", "USERID", "SUBMISSIONID", "EVALUATIONID"), _whole),
}
_NAMES = {
    "INTEGER": "a whole number",
    "DOUBLE": "a number",
    "BOOLEAN": "true or false",
    "DATE": "a date such as 2026-05-06 or 2026-05-06T07:08:09Z, nor milliseconds since 1970",
    "ENTITYID": "the id of an entity, such as syn123",
    "JSON": "JSON",
    **dict.fromkeys(("FILEHANDLEID", "USERID", "SUBMISSIONID", "EVALUATIONID"), "a numeric id"),
}
