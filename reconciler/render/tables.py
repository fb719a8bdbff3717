"""Aligned tables of plain text."""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import east_asian_width

from reconciler.render.shown import safe_text


def table_text(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns padded to their widest cell, two spaces apart; None is written as an empty cell."""
    cells = [list(columns), *([_cell(value) for value in row] for row in rows)]
    widths = [max(_width(line[n]) for line in cells) for n in range(len(columns))]
    return "\n".join(_line(line, widths) for line in cells)


def _cell(value: object) -> str:
    return "" if value is None else safe_text(str(value)).replace("\n", "\\n").replace("\t", "\\t")


def _width(text: str) -> int:
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def _line(line: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(text + " " * (width - _width(text)) for text, width in zip(line, widths, strict=True)).rstrip()
