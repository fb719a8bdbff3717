"""Which pixels a shape covers: those whose centre lies inside, by the even-odd rule.

A pixel (column i, row j) has its centre at (i + 0.5, j + 0.5). A centre exactly on a left or top edge is inside, on a
right or bottom edge outside, so that shapes side by side share no pixel and leave none between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import ceil

from reconciler.formats.annotations import Pair
from reconciler.formats.geometry import Size

Runs = list[tuple[int, int]]


def ring_runs(rings: Iterable[Sequence[Pair]], size: Size) -> Runs:
    """Row-major (start, length) runs inside the rings, clipped to the picture; holes are rings as well."""
    width, height = size
    runs: Runs = []
    for row, places in _crossings(rings, height):
        places.sort()
        start = row * width
        for at in range(0, len(places), 2):
            first, end = ceil(places[at] - 0.5), ceil(places[at + 1] - 0.5)
            first, end = 0 if first < 0 else first, width if end > width else end
            if end > first:
                runs.append((start + first, end - first))
    return runs


def _crossings(rings: Iterable[Sequence[Pair]], height: int) -> Iterator[tuple[int, list[float]]]:
    """Where each row of centres meets the outline, by row."""
    rows: dict[int, list[float]] = {}
    for ring in rings:
        last_x, last_y = ring[-1]
        for x, y in ring:
            if y != last_y:
                _cross(rows, (last_x, last_y, x, y) if last_y < y else (x, y, last_x, last_y), height)
            last_x, last_y = x, y
    return iter(sorted(rows.items()))


def _cross(rows: dict[int, list[float]], edge: tuple[float, float, float, float], height: int) -> None:
    """Add one edge, given from its upper to its lower end, to the rows it passes."""
    x, y, end_x, end_y = edge
    slope = (end_x - x) / (end_y - y)
    for row in range(max(0, ceil(y - 0.5)), min(height, ceil(end_y - 0.5))):
        place = x + (row + 0.5 - y) * slope
        if row in rows:
            rows[row].append(place)
        else:
            rows[row] = [place]


def merged_runs(found: Sequence[Runs]) -> Runs:
    """The pixels that any of several shapes covers, each once."""
    if len(found) == 1:
        return found[0]
    merged: Runs = []
    for start, length in sorted(run for runs in found for run in runs):
        end = sum(merged[-1]) if merged else -1
        if start <= end:
            merged[-1] = (merged[-1][0], max(end, start + length) - merged[-1][0])
        else:
            merged.append((start, length))
    return merged


def paint(plane: bytearray, runs: Iterable[tuple[int, int]], index: int) -> None:
    """Give the pixels of row-major runs an index. plane: one byte per pixel; runs lie inside it."""
    colour = bytes((index,))
    for start, length in runs:
        plane[start : start + length] = colour * length


def outlined(plane: bytes, width: int, border: int) -> bytes:
    """The plane with 255 wherever an index changes within `border` pixels, in rows and columns.

    VOC calls these pixels void: nobody says what they show. Works on all pixels at once, as one large number.
    """
    stride = width + border + 1
    gap = bytes(border + 1)
    rows = [plane[at : at + width] + plane[at + width - 1 : at + width] + gap[1:] for at in range(0, len(plane), width)]
    # Each row is followed by a copy of its last pixel, so that the edge of the picture is no change.
    field = int.from_bytes(b"".join(rows), "little")
    size = stride * len(rows)
    across = _changes(field ^ field >> 8, size)
    down = _changes(field ^ field >> 8 * stride, size - stride)
    kept = int.from_bytes((b"\xff" * width + gap) * len(rows), "little")
    inner = int.from_bytes((b"\xff" * (width - 1) + gap + b"\0") * len(rows), "little")
    across &= inner
    void = 0
    for step in range(border):
        void |= across >> 8 * step | across << 8 * (step + 1)
        void |= down >> 8 * stride * step | down << 8 * stride * (step + 1)
    marked = ((field | void) & kept).to_bytes(size + stride * (border + 1), "little")
    return b"".join(marked[at : at + width] for at in range(0, size, stride))


def _changes(difference: int, size: int) -> int:
    """255 in every byte that is not 0, of the lowest `size` bytes."""
    raw = (difference & (1 << 8 * size) - 1).to_bytes(max(size, 1), "little")
    return int.from_bytes(raw.translate(bytes([0] + [255] * 255)), "little")


def runs_box(runs: Iterable[tuple[int, int]], width: int) -> tuple[int, int, int, int]:
    """(x, y, width, height) around row-major runs, pixel edges. runs: at least one."""
    left, top, right, bottom = width, -1, 0, 0
    for start, length in runs:
        row, x = divmod(start, width)
        last_row, last_x = divmod(start + length - 1, width)
        left, right = (min(left, x), max(right, last_x + 1)) if row == last_row else (0, width)
        top, bottom = row if top < 0 else min(top, row), max(bottom, last_row + 1)
    return left, top, right - left, bottom - top
