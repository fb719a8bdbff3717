"""Outlines of masks along pixel edges: the area inside an outline is exactly the number of its pixels.

Pixels that touch at a corner belong to one component, as in OpenCV's contours, so an outline may touch itself. A hole
is part of the outline around it: a bridge without width, there and back, leads from the outline to the hole. Such a
ring has the right area, and any filling rule (even-odd or non-zero) gives exactly the pixels back.

The work is done on the ends of runs, level by level from the top; nothing is done per pixel. This module knows of no
file format.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.formats.masks import line_edges

Corner = tuple[int, int]

_NONE: Final = -1
_END: Final = 1 << 60  # beyond every picture


def outlines(runs: Iterable[tuple[int, int]], width: int, height: int) -> list[list[Corner]]:
    """One ring of pixel corners per component, clockwise on screen, by its topmost and then leftmost corner.

    runs: row-major, (start, length). The first corner is not repeated at the end.
    """
    tracer = _Tracer()
    above: Sequence[int] = ()
    for y, below in enumerate((*line_edges(runs, width, height), ())):
        if below != above:
            tracer.cross(y, above, below)
        above = below
    return list(tracer.rings())


@dataclass(slots=True)
class _Tracer:
    """Corners as they are met, each with the one that follows it; foreground is to the right of the way.

    falling: x → the corner from which a vertical edge runs down. feet: of a left edge, by its upper corner, its lower
    one. anchors: a corner where a hole may begin → the upper corner of the left edge that it sees to its left; tops:
    the same corner → the right end of the edge above it. pending: where the present horizontal edge began.
    """

    xs: list[int] = field(default_factory=list)
    ys: list[int] = field(default_factory=list)
    follows: list[int] = field(default_factory=list)
    falling: dict[int, int] = field(default_factory=dict)
    feet: dict[int, int] = field(default_factory=dict)
    anchors: dict[int, int] = field(default_factory=dict)
    tops: dict[int, int] = field(default_factory=dict)
    pending: int = _NONE
    pending_leads_right: bool = False

    def cross(self, y: int, above: Sequence[int], below: Sequence[int]) -> None:
        """Go along the line between two rows, left to right. above, below: where the runs of both begin and end."""
        upper, lower = (*above, _END), (*below, _END)
        i = j = 0
        while (x := min(upper[i], lower[j])) != _END:
            rises, falls = upper[i] == x, lower[j] == x
            if rises and falls and (i ^ j) & 1:
                self._cross_saddle(x, y, above_ends=bool(i & 1), seen=lower[j - 1])
            elif rises != falls:
                corner = self._corner(x, y)
                if rises:
                    self._close_vertical(corner, is_right=bool(i & 1))
                else:
                    self.falling[x] = corner
                if self.pending != _NONE:
                    self._close_horizontal(corner)
                else:
                    self._begin_horizontal(corner, leads_right=bool((j + falls) & 1))
                    if falls and j & 1:
                        self.anchors[corner] = self.falling[lower[j - 1]]
            i, j = i + rises, j + falls

    def _cross_saddle(self, x: int, y: int, *, above_ends: bool, seen: int) -> None:
        """Two pixels touch at a corner: both outlines pass it, and the ways are such that they are one component."""
        left, right = self._corner(x, y), self._corner(x, y)
        up, down = (right, left) if above_ends else (left, right)
        self._close_vertical(up, is_right=above_ends)
        self._close_horizontal(left)
        self.falling[x] = down
        self._begin_horizontal(right, leads_right=above_ends)
        if not above_ends:
            self.anchors[right] = self.falling[seen]

    def _corner(self, x: int, y: int) -> int:
        self.xs.append(x)
        self.ys.append(y)
        self.follows.append(_NONE)
        return len(self.xs) - 1

    def _close_vertical(self, corner: int, *, is_right: bool) -> None:
        top = self.falling.pop(self.xs[corner])
        if is_right:
            self.follows[top] = corner
        else:
            self.follows[corner] = top
            self.feet[top] = corner

    def _begin_horizontal(self, corner: int, *, leads_right: bool) -> None:
        self.pending, self.pending_leads_right = corner, leads_right

    def _close_horizontal(self, corner: int) -> None:
        begun, self.pending = self.pending, _NONE
        if self.pending_leads_right:
            self.follows[begun] = corner
        else:
            self.follows[corner] = begun
            self.tops[begun] = corner

    def rings(self) -> Iterator[list[Corner]]:
        """The outer outlines, holes bridged. Call it once."""
        outer: list[int] = []
        holes: list[int] = []
        for first in self._firsts():
            (holes if first in self.anchors else outer).append(first)
        self._bridge(holes)
        for first in outer:
            yield [(self.xs[corner], self.ys[corner]) for corner in self._way(first)]

    def _way(self, first: int) -> Iterator[int]:
        corner = first
        while True:
            yield corner
            corner = self.follows[corner]
            if corner == first:
                return

    def _firsts(self) -> Iterator[int]:
        """The topmost, leftmost corner of every ring. That of a hole has foreground to its left and so an anchor."""
        seen = bytearray(len(self.follows))
        for first in range(len(self.follows)):
            if not seen[first]:
                yield first
                for corner in self._way(first):
                    seen[corner] = 1

    def _bridge(self, holes: Iterable[int]) -> None:
        """Let the left edge that each hole sees lead into the hole and back. holes: from the top.

        The edge belongs to the outline or to another hole that begins higher or further left, so all come together.
        """
        heads: dict[int, int] = {}
        for hole in holes:
            edge = self.anchors[hole]
            x, y = self.xs[edge], self.ys[hole]
            head = heads.get(edge, edge)
            there, again = self._corner(x, y), self._corner(self.xs[hole], y)
            self.follows[self.feet[edge]] = there
            self.follows[there] = hole
            self.follows[self.tops[hole]] = again
            back = head
            if self.ys[edge] != y:
                back = self._corner(x, y)
                self.follows[back] = head
            self.follows[again] = back
            heads[edge] = there
