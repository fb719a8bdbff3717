"""Reads CSV and TSV as rows of text, and JSON and JSON Lines as records. Streams line formats."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterator
from typing import IO, Any

from reconciler.model.json import JSON
from reconciler.model.resource import TableLimits
from reconciler.sources.cells import Cell
from reconciler.sources.table_refused import TableRefused, check_columns, check_size

MAX_JSON_BYTES = 512 * 1024 * 1024
# One row, which may span lines. csv itself refuses single cells of more than 131,072 characters.
MAX_ROW_CHARACTERS = 32 * 1024 * 1024
_NO_LIMITS = TableLimits()
_AS_UTF8 = "save it as UTF-8 (in Excel: 'CSV UTF-8'), or convert it: iconv -f WINDOWS-1252 -t UTF-8"


def read_delimited(
    stream: IO[bytes], delimiter: str, limits: TableLimits = _NO_LIMITS
) -> Iterator[tuple[int, list[Cell]]]:
    """Yield (line number, cells) of a CSV or TSV file; a row that spans lines has the number of its last line.

    Encoding: UTF-8, with or without byte order mark; UTF-16 with one.

    Raises:
        TableRefused: another encoding, quoting that makes no sense, or more than the limits allow.
    """
    with io.TextIOWrapper(stream, encoding=_encoding(stream), newline="") as text:
        lines = _Lines(text, limits)
        reader = csv.reader(lines, delimiter=delimiter)
        try:
            for row in reader:
                lines.row_ended()
                fix = "check the delimiter: .csv is split at commas, .tsv at tabs"
                check_columns(len(row), limits, f"Line {reader.line_num}", fix)
                yield reader.line_num, row
        except UnicodeDecodeError as error:
            encoding = text.encoding.upper().removesuffix("-SIG")
            reason = f"It is not {encoding}: byte 0x{error.object[error.start]:02x} cannot be read."
            raise TableRefused(reason, _AS_UTF8) from error
        except csv.Error as error:
            reason = f"Line {reader.line_num} cannot be read: {error}."
            raise TableRefused(reason, "look for a quotation mark that is not closed") from error


class _Lines:
    """Lines of a text, as csv wants them; refuses a row or a file that is too large before it is in memory."""

    def __init__(self, text: io.TextIOWrapper, limits: TableLimits) -> None:
        self._text = text
        self._limits = limits
        self._number = 0
        self._row_characters = 0
        self._characters = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(MAX_ROW_CHARACTERS + 1):
            self._number += 1
            self._row_characters += len(line)
            self._characters += len(line)
            if self._row_characters > MAX_ROW_CHARACTERS:
                reason = f"The row that ends with line {self._number} or later is too long."
                raise TableRefused(reason, "look for a quotation mark that is not closed, or for missing line ends")
            check_size(self._characters, self._limits)
            yield line

    def row_ended(self) -> None:
        """The next line begins a row."""
        self._row_characters = 0


def _encoding(stream: IO[bytes]) -> str:
    start = stream.read(4)
    stream.seek(0)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig"


def read_json_lines(stream: IO[bytes], limits: TableLimits = _NO_LIMITS) -> Iterator[tuple[int, dict[str, JSON]]]:
    """Yield (line number, record) of a JSON Lines file; blank lines are passed over. Raises TableRefused."""
    with stream:
        number = size = 0
        while line := stream.readline(MAX_ROW_CHARACTERS + 1):
            number += 1
            size += len(line)
            if len(line) > MAX_ROW_CHARACTERS:
                raise TableRefused(f"Line {number} has more than {MAX_ROW_CHARACTERS:,} bytes.", "check the line ends")
            check_size(size, limits)
            if line.strip():
                yield number, _record(_parse(line, f"Line {number}"), f"Line {number}")


def read_json_records(content: bytes, key: str | tuple[str, ...]) -> Iterator[tuple[int, dict[str, JSON]]]:
    """Yield (number from 1, record) of a JSON file: a list of objects, or an object of objects by key.

    key: of an object of objects, the name under which its member's names become part of the records.

    Raises:
        TableRefused: not JSON, or of another shape.
    """
    found = _parse(content, "It")
    if isinstance(found, dict):
        if not isinstance(key, str):
            raise TableRefused("It is an object of objects, and the key has a template.", "write a list of objects")
        found = [{key: name, **_record(value, f"Member {name!r}")} for name, value in found.items()]
    if not isinstance(found, list):
        raise TableRefused("It holds neither a list of objects nor an object of objects.", "see docs/metadata.md")
    for number, record in enumerate(found, 1):
        yield number, _record(record, f"Item {number}")


def parse_json(content: bytes, *, unique_names: bool = True) -> Any:
    """Parse JSON without NaN and infinity, and without repeated names. Raises ValueError with position and reason."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}") from error
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique if unique_names else None)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _parse(content: bytes, what: str) -> JSON:
    try:
        return parse_json(content)
    except ValueError as error:
        raise TableRefused(f"{what} is not valid JSON: {error}.", "correct the file") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _unique(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"name {next(n for n in names if names.count(n) > 1)!r} is repeated")
    return found


def _record(value: JSON, what: str) -> dict[str, JSON]:
    if not isinstance(value, dict):
        raise TableRefused(f"{what} is not an object.", "see docs/metadata.md for the shapes of JSON tables")
    return value
