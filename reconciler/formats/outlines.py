"""Outlines of round shapes, which the model holds as polygons."""

from __future__ import annotations

from math import cos, pi, sin
from typing import Final

from reconciler.formats.annotations import Pair
from reconciler.formats.geometry import tidy

_CORNERS: Final = 64  # a circle of 100 pixels across loses a tenth of a pixel at most


def ellipse_ring(centre: Pair, radii: Pair, angle: float = 0.0) -> tuple[Pair, ...]:
    """64 corners on an ellipse, the first on its first axis. angle: radians, clockwise on screen."""
    turn = (cos(angle), sin(angle))
    return tuple(_place(centre, radii, turn, 2 * pi * step / _CORNERS) for step in range(_CORNERS))


def _place(centre: Pair, radii: Pair, turn: Pair, at: float) -> Pair:
    x, y = radii[0] * cos(at), radii[1] * sin(at)
    return tidy(centre[0] + x * turn[0] - y * turn[1]), tidy(centre[1] + x * turn[1] + y * turn[0])
