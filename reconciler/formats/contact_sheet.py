"""Draw a contact sheet: some pictures of a data set with their annotations over them, so that people can look.

Needs Pillow (extra `images`), which is imported when a sheet is drawn. The same cells give the same bytes with the
same Pillow.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.errors import MissingExtra
from reconciler.formats.annotations import Mask, Pair
from reconciler.formats.categories import class_key
from reconciler.formats.fitting import FittedObject, fit_object
from reconciler.formats.geometry import EdgePolicy, Size, tight_box
from reconciler.formats.pictures import Picture

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

_CELL: Final = 320  # pixels, width and height of a picture on the sheet
_CAPTION: Final = 22
_GAP: Final = 8
_COLUMNS: Final = 4
_FILL: Final = 70  # of 255
_LABELLED: Final = 44  # pixels on the sheet; smaller objects bear no label
_PAPER: Final = (250, 250, 250)
_INK: Final = (30, 30, 30)
# Twelve colours that stay apart for most eyes, dark enough for white text.
_COLOURS: Final = (
    (31, 119, 180),
    (214, 39, 40),
    (44, 140, 44),
    (148, 103, 189),
    (196, 98, 0),
    (0, 139, 139),
    (199, 21, 133),
    (110, 110, 0),
    (70, 80, 200),
    (139, 69, 19),
    (0, 100, 60),
    (90, 90, 90),
)
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Cell:
    """One picture of a sheet. caption: below it. content: the bytes of the picture file. drawn: what lies on it."""

    caption: str
    content: bytes
    drawn: Picture


def draw_sheet(title: str, cells: Sequence[Cell], policy: EdgePolicy) -> bytes:
    """A PNG with all cells, four in a row, and the classes with their colours below.

    Pictures that cannot be decoded become an empty cell that says so. Shapes are drawn as the export writes them.

    Raises:
        MissingExtra: Pillow is not installed.
    """
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as exc:
        raise MissingExtra("drawing contact sheets", "images") from exc
    font, heading = ImageFont.load_default(13), ImageFont.load_default(18)
    fitted = [[fit_object(found, cell.drawn.size, policy) for found in cell.drawn.objects] for cell in cells]
    names = sorted({name for objects in fitted for one in objects if (name := _name(one))})
    colours = {name: colour_of(name) for name in names}
    columns = max(1, min(_COLUMNS, len(cells)))
    rows = -(-len(cells) // columns)
    legend = _legend(names, columns * (_CELL + _GAP), font)
    top = 36
    size = (columns * (_CELL + _GAP) + _GAP, top + rows * (_CELL + _CAPTION + _GAP) + 22 * len(legend) + 2 * _GAP)
    sheet = Image.new("RGB", size, _PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((_GAP, _GAP), title, _INK, heading)
    for index, (cell, objects) in enumerate(zip(cells, fitted, strict=True)):
        left = _GAP + index % columns * (_CELL + _GAP)
        upper = top + index // columns * (_CELL + _CAPTION + _GAP)
        sheet.paste(_tile(cell, objects, colours, font), (left, upper))
        pen.text((left, upper + _CELL + 3), _shortened(cell.caption, font), _INK, font)
    _draw_legend(pen, legend, colours, size[1] - 22 * len(legend) - _GAP, font)
    target = io.BytesIO()
    sheet.save(target, "PNG", optimize=False, compress_level=6)
    return target.getvalue()


def colour_of(name: str) -> Colour:
    """The colour of a class: by its name alone, so that it is the same on every sheet."""
    return _COLOURS[hashlib.sha256(name.encode()).digest()[0] % len(_COLOURS)]


def _name(found: FittedObject) -> str | None:
    body = found.found.body or found.found.parts[0]
    return class_key(body.class_name) if body.class_name else None


def _tile(cell: Cell, objects: Sequence[FittedObject], colours: Mapping[str, Colour], font: _Font) -> Image.Image:
    from PIL import Image, ImageDraw, ImageOps

    tile = Image.new("RGB", (_CELL, _CELL), (225, 225, 225))
    try:
        with Image.open(io.BytesIO(cell.content)) as opened:
            stored = opened.size
            picture = ImageOps.pad(opened.convert("RGB"), (_CELL, _CELL), color=(225, 225, 225))
    except (OSError, ValueError, Image.DecompressionBombError):
        ImageDraw.Draw(tile).text((_GAP, _CELL // 2), "cannot be shown", _INK, font)
        return tile
    size = cell.drawn.size or stored
    scale = min(_CELL / size[0], _CELL / size[1])
    placing = _Placing(scale, (_CELL - size[0] * scale) / 2, (_CELL - size[1] * scale) / 2, size)
    layer = Image.new("RGBA", (_CELL, _CELL), (0, 0, 0, 0))
    for one in objects:
        if not one.is_empty:
            _draw_object(layer, one, colours.get(_name(one) or "", (90, 90, 90)), placing)
    for one in objects:
        if not one.is_empty:
            _draw_label(layer, one, colours, placing, font)
    tile.paste(picture)
    tile.paste(layer, mask=layer)
    return tile


@dataclass(frozen=True, slots=True)
class _Placing:
    """From pixels of the picture to pixels of its tile."""

    scale: float
    left: float
    top: float
    size: Size

    def put(self, point: Pair) -> tuple[float, float]:
        return self.left + point[0] * self.scale, self.top + point[1] * self.scale


def _draw_object(layer: Image.Image, one: FittedObject, colour: Colour, placing: _Placing) -> None:
    from PIL import ImageDraw

    pen = ImageDraw.Draw(layer)
    if one.mask is not None:
        _draw_mask(layer, one.mask, colour, placing)
    for ring in (*one.rings, *((one.corners,) if one.corners else ())):
        points = [placing.put(p) for p in ring]
        _blend(layer, points, colour)
        pen.line([*points, points[0]], fill=(*colour, 255), width=2, joint="curve")
    if one.box is not None and not one.rings:
        x, y, width, height = one.box
        pen.rectangle([placing.put((x, y)), placing.put((x + width, y + height))], outline=(*colour, 255), width=2)
    for joint in one.joints:
        if joint.visibility:
            x, y = placing.put((joint.x, joint.y))
            seen = (*colour, 255) if joint.visibility == 2 else (255, 255, 255, 255)
            pen.ellipse([x - 3, y - 3, x + 3, y + 3], fill=seen, outline=(*colour, 255))


def _draw_label(
    layer: Image.Image, one: FittedObject, colours: Mapping[str, Colour], placing: _Placing, font: _Font
) -> None:
    """The class at the upper left of objects that are large enough to bear it."""
    from PIL import ImageDraw

    name, around = _name(one), _around(one)
    if name is None or around is None:
        return
    left, top = placing.put((around[0], around[1]))
    if around[2] * placing.scale < _LABELLED or around[3] * placing.scale < _LABELLED:
        return
    text = _shortened(name, font, round(around[2] * placing.scale))
    pen = ImageDraw.Draw(layer)
    pen.rectangle([left, top, left + font.getlength(text) + 6, top + 16], fill=(*colours[name], 220))
    pen.text((left + 3, top), text, (255, 255, 255, 255), font)


def _around(one: FittedObject) -> tuple[float, float, float, float] | None:
    """(x, y, width, height) around an object without a mask."""
    if one.box is not None:
        return one.box
    points = [p for ring in (*one.rings, *((one.corners,) if one.corners else ())) for p in ring]
    return tight_box(points) if points else None


def _blend(layer: Image.Image, points: Sequence[Pair], colour: Colour) -> None:
    from PIL import Image, ImageDraw

    over = Image.new("RGBA", layer.size, (0, 0, 0, 0))
    ImageDraw.Draw(over).polygon(list(points), fill=(*colour, _FILL))
    layer.alpha_composite(over)


def _draw_mask(layer: Image.Image, mask: Mask, colour: Colour, placing: _Placing) -> None:
    """Paint the runs at the picture's own size, then scale them like the picture."""
    from PIL import Image

    width, height = placing.size
    pixels = bytearray(width * height)
    for start, length in mask.runs:
        pixels[start : start + length] = b"\xff" * min(length, max(0, len(pixels) - start))
    shown = (max(1, round(width * placing.scale)), max(1, round(height * placing.scale)))
    stencil = Image.frombytes("L", (width, height), bytes(pixels)).resize(shown)
    over = Image.new("RGBA", layer.size, (0, 0, 0, 0))
    over.paste((*colour, 255), (round(placing.left), round(placing.top)), stencil.point(lambda v: v * 120 // 255))
    layer.alpha_composite(over)


def _shortened(text: str, font: _Font, room: int = _CELL) -> str:
    """The text as far as it fits, its end first to go."""
    if font.getlength(text) <= room:
        return text
    while text and font.getlength(f"{text}…") > room:
        text = text[:-1]
    return f"{text}…"


def _legend(names: Sequence[str], room: int, font: _Font) -> list[list[str]]:
    """Class names in lines that fit."""
    lines: list[list[str]] = []
    used = 0.0
    for name in names:
        wide = font.getlength(name) + 30
        if not lines or used + wide > room:
            lines.append([])
            used = 0.0
        lines[-1].append(name)
        used += wide
    return lines


def _draw_legend(
    pen: ImageDraw.ImageDraw, lines: Sequence[Sequence[str]], colours: Mapping[str, Colour], top: int, font: _Font
) -> None:
    for number, line in enumerate(lines):
        x, y = float(_GAP), top + 22 * number
        for name in line:
            pen.rectangle([x, y + 3, x + 12, y + 15], fill=colours[name])
            pen.text((x + 17, y + 2), name, _INK, font)
            x += font.getlength(name) + 30


if TYPE_CHECKING:
    _Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
