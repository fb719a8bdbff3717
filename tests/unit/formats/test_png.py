"""Palette PNGs, beside Pillow."""

import io
import zlib

import pytest
from PIL import Image

from reconciler.formats.png import SIGNATURE, PngFault, read_plane, recolour, voc_colour, wrap_scanlines, write_plane

PIXELS = bytes(value % 256 for value in range(0, 33 * 21 * 7, 7))
SIZE = (33, 21)


def _saved(image, **options):
    out = io.BytesIO()
    image.save(out, "PNG", **options)
    return out.getvalue()


def _palette_image():
    image = Image.frombytes("P", SIZE, PIXELS)
    image.putpalette([value for index in range(256) for value in voc_colour(index)])
    return image


def test_written_plane_is_read_by_pillow():
    image = Image.open(io.BytesIO(write_plane(PIXELS, *SIZE)))
    image.load()
    assert (image.mode, image.size, image.tobytes()) == ("P", SIZE, PIXELS)
    assert tuple(image.getpalette()[:12]) == (0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0)


def test_recoloured_plane_has_the_other_indices():
    table = bytes([0, *range(255, 0, -1)])
    image = Image.open(io.BytesIO(recolour(write_plane(PIXELS, *SIZE), table)))
    assert image.tobytes() == PIXELS.translate(table)


@pytest.mark.parametrize("mode", ["P", "L", "RGB", "RGBA"])
def test_planes_of_pillow_are_read(mode):
    image = Image.frombytes("L", SIZE, PIXELS) if mode == "L" else _palette_image().convert(mode)
    plane = read_plane(_saved(image))
    assert (plane.width, plane.height, plane.pixels) == (*SIZE, PIXELS)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_are_unpacked(bits):
    pixels = bytes(value % (1 << bits) for value in range(33 * 21))
    image = Image.frombytes("P", SIZE, pixels)
    image.putpalette([value for index in range(1 << bits) for value in voc_colour(index)])
    assert read_plane(_saved(image, bits=bits)).pixels == pixels


@pytest.mark.parametrize("form", [0, 1, 2, 3, 4])
def test_every_filter_is_undone(form):
    lines = b"".join(bytes([form]) + PIXELS[at : at + 33] for at in range(0, len(PIXELS), 33))
    png = wrap_scanlines(zlib.compress(lines), *SIZE)
    assert read_plane(png).pixels == Image.open(io.BytesIO(png)).tobytes()


def _with_size(width, height, rest=b"\x08\x03\x00\x00\x00"):
    return SIGNATURE + b"\x00\x00\x00\x0dIHDR" + width.to_bytes(4) + height.to_bytes(4) + rest + b"\0\0\0\0"


REFUSED = [
    (b"GIF89a", "no PNG"),
    (SIGNATURE, "does not begin"),
    (_with_size(1 << 20, 1 << 20), "too many"),
    (_with_size(0, 5), "none"),
    (_with_size(2, 2, b"\x10\x00\x00\x00\x00"), "16 bits"),
    (_with_size(2, 2, b"\x08\x03\x00\x00\x01"), "interlaced"),
    (_with_size(2, 2), "0 bytes"),
    (write_plane(PIXELS, *SIZE)[:-20], "ends inside"),
    (wrap_scanlines(b"nonsense", 2, 2), "damaged"),
    (wrap_scanlines(zlib.compress(b"\x09\0\0" * 2), 2, 2), "filter 9"),
    (_saved(Image.new("RGB", (2, 2), (1, 2, 3))), "none of VOC's"),
]


@pytest.mark.parametrize(("raw", "said"), REFUSED)
def test_what_is_no_plane_is_refused(raw, said):
    with pytest.raises(PngFault, match=said):
        read_plane(raw)


def test_data_beyond_the_picture_is_not_unpacked():
    bomb = wrap_scanlines(zlib.compress(bytes(50_000_000)), 2, 2)
    assert read_plane(bomb).pixels == bytes(4)
