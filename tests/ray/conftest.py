"""A cluster of two nodes on this machine, and a served backend. Skipped, with the reason, where Ray cannot be had."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.lab import lab_workspace
from tests.support.workspace import Bench

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"


def _obstacle() -> str:
    try:
        import ray  # noqa: F401
    except ImportError:
        return "Ray is not installed: make ray"
    if [name for _, name in socket.if_nameindex() if name != "lo"]:
        return "Ray listens on all interfaces, so these tests run where there is only loopback: make test"
    return ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ray leaves sockets and files to the garbage collector, and its own warnings are not ours to mend."""
    obstacle = _obstacle()
    for item in (item for item in items if item.path.is_relative_to(Path(__file__).parent)):
        item.add_marker(pytest.mark.filterwarnings("default"))
        if obstacle:
            item.add_marker(pytest.mark.skip(reason=obstacle))


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head without room for more than one task, and nothing else; nodes are added by tests."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 1, "object_store_memory": 100 << 20, "include_dashboard": False}
    made = Cluster(initialize_head=True, head_node_args=head)
    try:
        yield made
    finally:
        made.shutdown()


@pytest.fixture
def second_node(cluster: Any) -> Any:
    """Another node of the cluster, with room for one task."""
    node = cluster.add_node(num_cpus=1, object_store_memory=100 << 20)
    cluster.wait_for_nodes()
    return node


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Bench]:
    """A workspace of 1,000 units, nothing applied yet."""
    with lab_workspace(tmp_path, [f"unit_{number:04}" for number in range(1000)]) as bench:
        yield bench
