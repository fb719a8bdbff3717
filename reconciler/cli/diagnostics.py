"""Errors and warnings on the error stream, or as events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from reconciler.cli.console import Console
from reconciler.errors import Problem, ReconcilerError
from reconciler.render.problems import problem_text, problems_text


def report_error(error: ReconcilerError, console: Console) -> None:
    """Show an error: each of its problems with place and fix, else its message."""
    console.tell(problems_text(problems_of(error), lines=file_lines, style=console.err_style))


def report_warnings(problems: Iterable[Problem], console: Console) -> None:
    """Show problems one by one."""
    for problem in problems:
        console.tell(f"{problem_text(problem, lines=file_lines, style=console.err_style)}\n")


def problems_of(error: ReconcilerError) -> tuple[Problem, ...]:
    """The problems of an error; its message when it carries none."""
    return error.problems or (Problem(error.message, fix=error.fix),)


@cache
def file_lines(name: str) -> Sequence[str] | None:
    """The lines of a file of the configuration, None when it cannot be read again."""
    if name == "-":
        return None
    try:
        return Path(name).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError):
        return None
