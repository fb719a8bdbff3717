"""Golden files: compared byte for byte; RECONCILER_REWRITE_GOLDENS=1 rewrites them, and the difference is reviewed."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

GOLDEN = Path(__file__).parent.parent / "golden"


def assert_golden(name: str, text: str) -> None:
    """Compare text with `tests/golden/NAME`."""
    path = GOLDEN / name
    text = text if text.endswith("\n") else text + "\n"
    if os.environ.get("RECONCILER_REWRITE_GOLDENS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.is_file(), f"{path.name} is missing; run with RECONCILER_REWRITE_GOLDENS=1 and review it"
    expected = path.read_text(encoding="utf-8")
    difference = difflib.unified_diff(expected.splitlines(), text.splitlines(), "expected", "now", lineterm="")
    assert text == expected, "\n".join(difference)
