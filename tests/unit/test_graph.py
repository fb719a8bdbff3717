"""Order of resources."""

from __future__ import annotations

from itertools import pairwise

import pytest

from reconciler.errors import ConfigError
from reconciler.graph import edges, topological_order
from reconciler.model.address import Address
from tests.support.sage_bench import WORKSPACE
from tests.support.workspace import Bench

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


def test_export_of_a_view_waits_for_what_lies_below_its_scope(tmp_path):
    (tmp_path / "reconciler.yaml").write_text(WORKSPACE)
    bench = Bench(tmp_path)
    bench.set("Collection", "lung", title="Lung", sage={"type": "project"})
    bench.set("Collection", "scans", title="scans", sage={"type": "folder", "parent": "lung"})
    bench.set("AssetSet", "files", collection="scans", source={"url": "data"})
    bench.set("EntityView", "all", parent={"id": "syn1"}, scope=["lung"])
    table = {"kind": "EntityView", "name": "all"}
    bench.set("Export", "x", query="select * from {table}", table=table, format="csv", destination={"url": "out"})
    with bench.session() as session:
        found = edges(session.configuration.resources)[Address("Export", "x")]
    assert [str(one) for one in found] == ["EntityView/all", "AssetSet/files", "Collection/scans"]
