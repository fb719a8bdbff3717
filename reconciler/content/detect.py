"""Says in which format a file is, from its first bytes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from reconciler.content.containers import gunzip_head, iff, iso_media, matroska, ogg, riff, zipped
from reconciler.content.dicom import has_prefix, looks_like_dicom
from reconciler.content.executables import executable
from reconciler.content.signatures import signature
from reconciler.content.text import text_format

# So many first bytes tell every format that is known here.
HEAD_BYTES = 64 * 1024
# Bytes that are no text and in no format known here.
BINARY = "binary"

_REFINED: Mapping[str, Callable[[bytes], str]] = {"zip": zipped, "ogg": ogg, "matroska": matroska}
_BMP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})


class Detected(NamedTuple):
    """A format. inner: that of what is packed, for `gzip`; "" when it cannot be told."""

    format: str
    inner: str = ""


def detect(head: bytes) -> Detected:
    """The format of a file. head: its first bytes, up to `HEAD_BYTES`; more is not looked at.

    Gives the name of a program's format (`elf`, `pe`, …) for programs, `BINARY` for what nothing is known of.
    """
    head = head[:HEAD_BYTES]
    # The preamble of a DICOM file may be the beginning of another format, so that viewers of that open it too.
    found = "dicom" if has_prefix(head) else signature(head)
    if found == "gzip":
        inner = gunzip_head(head)
        return Detected("gzip", _format(inner) if inner else "")
    return Detected(found and _REFINED[found](head) if found in _REFINED else found or _format(head))


def _format(head: bytes) -> str:
    """The format where no table is enough, most certain first."""
    found = "dicom" if has_prefix(head) else ""
    found = found or signature(head) or riff(head) or iff(head) or iso_media(head) or _volume(head)
    if found:
        return found
    program = executable(head)
    if program and program != "script":
        return program
    return _weak(head) or text_format(head) or BINARY


def _volume(head: bytes) -> str:
    """NIfTI, and DICOM without its prefix, which begin with bytes that say little."""
    if looks_like_dicom(head):
        return "bare-dicom"
    size = head[:4]
    if size in (b"\x5c\1\0\0", b"\0\0\1\x5c"):  # 348, the size of the header
        return {b"n+1\0": "nifti", b"ni1\0": "nifti-header"}.get(head[344:348], "analyze")
    return "nifti" if size in (b"\x1c\2\0\0", b"\0\0\2\x1c") and head[4:7] in (b"n+2", b"ni2") else ""


def _weak(head: bytes) -> str:
    """Short signatures, with what else must hold."""
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():
        return "netpbm"
    if head[:1] == b"G" and len(head) > 376 and head[188:189] == head[376:377] == b"G":
        return "mpeg-video"
    return _sound(head)


def _sound(head: bytes) -> str:
    """MPEG audio, with or without a tag before it."""
    if head[:3] == b"ID3" and len(head) > 9 and max(head[6:10]) < 0x80:
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        return {b"fLaC": "flac"}.get(head[10 + size : 14 + size], "mp3")
    if len(head) < 4 or head[0] != 0xFF:
        return ""
    if head[1] & 0xF6 == 0xF0:
        return "aac"
    # Layer I is left out: it looks like the mark of text in UTF-16, and nobody has files of it.
    is_frame = head[1] & 0xE0 == 0xE0 and head[1] & 0x18 != 8 and head[1] & 6 in (2, 4)
    return "mp3" if is_frame and head[2] >> 4 not in (0, 15) and head[2] & 12 != 12 else ""
