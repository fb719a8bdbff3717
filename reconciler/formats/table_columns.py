"""The columns of annotation tables: names, types and order, the same in CSV, Parquet and JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from reconciler.model.json import JSON, JSONObject

TABLE_VERSION: Final = 1
"""Of the columns below; raised when one changes its name, its type or its meaning."""

_LONGEST: Final = 1 << 63  # Parquet keeps whole numbers in 64 bits


class Cell(StrEnum):
    """What a cell holds. JSON and the nested kinds are JSON text in CSV; in Parquet only JSON is."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    JSON = "json"
    TEXTS = "texts"  # ["a", …]
    INTEGERS = "integers"  # [1, …]
    PAIRS = "pairs"  # [[1, 2], …] of whole numbers
    POINTS = "points"  # [[x, y], …]
    RINGS = "rings"  # [[[x, y], …], …]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. meta, attribute: the metadata value or attribute that a column of the options shows."""

    name: str
    cell: Cell
    meta: str | None = None
    attribute: str | None = None


COLUMNS: Final = (
    Column("key", Cell.TEXT),
    Column("record", Cell.TEXT),
    Column("split", Cell.TEXT),
    Column("media", Cell.TEXT),
    Column("file_name", Cell.TEXT),
    Column("path", Cell.TEXT),
    Column("width", Cell.INTEGER),
    Column("height", Cell.INTEGER),
    Column("annotation", Cell.TEXT),
    Column("group", Cell.TEXT),
    Column("tool", Cell.TEXT),
    Column("class", Cell.TEXT),
    Column("x", Cell.NUMBER),
    Column("y", Cell.NUMBER),
    Column("w", Cell.NUMBER),
    Column("h", Cell.NUMBER),
    Column("rotation", Cell.NUMBER),
    Column("points", Cell.POINTS),
    Column("holes", Cell.RINGS),
    Column("mask", Cell.PAIRS),
    Column("visibility", Cell.INTEGER),
    Column("joints", Cell.TEXTS),
    Column("joint_visibility", Cell.INTEGERS),
    Column("joint_edges", Cell.PAIRS),
    Column("text", Cell.TEXT),
    Column("text_start", Cell.INTEGER),
    Column("text_end", Cell.INTEGER),
    Column("text_ranges", Cell.JSON),
    Column("time_start", Cell.NUMBER),
    Column("time_end", Cell.NUMBER),
    Column("time_unit", Cell.TEXT),
    Column("attributes", Cell.JSON),
    Column("extra", Cell.JSON),
    Column("data", Cell.JSON),
)
"""What every table has, in this order; docs/formats/tables.md says what each means."""

NAMES: Final = frozenset(column.name for column in COLUMNS)
OPTION_CELLS: Final = (Cell.TEXT, Cell.INTEGER, Cell.NUMBER, Cell.BOOLEAN, Cell.JSON)
"""Types that a column of the options may have."""


def is_integer(value: JSON) -> bool:
    """Whether it is a whole number of 64 bits (bool is none)."""
    return type(value) is int and -_LONGEST <= value < _LONGEST


def is_number(value: JSON) -> bool:
    """Whether it is a number that a double can hold, not infinite."""
    return type(value) in (int, float) and abs(value) < 1e300


def _each(check: Callable[[JSON], bool], count: int | None = None) -> Callable[[JSON], bool]:
    return lambda value: type(value) is list and count in (None, len(value)) and all(map(check, value))


def _is_text(value: JSON) -> bool:
    return type(value) is str


_POINTS: Final = _each(_each(is_number, 2))
_FITS: Final[Mapping[Cell, Callable[[JSON], bool]]] = {
    Cell.TEXT: _is_text,
    Cell.INTEGER: is_integer,
    Cell.NUMBER: is_number,
    Cell.BOOLEAN: lambda value: type(value) is bool,
    Cell.JSON: lambda _: True,
    Cell.TEXTS: _each(_is_text),
    Cell.INTEGERS: _each(is_integer),
    Cell.PAIRS: _each(_each(is_integer, 2)),
    Cell.POINTS: _POINTS,
    Cell.RINGS: _each(_POINTS),
}


def fits(column: Column, value: JSON) -> bool:
    """Whether a value is one of the column's type."""
    return _FITS[column.cell](value)


def read_cell(column: Column, value: JSON) -> JSON:
    """The value of a cell; text of any other type than text is JSON, and empty text is no value.

    Raises:
        ValueError: it is none of the column's type; the message says what it is.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str) and column.cell is not Cell.TEXT:
        try:
            value = json.loads(value, parse_constant=_refuse)
        except (ValueError, RecursionError) as exc:
            raise ValueError(f"{_short(value)} is not {column.cell.value}") from exc
    if column.cell is Cell.INTEGER and type(value) is float and value.is_integer():
        value = int(value)  # a column with empty cells that a table program read as decimals
    if not fits(column, value):
        raise ValueError(f"{_short(value)} is not {column.cell.value}")
    return value


def _refuse(name: str) -> JSON:
    raise ValueError(f"{name} is not a value of JSON")


def _short(value: JSON) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def option_columns(options: JSONObject) -> tuple[Column, ...]:
    """The columns that `options.columns` adds, in their order."""
    return tuple(
        Column(row["name"], Cell(row.get("type", "text")), row.get("meta"), row.get("attribute"))
        for row in options.get("columns", ())
    )
