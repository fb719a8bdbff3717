"""A plan as one HTML page without scripts or anything from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from reconciler.plan.values import Change
from reconciler.render.problems import problem_text
from reconciler.render.rows import row_lines
from reconciler.render.shown import field_lines, safe_text
from reconciler.render.summary import counts_text, summary_lines
from reconciler.render.text import change_title, drift_text, is_shown
from reconciler.render.words import LOOKS
from reconciler.state.planfile import PlanFile

_CSS = """
:root { color-scheme: light dark; --line: #8886; --green: #1a7f37; --red: #cf222e; --yellow: #9a6700; --cyan: #0a7ea4; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
pre, code, td.symbol { font: 13px/1.5 ui-monospace, monospace; }
pre { overflow-x: auto; padding: .5rem 1rem; border: 1px solid var(--line); border-radius: 6px; white-space: pre-wrap; }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: left; vertical-align: top; }
.green { color: var(--green); } .red { color: var(--red); }
.yellow { color: var(--yellow); } .cyan { color: var(--cyan); }
.problem { border-left: 4px solid var(--yellow); padding-left: 1rem; } .unsafe { border-color: var(--red); }
"""


def plan_html(plan: PlanFile) -> str:
    """The whole page; all text is escaped."""
    header = plan.header
    title = f"{'Destroy plan' if header.destroy else 'Plan'} for {header.workspace}"
    title += f", environment {header.environment}" if header.environment else ""
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{_CSS}</style>\n</head>\n'
        f"<body>\n<h1>{escape(title)}</h1>\n" + "\n".join(_body(plan)) + "\n</body>\n</html>\n"
    )


def _body(plan: PlanFile) -> Iterator[str]:
    header = plan.header
    for line in summary_lines(header.totals):
        yield f"<p><strong>{escape(line)}</strong></p>"
    for problem in (*header.refused, *header.unsafe):
        yield f'<pre class="problem unsafe">{escape(problem_text(problem))}</pre>'
    for problem in header.problems:
        yield f'<pre class="problem">{escape(problem_text(problem))}</pre>'
    shown = [change for change in plan.changes() if is_shown(change)]
    if shown:
        yield "<table><thead><tr><th></th><th>Resource</th><th>Rows</th></tr></thead><tbody>"
        yield from map(_table_row, shown)
        yield "</tbody></table>"
    drift = drift_text(plan)
    if drift:
        yield f"<h2>Changed outside of the configuration</h2>\n<pre>{escape(drift.partition(chr(10) * 2)[2])}</pre>"
    for change in shown:
        detail = "\n".join(_detail(plan, change))
        if detail:
            title = escape(change_title(change))
            yield f"<details><summary><code>{title}</code></summary>\n<pre>{detail}</pre></details>"
    origin = f"Computed {header.created} by version {header.tool_version}; plan {header.plan_id[:12]}."
    yield f"<p>{escape(origin)}</p>"


def _table_row(change: Change) -> str:
    look = LOOKS[change.action]
    symbol = "?" if change.deferred else look.symbol
    rows = counts_text(change.rows, change.address.kind) if change.rows else ""
    cells = f'<td class="symbol {look.color}">{escape(symbol)}</td><td><code>{escape(change_title(change))}</code></td>'
    return f"<tr>{cells}<td>{escape(rows)}</td></tr>"


def _detail(plan: PlanFile, change: Change) -> Iterator[str]:
    for field_change in change.fields:
        for depth, mark, text in field_lines(field_change):
            color = {"+": "green", "-": "red"}.get(mark, "yellow")
            yield f'{"    " * depth}<span class="{color}">{mark}</span> {escape(text)}'
    for line in row_lines(plan, change.address):
        symbol = f'<span class="{LOOKS[line.action].color}">{escape(line.symbol)}</span>'
        yield f"{'    ' * line.depth}{symbol} {escape(line.text)}"
    for note in change.notes:
        yield f"note: {escape(safe_text(note))}"
