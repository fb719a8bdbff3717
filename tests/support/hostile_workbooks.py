"""Workbooks that hostile or careless hands make: small files that ask their reader for a lot."""

from __future__ import annotations

import io
import zipfile
import zlib

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_WORKBOOK = (
    f"<workbook xmlns='{_MAIN}' xmlns:r='{_OFFICE}'><sheets><sheet name='S' sheetId='1' r:id='r1'/></sheets></workbook>"
)
_ROOT = (
    f"<Relationships xmlns='{_PACKAGE}'>"
    f"<Relationship Id='r1' Type='{_OFFICE}/officeDocument' Target='xl/workbook.xml'/></Relationships>"
)
_RELATIONS = (
    f"<Relationships xmlns='{_PACKAGE}'><Relationship Id='r1' Type='{_OFFICE}/worksheet' Target='worksheets/s.xml'/>"
    f"<Relationship Id='r2' Type='{_OFFICE}/sharedStrings' Target='sharedStrings.xml'/></Relationships>"
)
SHEET, STRINGS = "xl/worksheets/s.xml", "xl/sharedStrings.xml"


def xlsx(rows: str, strings: str = "", before: str = "", **more: bytes) -> bytes:
    """A workbook of one sheet. rows: XML of `sheetData`; strings: of `sst`; before: what comes first in the sheet."""
    parts = {
        "_rels/.rels": _ROOT.encode(),
        "xl/workbook.xml": _WORKBOOK.encode(),
        "xl/_rels/workbook.xml.rels": _RELATIONS.encode(),
        SHEET: f"<worksheet xmlns='{_MAIN}'>{before}<sheetData>{rows}</sheetData></worksheet>".encode(),
        STRINGS: f"<sst xmlns='{_MAIN}'>{strings}</sst>".encode(),
        **more,
    }
    return packed(parts)


def packed(parts: dict[str, bytes]) -> bytes:
    """The parts as one archive."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return target.getvalue()


def ods(rows: str) -> bytes:
    """An ODS workbook of one sheet. rows: XML of the table."""
    office, table = (
        "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
        "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
    )
    text = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
    content = (
        f"<office:document-content xmlns:office='{office}' xmlns:table='{table}' xmlns:text='{text}'><office:body>"
        f"<office:spreadsheet><table:table table:name='S'>{rows}</table:table></office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        package.writestr("META-INF/manifest.xml", "<manifest:manifest xmlns:manifest='m'></manifest:manifest>")
        package.writestr("content.xml", content)
    return target.getvalue()


def lying(content: bytes, part: str, says: int) -> bytes:
    """The same archive, whose directory says that a part unpacks to so many bytes, with a checksum of those."""
    found = bytearray(content)
    at = found.index(part.encode(), found.index(b"PK\x01\x02")) - 46
    with zipfile.ZipFile(io.BytesIO(content)) as package, package.open(part) as stream:
        checksum = zlib.crc32(stream.read(says))
    found[at + 16 : at + 20] = checksum.to_bytes(4, "little")
    found[at + 24 : at + 28] = says.to_bytes(4, "little")
    return bytes(found)
