"""Formats that share an outer form: RIFF, ISO media, Matroska, Ogg, zip, gzip, IFF. Pure.

All of these look at the bytes they are given and at nothing beyond; offsets that a file claims are never trusted.
"""

from __future__ import annotations

import zlib

# Of a compressed file, so much is unpacked to see what is inside.
_INNER_BYTES = 4096
_RIFF = {b"WAVE": "wav", b"AVI ": "avi", b"WEBP": "webp"}
_FORM = {b"AIFF": "aiff", b"AIFC": "aiff"}
# Major brands of ISO/IEC 14496-12 files that are no plain video.
_BRANDS = {
    b"qt  ": "quicktime", b"M4A ": "m4a", b"M4B ": "m4a", b"M4P ": "m4a", b"avif": "avif", b"avis": "avif",
    b"heic": "heic", b"heix": "heic", b"heim": "heic", b"heis": "heic", b"hevc": "heic", b"mif1": "heic",
    b"msf1": "heic", b"crx ": "raw-photo",
}  # fmt: skip
_MOVIE_ATOMS = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
# By what lies in the archive; the first match of a name counts.
_ZIP_MEMBERS = (
    (b"word/", "docx"), (b"xl/", "xlsx"), (b"ppt/", "pptx"), (b"META-INF/", "jar"), (b"AndroidManifest.xml", "apk"),
    (b"classes.dex", "apk"),
)  # fmt: skip
_OPEN_DOCUMENT = b"application/vnd.oasis.opendocument"


def riff(head: bytes) -> str:
    """Wav, avi or webp, "" for other RIFF files."""
    return _RIFF.get(head[8:12], "") if head[:4] in (b"RIFF", b"RIFX", b"RF64") else ""


def iff(head: bytes) -> str:
    """AIFF, "" for other IFF files."""
    return _FORM.get(head[8:12], "") if head[:4] == b"FORM" else ""


def iso_media(head: bytes) -> str:
    """The file of an ISO base media box structure, by its major brand; QuickTime files may have none."""
    kind = head[4:8]
    if kind == b"ftyp":
        return _BRANDS.get(head[8:12], "mp4")
    return "quicktime" if kind in _MOVIE_ATOMS and 8 <= int.from_bytes(head[:4], "big") <= 1 << 31 else ""


def ogg(head: bytes) -> str:
    """Sound or pictures, by the first packet."""
    return "ogg-video" if head[28:35] == b"\x80theora" else "ogg"


def matroska(head: bytes) -> str:
    """WebM is a Matroska file that says so in its header."""
    return "webm" if b"webm" in head[:64] else "matroska"


def zipped(head: bytes) -> str:
    """What kind of archive: office documents and programs are zip files too.

    The names of the first members decide, as they stand in their local headers.
    """
    if head[30:38] == b"mimetype":
        return "opendocument" if _OPEN_DOCUMENT in head[:160] else "zip"
    names = list(_member_names(head))
    if names and all(name.endswith(b".npy") for name in names):
        return "npz"
    return next((kind for start, kind in _ZIP_MEMBERS if any(name.startswith(start) for name in names)), "zip")


def _member_names(head: bytes) -> list[bytes]:
    """Names in the local headers that the head shows whole."""
    names: list[bytes] = []
    at = head.find(b"PK\x03\x04")
    while at >= 0 and len(names) < 64:
        length = int.from_bytes(head[at + 26 : at + 28], "little")
        if name := head[at + 30 : at + 30 + length]:
            names.append(name)
        at = head.find(b"PK\x03\x04", at + 30)
    return names


def gunzip_head(head: bytes, limit_bytes: int = _INNER_BYTES) -> bytes:
    """The first bytes of what a gzip file holds; b"" when it cannot be unpacked. Bounded whatever the file claims."""
    return _unpacked(head, 31, limit_bytes)


def inflate_head(packed: bytes, limit_bytes: int) -> bytes:
    """The first bytes of a raw deflate stream, as far as it can be unpacked."""
    return _unpacked(packed, -15, limit_bytes)


def _unpacked(packed: bytes, window_bits: int, limit_bytes: int) -> bytes:
    try:
        return zlib.decompressobj(window_bits).decompress(packed, limit_bytes)
    except zlib.error:
        return b""
