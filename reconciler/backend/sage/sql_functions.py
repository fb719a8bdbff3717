"""The functions that queries may call, and how SQLite computes them. There are no others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

AGGREGATES: Final = frozenset({"COUNT", "MIN", "MAX", "AVG", "SUM", "GROUP_CONCAT"})


@dataclass(frozen=True, slots=True)
class SqlFunction:
    """One function. least, most: how many arguments it takes; type: of its result, `=` for that of an argument."""

    least: int
    most: int
    type: str
    sql: Callable[[Sequence[str]], str]


def _named(name: str) -> Callable[[Sequence[str]], str]:
    return lambda arguments: f"{name}({', '.join(arguments)})"


def _date_part(code: str) -> Callable[[Sequence[str]], str]:
    return lambda arguments: f"CAST(strftime('{code}', {arguments[0]} / 1000.0, 'unixepoch') AS INTEGER)"


def _is_text(value: str) -> Callable[[Sequence[str]], str]:
    return lambda arguments: f"coalesce({arguments[0]} = '{value}', 0)"


_INFINITE: Final = "coalesce(typeof({0}) = 'real' AND abs({0}) > 1.7976931348623157e308, 0)"

FUNCTIONS: Final = {
    "ISNAN": SqlFunction(1, 1, "BOOLEAN", _is_text("NaN")),
    "ISINFINITY": SqlFunction(1, 1, "BOOLEAN", lambda arguments: _INFINITE.format(arguments[0])),
    "CONCAT": SqlFunction(1, 50, "STRING", lambda arguments: "(" + " || ".join(arguments) + ")"),
    "REPLACE": SqlFunction(3, 3, "STRING", _named("replace")),
    "UPPER": SqlFunction(1, 1, "STRING", _named("upper")),
    "LOWER": SqlFunction(1, 1, "STRING", _named("lower")),
    "TRIM": SqlFunction(1, 1, "STRING", _named("trim")),
    "CHAR_LENGTH": SqlFunction(1, 1, "INTEGER", _named("length")),
    "LENGTH": SqlFunction(1, 1, "INTEGER", lambda arguments: f"length(CAST({arguments[0]} AS BLOB))"),
    "SUBSTRING": SqlFunction(2, 3, "STRING", _named("substr")),
    "SUBSTR": SqlFunction(2, 3, "STRING", _named("substr")),
    "ABS": SqlFunction(1, 1, "=", _named("abs")),
    "ROUND": SqlFunction(1, 2, "DOUBLE", _named("round")),
    "MOD": SqlFunction(2, 2, "=", lambda arguments: f"({arguments[0]} % {arguments[1]})"),
    "COALESCE": SqlFunction(2, 50, "=", _named("coalesce")),
    "IFNULL": SqlFunction(2, 2, "=", _named("ifnull")),
    "NULLIF": SqlFunction(2, 2, "=", _named("nullif")),
    "YEAR": SqlFunction(1, 1, "INTEGER", _date_part("%Y")),
    "MONTH": SqlFunction(1, 1, "INTEGER", _date_part("%m")),
    "DAY": SqlFunction(1, 1, "INTEGER", _date_part("%d")),
    "HOUR": SqlFunction(1, 1, "INTEGER", _date_part("%H")),
    "MINUTE": SqlFunction(1, 1, "INTEGER", _date_part("%M")),
    "UNIX_TIMESTAMP": SqlFunction(1, 1, "INTEGER", lambda arguments: f"({arguments[0]} / 1000)"),
    "FROM_UNIXTIME": SqlFunction(1, 1, "DATE", lambda arguments: f"({arguments[0]} * 1000)"),
}


def result_type(name: str, arguments: Sequence[str]) -> str:
    """The type of columns that a function's results have."""
    first = arguments[0] if arguments else "STRING"
    if name in ("MIN", "MAX"):
        return first
    if name == "COUNT":
        return "INTEGER"
    if name == "SUM":
        return "INTEGER" if first in ("INTEGER", "BOOLEAN") else "DOUBLE"
    if name == "AVG":
        return "DOUBLE"
    if name == "GROUP_CONCAT":
        return "LARGETEXT"
    kind = FUNCTIONS[name].type
    return first if kind == "=" else kind
