"""One policy for shapes that leave the picture, the same verdict in every format.

Coordinates are pixel edges: a picture of width w covers x from 0 to w. A shape is inside when no coordinate leaves that
range by more than the tolerance. `clip` cuts at the edge; `keep` writes as it is; `drop` leaves the shape out;
`fail` reports it as failed. Shapes without area are left out under every policy but `keep`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import cos, sin
from typing import Final, Generic, Literal, TypeVar

from reconciler.formats.account import Loss
from reconciler.formats.annotations import Box, Joint, Pair

Size = tuple[int, int]
Ring = tuple[Pair, ...]

# Sums of decimal fractions miss by about 1e-13; a millionth of a pixel is no picture's edge.
_SLACK: Final = 1e-6


@dataclass(frozen=True, slots=True)
class EdgePolicy:
    """mode: as in `Export.geometry`. tolerance: pixels a shape may leave the picture and count as inside."""

    mode: Literal["clip", "keep", "drop", "fail"] = "clip"
    tolerance: float = 0.0

    @property
    def slack(self) -> float:
        """Distance beyond the edge that still counts as inside."""
        return self.tolerance + _SLACK


def is_inside(points: Sequence[Pair], size: Size, slack: float) -> bool:
    """Whether no point lies further than `slack` outside the picture."""
    left, width, height = -slack, size[0] + slack, size[1] + slack
    for x, y in points:  # noqa: SIM110  a generator would take twice as long, for every shape
        if not (left <= x <= width and left <= y <= height):
            return False
    return True


def corners(box: Box) -> Ring:
    """The four corners, from the top left in the direction of positive rotation, turned about the centre."""
    x, y, width, height = box.x, box.y, box.width, box.height
    ring = ((x, y), (x + width, y), (x + width, y + height), (x, y + height))
    if not box.rotation:
        return ring
    middle_x, middle_y = x + width / 2, y + height / 2
    c, s = cos(box.rotation), sin(box.rotation)
    return tuple(
        (
            tidy(middle_x + (px - middle_x) * c - (py - middle_y) * s),
            tidy(middle_y + (px - middle_x) * s + (py - middle_y) * c),
        )
        for px, py in ring
    )


def tidy(value: float) -> float:
    """Round a computed coordinate to a millionth of a pixel, so that 638.0699999999999 is 638.07 again."""
    return round(value, 6)


def ring_area(ring: Sequence[Pair]) -> float:
    """Area inside one ring by the shoelace formula, square pixels, never negative."""
    total = 0.0
    last_x, last_y = ring[-1] if ring else (0.0, 0.0)
    for x, y in ring:
        total += last_x * y - x * last_y
        last_x, last_y = x, y
    return abs(total) / 2


def tight_box(points: Sequence[Pair]) -> tuple[float, float, float, float]:
    """(x, y, width, height) around the points, width and height tidied. points: at least one."""
    xs, ys = zip(*points, strict=True)
    left, top = min(xs), min(ys)
    return left, top, tidy(max(xs) - left), tidy(max(ys) - top)


def clip_ring(ring: Ring, size: Size) -> Ring:
    """The part of a polygon inside the picture; () when nothing is left.

    Sutherland and Hodgman, "Reentrant polygon clipping" (1974): cut at one edge after the other. A concave polygon that
    falls into several parts stays one ring whose parts are joined along the edge.
    """
    width, height = size
    edges: tuple[tuple[Callable[[Pair], bool], Callable[[Pair, Pair], Pair]], ...] = (
        (lambda p: p[0] >= 0, lambda a, b: _at_x(a, b, 0)),
        (lambda p: p[0] <= width, lambda a, b: _at_x(a, b, width)),
        (lambda p: p[1] >= 0, lambda a, b: _at_y(a, b, 0)),
        (lambda p: p[1] <= height, lambda a, b: _at_y(a, b, height)),
    )
    points = list(ring)
    for inside, cut in edges:
        points = _cut(points, inside, cut)
    return tuple(points)


def _cut(points: list[Pair], inside: Callable[[Pair], bool], cut: Callable[[Pair, Pair], Pair]) -> list[Pair]:
    kept: list[Pair] = []
    for index, point in enumerate(points):
        before = points[index - 1]
        if inside(point) != inside(before):
            kept.append(cut(before, point))
        if inside(point):
            kept.append(point)
    return kept


def _at_x(a: Pair, b: Pair, x: float) -> Pair:
    return x, tidy(a[1] + (b[1] - a[1]) * (x - a[0]) / (b[0] - a[0]))


def _at_y(a: Pair, b: Pair, y: float) -> Pair:
    return tidy(a[0] + (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1])), y


def clip_box(box: tuple[float, float, float, float], size: Size) -> tuple[float, float, float, float]:
    """The part of an upright (x, y, width, height) inside the picture; width or height 0 when nothing is left."""
    x, y, width, height = box
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + width, size[0]), min(y + height, size[1])
    return left, top, tidy(max(right - left, 0)), tidy(max(bottom - top, 0))


T = TypeVar("T")


@dataclass(slots=True)  # not frozen, since it is made for every shape: that takes a third of the time
class Fit(Generic[T]):
    """A shape after the policy. shape: None when it is not written. reason: why it was changed or left out."""

    shape: T | None
    clipped: bool = False
    reason: Loss | None = None
    failed: bool = False


def fit_box(
    box: tuple[float, float, float, float], size: Size | None, policy: EdgePolicy
) -> Fit[tuple[float, float, float, float]]:
    """Apply the policy to an upright (x, y, width, height). size: None means that nothing can be judged outside."""
    x, y, width, height = box
    if policy.mode == "keep":
        return Fit(box)
    if width <= 0 or height <= 0:
        return Fit(None, reason=Loss.EMPTY_SHAPE)
    if size is None or is_inside(((x, y), (x + width, y + height)), size, policy.slack):
        return Fit(box)
    if policy.mode == "clip":
        left, top, wide, high = clip_box(box, size)
        whole = wide > 0 and high > 0
        return Fit((left, top, wide, high) if whole else None, clipped=whole, reason=Loss.OUTSIDE_MEDIA)
    return Fit(None, reason=Loss.OUTSIDE_MEDIA, failed=policy.mode == "fail")


def fit_ring(ring: Ring, size: Size | None, policy: EdgePolicy) -> Fit[Ring]:
    """Apply the policy to one closed ring."""
    if policy.mode == "keep":
        return Fit(ring) if len(ring) >= 3 else Fit(None, reason=Loss.EMPTY_SHAPE)
    if len(ring) < 3 or ring_area(ring) <= 0:
        return Fit(None, reason=Loss.EMPTY_SHAPE)
    if size is None or is_inside(ring, size, policy.slack):
        return Fit(ring)
    if policy.mode == "clip":
        cut = clip_ring(ring, size)
        whole = len(cut) >= 3 and ring_area(cut) > _SLACK
        return Fit(cut if whole else None, clipped=whole, reason=Loss.OUTSIDE_MEDIA)
    return Fit(None, reason=Loss.OUTSIDE_MEDIA, failed=policy.mode == "fail")


def fit_line(line: Ring, size: Size | None, policy: EdgePolicy) -> Fit[tuple[Ring, ...]]:
    """Apply the policy to an open line; `clip` cuts it at the edge, into several lines where it comes back."""
    if len(line) < 2:
        return Fit(None, reason=Loss.EMPTY_SHAPE)
    if policy.mode == "keep" or size is None or is_inside(line, size, policy.slack):
        return Fit((line,))
    if policy.mode == "clip":
        cut = clip_line(line, size)
        return Fit(cut or None, clipped=bool(cut), reason=Loss.OUTSIDE_MEDIA)
    return Fit(None, reason=Loss.OUTSIDE_MEDIA, failed=policy.mode == "fail")


def clip_line(line: Ring, size: Size) -> tuple[Ring, ...]:
    """The pieces of an open line inside the picture, () when it does not pass through."""
    pieces: list[list[Pair]] = []
    for a, b in pairwise(line):
        part = _segment_inside(a, b, size)
        if part is None:
            continue
        if pieces and pieces[-1][-1] == part[0] == a:
            pieces[-1].append(part[1])
        else:
            pieces.append(list(part))
    return tuple(tuple(piece) for piece in pieces)


def _segment_inside(a: Pair, b: Pair, size: Size) -> tuple[Pair, Pair] | None:
    """The part of a segment inside the picture (Liang and Barsky, 1984); None when no length of it is."""
    first, last = 0.0, 1.0
    for start, end, length in ((a[0], b[0], size[0]), (a[1], b[1], size[1])):
        step = end - start
        if step == 0 and not 0 <= start <= length:
            return None
        if step:
            near, far = sorted((-start / step, (length - start) / step))
            first, last = max(first, near), min(last, far)
    if first >= last:
        return None
    return (a if first == 0 else _between(a, b, first)), (b if last == 1 else _between(a, b, last))


def _between(a: Pair, b: Pair, share: float) -> Pair:
    return tidy(a[0] + (b[0] - a[0]) * share), tidy(a[1] + (b[1] - a[1]) * share)


def fit_joints(joints: tuple[Joint, ...], size: Size | None, policy: EdgePolicy) -> Fit[tuple[Joint, ...]]:
    """Apply the policy to labelled joints: `clip` takes those outside away, `drop` the whole pose.

    Joints of visibility 0 are nowhere and never outside.
    """
    if policy.mode == "keep" or size is None:
        return Fit(joints)
    inside = tuple(j for j in joints if not j.visibility or is_inside(((j.x, j.y),), size, policy.slack))
    if len(inside) == len(joints):
        return Fit(joints)
    if policy.mode == "clip":
        left = any(j.visibility for j in inside)
        return Fit(inside if left else None, clipped=left, reason=Loss.OUTSIDE_MEDIA)
    return Fit(None, reason=Loss.OUTSIDE_MEDIA, failed=policy.mode == "fail")
