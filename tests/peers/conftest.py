"""What other tools read of exports, carried through the embedded backend once for all tests of a module.

Skipped, with the reason, where the tools are not installed.
"""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Other tools' warnings are theirs to mend."""
    missing = importlib.util.find_spec("datumaro") is None
    logging.getLogger("datumaro").setLevel(logging.ERROR)
    for item in (item for item in items if item.path.is_relative_to(Path(__file__).parent)):
        item.add_marker(pytest.mark.filterwarnings("default"))
        if missing:
            item.add_marker(pytest.mark.skip(reason="the other tools are not installed: make peers"))
