"""Contact sheets: what stands where, in which colour."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from reconciler.formats.contact_sheet import Cell, colour_of, draw_sheet
from reconciler.formats.geometry import EdgePolicy
from reconciler.formats.items import ExportItem, MediaFile
from reconciler.formats.pictures import draw

CELL = 320
TOP = 36
LEFT = 8


def picture(width: int = 320, height: int = 320) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (width, height), (255, 255, 255)).save(target, "PNG")
    return target.getvalue()


def cell(*shapes: dict, content: bytes | None = None, size: tuple[int, int] = (320, 320)) -> Cell:
    rows = [{"id": str(n), "classification": {"class": "cat"}, **row} for n, row in enumerate(shapes)]
    data = {"annotations": {"image_1": rows}, "extra": {"image_1": {"width": size[0], "height": size[1]}}}
    item = ExportItem("a", "1", data, {"image_1": MediaFile("a.png")})
    return Cell("a", content or picture(*size), draw(item).pictures[0])


def sheet(*cells: Cell) -> Image.Image:
    return Image.open(io.BytesIO(draw_sheet("title", cells, EdgePolicy())))


def at(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    return image.convert("RGB").getpixel((LEFT + x, TOP + y))


def test_sheet_draws_the_edge_of_a_box_in_the_colour_of_its_class() -> None:
    box = {"type": "bbox", "data": [100, 100, 100, 100]}
    assert at(sheet(cell(box)), 200, 150) == colour_of("cat")


def test_sheet_leaves_the_inside_of_a_box_alone() -> None:
    box = {"type": "bbox", "data": [100, 100, 100, 100]}
    assert at(sheet(cell(box)), 150, 180) == (255, 255, 255)


def test_sheet_tints_the_inside_of_a_polygon() -> None:
    ring = {"type": "polygon", "data": [[100, 100], [200, 100], [200, 200], [100, 200]]}
    assert at(sheet(cell(ring)), 150, 180) not in ((255, 255, 255), colour_of("cat"))


def test_sheet_paints_the_pixels_of_a_mask_and_no_others() -> None:
    runs = [[320 * y + 100, 50] for y in range(100, 150)]
    mask = {"type": "segmentation", "data": runs, "isCompressed": True, "compressionFormat": "rle"}
    image = sheet(cell(mask))
    assert at(image, 125, 125) != (255, 255, 255)
    assert at(image, 175, 125) == (255, 255, 255)


def test_sheet_scales_shapes_with_their_picture() -> None:
    box = {"type": "bbox", "data": [200, 200, 200, 200]}
    assert at(sheet(cell(box, size=(640, 640))), 100, 150) == colour_of("cat")


def test_sheet_shows_other_pictures_beside_one_that_cannot_be_decoded() -> None:
    image = sheet(cell(content=b"no picture"), cell())
    assert at(image, CELL + 8 + 100, 100) == (255, 255, 255)


def test_sheet_has_four_pictures_in_a_row() -> None:
    narrow, wide = sheet(*[cell()] * 4), sheet(*[cell()] * 5)
    assert wide.width == narrow.width
    assert wide.height > narrow.height


def test_sheet_is_the_same_every_time() -> None:
    cells = [cell({"type": "bbox", "data": [1, 1, 50, 50]})]
    assert draw_sheet("title", cells, EdgePolicy()) == draw_sheet("title", cells, EdgePolicy())


@pytest.mark.parametrize("caption", ["x" * 500, "1. 자연", "a\nb"])
def test_sheet_takes_any_caption(caption: str) -> None:
    found = cell()
    draw_sheet("title", [Cell(caption, found.content, found.drawn)], EdgePolicy())
