"""Broken configurations and the exact report that each of them gets.

A case is a folder: `in/` is the workspace, `load.json` (optional) the arguments of `load`, `expected.txt` the report.
RECONCILER_REWRITE_GOLDENS=1 writes the reports anew; review the difference.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler import config
from reconciler.errors import ConfigError, ExitCode, Problem
from tests.support.golden import assert_file_holds

HERE = Path(__file__).parent
CASES = sorted(path.parent.name for path in HERE.glob("*/in"))


def _load(root: Path, arguments: dict[str, object]) -> ConfigError:
    stdin = arguments.pop("stdin", None)
    var_files = [root / str(name) for name in arguments.pop("var_files", [])]
    environ = arguments.pop("environ", {})
    with pytest.raises(ConfigError) as caught:
        config.load(
            root, environ=environ, var_files=var_files, stdin=None if stdin is None else lambda: stdin, **arguments
        )
    return caught.value


def _report(error: ConfigError) -> str:
    return "".join(f"{problem}\n" for problem in error.problems)


def _has_place_and_advice(problem: Problem) -> bool:
    return problem.at is not None and bool(problem.at.file) and bool(problem.fix)


@pytest.mark.parametrize("case", CASES)
def test_broken_configuration_gives_its_report(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = HERE / case
    monkeypatch.chdir(folder / "in")
    given = folder / "load.json"
    error = _load(folder / "in", json.loads(given.read_text()) if given.exists() else {})
    report = _report(error)
    assert_file_holds(folder / "expected.txt", report)
    assert error.exit_code is ExitCode.CONFIGURATION
    assert all(_has_place_and_advice(problem) for problem in error.problems)
    assert str(HERE) not in report


def test_there_are_at_least_forty_cases() -> None:
    assert len(CASES) >= 40
