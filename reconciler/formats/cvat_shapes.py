"""Shapes as CVAT writes them in attributes: points, degrees, and masks as runs inside a rectangle.

Source of the format: CVAT documentation, "CVAT for images 1.1". A mask is cropped: left, top, width and height of the
rectangle, and counts of pixels row by row, background first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import degrees, isfinite, radians

from reconciler.formats.annotations import Pair
from reconciler.formats.geometry import Size
from reconciler.formats.masks import Runs
from reconciler.formats.raster import runs_box
from reconciler.formats.xml_text import number


def points_text(points: Iterable[Pair]) -> str:
    """`x,y;x,y;…`."""
    return ";".join(f"{number(x)},{number(y)}" for x, y in points)


def read_points(text: str) -> tuple[Pair, ...]:
    """The points of `points_text`. Raises ValueError."""
    points: list[Pair] = []
    for pair in text.split(";") if text.strip() else ():
        x, y = pair.split(",")
        points.append((read_number(x), read_number(y)))
    return tuple(points)


def read_number(text: str) -> float:
    """A finite number; one that is written without a fraction is an int. Raises ValueError."""
    try:
        return int(text)
    except ValueError:
        value = float(text)
        if not isfinite(value):
            raise ValueError(f"{text!r} is not a finite number") from None
        return value


def degrees_text(angle: float) -> str:
    """Radians as degrees from 0 up to 360."""
    return number(round(degrees(angle) % 360, 9) % 360)


def read_degrees(text: str) -> float | None:
    """Degrees as radians, None for no turn. Raises ValueError."""
    return radians(read_number(text)) or None


def mask_attributes(runs: Runs, size: Size) -> dict[str, str]:
    """`rle`, `left`, `top`, `width` and `height` of row-major runs. runs: at least one."""
    left, top, width, height = runs_box(runs, size[0])
    counts: list[int] = []
    at = 0
    for start, length in sorted(runs):
        row, x = divmod(start, size[0])
        place = (row - top) * width + x - left  # a run over several rows makes the rectangle as wide as the picture
        if counts and place == at:
            counts[-1] += length
        else:
            counts += (place - at, length)
        at = place + length
    if at < width * height:
        counts.append(width * height - at)
    box = {"left": left, "top": top, "width": width, "height": height}
    return {"rle": ", ".join(map(str, counts)), **{name: str(value) for name, value in box.items()}}


def read_mask(counts: Sequence[int], box: tuple[int, int, int, int], size: Size) -> Runs:
    """Row-major runs in the picture. box: left, top, width, height. Raises ValueError when they do not fit."""
    left, top, width, height = box
    if min(box) < 0 or left + width > size[0] or top + height > size[1]:
        raise ValueError(f"the rectangle {left}, {top}, {width} x {height} leaves the picture")
    if any(count < 0 for count in counts) or sum(counts) != width * height:
        raise ValueError(f"the counts do not sum to {width} x {height} pixels")
    runs: list[tuple[int, int]] = []
    at = 0
    for place, count in enumerate(counts):
        while place % 2 and count:
            row, x = divmod(at, width)
            length = count if width == size[0] else min(count, width - x)
            runs.append(((top + row) * size[0] + left + x, length))
            at, count = at + length, count - length
        at += count
    return tuple(runs)
