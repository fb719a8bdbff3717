"""Outlines of masks, checked by filling them again."""

import numpy
import pytest

from reconciler.formats.contours import outlines
from reconciler.formats.geometry import ring_area
from reconciler.formats.masks import indices_to_runs


def _filled(rings, width, height):
    """Non-zero filling, pixel by pixel: every vertical edge changes the winding of all pixels to its right."""
    winding = numpy.zeros((height, width), int)
    for ring in rings:
        for (x, y0), (_, y1) in ((a, b) for a, b in zip(ring, ring[1:] + ring[:1], strict=True) if a[0] == b[0]):
            winding[min(y0, y1) : max(y0, y1), x:] += 1 if y1 < y0 else -1
    return winding


def _outlines(bitmap):
    height, width = bitmap.shape
    return outlines(indices_to_runs(numpy.flatnonzero(bitmap).tolist()), width, height)


@pytest.mark.parametrize("seed", range(200))
def test_outlines_fill_to_exactly_the_mask(seed):
    generator = numpy.random.default_rng(seed)
    height, width = generator.integers(1, 12, 2)
    bitmap = (generator.random((height, width)) < generator.random()).astype(int)
    rings = _outlines(bitmap)
    assert (_filled(rings, width, height) == bitmap).all()
    assert sum(map(ring_area, rings)) == bitmap.sum()


@pytest.mark.parametrize("seed", range(50))
def test_edges_of_outlines_are_upright_and_never_empty(seed):
    generator = numpy.random.default_rng(seed)
    for ring in _outlines((generator.random((9, 9)) < 0.6).astype(int)):
        assert all((a[0] == b[0]) != (a[1] == b[1]) for a, b in zip(ring, ring[1:] + ring[:1], strict=True))


def _bitmap(text):
    return numpy.array([[int(c == "#") for c in line] for line in text.split()])


MASKS = [
    ("####\n####\n####\n####", [[(0, 0), (4, 0), (4, 4), (0, 4)]], "a square is its four corners"),
    ("#.\n.#", [[(0, 0), (1, 0), (1, 1), (2, 1), (2, 2), (1, 2), (1, 1), (0, 1)]], "a corner joins two pixels"),
    ("#.#", [[(0, 0), (1, 0), (1, 1), (0, 1)], [(2, 0), (3, 0), (3, 1), (2, 1)]], "two parts are two rings"),
    (".", [], "no pixel, no ring"),
]


@pytest.mark.parametrize(("mask", "rings", "reason"), MASKS)
def test_outline_has_the_corners_of_the_mask(mask, rings, reason):
    assert _outlines(_bitmap(mask)) == rings, reason


def test_hole_is_reached_by_a_bridge_from_the_left():
    (ring,) = _outlines(_bitmap("###\n#.#\n###"))
    assert ring_area(ring) == 8
    assert ring.count((0, 1)) == ring.count((1, 1)) == 2


def test_run_over_several_rows_is_one_block():
    assert outlines([(0, 12)], 4, 3) == [[(0, 0), (4, 0), (4, 3), (0, 3)]]
