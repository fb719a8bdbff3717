"""Units of a backend compared with units of a source."""

from __future__ import annotations

from contextlib import closing

import pytest

from reconciler.state.holdings import Holdings, Overlap


@pytest.mark.parametrize(
    ("there", "here", "expected", "exact", "reason"),
    [
        ([("1", "x")], [("a", "x")], Overlap(1, 0, 0, ()), True, "the same"),
        ([("1", "x"), ("2", "y")], [("a", "x")], Overlap(1, 0, 1, ()), False, "one is only at the backend"),
        ([("1", "x")], [("a", "x"), ("b", "y")], Overlap(1, 1, 0, ("b",)), False, "one is only in the source"),
        ([("1", "x")], [("a", "y")], Overlap(0, 1, 1, ("a",)), False, "nothing in common"),
        ([], [], Overlap(0, 0, 0, ()), False, "nothing at all is no match"),
    ],
)
def test_overlap_counts_units_of_both_sides(there, here, expected, exact, reason):
    with closing(Holdings()) as holdings:
        holdings.add_units(there)
        found = holdings.overlap(here)
    assert (found, found.is_exact) == (expected, exact)


def test_specifications_are_found_by_name_and_size():
    with closing(Holdings()) as holdings:
        holdings.add_files([("a.json", 5, "label_1"), ("b.json", -1, "data_1")])
        assert holdings.specifications_of("a.json", 5) == {"label_1"}
        assert holdings.specifications_of("a.json", 6) == frozenset()
        assert holdings.specifications_of("b.json", 6) == {"data_1"}
