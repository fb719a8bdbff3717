"""Annotation cells of Sage manifests: what each of the two official readers makes of one cell. Pure.

Source of the rules: the manifest dialects of the official client 4.14, both of which read a text cell as a date, else a
truth value, else a Python literal, else text; and its wire form (`annotations2`): a type and a list of texts.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from functools import lru_cache
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEGACY_LIST = re.compile(r"^\[.*\]$")
_LIST = re.compile(r"^\[[^\]]*\]$")
# Texts that begin with a letter are literals only when they quote something, or are the three named constants.
_WORD = re.compile(r"[^\W\d][^'\"]*")
_DATE_START = re.compile(r"\d{4}")


class Dialect(StrEnum):
    """How a manifest is written: the legacy tab-separated form, or the comma-separated one of 2026."""

    TSV = "tsv"
    CSV = "csv"

    @property
    def delimiter(self) -> str:
        """The sign between cells."""
        return "\t" if self is Dialect.TSV else ","


class WireType(StrEnum):
    """Types of annotation values on the wire."""

    STRING = "STRING"
    BOOLEAN = "BOOLEAN"
    LONG = "LONG"
    DOUBLE = "DOUBLE"
    TIMESTAMP = "TIMESTAMP_MS"


@dataclass(frozen=True, slots=True)
class Wire:
    """Values of one annotation as they are sent. values: never empty; times in milliseconds since 1970 UTC."""

    type: WireType
    values: tuple[str, ...]


class CellTooComplex(ValueError):
    """A cell nests so deeply that no reader can take it."""


def is_url(text: str) -> bool:
    """True for what the official readers take as a URL: a scheme and a host, or `file:` with a path.

    A scheme of one letter is a drive letter.
    """
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    if len(parts.scheme) == 1 and parts.scheme.isalpha():
        return False
    return bool(parts.scheme and (parts.netloc or (parts.scheme == "file" and parts.path)))


def parse_cell(text: str, dialect: Dialect) -> Any:
    """Read a text cell that is not empty as the official reader of a dialect does.

    CSV gives a list always; TSV a bare value for one item. TSV knows every Python literal, CSV only numbers and text.

    Raises:
        CellTooComplex: the literal nests too deeply; the official reader ends with a traceback.
    """
    text = text.strip()
    if dialect is Dialect.CSV:
        items = split_items(text[1:-1]) if _LIST.match(text) else [text]
        return [_convert(item, dialect) for item in items if item.strip()]
    items = split_items(text[1:-1]) if _LEGACY_LIST.match(text) else [text]
    values = [_convert(item, dialect) for item in items]
    return values[0] if len(values) == 1 else values


def split_items(text: str) -> list[str]:
    """Split at commas that an even number of double quotes follows, and strip the items."""
    if '"' not in text:
        return [item.strip() for item in text.split(",")]
    items, parts = [], text.split(",")
    behind = text.count('"')
    current: list[str] = []
    for part in parts:
        current.append(part)
        behind -= part.count('"')
        if behind % 2 == 0:
            items.append(",".join(current).strip())
            current = []
    return items


def _convert(item: str, dialect: Dialect) -> Any:
    moment = read_moment(item)
    if moment is not None:
        return moment
    folded = item.lower()
    if folded in ("true", "false"):
        return folded == "true"
    found, value = _literal(item)
    if not found:
        return item
    plain = isinstance(value, int | float | str) and not isinstance(value, bool)
    return value if plain or dialect is Dialect.TSV else item


def read_moment(text: str) -> datetime | None:
    """Read ISO 8601 as Python does, with "Z" for UTC anywhere; None when it is none."""
    # The year comes first in every form that Python takes.
    if not _DATE_START.match(text):
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None


def _literal(text: str) -> tuple[bool, Any]:
    if _WORD.fullmatch(text) and text != "None":
        return False, None
    return _python_literal(text)


@lru_cache(maxsize=4096)
def _python_literal(text: str) -> tuple[bool, Any]:
    """(True, value) of a Python literal, else (False, None)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return True, ast.literal_eval(text)
    except (RecursionError, MemoryError) as error:
        raise CellTooComplex("it nests too deeply") from error
    except (ValueError, SyntaxError):
        return False, None
    except TypeError as error:  # unhashable members of a set or a key
        raise CellTooComplex("it is a set or mapping of what can be no member") from error


def wire_form(value: Any, zone: tzinfo) -> Wire | None:
    """The wire form of a parsed value or list; None when nothing is left to send, which removes the annotation.

    zone: for times without an offset; the official client takes the machine's.
    """
    elements = [element for element in _elements(value) if not _is_missing(element)]
    if not elements:
        return None
    first = type(elements[0])
    if not all(isinstance(element, first) for element in elements):
        return Wire(WireType.STRING, tuple(str(element) for element in elements))
    return _typed(first, elements, zone)


def _typed(kind: type, elements: list[Any], zone: tzinfo) -> Wire:
    if issubclass(kind, bool):
        return Wire(WireType.BOOLEAN, tuple("true" if element else "false" for element in elements))
    if issubclass(kind, int):
        return Wire(WireType.LONG, tuple(str(element) for element in elements))
    if issubclass(kind, float):
        return Wire(WireType.DOUBLE, tuple(str(element) for element in elements))
    if issubclass(kind, datetime):
        return Wire(WireType.TIMESTAMP, tuple(str(milliseconds(element, zone)) for element in elements))
    return Wire(WireType.STRING, tuple(str(element) for element in elements))


def _elements(value: Any) -> Iterable[Any]:
    if isinstance(value, str):
        moment = read_moment(value)  # a lone text that looks like a date becomes one, even when it was quoted
        return [value if moment is None else moment]
    return value if isinstance(value, Iterable) else [value]


def _is_missing(value: Any) -> bool:
    return value is None or value == "" or value != value


def milliseconds(moment: datetime, zone: tzinfo) -> int:
    """Milliseconds since 1970 UTC, cut towards zero as the official client cuts them."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return int((moment.astimezone(UTC) - _EPOCH).total_seconds() * 1000)


def is_naive(value: Any) -> bool:
    """True when a parsed value holds a time whose zone depends on the machine."""
    return any(isinstance(element, datetime) and element.tzinfo is None for element in _elements(value))
