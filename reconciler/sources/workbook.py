"""Reads XLSX, XLS, XLSB and ODS workbooks with calamine; refuses protected, broken and hostile ones.

calamine gives values only: of a formula the result that was saved with it, of a cell that shows an error nothing, of
merged cells the value in the first one.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from reconciler.errors import MissingExtra
from reconciler.sources.cells import Cell

MAX_FILE_BYTES = 100 * 1024 * 1024
MAX_UNPACKED_BYTES = 1024 * 1024 * 1024
MAX_CELLS = 25_000_000
_CHUNK_BYTES = 1024 * 1024
_CELL = re.compile(rb"<(?:\w+:)?c\s[^>]*?\br=[\"']([A-Z]{1,3})(\d{1,7})[\"'][^>]*>")
_ERROR_TYPE = re.compile(rb"\bt=[\"']e[\"']")
# An encrypted XLSX is an OLE container with a stream of this name (MS-OFFCRYPTO 2.3.4).
_OLE, _ENCRYPTED = bytes.fromhex("d0cf11e0a1b11ae1"), "EncryptedPackage".encode("utf-16-le")
_PROTECTED = ("The workbook is protected with a password.", "save it without a password")


class TableRefused(Exception):
    """A table cannot be read. reason: a sentence. fix: what to do."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet. merged: ranges such as "A3:A5". errors: cells that show an error (XLSX only; the first few)."""

    name: str
    merged: tuple[tuple[tuple[int, int], tuple[int, int]], ...]
    errors: tuple[str, ...]
    _sheet: Any

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """Yield (row number from 1, cells) for every row, blank ones included."""
        return enumerate(self._sheet.iter_rows(), 1)


def read_sheet(content: bytes, sheet: int | str) -> Sheet:
    """Open one sheet, by number from 1 or by name.

    Raises:
        MissingExtra: the package that reads workbooks is not installed.
        TableRefused: protected with a password, not a workbook, too large, or without such a sheet.
    """
    try:
        import python_calamine
    except ImportError as error:
        raise MissingExtra("reading Excel and ODS workbooks", "excel") from error
    bounds = _check_package(content)
    try:
        book = python_calamine.load_workbook(io.BytesIO(content))
        name = _choose(list(book.sheet_names), sheet)
        found = book.get_sheet_by_name(name)
    except python_calamine.PasswordError as error:
        raise TableRefused(*_PROTECTED) from error
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise TableRefused(f"It cannot be read as a workbook: {error}.", "open and save it again as XLSX") from error
    return Sheet(name, tuple(found.merged_cell_ranges or ()), bounds, found)


def _choose(names: list[str], sheet: int | str) -> str:
    if isinstance(sheet, str) and sheet in names:
        return sheet
    if isinstance(sheet, int) and 1 <= sheet <= len(names):
        return names[sheet - 1]
    have = ", ".join(f"{number} {name!r}" for number, name in enumerate(names, 1)) or "none"
    raise TableRefused(f"It has no sheet {sheet!r}; its sheets are {have}.", "set table.sheet to one of them")


def _check_package(content: bytes) -> tuple[str, ...]:
    """Refuse what would exhaust memory; returns the cells of worksheets that show an error.

    calamine lays out the whole rectangle between the first and the last cell, so one stray cell in the last corner of
    a sheet costs as much as a full sheet.
    """
    if len(content) > MAX_FILE_BYTES:
        fix = "keep only the columns that are needed, or save it as CSV"
        raise TableRefused(f"It has {len(content):,} bytes; at most {MAX_FILE_BYTES:,} are read.", fix)
    if content.startswith(_OLE) and _ENCRYPTED in content:
        raise TableRefused(*_PROTECTED)
    if not content.startswith(b"PK"):
        return ()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            return _check_parts(package)
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError) as error:
        raise TableRefused(f"It cannot be read as a workbook: {error}.", "open and save it again as XLSX") from error


def _check_parts(package: zipfile.ZipFile) -> tuple[str, ...]:
    unpacked = sum(part.file_size for part in package.infolist())
    if unpacked > MAX_UNPACKED_BYTES:
        fix = "check where it comes from; save the data as CSV"
        raise TableRefused(f"It unpacks to {unpacked:,} bytes; at most {MAX_UNPACKED_BYTES:,} are read.", fix)
    errors: list[str] = []
    for part in package.infolist():
        if part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml"):
            with package.open(part) as stream:
                _check_worksheet(stream, errors)
    return tuple(errors[:10])


def _check_worksheet(stream: IO[bytes], errors: list[str]) -> None:
    rows, columns, rest = [0, 0], [0, 0], b""
    while chunk := stream.read(_CHUNK_BYTES):
        text = rest + chunk
        end = 0
        for match in _CELL.finditer(text):
            end = match.end()
            _widen(rows, int(match[2]))
            _widen(columns, _column_number(match[1]))
            if _ERROR_TYPE.search(match[0]):
                errors.append((match[1] + match[2]).decode())
        rest = text[max(end, len(text) - 1000) :]
    cells = (rows[1] - rows[0] + 1) * (columns[1] - columns[0] + 1)
    if cells > MAX_CELLS:
        reason = f"Its cells span {rows[1]:,} rows and {columns[1]:,} columns; at most {MAX_CELLS:,} cells are read."
        raise TableRefused(reason, "delete stray cells far from the data, or save it as CSV")


def _widen(bounds: list[int], value: int) -> None:
    bounds[0] = min(bounds[0] or value, value)
    bounds[1] = max(bounds[1], value)


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def cell_name(row: int, column: int) -> str:
    """Name a cell as spreadsheets do. row, column: from 0."""
    letters, rest = "", column + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        letters = chr(65 + digit) + letters
    return f"{letters}{row + 1}"
