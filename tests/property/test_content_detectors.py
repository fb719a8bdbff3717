"""Whatever bytes a file has, judging it ends, raises nothing, and does not depend on how the bytes arrive."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from reconciler.content.inspection import Inspection
from reconciler.content.judging import Breach, Subject
from reconciler.content.pictures import MEASURED, dimensions
from reconciler.content.signatures import _HEADS
from reconciler.errors import Severity
from reconciler.model.content import Check, ContentRule

RULES = {
    check: ContentRule(check, Severity.ERROR, limits={"min": 1, "max": 9, "minWidth": 1, "maxHeight": 9})
    for check in Check
}
DICOM = bytes(128) + b"DICM" + struct.pack("<HH2sH", 2, 0x10, b"UI", 18) + b"1.2.840.10008.1.2\0"
STARTS = st.sampled_from(
    [
        b"", DICOM, b"RIFF\0\0\0\0WEBPVP8X", b"\0\0\0\x20ftyp", b"\x1f\x8b\x08\0\0\0\0\0\0\3", b"<?xml ", b"<!--",
        b"# .PCD\nVERSION ", b"-----BEGIN PRIVATE KEY-----\n", b"MZ", b"\xff\xd8\xff\xe0", b"\x08\0\x05\0CS\2\0AB",
        *(head for head, _ in _HEADS),
    ]
)  # fmt: skip
PIECES = st.lists(
    st.one_of(
        st.binary(max_size=64),
        st.sampled_from([b"\xfe\xff\x00\xe0\xff\xff\xff\xff", b"\xff\xff\xff\xff", b"SQ\0\0", b"UN\0\0"]),
        st.just(b"<!---->" * 99),
        st.sampled_from([b"AKIA" + b"Q" * 16, b"\0" * 500, b" \n" * 300, b"PK\3\4" * 50, b"II*\0\x08\0\0\0\xff\xff"]),
    ),
    max_size=12,
)  # fmt: skip
FILES = st.builds(lambda start, pieces: start + b"".join(pieces), STARTS, PIECES)
EXTENSIONS = st.sampled_from(["", ".png", ".dcm", ".nii.gz", ".json", ".xml", ".odd"])


def judged(content: bytes, extension: str, piece: int) -> tuple[Breach, ...]:
    inspection = Inspection(RULES, Subject("image", extension, len(content)))
    for start in range(0, len(content), piece):
        if inspection.wants_more:
            inspection.feed(content[start : start + piece])
    return inspection.finish()


@given(FILES, EXTENSIONS)
def test_any_bytes_are_judged_without_an_exception(content: bytes, extension: str) -> None:
    breaches = judged(content, extension, max(1, len(content)))
    assert all(breach.found for breach in breaches)


@given(FILES, st.integers(300, 2000))
def test_verdict_does_not_depend_on_pieces(content: bytes, piece: int) -> None:
    """Whether a file is text, its first piece decides; those of real files have at least 64 KiB."""
    padded = content + b"." * 9000
    whole = judged(padded, ".png", len(padded))
    assert judged(padded, ".png", 8192 + piece) == whole


@given(FILES)
def test_dimensions_of_any_bytes_are_numbers_or_unknown(content: bytes) -> None:
    for name in MEASURED:
        size = dimensions(name, content)
        assert size is None or min(size) >= 0
