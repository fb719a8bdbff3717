"""Golden files: compared byte for byte; RECONCILER_REWRITE_GOLDENS=1 rewrites them, and the difference is reviewed."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

GOLDEN = Path(__file__).parent.parent / "golden"


def assert_golden(name: str, text: str) -> None:
    """Compare text with `tests/golden/NAME`, which ends with a line feed."""
    assert_file_holds(GOLDEN / name, text if text.endswith("\n") else text + "\n")


def assert_file_holds(path: Path, text: str) -> None:
    """Compare text with a file, byte for byte."""
    if os.environ.get("RECONCILER_REWRITE_GOLDENS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.is_file(), f"{path.name} is missing; run with RECONCILER_REWRITE_GOLDENS=1 and review it"
    expected = path.read_text(encoding="utf-8")
    difference = difflib.unified_diff(expected.splitlines(), text.splitlines(), "expected", "now", lineterm="")
    assert text == expected, "\n".join(difference)
