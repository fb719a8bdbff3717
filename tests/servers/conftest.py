"""Real servers on loopback, each started once, and a workspace over them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support import servers
from tests.unit.sources.conftest import ws

__all__ = ["ws"]


@pytest.fixture(scope="session")
def _started() -> Iterator[dict[str, Any]]:
    with ExitStack() as stack:
        yield {"": stack}


def server(started: dict[str, Any], name: str) -> servers.Place:
    """Start a server, or give the one that runs; skips with the reason where it cannot be had."""
    if name not in started:
        try:
            started[name] = started[""].enter_context(servers.SERVERS[name]())
        except servers.Unavailable as reason:
            started[name] = str(reason)
    if isinstance(started[name], str):
        pytest.skip(f"no {name}: {started[name]}")
    return started[name]


@pytest.fixture(params=list(servers.SERVERS))
def place(request: pytest.FixtureRequest, on: Any) -> servers.Place:
    """A new folder on each server in turn."""
    return on(request.param)


@pytest.fixture
def on(_started: dict[str, Any]) -> Any:
    """A new folder on the named server."""
    return lambda name: server(_started, name).folder(f"of {next(_numbers)}")


_numbers = itertools.count()


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "AZURE_", "GOOGLE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The client libraries of the clouds leave sockets and sessions to the collector."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore:Unclosed:ResourceWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))
