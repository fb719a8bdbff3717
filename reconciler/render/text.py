"""A plan as text for terminals, in the manner of Terraform."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.plan.values import Action, Change, Reason
from reconciler.render.amounts import count_text
from reconciler.render.rows import SAMPLES, row_lines
from reconciler.render.shown import drift_line, field_lines, safe_text, value_text
from reconciler.render.style import PLAIN, Style
from reconciler.render.summary import counts_text, summary_lines
from reconciler.render.words import LOOKS, REASONS, USUAL, row_noun
from reconciler.state.planfile import PlanFile

_FIELD_COLORS = {"+": "green", "-": "red", "~": "yellow"}


def plan_text(plan: PlanFile, *, style: Style = PLAIN, samples: int = SAMPLES) -> str:
    """The whole plan: drift apart and first, then every change with its rows, then the summary lines.

    samples: rows shown per resource and action; the others are counted.
    """
    changes = plan.changes()
    blocks = [block for block in (drift_text(plan, style=style, samples=samples),) if block]
    shown = [change for change in changes if is_shown(change)]
    if shown:
        blocks.append("The following is to be done:")
        blocks.extend("\n".join(_change(plan, change, style, samples)) for change in shown)
    blocks.append("\n".join(style.paint(line, "bold") for line in summary_lines(plan.header.totals)))
    return "\n\n".join(blocks)


def drift_text(plan: PlanFile, *, style: Style = PLAIN, samples: int = SAMPLES) -> str:
    """What others changed since the last apply; empty when there is nothing."""
    drifted = [change for change in plan.changes() if has_drift(change)]
    if not drifted:
        return ""
    blocks = [style.paint("Changed outside of the configuration:", "bold")]
    blocks.extend("\n".join(_drift(plan, change, style, samples)) for change in drifted)
    return "\n\n".join(blocks)


def is_shown(change: Change) -> bool:
    """Whether a change is worth a place in the list: it does something, or has something to say."""
    return change.action is not Action.NO_OP or change.deferred or bool(change.notes)


def has_drift(change: Change) -> bool:
    """Whether others changed the resource or its rows."""
    return bool(change.drift or change.row_drift) or is_gone(change)


def is_gone(change: Change) -> bool:
    """Whether others deleted the resource."""
    return change.reason in (Reason.DELETED_OUTSIDE, Reason.GONE)


def change_title(change: Change) -> str:
    """ "Collection/a will be created": the first line of a change, with the reason unless it goes without saying."""
    phrase = LOOKS[change.action].phrase
    if change.deferred:
        settled = f"its {row_noun(change.address.kind, 2)} are settled while applying"
        phrase = settled if change.action is Action.NO_OP else f"{phrase}; {settled}"
    why = "" if USUAL.get(change.action) is change.reason else f" ({REASONS[change.reason]})"
    moved = f" (was {change.previous})" if change.previous else ""
    return f"{change.address} {phrase}{moved}{why}"


def _change(plan: PlanFile, change: Change, style: Style, samples: int) -> Iterator[str]:
    look = LOOKS[change.action]
    symbol = "?" if change.deferred and change.action is Action.NO_OP else look.symbol
    yield style.paint(f"  # {change_title(change)}", "bold")
    yield f"{style.paint(f'{symbol:>3}', look.color)} {change.address}{_identity(change)}"
    for field_change in change.fields:
        for depth, mark, text in field_lines(field_change):
            yield f"      {'    ' * depth}{style.paint(mark, _FIELD_COLORS[mark])} {text}"
    if change.rows is not None:
        yield f"      {row_noun(change.address.kind, 2)}: {counts_text(change.rows, change.address.kind)}"
        for line in row_lines(plan, change.address, samples=samples):
            mark = style.paint(line.symbol, LOOKS[line.action].color)
            yield f"      {'    ' * line.depth}{mark} {line.text}"
    for note in change.notes:
        yield style.paint(f"      note: {safe_text(note)}", "dim")


def _identity(change: Change) -> str:
    return f"  [id={change.remote_id}]" if change.remote_id else ""


def _drift(plan: PlanFile, change: Change, style: Style, samples: int) -> Iterator[str]:
    yield f"{style.paint('  ~', 'yellow')} {change.address}{_identity(change)}"
    if is_gone(change):
        yield style.paint("      - it was deleted", "red")
    for field_change in change.drift:
        for depth, mark, text in field_lines(field_change):
            yield f"      {'    ' * depth}{style.paint(mark, _FIELD_COLORS[mark])} {text}"
    if change.row_drift:
        yield from _row_drift(plan, change, style, samples)


def _row_drift(plan: PlanFile, change: Change, style: Style, samples: int) -> Iterator[str]:
    noun = row_noun(change.address.kind, change.row_drift)
    yield f"      {count_text(change.row_drift)} {noun} changed by others"
    rows = list(plan.rows(change.address, limit=samples, drift=True))
    for row in rows:
        yield f"      {style.paint('~', 'yellow')} {value_text(row.key)}  ({REASONS[row.reason]})"
        for line in row.detail:
            yield f"          {drift_line(*line)}"
    if change.row_drift > len(rows):
        yield f"      … and {count_text(change.row_drift - len(rows))} more"
