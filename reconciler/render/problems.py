"""Problems as text with the line they are about, and as diagnostics in Terraform's JSON form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from reconciler.errors import Location, Problem, Severity
from reconciler.model.json import JSON
from reconciler.render.shown import safe_text
from reconciler.render.style import PLAIN, Style

Lines = Callable[[str], Sequence[str] | None]
"""Gives the lines of a file of the configuration by its shown name, None when it cannot be read."""

_MAX_LINE = 160
# A line that may hold a secret is never repeated.
_SECRET = re.compile(r"(?i)token|secret|passw|credential|api_?key|access_?key|://[^/\s]*@")


def no_lines(file: str) -> None:
    """A `Lines` that knows no file."""
    del file


def problem_text(problem: Problem, *, lines: Lines = no_lines, style: Style = PLAIN) -> str:
    """ "Error: FILE:LINE:COLUMN: summary", the line with a caret, why, and what to do."""
    is_error = problem.severity is Severity.ERROR
    label = style.paint("Error:" if is_error else "Warning:", "red" if is_error else "yellow", "bold")
    place = str(problem.at) if problem.at else problem.address
    title = f"{place}: {problem.summary}" if place else problem.summary
    parts = [f"{label} {safe_text(title)}", *snippet(problem.at, lines)]
    parts += [f"  {line}" for line in safe_text(problem.detail).splitlines()]
    if problem.fix:
        parts.append(f"  fix: {safe_text(problem.fix)}")
    return "\n".join(parts)


def problems_text(problems: Iterable[Problem], *, lines: Lines = no_lines, style: Style = PLAIN) -> str:
    """All problems, with an empty line between them."""
    return "\n\n".join(problem_text(problem, lines=lines, style=style) for problem in problems)


def snippet(at: Location | None, lines: Lines) -> list[str]:
    """The line a problem is about, and a caret below the column; nothing when it cannot or must not be shown."""
    line = _line(at, lines)
    if at is None or line is None:
        return []
    number = str(at.line)
    shown = [f"  {number} | {line.expandtabs(1)}"]
    if at.column:
        shown.append(f"  {' ' * len(number)} | {' ' * (at.column - 1)}^")
    return shown


def _line(at: Location | None, lines: Lines) -> str | None:
    found = lines(at.file) if at and at.line else None
    if at is None or found is None or at.line > len(found):
        return None
    line = found[at.line - 1].rstrip()
    if not line.strip() or len(line) > _MAX_LINE or _SECRET.search(line):
        return None
    return safe_text(line)


def diagnostic(problem: Problem, *, lines: Lines = no_lines) -> dict[str, JSON]:
    """A diagnostic: severity, summary, detail, address, range, snippet. Our member `fix` says what to do."""
    result: dict[str, JSON] = {
        "severity": problem.severity.value,
        "summary": problem.summary,
        "detail": "\n".join(text for text in (problem.detail, problem.fix) if text),
    }
    if problem.fix:
        result["fix"] = problem.fix
    if problem.address:
        result["address"] = problem.address
    if problem.at:
        result["range"] = _range(problem.at, lines)
        line = _line(problem.at, lines)
        if line is not None:
            result["snippet"] = _snippet(problem.at, line)
    return result


def _range(at: Location, lines: Lines) -> JSON:
    found = lines(at.file) if at.line else None
    before = (
        [*found[: at.line - 1], found[at.line - 1][: max(at.column - 1, 0)]] if found and at.line <= len(found) else []
    )
    place = {"line": max(at.line, 1), "column": max(at.column, 1), "byte": len("\n".join(before).encode())}
    return {"filename": at.file, "start": place, "end": place}


def _snippet(at: Location, line: str) -> JSON:
    start = max(at.column - 1, 0)
    return {
        "context": None,
        "code": line,
        "start_line": at.line,
        "highlight_start_offset": start,
        "highlight_end_offset": start,
        "values": [],
    }


def validation_document(problems: Sequence[Problem], *, lines: Lines = no_lines) -> dict[str, JSON]:
    """What `validate --json` prints: format_version, valid, counts, diagnostics."""
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    return {
        "format_version": "1.0",
        "valid": errors == 0,
        "error_count": errors,
        "warning_count": len(problems) - errors,
        "diagnostics": [diagnostic(problem, lines=lines) for problem in problems],
    }
