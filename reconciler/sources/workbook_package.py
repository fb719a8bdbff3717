"""Looks through the parts of an XLSX, XLSB or ODS package before anything is read from it.

Says what would exhaust the reader, and which cells will be read as empty although they show something: errors, and
formulas whose result was never saved. Regular expressions over a window, no XML parser: no entity is ever expanded,
and time is linear in the size.
"""

from __future__ import annotations

import copy
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from reconciler.sources.table_refused import TableRefused

# calamine takes 24 bytes for a cell that it lays out and 32 more for one that is there, and its text.
_BYTES_PER_CELL = 80
_MAX_PARTS = 10_000
_MAX_INDEX_BYTES = 8 * 1024 * 1024
_SHOWN = 10
_CHUNK_BYTES = 1024 * 1024
_WINDOW_BYTES = 64 * 1024
_REFERENCE = re.compile(rb"<(?:\w{1,20}:)?c\s[^<>]*?\br=[\"']([A-Za-z]{1,3})(\d{1,7})[\"']")
_ERROR = re.compile(rb"<(?:\w{1,20}:)?c\s[^<>]*?\bt=[\"']e[\"'][^<>]*>")
# A formula with nothing after it: no program has calculated it since it was written.
_UNCALCULATED = re.compile(
    rb"<(?:\w{1,20}:)?f(?:\s[^<>]*)?(?:/>|>[^<]*</(?:\w{1,20}:)?f>)\s{0,100}"
    rb"(?:<(?:\w{1,20}:)?v\s{0,100}/>\s{0,100}|<(?:\w{1,20}:)?v></(?:\w{1,20}:)?v>\s{0,100})?</(?:\w{1,20}:)?c>"
)
_DECLARATION = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_PLACE = re.compile(rb"\br=[\"']([A-Z]{1,3}\d{1,7})[\"']")
_SHEET = re.compile(r"<(?:\w{1,20}:)?sheet\s[^<>]*>")
_RELATION = re.compile(r"<(?:\w{1,20}:)?Relationship\s[^<>]*>")
_ATTRIBUTE = re.compile(r"([\w:]{1,40})\s*=\s*[\"']([^\"'<>]*)[\"']")
_AGAIN = "open and save it again as XLSX"


@dataclass(slots=True)
class PartNotes:
    """What was seen in one worksheet. errors, uncalculated: the first few cells, in order."""

    errors: list[str] = field(default_factory=list)
    uncalculated: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PackageNotes:
    """What was seen. suffix: of the format. worksheets: by name of the part. sheets: part of each sheet, in order."""

    suffix: str
    worksheets: dict[str, PartNotes] = field(default_factory=dict)
    sheets: tuple[str, ...] = ()

    def of(self, number: int) -> PartNotes:
        """Of one sheet, by number from 0; nothing for formats other than XLSX."""
        part = self.sheets[number] if number < len(self.sheets) else ""
        return self.worksheets.get(part, PartNotes())


def check_package(content: bytes, memory_bytes: int) -> PackageNotes:
    """Look through a zipped workbook.

    Raises TableRefused: the package is broken, or its reader would need more memory than that.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            return _Package(package, memory_bytes).check()
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError, ValueError) as error:
        raise TableRefused(f"It cannot be read as a workbook: {error}.", _AGAIN) from error


class _Package:
    """Looks through the parts one after the other."""

    def __init__(self, package: zipfile.ZipFile, memory_bytes: int) -> None:
        self._package = package
        self._most_bytes = memory_bytes // 2
        self._most_cells = memory_bytes // _BYTES_PER_CELL
        self._unpacked = 0

    def check(self) -> PackageNotes:
        parts = self._package.infolist()
        if len(parts) > _MAX_PARTS:
            raise TableRefused(f"It has {len(parts):,} parts; at most {_MAX_PARTS:,} are read.", _AGAIN)
        self._check_unpacked(sum(part.file_size for part in parts))
        names = {part.filename for part in parts}
        suffix = ".ods" if "content.xml" in names else ".xlsb" if "xl/workbook.bin" in names else ".xlsx"
        notes = PackageNotes(suffix, sheets=tuple(_sheet_parts(self._package)))
        for part in parts:
            watch = _Worksheet(self._most_cells) if part.filename.startswith("xl/") else None
            with self._package.open(_unbounded(part)) as stream:
                self._look_through(part.filename, stream, watch)
            if watch:
                notes.worksheets[part.filename] = watch.notes
        return notes

    def _look_through(self, name: str, stream: IO[bytes], watch: _Worksheet | None) -> None:
        end = b""
        while chunk := stream.read(_CHUNK_BYTES):
            self._unpacked += len(chunk)
            self._check_unpacked(self._unpacked)
            if _DECLARATION.search(end + chunk):
                raise TableRefused(f"Its part {name!r} declares a document type, as no workbook does.", _AGAIN)
            end = chunk[-20:]
            if watch:
                watch.feed(chunk)
        if watch:
            watch.end()

    def _check_unpacked(self, size: int) -> None:
        if size > self._most_bytes:
            reason = f"It unpacks to {size:,} bytes or more; at most {self._most_bytes:,} are read."
            raise TableRefused(reason, "check where it comes from; save the data as CSV")


def _unbounded(part: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """The same part, to be unpacked to its real end: what the directory says of its size may be a lie."""
    whole = copy.copy(part)
    whole.file_size = 2**62
    return whole


class _Worksheet:
    """Takes the bytes of a worksheet piece by piece.

    calamine lays out the whole rectangle between the first and the last cell, so one stray cell in the last corner of
    a sheet costs as much as a full sheet.
    """

    def __init__(self, most_cells: int) -> None:
        self.notes = PartNotes()
        self._most_cells = most_cells
        self._rest = b""
        self._rows = [0, 0]
        self._columns = [0, 0]

    def feed(self, chunk: bytes) -> None:
        text = self._rest + chunk
        end = text.rfind(b"</c>") + 4 if b"</c>" in text else max(0, len(text) - _WINDOW_BYTES)
        self._look(text, max(end, len(text) - _WINDOW_BYTES))

    def end(self) -> None:
        self._look(self._rest, len(self._rest))

    def _look(self, text: bytes, end: int) -> None:
        self._rest = text[end:]
        references = _REFERENCE.findall(text, 0, end)
        if references:
            rows = {int(row) for _, row in references}
            columns = {_column_number(letters.upper()) for letters in {letters for letters, _ in references}}
            _widen(self._rows, min(rows), max(rows))
            _widen(self._columns, min(columns), max(columns))
            self._check_area()
        if len(self.notes.errors) < _SHOWN:
            self.notes.errors += _named(_ERROR.finditer(text, 0, end))
            del self.notes.errors[_SHOWN:]
        if len(self.notes.uncalculated) < _SHOWN:
            self.notes.uncalculated += self._formulas(text, end)
            del self.notes.uncalculated[_SHOWN:]

    def _formulas(self, text: bytes, end: int) -> Iterator[str]:
        for match in _UNCALCULATED.finditer(text, 0, end):
            start = max(text.rfind(b"<c ", 0, match.start()), text.rfind(b":c ", 0, match.start()))
            place = _PLACE.search(text, start, match.start()) if start >= 0 else None
            if place:
                yield place[1].decode()

    def _check_area(self) -> None:
        cells = (self._rows[1] - self._rows[0] + 1) * (self._columns[1] - self._columns[0] + 1)
        if cells > self._most_cells:
            reason = f"Its cells span {self._rows[1]:,} rows and {self._columns[1]:,} columns"
            fix = "delete stray cells far from the data, or save it as CSV"
            raise TableRefused(f"{reason}; at most {self._most_cells:,} cells are read.", fix)


def _named(cells: Iterator[re.Match[bytes]]) -> Iterator[str]:
    for cell in cells:
        place = _PLACE.search(cell[0])
        if place:
            yield place[1].decode()


def _widen(bounds: list[int], least: int, most: int) -> None:
    bounds[0] = min(bounds[0] or least, least)
    bounds[1] = max(bounds[1], most)


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


# -- which part a sheet is


def _sheet_parts(package: zipfile.ZipFile) -> Iterator[str]:
    """Names of the parts of the sheets, in order (ECMA-376 part 1, 18.2.19 and 15.2)."""
    relations = {
        item["Id"]: item["Target"]
        for item in map(_attributes, _RELATION.findall(_text(package, "xl/_rels/workbook.xml.rels")))
        if "Id" in item and "Target" in item
    }
    for item in map(_attributes, _SHEET.findall(_text(package, "xl/workbook.xml"))):
        target = relations.get(next((value for name, value in item.items() if name.endswith(":id")), ""), "")
        yield target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _attributes(tag: str) -> dict[str, str]:
    return dict(_ATTRIBUTE.findall(tag))


def _text(package: zipfile.ZipFile, name: str) -> str:
    if name not in package.namelist():
        return ""
    with package.open(name) as stream:
        return stream.read(_MAX_INDEX_BYTES).decode("utf-8", "replace")
