"""One shape of a LabelMe file, to and from the model.

A rectangle is two opposite corners, a circle its centre and a point on it, a mask the two corner pixels of a crop (both
inside) and the crop as PNG. Points are pixels from the top left.

Source of the format: the files themselves; labelme documents them by its examples.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from math import atan2, hypot
from typing import Final

from reconciler.formats.annotations import Box, Mask, Pair, Point, Polygon, Polyline, Shape
from reconciler.formats.attribute_values import shown_name, written_name
from reconciler.formats.dm_values import pairs, short
from reconciler.formats.geometry import Size, corners, tidy
from reconciler.formats.outlines import ellipse_ring
from reconciler.formats.png import read_plane, write_grey
from reconciler.formats.raster import runs_box
from reconciler.model.json import JSON, JSONObject

RECORD_KEY: Final = "labelme"
"""Member of `extra[media]`, and of groups, under which an import keeps what DM has no place for."""

_SQUARE: Final = 0.01  # pixels a corner may be off, by which drawing by hand is no rectangle

Read = tuple[tuple[str, Shape], ...]
"""Tool and shape of each annotation that one shape of a file becomes."""


def read_shape(row: JSONObject, size: Size | None) -> Read:
    """The annotations of a shape. size: of the picture, for masks. Raises ValueError with what is wrong."""
    form = row.get("shape_type") or "polygon"
    points = pairs(row.get("points"), "points")
    match form:
        case "rectangle":
            return (("bounding_box", _rectangle(_several(points, 2, form))),)
        case "oriented_rectangle":
            return (_oriented(_several(points, 4, form)),)
        case "circle":
            centre, edge = _several(points, 2, form)
            radius = hypot(edge[0] - centre[0], edge[1] - centre[1])
            return (("polygon", Polygon(ellipse_ring(centre, (radius, radius)))),)
        case "line" | "linestrip":
            return (("polyline", Polyline(_several(points, 2, form, more=True))),)
        case "point" | "points":
            return tuple(("keypoint", Point(x, y)) for x, y in _several(points, 1, form, more=True))
        case "mask":
            return (("segmentation", _read_mask(row.get("mask"), _several(points, 2, form), size)),)
        case "polygon":
            return (("polygon", Polygon(_several(points, 3, form, more=True))),)
        case _:
            raise ValueError(f"shape_type {short(form)} is not known")


def _several(points: tuple[Pair, ...], count: int, form: str, *, more: bool = False) -> tuple[Pair, ...]:
    if len(points) < count or (len(points) > count and not more):
        raise ValueError(f"a {form} has {'at least ' if more else ''}{count} points, this one {len(points)}")
    return points


def _rectangle(points: tuple[Pair, ...]) -> Box:
    (ax, ay), (bx, by) = points
    left, top = min(ax, bx), min(ay, by)
    return Box(left, top, tidy(max(ax, bx) - left), tidy(max(ay, by) - top))


def _oriented(points: tuple[Pair, ...]) -> tuple[str, Shape]:
    """A box of its four corners, from the first along its width; a polygon when they make no rectangle."""
    (ax, ay), (bx, by), (cx, cy), _ = points
    width, height, turn = hypot(bx - ax, by - ay), hypot(cx - bx, cy - by), atan2(by - ay, bx - ax)
    box = Box((ax + cx - width) / 2, (ay + cy - height) / 2, width, height, turn)
    if all(hypot(x - p, y - q) < _SQUARE for (x, y), (p, q) in zip(corners(box), points, strict=True)):
        return "bounding_box", box
    return "polygon", Polygon(points)


def _read_mask(text: JSON, points: tuple[Pair, ...], size: Size | None) -> Mask:
    if size is None:
        raise ValueError("a mask needs the size of the picture")
    if not isinstance(text, str):
        raise ValueError("the mask is no base64 text")
    try:
        crop = read_plane(base64.b64decode(text, validate=False))
    except binascii.Error as exc:
        raise ValueError(f"the mask is no base64 text: {exc}") from exc
    left, top = int(points[0][0]), int(points[0][1])
    if left < 0 or top < 0 or left + crop.width > size[0] or top + crop.height > size[1]:
        raise ValueError("the mask leaves the picture")
    return Mask(_placed_runs(crop.pixels, crop.width, left, top, size[0]))


def _placed_runs(pixels: bytes, width: int, left: int, top: int, stride: int) -> tuple[tuple[int, int], ...]:
    """Runs of a crop's pixels above 0 at its place in the picture."""
    runs: list[tuple[int, int]] = []
    for row in range(len(pixels) // width):
        line = pixels[row * width : (row + 1) * width]
        start = (top + row) * stride + left
        at = 0
        while (rest := line[at:].lstrip(b"\0")) != b"":
            first = width - len(rest)
            end = first + len(rest.partition(b"\0")[0])
            _extend(runs, start + first, end - first)
            at = end
    return tuple(runs)


def _extend(runs: list[tuple[int, int]], start: int, length: int) -> None:
    """Add a run; one that begins where the last ends goes on with it."""
    if runs and sum(runs[-1]) == start:
        runs[-1] = (runs[-1][0], runs[-1][1] + length)
    else:
        runs.append((start, length))


def write_ring(points: tuple[Pair, ...]) -> JSONObject:
    """Members of a polygon."""
    return _row("polygon", points)


def write_line(points: tuple[Pair, ...]) -> JSONObject:
    """Members of an open line."""
    return _row("line" if len(points) == 2 else "linestrip", points)


def write_box(box: tuple[float, float, float, float]) -> JSONObject:
    """Members of an upright box."""
    x, y, width, height = box
    return _row("rectangle", ((x, y), (tidy(x + width), tidy(y + height))))


def write_point(x: float, y: float) -> JSONObject:
    """Members of a point."""
    return _row("point", ((x, y),))


def write_mask(runs: tuple[tuple[int, int], ...], size: Size) -> JSONObject:
    """Members of a mask. runs: at least one, row-major."""
    left, top, width, height = runs_box(runs, size[0])
    crop = bytearray(width * height)
    for start, length in runs:
        while length:
            row, column = divmod(start, size[0])
            here = min(length, size[0] - column)
            at = (row - top) * width + column - left
            crop[at : at + here] = b"\x01" * here
            start, length = start + here, length - here
    png = base64.b64encode(write_grey(bytes(crop), width, height)).decode("ascii")
    corners = ((left, top), (left + width - 1, top + height - 1))
    return {**_row("mask", corners), "mask": png}


def _row(form: str, points: tuple[Pair, ...]) -> JSONObject:
    return {"points": [[float(x), float(y)] for x, y in points], "shape_type": form, "mask": None}


def split_attributes(row: JSONObject) -> dict[str, JSON]:
    """Attributes of a shape: its flags, its description, and those that an export wrote."""
    flags, text, more = row.get("flags"), row.get("description"), row.get("attributes")
    found: dict[str, JSON] = {}
    if isinstance(flags, Mapping):
        found |= {name: value for name, value in flags.items() if isinstance(value, bool)}
    if isinstance(text, str) and text:
        found["description"] = text
    if isinstance(more, Mapping):
        found |= more
    return {shown_name(name): value for name, value in found.items()}


def join_attributes(values: Mapping[str, JSON]) -> JSONObject:
    """The members that hold the attributes of a shape; inverse of `split_attributes`."""
    text = values.get("description")
    named = {written_name(name): value for name, value in values.items()}
    rest = {k: v for k, v in named.items() if not isinstance(v, bool)}
    if isinstance(text, str) and text:
        rest.pop("description")
    return {
        "flags": {k: v for k, v in named.items() if isinstance(v, bool)},
        "description": text if isinstance(text, str) else "",
        **({"attributes": rest} if rest else {}),
    }
