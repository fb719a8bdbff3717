"""Formats by first bytes, and what extensions and types promise."""

from __future__ import annotations

import gzip
import io
import zipfile

import pytest

from reconciler.content.detect import Detected, detect
from reconciler.content.expected import fits
from reconciler.content.pictures import dimensions


def zipped(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, "application/vnd.oasis.opendocument.text" if name == "mimetype" else "x")
    return stream.getvalue()


VOC = b"<annotation>\n <filename>a.jpg</filename>\n <object><name>WBC</name></object>\n</annotation>"
NIFTI = b"\x5c\x01\0\0" + bytes(340) + b"n+1\0"


@pytest.mark.parametrize(
    ("head", "name", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "png", "signature at the start"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "jpeg", "signature at the start"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "webp", "RIFF says what it holds"),
        (b"RIFF\0\0\0\0WAVEfmt ", "wav", "RIFF says what it holds"),
        (b"FORM\0\0\0\0AIFF", "aiff", "so does IFF"),
        (b"\0\0\0\x20ftypisom\0\0\0\0", "mp4", "the brand decides"),
        (b"\0\0\0\x20ftypqt  \0\0\0\0", "quicktime", "the brand decides"),
        (b"\0\0\0\x20ftypheic\0\0\0\0", "heic", "pictures are ISO media too"),
        (b"\0\0\0\x08wide\0\0\0\0mdat", "quicktime", "old films have no brand"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "webm", "a Matroska file that says so"),
        (b"OggS" + bytes(24) + b"\x80theora", "ogg-video", "the first packet decides"),
        (b"ID3\x04\0\0\0\0\0\0\xff\xfb\x90\0", "mp3", "a tag before the sound"),
        (b"ID3\x04\0\0\0\0\0\0fLaC", "flac", "a tag before other sound"),
        (b"\xff\xfb\x90\x00", "mp3", "a frame header"),
        (b"BM is no picture, just a word", "text", "two letters are not enough"),
        (b"P5 4 4 255\n", "netpbm", "a short signature with what follows"),
        (bytes(128) + b"DICM\x02\0", "dicom", "the prefix behind the preamble"),
        (b"II*\0" + bytes(124) + b"DICM\x02\0", "dicom", "viewers of TIFF may open it, it is DICOM all the same"),
        (NIFTI, "nifti", "the magic behind the header"),
        (b"# .PCD v.7\nVERSION .7\nFIELDS x y z\n", "pcd", "a text that begins points"),
        (b"VERSION 0.7\nFIELDS x y z\nDATA binary\n\0\1", "pcd", "data may follow"),
        (b"ply\nformat ascii 1.0\n", "ply", "signature at the start"),
        (b'\xef\xbb\xbf {"a": 1}', "json", "a byte order mark and blanks before"),
        ("[1]".encode("utf-16"), "json", "two bytes a character"),
        (VOC, "xml", "an annotation, whatever its elements are called"),
        (b'<?xml version="1.0"?><!-- c --><svg:svg xmlns:svg="x">', "svg", "the root decides"),
        (b"<!DOCTYPE html><html><script>", "html", "the document type decides"),
        (b"<3 from Berlin", "text", "no element"),
        (b"a,b\n1,2\n", "text", "nothing more is known"),
        (b"\x80\x02}q\0.", "binary", "no text, and nothing known"),
        (zipped("mimetype", "content.xml"), "opendocument", "the first member decides"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "xlsx", "a member decides"),
        (zipped("arr_0.npy"), "npz", "all members are arrays"),
        (zipped("a.txt"), "zip", "nothing special"),
        (b"\x7fELF\x02\x01\x01", "elf", "a program"),
    ],
)
def test_format_is_told_by_first_bytes(head: bytes, name: str, reason: str) -> None:
    assert detect(head).format == name, reason


def test_inside_of_gzip_is_told() -> None:
    assert detect(gzip.compress(NIFTI)) == Detected("gzip", "nifti")


def test_gzip_that_claims_gigabytes_is_unpacked_a_little() -> None:
    assert detect(gzip.compress(bytes(50_000_000))[:65536]) == Detected("gzip", "binary")


def test_damaged_gzip_has_no_inside() -> None:
    assert detect(b"\x1f\x8b\x08\0" + b"\xff" * 100) == Detected("gzip")


@pytest.mark.parametrize(
    ("found", "file_type", "extension", "fit", "reason"),
    [
        (Detected("png"), "image", ".png", True, "the promise is kept"),
        (Detected("jpeg"), "image", ".png", False, "another picture"),
        (Detected("binary"), "image", ".png", False, "no picture at all"),
        (Detected("xml"), "data", ".xml", True, "annotations are what they promise"),
        (Detected("json"), "text", ".txt", True, "JSON is text"),
        (Detected("binary"), "text", ".csv", False, "no text"),
        (Detected("gzip", "nifti"), "data", ".nii.gz", True, "outside and inside"),
        (Detected("gzip", "text"), "data", ".nii.gz", False, "wrong inside"),
        (Detected("gzip"), "data", ".nii.gz", True, "an inside that cannot be told"),
        (Detected("dicom"), "image", "", True, "no extension: the type decides"),
        (Detected("pdf"), "image", "", False, "no extension: the type decides"),
        (Detected("binary"), "image", ".raw", True, "nothing promised, nothing known"),
        (Detected("elf"), "image", ".raw", False, "known to be something else"),
        (Detected("elf"), "data", ".bin", True, "data may be anything"),
        (Detected("ole"), "data", ".xlsx", False, "an encrypted workbook"),
        (Detected("bare-dicom"), "data", ".dcm", False, "a file without prefix"),
    ],
)
def test_promise_of_extension_or_type(found: Detected, file_type: str, extension: str, fit: bool, reason: str) -> None:
    assert fits(found, file_type, extension) is fit, reason


@pytest.mark.parametrize("name", ["png", "jpeg", "gif", "bmp", "tiff", "webp"])
def test_dimensions_are_those_of_pillow(name: str) -> None:
    image = pytest.importorskip("PIL.Image")
    stream = io.BytesIO()
    image.new("RGB", (123, 45)).save(stream, name)
    assert detect(stream.getvalue()).format == name
    assert dimensions(name, stream.getvalue()) == (123, 45)


@pytest.mark.parametrize(("mode", "reason"), [({"lossless": True}, "VP8L"), ({"exif": b"Exif\0\0x"}, "VP8X")])
def test_dimensions_of_other_webp_forms(mode: dict[str, object], reason: str) -> None:
    image = pytest.importorskip("PIL.Image")
    stream = io.BytesIO()
    image.new("RGB", (123, 45)).save(stream, "webp", **mode)
    assert dimensions("webp", stream.getvalue()) == (123, 45), reason


def test_dimensions_of_jpeg_that_steps_back_ends() -> None:
    assert dimensions("jpeg", b"\xff\xd8" + b"\xff\xe0\0\0" * 1000) is None
