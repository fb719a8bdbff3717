"""Plain scalars by the core schema of YAML 1.2.2 (section 10.3.2), limited to what JSON can hold.

`yes`, `no`, `on`, dates and `12:30:45` are text; `0o14` is octal and `012` is the number 12.
"""

from __future__ import annotations

import math
import re

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")

_LONGEST_NUMBER = 400

Scalar = None | bool | int | float | str


class NotJSON(ValueError):
    """The scalar is a number that JSON cannot hold; the message says which."""


def resolve(text: str) -> Scalar:
    """Give the value of an unquoted scalar.

    Raises:
        NotJSON: infinity, not-a-number, or a number too large to keep.
    """
    first = text[:1]
    if first not in _FIRST:
        return text
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    return _number(text)


_FIRST = frozenset({"", "~", "n", "N", "t", "T", "f", "F", "-", "+", ".", *"0123456789"})


def has_leading_zero(text: str) -> bool:
    """Whether an unquoted scalar is a decimal integer such as `012`, which others read as octal or as text."""
    return _LEADING_ZERO.fullmatch(text) is not None


def _number(text: str) -> Scalar:
    if _NOT_FINITE.fullmatch(text):
        raise NotJSON(f"{text} is not a number that JSON can hold")
    if not _FLOAT.fullmatch(text):
        return _radix(text)
    if len(text) > _LONGEST_NUMBER:
        raise NotJSON(f"the number has {len(text)} digits, at most {_LONGEST_NUMBER} are read")
    return int(text) if _DECIMAL.fullmatch(text) else _finite(text)


def _radix(text: str) -> Scalar:
    if len(text) <= _LONGEST_NUMBER:
        if _OCTAL.fullmatch(text):
            return int(text[2:], 8)
        if _HEX.fullmatch(text):
            return int(text[2:], 16)
    return text


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise NotJSON(f"{text} is too large for a number")
    return value
