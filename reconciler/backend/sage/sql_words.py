"""The words of a table query: cutting a text into names, literals and signs, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from reconciler.backend.sage.errors import bad

LONGEST_SQL: Final = 16 << 20  # the official client asks for 50,000 keys at once
_WORD: Final = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^'\\]|''|\\.)*')
      | (?P<quoted>"(?:[^"]|"")+"|`(?:[^`]|``)+`)
      | (?P<table>syn[0-9]{1,15}(?:\.[0-9]{1,9})?(?![A-Za-z0-9_]))
      | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?(?![A-Za-z_]))
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<sign><=>|<>|!=|<=|>=|[=<>+\-*/%(),.;])
    )""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
# `\%` and `\_` keep their backslash: they are for LIKE.
_ESCAPE: Final = re.compile(r"''|\\(.)", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r", "%": "\\%", "_": "\\_"}


@dataclass(frozen=True, slots=True)
class Word:
    """A word. kind: text, quoted, table, number, name, sign or end. upper: for comparing with keywords."""

    kind: str
    value: str
    upper: str
    start: int
    end: int


def words_of(sql: str) -> list[Word]:
    """Cut a query into words, ending with one of kind end. Raises `ApiError` 400."""
    if len(sql) > LONGEST_SQL:
        raise bad("The query is too long.")
    found: list[Word] = []
    place, length = 0, len(sql.rstrip())
    while place < length:
        match = _WORD.match(sql, place)
        if match is None:
            raise bad(f"The query cannot be read at character {place + 1}: {sql[place : place + 30].strip()}")
        kind = str(match.lastgroup)
        value = match[kind]
        upper = value.upper() if kind in ("name", "sign") else ""
        found.append(Word(kind, _unquoted(kind, value), upper, match.start(kind), match.end(kind)))
        place = match.end()
    found.append(Word("end", "", "", length, length))
    return found


def _unquoted(kind: str, value: str) -> str:
    if kind == "text":
        return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]) if found[1] else "'", value[1:-1])
    if kind == "quoted":
        return value[1:-1].replace(value[0] * 2, value[0])
    return value


def quoted_text(value: str) -> str:
    """A text as a literal of a query."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def quoted_name(value: str) -> str:
    """A name as a query has it."""
    return '"' + value.replace('"', '""') + '"'
