"""Real data sets that may be read and not copied: see RECONCILER_SHARED_DATA in docs/development.md."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

COPIED = Path(__file__).parents[1] / "data"
_SHARED = os.environ.get("RECONCILER_SHARED_DATA")


def shared(name: str) -> Path:
    """A folder of the shared data; skips with the reason where it is not there."""
    if not _SHARED or not (Path(_SHARED) / name).exists():
        pytest.skip(f"set RECONCILER_SHARED_DATA to the folder with {name}")
    return Path(_SHARED) / name
