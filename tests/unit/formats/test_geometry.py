"""One verdict per policy for shapes that leave the picture."""

from math import pi

import pytest

from reconciler.formats.account import Loss
from reconciler.formats.annotations import Box, Joint
from reconciler.formats.geometry import (
    EdgePolicy,
    clip_ring,
    corners,
    fit_box,
    fit_joints,
    fit_ring,
    ring_area,
    tight_box,
)

SIZE = (20, 10)

BOXES = [
    ("clip", (1, 1, 5, 5), (1, 1, 5, 5), False, None, "inside"),
    ("clip", (18, 8, 5, 5), (18, 8, 2, 2), True, Loss.OUTSIDE_MEDIA, "partly outside"),
    ("clip", (-3, -3, 5, 5), (0, 0, 2, 2), True, Loss.OUTSIDE_MEDIA, "partly outside, top left"),
    ("clip", (30, 30, 5, 5), None, False, Loss.OUTSIDE_MEDIA, "wholly outside"),
    ("clip", (20, 0, 5, 5), None, False, Loss.OUTSIDE_MEDIA, "touches the edge from outside"),
    ("clip", (0.1, 0.1, 19.9, 9.9), (0.1, 0.1, 19.9, 9.9), False, None, "sum of fractions exceeds by 1e-15"),
    ("keep", (18, 8, 5, 5), (18, 8, 5, 5), False, None, "kept"),
    ("keep", (5, 5, 0, 2), (5, 5, 0, 2), False, None, "empty, kept"),
    ("drop", (18, 8, 5, 5), None, False, Loss.OUTSIDE_MEDIA, "dropped"),
    ("drop", (1, 1, 5, 5), (1, 1, 5, 5), False, None, "inside"),
    ("clip", (5, 5, 0, 2), None, False, Loss.EMPTY_SHAPE, "no width"),
    ("clip", (5, 5, -1, 2), None, False, Loss.EMPTY_SHAPE, "negative width"),
]


@pytest.mark.parametrize(("mode", "box", "shape", "clipped", "loss", "reason"), BOXES)
def test_box_fits_by_policy(mode, box, shape, clipped, loss, reason):
    fit = fit_box(box, SIZE, EdgePolicy(mode))
    assert (fit.shape, fit.clipped, fit.reason) == (shape, clipped, loss), reason


def test_fail_reports_instead_of_dropping():
    assert fit_box((18, 8, 5, 5), SIZE, EdgePolicy("fail")).failed
    assert not fit_box((5, 5, 0, 2), SIZE, EdgePolicy("fail")).failed


def test_tolerance_lets_a_shape_leave_a_little():
    assert fit_box((18, 8, 3, 2), SIZE, EdgePolicy("drop", tolerance=1)).shape == (18, 8, 3, 2)
    assert fit_box((18, 8, 3.5, 2), SIZE, EdgePolicy("drop", tolerance=1)).shape is None


def test_unknown_size_judges_nothing_outside():
    assert fit_box((18, 8, 500, 5), None, EdgePolicy("drop")).shape == (18, 8, 500, 5)


def test_ring_is_cut_at_every_edge():
    diamond = ((10, -5), (25, 5), (10, 15), (-5, 5))
    cut = clip_ring(diamond, SIZE)
    assert tight_box(cut) == (0, 0, 20, 10)
    assert ring_area(cut) == pytest.approx(300 - 2 * 37.5 - 2 * 100 / 6, abs=1e-4)


def test_ring_inside_is_the_same_object():
    ring = ((1, 1), (5, 1), (5, 5))
    assert fit_ring(ring, SIZE, EdgePolicy("clip")).shape is ring


@pytest.mark.parametrize("ring", [((1, 1), (2, 2), (3, 3)), ((1, 1), (2, 2)), ()])
def test_ring_without_area_is_left_out(ring):
    assert fit_ring(ring, SIZE, EdgePolicy("clip")).reason is Loss.EMPTY_SHAPE


def test_joints_outside_are_taken_away_by_clip():
    joints = (Joint("a", 1, 1, 2), Joint("b", 30, 1, 2), Joint("c", 99, 99, 0))
    fit = fit_joints(joints, SIZE, EdgePolicy("clip"))
    assert [j.name for j in fit.shape] == ["a", "c"]
    assert fit.clipped


def test_pose_with_a_joint_outside_is_dropped_by_drop():
    joints = (Joint("a", 1, 1, 2), Joint("b", 30, 1, 2))
    assert fit_joints(joints, SIZE, EdgePolicy("drop")).shape is None


def test_turned_box_turns_about_its_centre():
    ring = corners(Box(0, 0, 4, 2, pi / 2))
    assert ring == ((3, -1), (3, 3), (1, 3), (1, -1))
    assert ring_area(ring) == 8
