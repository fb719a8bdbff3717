"""The outcome of an apply as lines."""

from __future__ import annotations

from enum import StrEnum

from reconciler.plan.values import RowCounts
from reconciler.render.amounts import count_text

_DONE = (
    ("create", "added"),
    ("update", "changed"),
    ("replace", "replaced"),
    ("move", "moved"),
    ("delete", "deleted"),
    ("adopt", "taken over"),
    ("forget", "forgotten"),
)


class Ending(StrEnum):
    """How an apply ended."""

    COMPLETE = "complete!"
    PARTIAL = "incomplete."
    INTERRUPTED = "interrupted."


def apply_lines(
    ending: Ending, *, added: int, changed: int, destroyed: int, units: RowCounts, destroy: bool = False
) -> list[str]:
    """`Apply complete! Resources: A added, B changed, C destroyed.` and, when rows were touched, a line for them."""
    name = "Destroy" if destroy else "Apply"
    resources = f"{destroyed} destroyed" if destroy else f"{added} added, {changed} changed, {destroyed} destroyed"
    lines = [f"{name} {ending.value} Resources: {resources}."]
    done = ", ".join(f"{count_text(getattr(units, key))} {what}" for key, what in _DONE if getattr(units, key))
    if done:
        lines.append(f"Units: {done}.")
    return lines
