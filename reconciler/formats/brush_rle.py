"""The run-length code of brush strokes in Label Studio: bits, over the bytes of an RGBA picture.

A head (32 bits: how many values; 5: bits of a value less one; four times 4: bits of a length less one), then runs: 1
bit whether one value is repeated, 2 bits which of the four lengths, the length less one, and the value or the values.

Source: package rle-pack of thi.ng/umbrella, which Label Studio uses; a pixel is drawn where its alpha is not 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.formats.geometry import Size
from reconciler.formats.masks import Runs, check_runs

_CHANNELS: Final = 4
_SIZES: Final = (3, 4, 8, 16)
_HEAD: Final = "00111" + "".join(f"{size - 1:04b}" for size in _SIZES)
_LONGEST: Final = 1 << _SIZES[-1]
_MOST: Final = 1 << 28  # pixels; larger claims are taken for an attack
_DRAWN: Final = re.compile(rb"[^\0]+")


def encode_brush(runs: Runs, size: Size) -> list[int]:
    """The bytes of a code for row-major runs of drawn pixels.

    Raises:
        ValueError: the runs overlap or leave the picture.
    """
    pixels = size[0] * size[1]
    if wrong := check_runs(runs, pixels):
        raise ValueError(wrong)
    bits = [f"{pixels * _CHANNELS:032b}", _HEAD]
    at = 0
    for start, length in _joined(runs):
        bits += _run(start - at, 0)
        bits += _run(length, 255)
        at = start + length
    bits += _run(pixels - at, 0)
    text = "".join(bits)
    text += "0" * (8 - len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8))


def _joined(runs: Runs) -> Iterator[tuple[int, int]]:
    """The runs in order, those that touch as one."""
    last = (0, 0)
    for start, length in sorted(runs):
        if last[1] and sum(last) == start:
            last = (last[0], last[1] + length)
            continue
        if last[1]:
            yield last
        last = (start, length)
    if last[1]:
        yield last


def _run(pixels: int, value: int) -> Iterable[str]:
    """The bits of so many pixels whose four bytes have one value."""
    left = pixels * _CHANNELS
    while left > 0:
        here = min(left, _LONGEST)
        place = next(n for n, size in enumerate(_SIZES) if here <= 1 << size)
        yield f"1{place:02b}{here - 1:0{_SIZES[place]}b}{value:08b}"
        left -= here


def decode_brush(code: list[int], size: Size) -> Runs:
    """Row-major runs of the drawn pixels.

    Raises:
        ValueError: the code is damaged, or is that of a picture of another size.
    """
    if not code or not all(type(value) is int and 0 <= value < 256 for value in code):
        raise ValueError("the code is not a list of bytes")
    pixels = size[0] * size[1]
    if pixels > _MOST:
        raise ValueError(f"pictures above {_MOST} pixels are not read; this one has {pixels}")
    values = _unpack(f"{int.from_bytes(bytes(code)):0{len(code) * 8}b}", pixels * _CHANNELS)
    alpha = values[_CHANNELS - 1 :: _CHANNELS]
    return tuple((match.start(), match.end() - match.start()) for match in _DRAWN.finditer(alpha))


def _unpack(bits: str, expected: int) -> bytes:
    """The values of a code. bits: as text."""
    if len(bits) < 53 or int(bits[:32], 2) != expected:
        raise ValueError(f"the code is not that of {expected} values, four for each pixel")
    word = int(bits[32:37], 2) + 1
    sizes = [int(bits[at : at + 4], 2) + 1 for at in range(37, 53, 4)]
    if word > 8:
        raise ValueError(f"values of {word} bits are no colours")
    parts: list[bytes] = []
    at, done = 53, 0
    while done < expected:
        width = sizes[int(bits[at + 1 : at + 3] or "0", 2)]
        length = int(bits[at + 3 : at + 3 + width] or "0", 2) + 1
        start = at + 3 + width
        count = 1 if bits[at : at + 1] == "1" else length
        at = start + count * word
        if at > len(bits):
            raise ValueError("the code ends inside a run")
        values = bytes(int(bits[n : n + word], 2) for n in range(start, at, word))
        parts.append(values * length if count == 1 else values)
        done += length
    if done > expected:
        raise ValueError("the code has more values than it says")
    return b"".join(parts)
