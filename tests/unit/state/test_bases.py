"""Listings beside populations: what differs, what goes with what, and two runs at once."""

from __future__ import annotations

import pytest

from reconciler.model.address import Address
from reconciler.state.bases import BasisStore
from reconciler.state.populations import DesiredRow, PopulationCache

SET = Address("AssetSet", "s")
BLOCKS = [(0, b"", b"a/1/1"), (0, b"p/", b"b/1/1"), (1, b"p/", b"c/1/1")]


@pytest.fixture
def cache(tmp_path):
    cache = PopulationCache(tmp_path / "populations.db")
    yield cache
    cache.close()


def _build(cache, name, *keys):
    return cache.build(SET, name, [DesiredRow(key, f"content of {key}", "", f'"{key}"') for key in keys], {})


@pytest.fixture
def bases(cache):
    bases = BasisStore(cache)
    bases.record(_build(cache, "p1", "a", "b"), "rules", BLOCKS)
    return bases


def test_basis_is_found_by_its_rules_alone(bases):
    assert bases.find(SET, "rules").population.name == "p1"
    assert bases.find(SET, "other rules") is None


def test_differing_folders_are_those_that_changed_came_or_went(bases):
    now = [(0, b"", b"a/1/1"), (0, b"p/", b"b/2/2"), (0, b"q/", b"d/1/1")]
    found = list(bases.differing(bases.find(SET, "rules"), now))
    assert found == [
        (0, b"p/", b"b/1/1", b"b/2/2"),
        (0, b"q/", b"", b"d/1/1"),
        (1, b"p/", b"c/1/1", b""),
    ]


def test_basis_moves_to_the_next_population_with_its_changes(bases, cache):
    basis = bases.find(SET, "rules")
    bases.move(basis, _build(cache, "p2", "a"), [(0, b"p/", b"b/2/2"), (1, b"p/", b"")])
    moved = bases.find(SET, "rules")
    assert moved.population.name == "p2"
    assert list(bases.differing(moved, [(0, b"", b"a/1/1"), (0, b"p/", b"b/2/2")])) == []


def test_basis_that_another_run_moved_stays_as_that_run_left_it(bases, cache):
    basis = bases.find(SET, "rules")
    bases.move(basis, _build(cache, "theirs", "a"), [])
    bases.move(basis, _build(cache, "ours", "b"), [(0, b"p/", b"b/2/2")])
    kept = bases.find(SET, "rules")
    assert kept.population.name == "theirs"
    assert list(bases.differing(kept, BLOCKS)) == []


def test_basis_goes_with_its_population(bases, cache):
    for name in ("p2", "p3", "p4"):
        _build(cache, name, "a")
    assert bases.find(SET, "rules") is None
    assert cache.connection.execute("SELECT count(*) FROM listed").fetchone() == (0,)


def test_derived_population_has_the_rows_of_its_base_but_for_those_replaced(bases, cache):
    base = bases.find(SET, "rules").population
    derived = cache.derive(base, "p2", ["b"], [DesiredRow("c", "content of c", "", "{}")], {"units": 2})
    assert [row.key for row in cache.rows(derived)] == ["a", "c"]
    assert [row.key for row in cache.rows(base)] == ["a", "b"]
    assert cache.find(SET, "p2").summary == {"units": 2}


def test_population_is_not_derived_when_two_rows_would_have_equal_content(bases, cache):
    base = bases.find(SET, "rules").population
    assert cache.derive(base, "p2", [], [DesiredRow("c", "content of a", "", "{}")], {}) is None
    assert cache.find(SET, "p2") is None


def test_population_is_not_derived_from_one_that_was_cleared_away(bases, cache):
    base = bases.find(SET, "rules").population
    for name in ("p2", "p3", "p4"):
        _build(cache, name, "a")
    assert cache.derive(base, "p5", [], [], {}) is None


def test_bodies_of_rows_with_too_many_files_are_not_read(bases, cache):
    rows = [DesiredRow(key, key, "", f'"{key}"', files=3) for key in "ab"]
    bases.record(cache.build(SET, "p2", rows, {}), "rules", BLOCKS)
    basis = bases.find(SET, "rules")
    assert bases.bodies(basis, ["a", "b", "none"], most_files=6) == {"a": "a", "b": "b"}
    assert bases.bodies(basis, ["a", "b"], most_files=5) is None
