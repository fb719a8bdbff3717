"""The summary lines that people and other tools read; their form is stable."""

from __future__ import annotations

from reconciler.plan.values import RowCounts, Totals
from reconciler.render.amounts import count_text, plural, size_text

NO_CHANGES = "No changes. The backend holds what the configuration declares."

_COUNTED = (
    ("create", "to add"),
    ("update", "to change"),
    ("replace", "to replace"),
    ("move", "to move"),
    ("delete", "to delete"),
    ("adopt", "to take over"),
    ("forget", "to forget"),
    ("blocked", "blocked"),
    ("kept", "kept though gone from the source"),
    ("unchanged", "unchanged"),
)


def plan_line(totals: Totals) -> str:
    """`Plan: A to add, B to change, C to destroy.`, with imports before and moves, forgotten and blocked ones after."""
    text = f"{totals.adopt} to import, " if totals.adopt else ""
    text += f"{totals.add} to add, {totals.change} to change, {totals.destroy} to destroy"
    for count, what in ((totals.move, "to move"), (totals.forget, "to forget"), (totals.blocked, "blocked")):
        text += f", {count} {what}" if count else ""
    return f"Plan: {text}."


def units_line(units: RowCounts) -> str:
    """`Units: … to add, …; N files, X to upload.`"""
    text = (
        f"Units: {count_text(units.create)} to add, {count_text(units.update)} to change,"
        f" {count_text(units.replace)} to replace, {count_text(units.move)} to move,"
        f" {count_text(units.delete)} to delete"
    )
    for count, what in ((units.adopt, "to take over"), (units.forget, "to forget"), (units.blocked, "blocked")):
        text += f", {count_text(count)} {what}" if count else ""
    return f"{text}; {transfer_text(units)}."


def transfer_text(rows: RowCounts, kind: str = "AssetSet") -> str:
    """ "4 files, 1.2 MiB to upload", in the words of the kind."""
    noun, verb = _TRANSFERS.get(kind, ("file", "to upload"))
    return f"{plural(rows.files, noun)}, {size_text(rows.bytes)} {verb}"


_TRANSFERS = {"TaskSet": ("payload", "to send"), "Export": ("original", "to copy")}


def summary_lines(totals: Totals) -> list[str]:
    """What a plan adds up to: resources, units when there are any, and what it costs when that is known."""
    if totals.is_empty and not totals.blocked:
        return [NO_CHANGES]
    units = totals.units
    has_units = bool(units.changed or units.blocked or units.unchanged or units.kept)
    lines = [plan_line(totals), units_line(units)] if has_units else [plan_line(totals)]
    return [*lines, f"Cost: about {plural(totals.calls, 'call')}."] if totals.calls else lines


def counts_text(rows: RowCounts, kind: str = "AssetSet") -> str:
    """The counts that are not zero: "3 to add, 12 unchanged; 4 files, 1.2 MiB to upload"."""
    parts = [f"{count_text(getattr(rows, name))} {what}" for name, what in _COUNTED if getattr(rows, name)]
    text = ", ".join(parts) or "none"
    return f"{text}; {transfer_text(rows, kind)}" if rows.files else text
