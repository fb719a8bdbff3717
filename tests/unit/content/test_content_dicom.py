"""Headers of DICOM files in every encoding, and hostile ones."""

from __future__ import annotations

import gzip
import struct
import zlib

import pytest

from reconciler.content.dicom import HEADER_BYTES, looks_like_dicom, needs_more, read_header
from reconciler.content.dicom_tags import IDENTIFYING, KNOWN, tag_name, tag_number
from reconciler.content.inspection import Inspection
from reconciler.content.judging import Subject
from reconciler.content.pictures import dimensions
from reconciler.errors import Severity
from reconciler.model.content import Check, ContentRule

NAME, ROWS, COLUMNS, PIXELS, SEQUENCE = 0x00100010, 0x00280010, 0x00280011, 0x7FE00010, 0x00081110
EXPLICIT, IMPLICIT, BIG, DEFLATED = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.2",
    ("1.2.840.10008.1.2.1.99"),
)
UNDEFINED = 0xFFFFFFFF


def element(tag: int, kind: str, value: bytes, form: str = EXPLICIT, length: int | None = None) -> bytes:
    order = ">" if form == BIG else "<"
    size = len(value) if length is None else length
    head = struct.pack(f"{order}HH", tag >> 16, tag & 0xFFFF)
    if form == IMPLICIT:
        return head + struct.pack("<I", size) + value
    if kind in ("SQ", "OB", "OW", "UN", "UT"):
        return head + kind.encode() + b"\0\0" + struct.pack(f"{order}I", size) + value
    return head + kind.encode() + struct.pack(f"{order}H", size) + value


def mark(number: int, length: int = 0) -> bytes:
    return struct.pack("<HHI", 0xFFFE, number, length)


def body(form: str = EXPLICIT, name: bytes = b"Doe^Jane") -> bytes:
    number = struct.pack(">H" if form == BIG else "<H", 7)
    return (
        element(0x00080005, "CS", b"ISO_IR 100", form)
        + element(0x00080060, "CS", b"CT", form)
        + element(NAME, "PN", name, form)
        + element(ROWS, "US", number, form)
        + element(COLUMNS, "US", number, form)
        + element(PIXELS, "OW", bytes(98), form)
    )


def dicom(data: bytes, syntax: str) -> bytes:
    text = syntax.encode() + b"\0" * (len(syntax) % 2)
    return bytes(128) + b"DICM" + element(0x00020010, "UI", text) + data


def values(data: bytes) -> dict[int, bytes]:
    header = read_header(data, is_whole=True)
    assert header.is_complete
    return {attribute.tag: attribute.value for attribute in header.attributes}


@pytest.mark.parametrize("form", [EXPLICIT, IMPLICIT, BIG])
def test_header_is_read_in_every_encoding(form: str) -> None:
    data = dicom(body(form), form)
    assert values(data)[NAME] == b"Doe^Jane"
    assert dimensions("dicom", data) == (7, 7)


def test_deflated_header_is_read() -> None:
    packed = zlib.compressobj(wbits=-15)
    assert values(dicom(packed.compress(body()) + packed.flush(), DEFLATED))[NAME] == b"Doe^Jane"


@pytest.mark.parametrize(("said", "form"), [(EXPLICIT, IMPLICIT), (IMPLICIT, EXPLICIT)])
def test_file_that_contradicts_its_transfer_syntax_is_read_as_it_is(said: str, form: str) -> None:
    assert values(dicom(body(form), said))[NAME] == b"Doe^Jane"


@pytest.mark.parametrize("form", [EXPLICIT, IMPLICIT, BIG])
def test_data_set_without_prefix_is_known_and_read(form: str) -> None:
    assert looks_like_dicom(body(form))
    assert values(body(form))[NAME] == b"Doe^Jane"


INNER = element(NAME, "PN", b"Roe^John")
INNER_IMPLICIT = element(NAME, "PN", b"Roe^John", IMPLICIT)


@pytest.mark.parametrize(
    ("sequence", "reason"),
    [
        (element(SEQUENCE, "SQ", mark(0xE000, len(INNER)) + INNER), "known lengths"),
        (
            element(SEQUENCE, "SQ", mark(0xE000, UNDEFINED) + INNER + mark(0xE00D) + mark(0xE0DD), length=UNDEFINED),
            "lengths unknown",
        ),
        (
            element(
                SEQUENCE, "UN", mark(0xE000, UNDEFINED) + INNER_IMPLICIT + mark(0xE00D) + mark(0xE0DD), length=UNDEFINED
            ),
            "a sequence of unknown kind is implicit inside",
        ),
    ],
)
def test_attributes_inside_sequences_are_seen_and_those_behind(sequence: bytes, reason: str) -> None:
    data = dicom(sequence + element(ROWS, "US", b"\7\0"), EXPLICIT)
    found = values(data)
    assert (found[NAME], found[ROWS]) == (b"Roe^John", b"\7\0"), reason


def test_implicit_sequence_is_entered() -> None:
    inner = mark(0xE000, len(INNER_IMPLICIT)) + INNER_IMPLICIT
    data = element(0x00080005, "CS", b"ISO_IR 100", IMPLICIT) + element(SEQUENCE, "SQ", inner, IMPLICIT)
    assert values(dicom(data, IMPLICIT))[NAME] == b"Roe^John"


def test_header_that_goes_on_needs_more() -> None:
    long = element(0x00080005, "CS", b"X") + element(0x00081030, "UT", bytes(100_000)) + element(NAME, "PN", b"Doe")
    data = dicom(long + element(PIXELS, "OW", bytes(500)), EXPLICIT)
    assert needs_more(data[:65536])
    assert not needs_more(data[:-100])


def test_damaged_header_is_not_complete_and_keeps_what_was_seen() -> None:
    header = read_header(dicom(INNER + b"\x08\0\x05\0\xff\xff" + bytes(50), EXPLICIT), is_whole=True)
    assert not header.is_complete
    assert header.attributes[-1].value == b"Roe^John"


def test_deep_nesting_ends() -> None:
    deep = element(SEQUENCE, "SQ", mark(0xE000, UNDEFINED), length=UNDEFINED) * 50_000
    assert len(read_header(dicom(deep, EXPLICIT), is_whole=True).attributes) == 1


def test_deflate_bomb_is_unpacked_to_the_limit() -> None:
    packed = zlib.compressobj(wbits=-15)
    bomb = packed.compress(body()[:-98] + bytes(4 * HEADER_BYTES)) + packed.flush()
    assert read_header(dicom(bomb, DEFLATED), is_whole=True).attributes


@pytest.mark.parametrize("text", ["PatientName", "0010,0010", "(0010,0010)", "00100010"])
def test_tags_are_written_by_name_or_number(text: str) -> None:
    assert tag_number(text) == NAME


def test_unknown_tag_name_has_no_number() -> None:
    assert tag_number("PatientNam") is None


def test_tags_are_told_by_name_and_number() -> None:
    assert tag_name(NAME) == "PatientName (0010,0010)"
    assert tag_name(0x00111234) == "(0011,1234)"


def test_numbers_of_tags_are_unique() -> None:
    assert len(set(KNOWN.values())) == len(KNOWN)
    assert len(IDENTIFYING) == 34


def test_packed_file_is_read_inside() -> None:
    inspection = Inspection(
        {Check.IDENTITY: ContentRule(Check.IDENTITY, Severity.ERROR)},
        Subject("medical", ".dcm.gz", len(packed := gzip.compress(dicom(body(), EXPLICIT)))),
    )
    inspection.feed(packed)
    assert [breach.found for breach in inspection.finish()] == ["PatientName (0010,0010)"]
