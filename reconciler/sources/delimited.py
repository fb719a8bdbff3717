"""Reads CSV and TSV as rows of text, and JSON and JSON Lines as records. Streams line formats."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterator
from typing import IO, Any

from reconciler.model.json import JSON
from reconciler.sources.cells import Cell
from reconciler.sources.workbook import TableRefused

MAX_COLUMNS = 16_384
MAX_JSON_BYTES = 512 * 1024 * 1024
_AS_UTF8 = "save it as UTF-8 (in Excel: 'CSV UTF-8'), or convert it: iconv -f WINDOWS-1252 -t UTF-8"


def read_delimited(stream: IO[bytes], delimiter: str) -> Iterator[tuple[int, list[Cell]]]:
    """Yield (line number, cells) of a CSV or TSV file; a row that spans lines has the number of its last line.

    Encoding: UTF-8, with or without byte order mark; UTF-16 with one.

    Raises:
        TableRefused: another encoding, or quoting that makes no sense.
    """
    with io.TextIOWrapper(stream, encoding=_encoding(stream), newline="") as text:
        reader = csv.reader(text, delimiter=delimiter)
        try:
            for row in reader:
                if len(row) > MAX_COLUMNS:
                    fix = "check the delimiter: .csv is split at commas, .tsv at tabs"
                    raise TableRefused(f"Line {reader.line_num} has {len(row):,} columns.", fix)
                yield reader.line_num, row
        except UnicodeDecodeError as error:
            encoding = text.encoding.upper().removesuffix("-SIG")
            reason = f"It is not {encoding}: byte 0x{error.object[error.start]:02x} cannot be read."
            raise TableRefused(reason, _AS_UTF8) from error
        except csv.Error as error:
            reason = f"Line {reader.line_num} cannot be read: {error}."
            raise TableRefused(reason, "look for a quotation mark that is not closed") from error


def _encoding(stream: IO[bytes]) -> str:
    start = stream.read(4)
    stream.seek(0)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig"


def read_json_lines(stream: IO[bytes]) -> Iterator[tuple[int, dict[str, JSON]]]:
    """Yield (line number, record) of a JSON Lines file; blank lines are passed over. Raises TableRefused."""
    with stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                yield number, _record(_parse(line, f"Line {number}"), f"Line {number}")


def read_json_records(content: bytes, key: str) -> Iterator[tuple[int, dict[str, JSON]]]:
    """Yield (number from 1, record) of a JSON file: a list of objects, or an object of objects by key.

    Raises:
        TableRefused: not JSON, or of another shape.
    """
    if len(content) > MAX_JSON_BYTES:
        raise TableRefused(f"It has {len(content):,} bytes.", "save it as JSON Lines (.jsonl), which is streamed")
    found = _parse(content, "It")
    if isinstance(found, dict):
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
