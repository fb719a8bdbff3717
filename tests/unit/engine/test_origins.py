"""The order of units that come from each other."""

import json

import pytest

from reconciler.engine.origins import unit_levels
from reconciler.model.address import Address
from reconciler.state.populations import DesiredRow

SCANS = Address("AssetSet", "scans")


def _rows(needs):
    for key, used in needs.items():
        yield DesiredRow(key, "c", "f", json.dumps({"attributes": {"provenance": {"used": used}}}))


def _levels(needs):
    return unit_levels(_rows(needs), SCANS, lambda text: text.startswith("syn"))


@pytest.mark.parametrize(
    ("needs", "levels", "reason"),
    [
        ({"a": [], "b": ["syn1"]}, {}, "what lies outside sets no order"),
        ({"a": [], "b": ["a"], "c": ["b", "a"]}, {"b": 1, "c": 2}, "a chain"),
        ({"a": [], "b": ["./a"]}, {"b": 1}, "a leading ./ is nothing"),
        ({"a": ['AssetSet/scans["b"]'], "b": []}, {"a": 1}, "the long form"),
        ({"a": ['AssetSet/other["b"]']}, {}, "another set is another matter"),
    ],
)
def test_unit_levels_count_the_steps_before(needs, levels, reason):
    assert _levels(needs) == (levels, []), reason


def test_unit_levels_of_a_circle_name_its_units():
    [problem] = _levels({"a": ["c"], "b": ["a"], "c": ["b"], "d": ["a"]})[1]
    assert "a → c → b → a" in problem.summary


def test_unit_levels_of_an_unknown_name_name_it():
    [problem] = _levels({"a": ["b.csv"]})[1]
    assert "'b.csv'" in problem.summary
    assert problem.address == 'AssetSet/scans["a"]'


def test_unit_levels_of_a_long_chain_need_no_stack():
    needs = {f"{n:05}": [f"{n - 1:05}"] if n else [] for n in range(5000)}
    assert max(_levels(needs)[0].values()) == 4999
