"""Column types as pandas infers them for a whole column; the official readers see cells only after that. Pure.

Source of the rules: `pandas.read_csv` 2.3 with its defaults: the words for "missing", the order int64, uint64, float64,
truth value, text, and its own conversion of decimals, whose last digit may differ from the nearest double.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

MISSING_WORDS = frozenset(
    (
        "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
        "NULL", "NaN", "None", "n/a", "nan", "null",
    )
)  # fmt: skip
_TRUE, _FALSE = frozenset(("True", "TRUE", "true")), frozenset(("False", "FALSE", "false"))
_SPACE = " \t\n\v\f\r"
_INTEGER = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)[ \t\n\v\f\r]*")
_PLAIN_DECIMAL = re.compile(r"[+-]?[0-9]{1,17}\.?[0-9]{0,17}")
_DECIMAL = re.compile(r"[ \t\n\v\f\r]*([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?)([0-9]+))?[ \t\n\v\f\r]*", re.ASCII)
_INFINITY = re.compile(r"([+-]?)inf(?:inity)?", re.IGNORECASE)
_INT64 = (-(2**63), 2**63 - 1)
_UINT64_MAX = 2**64 - 1
_MAX_DIGITS = 17
_CHUNK_CELLS = 2**20

Value = int | float | bool | str | None


class ColumnType(StrEnum):
    """What a column, or a piece of it, holds. WHOLE: integers given out as decimals. VERBATIM: text, in which even the
    words for "missing" are text."""

    EMPTY = "empty"
    INTEGER = "integer"
    WHOLE = "whole"
    FLOAT = "float"
    BOOLEAN = "boolean"
    TEXT = "text"
    VERBATIM = "verbatim"


_NUMERIC = {ColumnType.INTEGER, ColumnType.WHOLE, ColumnType.FLOAT, ColumnType.EMPTY}


class _Attempt(StrEnum):
    """How an attempt to read all cells as integers stands: the first cell that does not fit ends it."""

    FITS = "fits"
    NO_INTEGER = "no integer"
    TOO_LARGE = "too large"


@dataclass(slots=True)
class ColumnState:
    """What has been seen of the cells of one piece of a column; small, whatever the number of rows.

    signed, unsigned: the attempts with signed and with unsigned 64 bits; the second counts when the first ended with a
    number that is too large. large, negative: such numbers passed the second attempt.
    """

    cells: int = 0
    missing: int = 0
    signed: _Attempt = _Attempt.FITS
    unsigned: _Attempt = _Attempt.FITS
    large: bool = False
    negative: bool = False
    is_float: bool = True
    is_boolean: bool = True

    def see(self, text: str) -> None:
        """Take one cell into account."""
        self.cells += 1
        if text in MISSING_WORDS:
            self.missing += 1
            return
        if self.signed is not _Attempt.NO_INTEGER:
            self._see_integer(text)
        if self.is_float and not is_decimal(text):
            self.is_float = False
        if self.is_boolean and text not in _TRUE and text not in _FALSE:
            self.is_boolean = False

    def _see_integer(self, text: str) -> None:
        match = _INTEGER.match(text)
        value = int(match[1][:40]) if match else 0
        ends = match is not None and match.end() == len(text)
        if self.signed is _Attempt.FITS:
            self.signed = _attempted(ends, _INT64[0] <= value <= _INT64[1])
        if self.unsigned is _Attempt.FITS:
            if text.lstrip(_SPACE).startswith("-"):
                self.negative = True  # whatever follows
                return
            self.unsigned = _attempted(ends, value <= _UINT64_MAX)
            self.large = self.large or (self.unsigned is _Attempt.FITS and value > _INT64[1])

    @property
    def type(self) -> ColumnType:
        """The type that is inferred for the cells seen so far."""
        if self.cells == self.missing:
            return ColumnType.EMPTY
        if self.signed is _Attempt.FITS:
            return ColumnType.WHOLE if self.missing else ColumnType.INTEGER
        if self.signed is _Attempt.TOO_LARGE and self.unsigned is not _Attempt.NO_INTEGER:
            return self._large_type()
        if self.is_float:
            return ColumnType.FLOAT
        return ColumnType.BOOLEAN if self.is_boolean else ColumnType.TEXT

    def _large_type(self) -> ColumnType:
        if self.unsigned is _Attempt.TOO_LARGE:
            return ColumnType.TEXT
        if self.large and (self.negative or self.missing):
            return ColumnType.VERBATIM
        return ColumnType.TEXT if self.negative else ColumnType.INTEGER


def _attempted(ends: bool, fits: bool) -> _Attempt:
    # Digits are counted before what follows them is looked at.
    if not fits:
        return _Attempt.TOO_LARGE
    return _Attempt.FITS if ends else _Attempt.NO_INTEGER


def piece_rows(width: int) -> int:
    """Rows per piece in which pandas infers types separately (its `low_memory` reading)."""
    rows, most = 1, _CHUNK_CELLS // max(1, width)
    while rows * 2 < most:
        rows *= 2
    return rows


@dataclass(slots=True)
class Column:
    """The inference for one column over all its pieces. width: number of columns of the table."""

    rows_per_piece: int
    pieces: list[ColumnState] = field(default_factory=list)
    _seen: int = 0

    def see(self, text: str) -> None:
        """Take the next cell into account."""
        if self._seen % self.rows_per_piece == 0:
            self.pieces.append(ColumnState())
        self._seen += 1
        self.pieces[-1].see(text)

    def types(self) -> list[ColumnType]:
        """The type in which each piece is given out."""
        found = [piece.type for piece in self.pieces]
        if set(found) <= {ColumnType.INTEGER} or not set(found) <= _NUMERIC:
            return found
        return [ColumnType.WHOLE if kind is ColumnType.INTEGER else kind for kind in found]

    def has_gaps(self) -> bool:
        """True when a cell was missing and another was not."""
        return 0 < sum(piece.missing for piece in self.pieces) < self._seen


def infer_column(cells: Sequence[str], width: int = 2) -> list[Value]:
    """What pandas makes of a whole column; None stands for missing."""
    column = Column(piece_rows(width))
    for cell in cells:
        column.see(cell)
    types = column.types()
    return [convert(cell, types[number // column.rows_per_piece]) for number, cell in enumerate(cells)]


def convert(text: str, kind: ColumnType) -> Value:
    """One cell of a column of a known type; None when it is missing."""
    if kind is ColumnType.VERBATIM:
        return text
    if text in MISSING_WORDS:
        return None
    if kind is ColumnType.INTEGER:
        return int(text)
    if kind is ColumnType.WHOLE:
        number = int(text)
        return None if number == _INT64[0] else float(number)  # pandas' own mark for a missing integer
    if kind is ColumnType.FLOAT:
        return decimal_value(text)
    if kind is ColumnType.BOOLEAN:
        return text in _TRUE
    return text


def is_decimal(text: str) -> bool:
    """True when pandas can compute a decimal of the text."""
    return _PLAIN_DECIMAL.fullmatch(text) is not None or decimal_value(text) is not None


def decimal_value(text: str) -> float | None:
    """A decimal as pandas computes it: 17 digits, then one multiplication or division; None when it is none."""
    match = _DECIMAL.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        sign = _INFINITY.fullmatch(text)
        return None if sign is None else float("-inf" if sign[1] == "-" else "inf")
    number, exponent = _digits(match[2], match[3] or "")
    if match[5]:
        power = int(match[5][:_MAX_DIGITS])
        exponent += -power if match[4] == "-" else power
    value = _scaled(-number if match[1] == "-" else number, exponent)
    return None if value is None or value in (float("inf"), float("-inf")) else value


def _digits(whole: str, fraction: str) -> tuple[float, int]:
    number, exponent, used = 0.0, 0, 0
    for digit in whole:
        if used < _MAX_DIGITS:
            number = number * 10.0 + int(digit)
            used += 1
        else:
            exponent += 1
    for digit in fraction[: _MAX_DIGITS - used]:
        number = number * 10.0 + int(digit)
        exponent -= 1
    return number, exponent


def _scaled(number: float, exponent: int) -> float | None:
    if exponent > 308:
        return None
    if exponent > 0:
        return number * float(f"1e{exponent}")
    if exponent >= -308:
        return number / float(f"1e{-exponent}")
    if exponent < -616:
        return 0.0 * number
    return number / float(f"1e{-308 - exponent}") / 1e308
