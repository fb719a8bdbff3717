"""Corners of VOC boxes and pixel edges: two conventions of counting, and how coordinates become whole.

Origin 1, VOC's own (development kit, "annotation guidelines"): pixels are numbered from 1, xmin and xmax name the first
and the last pixel inside, so a box over the whole picture is 1, 1, width, height. Origin 0, what many tools write
instead: the corners are pixel edges, the same box is 0, 0, width, height.
"""

from __future__ import annotations

from math import floor

from reconciler.formats.fitting import XYWH
from reconciler.formats.geometry import Size, tidy
from reconciler.formats.xml_text import number

Corners = tuple[str, str, str, str]
"""Texts of xmin, ymin, xmax, ymax."""


def corner_texts(box: XYWH, origin: int, *, whole: bool, size: Size | None) -> Corners:
    """Corners of an upright box as VOC writes them.

    whole: each edge goes to the nearest pixel edge, halves to the even one; a box that has no pixel left gets the one
    that its middle lies in. size: of the picture, to stay inside, None when unknown.
    """
    x, y, width, height = box
    left, right = _whole(x, x + width, size and size[0]) if whole else (x, tidy(x + width))
    top, bottom = _whole(y, y + height, size and size[1]) if whole else (y, tidy(y + height))
    return number(tidy(left + origin)), number(tidy(top + origin)), number(right), number(bottom)


def _whole(low: float, high: float, length: int | None) -> tuple[int, int]:
    first, end = round(low), round(high)
    if end > first:
        return first, end
    middle = floor((low + high) / 2)
    middle = middle if length is None else max(0, min(length - 1, middle))
    return middle, middle + 1


def read_corners(corners: tuple[float, float, float, float], origin: int) -> XYWH:
    """(x, y, width, height) of corners; whole numbers stay whole. Width and height may be negative or 0."""
    left, top, right, bottom = corners
    x, y = left - origin, top - origin
    return x, y, _difference(right, x), _difference(bottom, y)


def _difference(high: float, low: float) -> float:
    return high - low if isinstance(high, int) and isinstance(low, int) else tidy(high - low)


def read_number(text: str) -> float:
    """A finite number, an int when the text is one. Raises ValueError."""
    text = text.strip()
    if len(text) <= 15 and text.lstrip("+-").isdecimal():
        return int(text)
    value = float(text)
    if not -1e12 < value < 1e12:
        raise ValueError(f"{text!r} is out of range")
    return value
