"""Shapes as the numbers of YOLO rows: fractions of the picture's sides with six decimals.

Source of the format: Ultralytics data set formats (detect, segment, pose, obb), Darknet label files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from reconciler.formats.annotations import Pair
from reconciler.formats.fitting import XYWH
from reconciler.formats.geometry import Ring, Size

NO_JOINT: Final = ("0.000000", "0.000000", "0")
"""x, y and visibility of a joint that is not there."""


def number(value: float) -> str:
    """A fraction as it is written; never "-0.000000"."""
    text = f"{value:.6f}"
    return "0.000000" if text == "-0.000000" else text


def box_row(box: XYWH, size: Size) -> str:
    """`cx cy w h` of an upright (x, y, width, height) in pixels."""
    x, y, width, height = box
    across, down = size
    return f"{number((x + width / 2) / across)} {number((y + height / 2) / down)} " + (
        f"{number(width / across)} {number(height / down)}"
    )


def ring_row(ring: Iterable[Pair], size: Size) -> str:
    """`x1 y1 x2 y2 …` of points in pixels."""
    points = list(ring)
    xs = {x: number(x / size[0]) for x in {x for x, _ in points}}
    ys = {y: number(y / size[1]) for y in {y for _, y in points}}
    return " ".join(f"{xs[x]} {ys[y]}" for x, y in points)


def joint_values(x: float, y: float, visibility: int, size: Size) -> tuple[str, str, str]:
    """x, y and visibility of one joint; one that is not labelled is nowhere."""
    return (number(x / size[0]), number(y / size[1]), str(visibility)) if visibility else NO_JOINT


def joined(rings: Sequence[Ring], holes: Sequence[Ring] = ()) -> Ring:
    """One ring around the area of all: bridges without width lead from the first ring to the others and back.

    All run the same way round and holes the other, so that the area inside is the sum of theirs without the holes.
    """
    first, *others = rings
    whole = list(first)
    for ring, is_hole in (*((ring, False) for ring in others), *((hole, True) for hole in holes)):
        same_way = ring if ((_turn(ring) < 0) == (_turn(first) < 0)) != is_hole else ring[::-1]
        near = min(range(len(first)), key=lambda i: _distance(first[i], same_way[0]))
        begin = min(range(len(same_way)), key=lambda i: _distance(first[near], same_way[i]))
        at = whole.index(first[near])
        whole[at:at] = [first[near], *same_way[begin:], *same_way[: begin + 1]]
    return tuple(whole)


def _turn(ring: Ring) -> float:
    """Twice the signed area."""
    before = (ring[-1], *ring[:-1])
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(before, ring, strict=True))


def _distance(a: Pair, b: Pair) -> float:
    return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2
