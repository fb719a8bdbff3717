"""Records of a manifest with their lines: a delimited reader that loses nothing and knows where everything stands.

It splits as the official table reader does, and reports what that reader passes over in silence: text behind a closing
quote, and rows that an unclosed quote has swallowed.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, NamedTuple

from reconciler.errors import Location, Problem, SourceError

MAX_RECORD_CHARACTERS = 16 * 1024 * 1024
# Lines whose quotes all stand around whole cells and are closed; the module of the library splits them much faster.
_REGULAR = {
    delimiter: re.compile(rf'(?:(?:[^"{delimiter}\r\n]*|"(?:[^"\n]|"")*")(?:{delimiter}|\r?\n?$))+')
    for delimiter in (",", "\t")
}
_CARRIAGE_RETURN = re.compile(r"(?<=\r)(?!\n|$)")
_AS_UTF8 = "save it as UTF-8 (in Excel: 'CSV UTF-8'), or convert it: iconv -f WINDOWS-1252 -t UTF-8"
_CLOSE_IT = "close the quote, or double a quote that belongs to the text"


class Record(NamedTuple):
    """One row. line: where it begins, from 1. cells: as text, without quotes. source: its lines as they stand."""

    line: int
    cells: list[str]
    source: str


@dataclass(slots=True)
class RecordReader:
    """Reads one file from the start. report: takes every problem; the file as people know it is `shown`.

    strict: report text behind a closing quote too. width: number of columns once the header is known, to recognise
    swallowed rows.
    """

    stream: IO[bytes]
    delimiter: str
    shown: str
    report: Callable[[Problem], None]
    strict: bool = True
    width: int = 0
    _number: int = 0

    def records(self) -> Iterator[Record]:
        """Yield every record that is not blank.

        Raises:
            SourceError: not UTF-8, or a quote that is never closed; nothing after it can be read.
        """
        lines = self._lines()
        blank = " " if self.delimiter == "\t" else " \t"
        regular = _REGULAR[self.delimiter]
        for line in lines:
            if '"' in line:
                if regular.fullmatch(line):
                    yield Record(self._number, next(csv.reader((line,), delimiter=self.delimiter)), line)
                    continue
                record = self._quoted(line, lines)
                if record is not None:
                    yield record
                continue
            text = line.rstrip("\r\n")
            if text.strip(blank):
                yield Record(self._number, text.split(self.delimiter), line)

    def _lines(self) -> Iterator[str]:
        for raw in self.stream:
            self._number += 1
            text = self._decoded(raw)
            if self._number == 1:
                text = text.removeprefix("\ufeff")
            if "\r" not in text[:-2]:
                yield text
                continue
            parts = _CARRIAGE_RETURN.split(text)
            yield parts[0]
            for part in parts[1:]:
                self._number += 1
                yield part

    def _decoded(self, raw: bytes) -> str:
        if self._number == 1 and raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise self._refused("it is UTF-16, not UTF-8", 0, "No reader of manifests takes it.", _AS_UTF8)
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            column = len(raw[: error.start].decode()) + 1
            what = f"byte 0x{raw[error.start]:02x} is not UTF-8"
            raise self._refused(what, column, "Manifests are UTF-8.", _AS_UTF8) from error
        if "\0" in text:
            raise self._refused("it holds a NUL character", text.index("\0") + 1, "It is no text.", "check the file")
        return text

    def _refused(self, what: str, column: int, detail: str, fix: str, line: int = 0) -> SourceError:
        return SourceError([Problem(what, Location(self.shown, line or self._number, column), detail, fix)])

    # -- quotes

    def _quoted(self, line: str, lines: Iterator[str]) -> Record | None:
        """Read a record whose first line has a quote; takes more lines while a quote is open."""
        first, text, position = self._number, line, 0
        cells: list[str] = []
        while True:
            if text.startswith('"', position):
                opened = position
                closed = _closing(text, position + 1)
                while closed < 0:
                    more = next(lines, None)
                    if more is None or len(text) > MAX_RECORD_CHARACTERS:
                        raise self._unclosed(text, opened, first)
                    seen = len(text)
                    text += more
                    closed = _closing(text, seen)
                cell, position = self._after_quote(text, opened, closed, first)
            else:
                cell, position = self._plain(text, position)
            cells.append(cell)
            if not text.startswith(self.delimiter, position):
                break
            position += 1
        return Record(first, cells, text)

    def _plain(self, text: str, position: int) -> tuple[str, int]:
        end = text.find(self.delimiter, position)
        if end < 0:
            end = len(text.rstrip("\r\n"))
        return text[position : max(end, position)], max(end, position)

    def _after_quote(self, text: str, opened: int, closed: int, first: int) -> tuple[str, int]:
        inside = text[opened + 1 : closed].replace('""', '"')
        self._check_swallowed(text, opened, closed, first)
        rest, position = self._plain(text, closed + 1)
        if rest and self.strict:
            what = f"text {rest[:40]!r} follows a closing quote"
            detail = "The official reader joins both without a word; mostly the quote before it was never meant."
            self.report(Problem(what, self._place(text, closed + 1, first), detail, _CLOSE_IT))
        return inside + rest, position

    def _check_swallowed(self, text: str, opened: int, closed: int, first: int) -> None:
        inside = text[opened:closed]
        if self.width < 2 or "\n" not in inside:
            return
        start = opened
        for _ in range(inside.count("\n")):
            start = text.index("\n", start) + 1
            end = text.find("\n", start)
            line = text[start : end if end >= 0 else None]
            if line.count(self.delimiter) == self.width - 1:
                what = f"the quote opened here takes in line {first + text.count(chr(10), 0, start)}"
                detail = f"That line has {self.width} cells, as a row has; the official reader loses such rows."
                self.report(Problem(what, self._place(text, opened, first), detail, _CLOSE_IT))
                return

    def _unclosed(self, text: str, opened: int, first: int) -> SourceError:
        at = self._place(text, opened, first)
        detail = "Everything after it would belong to this one cell."
        return self._refused("this quote is never closed", at.column, detail, _CLOSE_IT, at.line)

    def _place(self, text: str, position: int, first: int) -> Location:
        line = first + text.count("\n", 0, position)
        return Location(self.shown, line, position - (text.rfind("\n", 0, position) + 1) + 1)


def _closing(text: str, start: int) -> int:
    """Position of the quote that closes a cell, -1 when there is none. Doubled quotes are text."""
    while True:
        found = text.find('"', start)
        if found < 0:
            return -1
        if not text.startswith('"', found + 1):
            return found
        start = found + 2


def cell_column(record: Record, index: int, delimiter: str) -> int:
    """Column of the first character of a cell in its line, from 1; 0 when it is not on the record's first line."""
    position = 0
    for _ in range(index):
        if record.source.startswith('"', position):
            position = max(_closing(record.source, position + 1), position) + 1
        found = record.source.find(delimiter, position)
        if found < 0:
            return 0
        position = found + 1
    return 0 if "\n" in record.source[:position] else position + 1
