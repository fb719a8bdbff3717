"""Order of resources."""

from __future__ import annotations

from itertools import pairwise

import pytest

from reconciler.errors import ConfigError
from reconciler.graph import topological_order
from reconciler.model.address import Address

A, B, C = (Address("Collection", name) for name in "abc")


def test_topological_order_needs_come_first_and_ties_go_by_address():
    assert topological_order({A: [C], B: [], C: []}) == (C, A, B)


def test_topological_order_cycle_names_its_path():
    with pytest.raises(ConfigError, match="Collection/a → Collection/b → Collection/a"):
        topological_order({A: [B], B: [A]})


def test_topological_order_long_chain_does_not_overflow():
    chain = [Address("Collection", f"n{i}") for i in range(500)]
    needs = {left: [right] for left, right in pairwise(chain)}
    assert topological_order(needs)[0] == chain[-1]
