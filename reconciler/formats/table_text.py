"""Annotation tables as text: CSV (RFC 4180: commas, CRLF, quotes doubled; UTF-8 without mark) and JSON Lines."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from reconciler.formats.table_columns import Cell, Column
from reconciler.model.json import JSON

_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
"""Texts that spreadsheets take for formulas, with any number of marks before. Source: OWASP, "CSV Injection"."""

dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
"""JSON of one cell or line."""


def csv_lines(rows: Iterable[Sequence[JSON]], columns: Sequence[Column], *, is_safe: bool) -> Iterator[str]:
    """A header and the rows, each with its line end. is_safe: texts begin with ' where they would be a formula."""
    yield _line([_guarded(column.name, is_safe) for column in columns])
    for row in rows:
        yield _line([_csv_cell(column, value, is_safe) for column, value in zip(columns, row, strict=True)])


def _line(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()


def _csv_cell(column: Column, value: JSON, is_safe: bool) -> str:
    if value is None:
        return ""
    return _guarded(value, is_safe) if column.cell is Cell.TEXT else dump(value)


def _guarded(text: str, is_safe: bool) -> str:
    return f"'{text}" if is_safe and _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """The text that was written with `is_safe`."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def json_lines(rows: Iterable[Sequence[JSON]], columns: Sequence[Column]) -> Iterator[str]:
    """An object with all columns per row; empty cells are null."""
    names = [column.name for column in columns]
    for row in rows:
        yield f"{dump(dict(zip(names, row, strict=True)))}\n"


_FIELD: Final = re.compile(r'(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|\Z)')


def read_csv(text: str) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of every record; cells may be of any length and hold any character. Empty lines are passed over.

    Raises:
        ValueError: a quote is not closed, or stands where none may be; the message names the line.
    """
    at, line, start = 0, 1, 1
    cells: list[str] = []
    while at < len(text):
        found = _FIELD.match(text, at)
        if found is None:
            raise ValueError(f"line {line}: a quote that is not closed, or stands inside a cell")
        quoted, plain, end = found.groups()
        cells.append(plain if quoted is None else quoted.replace('""', '"'))
        line += _ends(found.group())
        at = found.end()
        if end != "," and (len(cells) > 1 or cells[0] or quoted is not None):
            yield start, cells
        if end != ",":
            cells, start = [], line
        elif at == len(text):
            yield start, [*cells, ""]


def _ends(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")
