"""Formats that a fixed sequence of bytes at a fixed place tells. Pure.

Sources: the specifications of the formats; the names are those used across `reconciler.content`.
"""

from __future__ import annotations

from collections.abc import Mapping

# At offset 0. Where one is the beginning of another, the longer one stands first.
_HEADS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\x8aMNG\r\n\x1a\n", "mng"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jpeg2000"),
    (b"\xff\x4f\xff\x51", "jpeg2000"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "jpeg-xl"),
    (b"\xff\x0a", "jpeg-xl"),
    (b"8BPS", "psd"),
    (b"\x76\x2f\x31\x01", "openexr"),
    (b"#?RADIANCE", "radiance"),
    (b"DDS ", "dds"),
    (b"\0\0\1\0", "ico"),
    (b"fLaC", "flac"),
    (b"MThd", "midi"),
    (b".snd", "au"),
    (b"#!AMR", "amr"),
    (b"MAC ", "ape"),
    (b"wvpk", "wavpack"),
    (b"FLV\x01", "flv"),
    (b"\0\0\1\xba", "mpeg-video"),
    (b"\0\0\1\xb3", "mpeg-video"),
    (b"%PDF-", "pdf"),
    (b"%!PS", "postscript"),
    (b"{\\rtf", "rtf"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x93NUMPY", "npy"),
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"CDF\x01", "netcdf"),
    (b"CDF\x02", "netcdf"),
    (b"CDF\x05", "netcdf"),
    (b"PAR1", "parquet"),
    (b"ARROW1\0\0", "arrow"),
    (b"SQLite format 3\0", "sqlite"),
    (b"MATLAB 5.0 MAT-file", "matlab"),
    (b"NRRD000", "nrrd"),
    (b"LASF", "las"),
    (b"ASTM-E57", "e57"),
    (b"ply\n", "ply"),
    (b"ply\r", "ply"),
    (b"BAM\1", "bam"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"\x1f\x8b\x08", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"OggS", "ogg"),
    (b"\x1aE\xdf\xa3", "matroska"),
)
# The header object of ASF, a GUID.
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
# In the order of the table, by first byte: most files are settled by one look-up and one comparison.
_BY_FIRST: Mapping[int, tuple[tuple[bytes, str], ...]] = {
    first: tuple(entry for entry in _HEADS if entry[0][0] == first) for first in {head[0] for head, _ in _HEADS}
}


def signature(head: bytes) -> str:
    """The format that the first bytes tell by themselves, "" when none does."""
    for magic, name in _BY_FIRST.get(head[0], ()) if head else ():
        if head.startswith(magic):
            return name
    if head.startswith(_ASF):
        return "asf"
    return "tar" if head[257:262] == b"ustar" else ""
