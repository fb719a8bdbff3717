"""Masks between row-major runs, column-major counts and compressed text, checked against pycocotools."""

import numpy
import pytest
from pycocotools import mask as coco_mask

from reconciler.formats.masks import (
    check_runs,
    counts_box,
    counts_to_runs,
    counts_to_text,
    indices_to_runs,
    mask_area,
    runs_to_counts,
    runs_to_indices,
    text_to_counts,
)


def _random_mask(seed, height, width):
    generator = numpy.random.default_rng(seed)
    return (generator.random((height, width)) > generator.random()).astype(numpy.uint8)


@pytest.mark.parametrize("seed", range(25))
def test_mask_agrees_with_pycocotools(seed):
    bitmap = _random_mask(seed, 7 + seed, 40 - seed)
    height, width = bitmap.shape
    theirs = coco_mask.encode(numpy.asfortranarray(bitmap))
    runs = indices_to_runs(numpy.flatnonzero(bitmap).tolist())
    counts = runs_to_counts(runs, width, height)
    assert counts_to_text(counts).encode() == theirs["counts"]
    assert text_to_counts(theirs["counts"].decode()) == counts
    assert counts_to_runs(counts, width, height) == runs
    assert mask_area(runs) == coco_mask.area(theirs)
    assert counts_box(counts, height) == tuple(coco_mask.toBbox(theirs))


def test_empty_mask_has_one_count_and_no_box():
    assert runs_to_counts((), 4, 3) == [12]
    assert counts_box([12], 3) is None
    assert counts_to_runs([12], 4, 3) == ()


def test_full_mask_starts_with_no_background():
    assert runs_to_counts(((0, 12),), 4, 3) == [0, 12]
    assert counts_box([0, 12], 3) == (0, 0, 4, 3)


@pytest.mark.parametrize("indices", [[], [3], [0, 1, 2, 7, 9, 10]])
def test_indices_and_runs_are_inverse(indices):
    assert runs_to_indices(indices_to_runs(indices)) == indices


@pytest.mark.parametrize("text", ["\x00", "o", "0P"])
def test_damaged_text_is_refused(text):
    with pytest.raises(ValueError, match=r"compressed counts"):
        text_to_counts(text)


@pytest.mark.parametrize(("counts", "why"), [([5], "sum to 5"), ([13, -1], "negative")])
def test_counts_that_do_not_fit_are_refused(counts, why):
    with pytest.raises(ValueError, match=why):
        counts_to_runs(counts, 4, 3)


RUNS = [
    (((0, 2), (2, 2)), 4, ""),
    (((0, 2), (1, 2)), 4, "overlaps"),
    (((2, 2), (0, 2)), 4, ""),
    (((0, 0),), 4, "length from 1"),
    (((-1, 2),), 4, "start from 0"),
    (((3, 2),), 4, "reaches pixel 4"),
    (((3, 2),), None, ""),
]


@pytest.mark.parametrize(("runs", "pixels", "why"), RUNS)
def test_runs_are_checked(runs, pixels, why):
    found = check_runs(runs, pixels)
    assert (why in found) if why else found == ""
