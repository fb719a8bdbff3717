"""The command line run in this process, with its streams caught."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.cli.console import Console
from reconciler.cli.main import execute


@dataclass(frozen=True)
class Ran:
    """What a command line gave."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command line in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run_line(*argv: str, environ: Mapping[str, str] | None = None) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        code = execute(argv, Console(out, err, environ or {}))
        return Ran(code, out.getvalue(), err.getvalue())

    return run_line
