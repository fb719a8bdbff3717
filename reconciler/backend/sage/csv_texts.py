"""CSV as tables are uploaded and downloaded: how a request describes it, reading it and writing it, line by line.

Written cells are always in quotes, and no value is an empty cell without them. When reading, empty cells are no values.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.backend.blobs import read
from reconciler.backend.sage.body import Body
from reconciler.backend.sage.columns import MOST_COLUMNS
from reconciler.backend.sage.errors import bad

_LONGEST_CELL: Final = 1 << 20
_CHUNK: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """How a file is written."""

    separator: str = ","
    quote: str = '"'
    escape: str = "\\"
    line_end: str = "\n"
    has_header: bool = True


def read_format(body: Body) -> CsvFormat:
    """`csvTableDescriptor`, the usual format when absent. Raises `ApiError` 400."""
    given = body.object("csvTableDescriptor")
    if given is None:
        return CsvFormat()
    usual = CsvFormat()
    return CsvFormat(
        _character(given, "separator", usual.separator),
        _character(given, "quoteCharacter", usual.quote),
        _character(given, "escapeCharacter", usual.escape),
        given.text("lineEnd", longest=2) or usual.line_end,
        given.boolean("isFirstLineHeader", default=True),
    )


def _character(body: Body, key: str, default: str) -> str:
    text = body.text(key)
    if not text:
        return default
    if len(text) != 1 or text in "\r\n":
        raise bad(f"{body.where}{key} must be one character.")
    return text


def read_lines(path: str, form: CsvFormat, *, skipped: int = 0) -> Iterator[tuple[int, list[str]]]:
    """The lines of a file with their numbers, empty ones left out. path: of the bytes. Raises `ApiError` 400."""
    csv.field_size_limit(_LONGEST_CELL)
    with io.TextIOWrapper(io.BufferedReader(_Bytes(path)), encoding="utf-8-sig", newline="") as file:
        try:
            for _ in range(skipped):
                file.readline()
            reader = csv.reader(
                file, delimiter=form.separator, quotechar=form.quote, escapechar=form.escape, doublequote=True
            )
            for cells in reader:
                if len(cells) > MOST_COLUMNS + 3:
                    raise bad(f"Line {reader.line_num + skipped} of the CSV file has too many cells.")
                if cells:
                    yield reader.line_num + skipped, cells
        except UnicodeDecodeError:
            raise bad("The CSV file is not text in UTF-8.") from None
        except csv.Error as exc:
            raise bad(f"The CSV file cannot be read: {exc}") from None


class _Bytes(io.RawIOBase):
    """The bytes of a blob as a stream."""

    def __init__(self, path: str) -> None:
        self._chunks = read(path)
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if not self._left:
            self._left = next(self._chunks, b"")
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size


def write_lines(rows: Iterable[Sequence[str | None]], form: CsvFormat) -> Iterator[bytes]:
    """The lines of rows, in pieces."""
    pieces: list[str] = []
    size = 0
    for row in rows:
        line = form.separator.join(_cell(cell, form) for cell in row) + form.line_end
        pieces.append(line)
        size += len(line)
        if size > _CHUNK:
            yield "".join(pieces).encode()
            pieces, size = [], 0
    if pieces:
        yield "".join(pieces).encode()


def _cell(text: str | None, form: CsvFormat) -> str:
    if text is None:
        return ""
    if form.escape != form.quote:
        text = text.replace(form.escape, form.escape * 2)
    return form.quote + text.replace(form.quote, form.quote * 2) + form.quote
