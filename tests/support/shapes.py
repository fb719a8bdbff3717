"""What a shape covers, for tests that compare shapes of different kinds."""

from __future__ import annotations

from typing import Any

from reconciler.formats.annotations import Box, Mask, Point, Polygon, Polyline, Skeleton
from reconciler.formats.geometry import corners

Extent = tuple[float, float, float, float]
DRAWN = (Box, Mask, Point, Polygon, Polyline, Skeleton)


def extent(shape: Any, width: int) -> Extent:
    """Left, top, right and bottom edge. width: of the picture, in pixels."""
    points = outline(shape, width)
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def outline(shape: Any, width: int) -> list[tuple[float, float]]:
    """Points around a drawn shape, or on it."""
    if isinstance(shape, Box):
        return list(corners(shape))
    if isinstance(shape, Point):
        return [(shape.x, shape.y)]
    if isinstance(shape, Skeleton):
        return [(joint.x, joint.y) for joint in shape.joints if joint.visibility]
    if isinstance(shape, Mask):
        return [point for start, length in shape.runs for point in _around(start, length, width)]
    return list(shape.points)


def _around(start: int, length: int, width: int) -> list[tuple[float, float]]:
    first, last = divmod(start, width), divmod(start + length - 1, width)
    left, right = (first[1], last[1] + 1) if first[0] == last[0] else (0, width)
    return [(left, first[0]), (right, last[0] + 1)]
