"""Annotations that an import makes, with the flags of finished ones."""

from __future__ import annotations

from reconciler.formats.annotations import Annotation, Shape
from reconciler.model.json import JSONObject


def imported_part(id: str, tool: str, shape: Shape, name: str | None, attributes: JSONObject) -> Annotation:
    """An annotation with the flags of one that a person has finished. name: None when it has no class."""
    label = [name] if name else []
    members = {"isLocked": False, "isVisible": True, "isValid": True, "isDrawCompleted": True, "label": label}
    return Annotation(id, tool, shape, name, attributes, members)
