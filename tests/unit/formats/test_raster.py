"""Pixels of shapes: those whose centre is inside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.formats.raster import merged_runs, outlined, ring_runs, runs_box

SIZE = (12, 9)
POINT = st.tuples(st.floats(-4, 16), st.floats(-4, 13))


def _pixels(runs, width=SIZE[0]):
    return {divmod(index, width)[::-1] for start, length in runs for index in range(start, start + length)}


def _is_inside(x, y, rings):
    """Even-odd by counting the edges that a ray to the right crosses."""
    crossed = 0
    for ring in rings:
        for (ax, ay), (bx, by) in zip(ring, ring[1:] + ring[:1], strict=True):
            if (ay <= y) != (by <= y):
                crossed += ax + (y - ay) * (bx - ax) / (by - ay) > x
    return crossed % 2 == 1


@given(st.lists(st.lists(POINT, min_size=3, max_size=7), min_size=1, max_size=3))
def test_pixels_are_those_whose_centres_are_inside(rings):
    painted = _pixels(ring_runs(rings, SIZE))
    for x in range(SIZE[0]):
        for y in range(SIZE[1]):
            here, near = (
                _is_inside(x + 0.5, y + 0.5, rings),
                {_is_inside(x + 0.5 + dx, y + 0.5, rings) for dx in (-1e-9, 1e-9)},
            )
            assert (x, y) in painted if here and near == {True} else True
            assert (x, y) not in painted if not here and near == {False} else True


def test_hole_is_left_out():
    outer, inner = [(0, 0), (6, 0), (6, 6), (0, 6)], [(2, 2), (4, 2), (4, 4), (2, 4)]
    assert len(_pixels(ring_runs([outer, inner], SIZE))) == 36 - 4


def test_neighbours_share_no_pixel_and_leave_none():
    left, right = [(0, 0), (4.5, 0), (4.5, 5), (0, 5)], [(4.5, 0), (9, 0), (9, 5), (4.5, 5)]
    first, second = (_pixels(ring_runs([ring], SIZE)) for ring in (left, right))
    assert not first & second
    assert len(first | second) == 45


@given(st.lists(st.lists(st.lists(POINT, min_size=3, max_size=5), min_size=1, max_size=1), min_size=1, max_size=3))
def test_merged_runs_cover_each_pixel_once(shapes):
    found = [ring_runs(rings, SIZE) for rings in shapes]
    merged = merged_runs(found)
    assert _pixels(merged) == set().union(*map(_pixels, found))
    assert sum(length for _, length in merged) == len(_pixels(merged))


BOXES = [([(13, 2)], (1, 1, 2, 1)), ([(0, 1), (35, 1)], (0, 0, 12, 3)), ([(11, 2)], (0, 0, 12, 2))]


@pytest.mark.parametrize(("runs", "box"), BOXES)
def test_box_is_tight(runs, box):
    assert runs_box(runs, SIZE[0]) == box


@pytest.mark.parametrize("border", [1, 2, 3])
def test_void_is_where_an_index_changes_within_the_border(border):
    plane = bytearray(SIZE[0] * SIZE[1])
    for x, y in [(3, 2), (4, 2), (3, 3), (4, 3), (0, 7), (11, 8)]:
        plane[y * SIZE[0] + x] = x
    marked = outlined(bytes(plane), SIZE[0], border)
    for place, index in enumerate(plane):
        y, x = divmod(place, SIZE[0])
        assert (marked[place] == 255) == _near_change(plane, x, y, border), (x, y)
        assert marked[place] in (255, index)


def _near_change(plane, x, y, border):
    """Whether an edge between two pixels of one row or column is within `border` pixels along it."""
    width, height = SIZE
    row = [plane[y * width + i] for i in range(width)]
    column = [plane[i * width + x] for i in range(height)]
    return _changes(row, x, border) or _changes(column, y, border)


def _changes(line, at, border):
    return any(line[i] != line[i + 1] and i - border < at <= i + border for i in range(len(line) - 1))
