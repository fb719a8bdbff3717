"""PNG pictures of palette indices: written for segmentation planes, and read from whatever wrote them.

Source of the format: Portable Network Graphics (PNG) Specification, Third Edition, sections 5, 9 and 11. The colours
are those of the VOC development kit (`VOClabelcolormap`): the bits of an index, spread from the highest down over
red, green and blue.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_GREY, _PALETTE, _CHANNELS = 0, 3, {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_MOST: Final = 1 << 28  # pixels; larger claims are taken for an attack

Colour = tuple[int, int, int]


class PngFault(ValueError):
    """Not a PNG that can be read as a plane of indices; the message says why."""


@dataclass(frozen=True, slots=True)
class Plane:
    """Palette indices of a picture. pixels: one byte each, by rows. colours: index → colour, {} without a palette."""

    width: int
    height: int
    pixels: bytes
    colours: Mapping[int, Colour]


def voc_colour(index: int) -> Colour:
    """The colour of an index from 0 to 255."""
    red = green = blue = 0
    for place in range(7, -1, -1):
        red |= (index & 1) << place
        green |= (index >> 1 & 1) << place
        blue |= (index >> 2 & 1) << place
        index >>= 3
    return red, green, blue


@cache
def _palette_chunk() -> bytes:
    return _chunk(b"PLTE", bytes(value for index in range(256) for value in voc_colour(index)))


def write_plane(pixels: bytes, width: int, height: int) -> bytes:
    """A palette PNG in the colours of VOC, 8 bits. pixels: width * height indices. Same input, same bytes."""
    return wrap_scanlines(_deflated(_scanlines(pixels, width)), width, height)


def write_grey(pixels: bytes, width: int, height: int) -> bytes:
    """A grey PNG, 8 bits. pixels: width * height values. Same input, same bytes."""
    data = _chunk(b"IDAT", _deflated(_scanlines(pixels, width)))
    return b"".join((SIGNATURE, _head_chunk(width, height, _GREY), data, _chunk(b"IEND", b"")))


def _scanlines(pixels: bytes, width: int) -> bytes:
    """Rows with the filter "none" before each."""
    return b"\0" + b"\0".join(pixels[at : at + width] for at in range(0, len(pixels), width)) if pixels else b""


def wrap_scanlines(compressed: bytes, width: int, height: int) -> bytes:
    """A palette PNG around compressed scan lines."""
    data = _chunk(b"IDAT", compressed)
    return b"".join((SIGNATURE, _head_chunk(width, height, _PALETTE), _palette_chunk(), data, _chunk(b"IEND", b"")))


def _head_chunk(width: int, height: int, kind: int) -> bytes:
    return _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0))


def recolour(png: bytes, indices: bytes) -> bytes:
    """The same plane with other indices. png: of `write_plane`. indices: 256 bytes, new for old, 0 for 0.

    Filter bytes are 0 and stay so, hence whole scan lines are translated.
    """
    width, height = struct.unpack(">II", png[16:24])
    data = b"".join(body for kind, body in _chunks(png) if kind == b"IDAT")
    return wrap_scanlines(_deflated(zlib.decompress(data).translate(indices)), width, height)


def _deflated(scanlines: bytes) -> bytes:
    """Compressed by runs alone: planes are flat, so this is smaller than the usual way and twice as fast."""
    deflater = zlib.compressobj(strategy=zlib.Z_RLE)
    return deflater.compress(scanlines) + deflater.flush()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def _chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    at = len(SIGNATURE)
    while at + 8 <= len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        if at + 12 + length > len(png):
            raise PngFault("the file ends inside a chunk")
        found.append((kind, png[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def read_plane(png: bytes) -> Plane:
    """Read a palette or grey picture as indices; colours without a palette become the indices VOC gives them.

    Raises:
        PngFault: no PNG, interlaced, 16 bits, damaged, too large, or a colour that VOC does not know.
    """
    if not png.startswith(SIGNATURE):
        raise PngFault("it is no PNG")
    chunks = _chunks(png)
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 13:
        raise PngFault("it does not begin with its size")
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    _check_head(width, height, depth, kind, interlaced)
    bits = _CHANNELS[kind] * depth
    rows = _unfiltered(_inflated(chunks, ((width * bits + 7) // 8 + 1) * height), width, height, bits)
    if kind == _PALETTE or kind == 0:
        palette = next((body for name, body in chunks if name == b"PLTE"), b"") if kind == _PALETTE else b""
        colours = {i: (palette[3 * i], palette[3 * i + 1], palette[3 * i + 2]) for i in range(len(palette) // 3)}
        return Plane(width, height, _unpacked(rows, width, height, depth), colours)
    return Plane(width, height, _indices(rows, _CHANNELS[kind]), {})


def _check_head(width: int, height: int, depth: int, kind: int, interlaced: int) -> None:
    if not width or not height or width * height > _MOST:
        raise PngFault(f"{width} x {height} pixels are none, or too many")
    if kind not in _CHANNELS or depth not in (1, 2, 4, 8) or (depth < 8 and _CHANNELS[kind] > 1) or kind == 4:
        raise PngFault(f"colour type {kind} with {depth} bits is no plane of indices")
    if interlaced:
        raise PngFault("interlaced pictures are not read")


def _inflated(chunks: list[tuple[bytes, bytes]], size: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"), size)
    except zlib.error as exc:
        raise PngFault(f"its data is damaged: {exc}") from exc
    if len(data) != size:
        raise PngFault(f"its data has {len(data)} bytes, its size asks for {size}")
    return data


def _unfiltered(data: bytes, width: int, height: int, bits: int) -> bytes:
    """Scan lines without filters (section 9.2)."""
    length, step = (width * bits + 7) // 8, max(1, bits // 8)
    rows: list[bytes] = []
    above = bytes(length)
    for at in range(0, (length + 1) * height, length + 1):
        above = _unfilter(data[at], bytearray(data[at + 1 : at + 1 + length]), above, step)
        rows.append(above)
    return b"".join(rows)


def _unfilter(form: int, row: bytearray, above: bytes, step: int) -> bytes:
    if form == 1:
        for i in range(step, len(row)):
            row[i] = (row[i] + row[i - step]) & 255
    elif form == 2:
        row = bytearray((a + b) & 255 for a, b in zip(row, above, strict=True))
    elif form == 3:
        for i in range(len(row)):
            row[i] = (row[i] + ((row[i - step] if i >= step else 0) + above[i]) // 2) & 255
    elif form == 4:
        for i in range(len(row)):
            left, corner = (row[i - step], above[i - step]) if i >= step else (0, 0)
            row[i] = (row[i] + _paeth(left, above[i], corner)) & 255
    elif form:
        raise PngFault(f"filter {form} does not exist")
    return bytes(row)


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    by_left, by_above, by_corner = abs(guess - left), abs(guess - above), abs(guess - corner)
    if by_left <= by_above and by_left <= by_corner:
        return left
    return above if by_above <= by_corner else corner


def _unpacked(rows: bytes, width: int, height: int, depth: int) -> bytes:
    """One byte per pixel of 1, 2, 4 or 8 bits."""
    if depth == 8:
        return rows
    length, mask = (width * depth + 7) // 8, (1 << depth) - 1
    shifts = range(8 - depth, -1, -depth)
    spread = [bytes(value >> shift & mask for shift in shifts) for value in range(256)]
    lines = (rows[at : at + length] for at in range(0, length * height, length))
    return b"".join(b"".join(spread[value] for value in line)[:width] for line in lines)


def _indices(rows: bytes, step: int) -> bytes:
    """Indices of the pixels' colours by the colours of VOC."""
    known = {bytes(voc_colour(index)): index for index in range(256)}
    try:
        return bytes(known[rows[at : at + 3]] for at in range(0, len(rows), step))
    except KeyError as exc:
        raise PngFault(f"colour {tuple(exc.args[0])} is none of VOC's") from exc
