"""A plan as Markdown for a pull request: exact counts first, details folded, never longer than a comment may be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from reconciler.plan.values import Change
from reconciler.render.problems import problem_text
from reconciler.render.rows import row_lines
from reconciler.render.shown import field_lines, safe_text
from reconciler.render.summary import counts_text, summary_lines
from reconciler.render.text import change_title, drift_text, is_shown
from reconciler.render.words import LOOKS
from reconciler.state.planfile import PlanFile

BUDGET = 60_000  # characters; comments on the usual platforms end at 65,535 or 65,536
_TAIL = 400  # characters kept free for the line that says what was left out
_MAX_DETAIL = 8_000
_DIFF = {"~": "!", "->": "!", "<-": "!", ".": "!", "-/+": "-", "…": " "}


def plan_markdown(plan: PlanFile, *, budget: int = BUDGET) -> str:
    """Heading, summary lines, a table of all changed resources, and a folded part for each as long as there is room.

    The counts are exact whatever was left out.
    """
    header = plan.header
    where = f"`{header.workspace}`" + (f", environment `{header.environment}`" if header.environment else "")
    name = "Destroy plan" if header.destroy else "Plan"
    lines = summary_lines(header.totals)
    page = _Page(budget - _TAIL)
    page.add(f"### {name} for {where}\n\n**{lines[0]}**\n" + "".join(f"\n{line}\n" for line in lines[1:]))
    shown = [change for change in plan.changes() if is_shown(change)]
    page.add_all(
        "problem", [_quote(problem_text(problem)) for problem in (*header.refused, *header.unsafe, *header.problems)]
    )
    _table(page, shown)
    drift = drift_text(plan)
    if drift:
        page.add(_folded("Changed outside of the configuration", drift))
    page.add_all("resource", [_folded(_code(change_title(change)), _detail(plan, change)) for change in shown])
    return page.text()


class _Page:
    """Collects parts up to a size and remembers what found no room."""

    def __init__(self, budget: int) -> None:
        self._left = budget
        self._parts: list[str] = []
        self._omitted: dict[str, int] = {}

    def add(self, part: str) -> bool:
        """Add a part if it fits."""
        if len(part) + 1 > self._left:
            return False
        self._parts.append(part)
        self._left -= len(part) + 1
        return True

    def add_all(self, what: str, parts: Sequence[str]) -> None:
        """Add parts, passing over those that do not fit, and count these."""
        for part in parts:
            if not self.add(part):
                self._omitted[what] = self._omitted.get(what, 0) + 1

    def text(self) -> str:
        """The page."""
        left_out = ", ".join(f"{count:,} of kind {what}" for what, count in self._omitted.items())
        tail = f"\n_Not shown for lack of room: {left_out}. The counts above are complete._\n" if left_out else ""
        return "\n".join(self._parts) + tail


def _table(page: _Page, changes: Sequence[Change]) -> None:
    if not changes:
        return
    page.add("| | Resource | Rows |\n| --- | --- | --- |")
    page.add_all("table row", [_table_row(change) for change in changes])
    page.add("")


def _table_row(change: Change) -> str:
    rows = counts_text(change.rows, change.address.kind) if change.rows else ""
    symbol = "?" if change.deferred else LOOKS[change.action].symbol
    return f"| `{symbol}` | {_code(change_title(change))} | {rows} |"


def _detail(plan: PlanFile, change: Change) -> str:
    lines: list[str] = []
    size = 0
    for line in _detail_lines(plan, change):
        size += len(line) + 1
        if size > _MAX_DETAIL:
            lines.append("  … cut for lack of room")
            break
        lines.append(line)
    return "\n".join(lines) or "  nothing to write"


def _detail_lines(plan: PlanFile, change: Change) -> Iterator[str]:
    for field_change in change.fields:
        for depth, mark, text in field_lines(field_change):
            yield f"{_DIFF.get(mark, mark)} {'    ' * depth}{text}"
    for line in row_lines(plan, change.address):
        yield f"{_DIFF.get(line.symbol, line.symbol)} {'    ' * line.depth}{line.text}"
    for note in change.notes:
        yield f"  note: {safe_text(note)}"


def _folded(title: str, text: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"<details><summary>{title}</summary>\n\n{fence}diff\n{text}\n{fence}\n\n</details>\n"


def _code(text: str) -> str:
    """Text in which nothing is markup, for tables and summaries."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|~#])", lambda match: f"&#{ord(match[1])};", escaped)


def _quote(text: str) -> str:
    lines = _code(safe_text(text)).splitlines()
    return "\n".join(f"> {line}  " for line in lines) + "\n"
