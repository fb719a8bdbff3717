"""Width and height of pictures, from their headers. Pure; bounded whatever a file claims.

Sources: the specifications of PNG, GIF, BMP, JPEG (ITU-T T.81), WebP (RFC 9649), TIFF 6.0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reconciler.content.dicom import read_header
from reconciler.content.dicom_tags import COLUMNS, ROWS

Size = tuple[int, int]

_NO_FRAME = frozenset({0xC4, 0xC8, 0xCC})
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
_MOST_TAGS = 512


def dimensions(format_name: str, head: bytes) -> Size | None:
    """(width, height) in pixels; None where the format is not known here or the head does not show them."""
    measure = _MEASURES.get(format_name)
    return measure(head) if measure else None


def _png(head: bytes) -> Size | None:
    return (_big(head, 16, 4), _big(head, 20, 4)) if head[12:16] == b"IHDR" and len(head) >= 24 else None


def _gif(head: bytes) -> Size | None:
    return (_little(head, 6, 2), _little(head, 8, 2)) if len(head) >= 10 else None


def _bmp(head: bytes) -> Size | None:
    if len(head) < 26:
        return None
    if _little(head, 14, 4) == 12:
        return _little(head, 18, 2), _little(head, 20, 2)
    return _little(head, 18, 4), abs(int.from_bytes(head[22:26], "little", signed=True))


def _jpeg(head: bytes) -> Size | None:
    """The first frame header; segments before it are stepped over, each by at least its own marker."""
    at = 2
    while at + 9 <= len(head):
        if head[at] != 0xFF:
            return None
        marker = head[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME:
            return _big(head, at + 7, 2), _big(head, at + 5, 2)
        if marker == 0xFF:
            at += 1
        elif marker in _STANDALONE:
            at += 2
        else:
            at += 2 + max(2, _big(head, at + 2, 2))
    return None


def _webp(head: bytes) -> Size | None:
    if len(head) < 30:
        return None
    match head[12:16]:
        case b"VP8 ":
            return _little(head, 26, 2) & 0x3FFF, _little(head, 28, 2) & 0x3FFF
        case b"VP8L":
            bits = _little(head, 21, 4)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            return _little(head, 24, 3) + 1, _little(head, 27, 3) + 1
    return None


def _tiff(head: bytes) -> Size | None:
    """The first directory, when it lies in the head."""
    number = _little if head[:2] == b"II" else _big
    if number(head, 2, 2) == 43:  # BigTIFF
        at, count, step, wide = number(head, 8, 8), 8, 20, 12
    else:
        at, count, step, wide = number(head, 4, 4), 2, 12, 8
    entries = min(number(head, at, count), _MOST_TAGS)
    found: dict[int, int] = {}
    for start in range(at + count, min(at + count + entries * step, len(head) - step + 1), step):
        tag, kind = number(head, start, 2), number(head, start + 2, 2)
        if tag in (_TIFF_WIDTH, _TIFF_HEIGHT) and kind in (3, 4, 16):
            found[tag] = number(head, start + wide, {3: 2, 4: 4, 16: 8}[kind])
    return (found[_TIFF_WIDTH], found[_TIFF_HEIGHT]) if len(found) == 2 else None


def _dicom(head: bytes) -> Size | None:
    header = read_header(head, is_whole=False)
    width, height = header.number(COLUMNS), header.number(ROWS)
    return None if width is None or height is None else (width, height)


def _big(head: bytes, at: int, size: int) -> int:
    return int.from_bytes(head[at : at + size], "big")


def _little(head: bytes, at: int, size: int) -> int:
    return int.from_bytes(head[at : at + size], "little")


_MEASURES: Mapping[str, Callable[[bytes], Size | None]] = {
    "png": _png,
    "gif": _gif,
    "bmp": _bmp,
    "jpeg": _jpeg,
    "webp": _webp,
    "tiff": _tiff,
    "dicom": _dicom,
}

# Formats whose size is known here.
MEASURED = frozenset(_MEASURES)
