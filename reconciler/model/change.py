"""One difference between two values, as a value."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.json import JSON


@dataclass(frozen=True, slots=True)
class Missing:
    """Type of `MISSING`: the field is not there on that side (None is a value of its own)."""


MISSING = Missing()


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One difference. path: keys from the top; items of keyed lists by their key. before, after: MISSING if absent."""

    path: tuple[str, ...]
    before: JSON | Missing
    after: JSON | Missing
