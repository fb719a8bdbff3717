"""Export resources made from what a test wants to say; everything else is as in a document that does not say it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reconciler.errors import Location
from reconciler.model.address import Address
from reconciler.model.resource import Destination, Export, GeometryPolicy, Head

_DEFAULTS: dict[str, Any] = {
    "target": "assignment",
    "project": None,
    "filter": {},
    "format": "coco",
    "options": {},
    "destination": Destination(),
    "originals": True,
    "splits": None,
    "classes": None,
    "geometry": GeometryPolicy(),
}


def export_of(**fields: Any) -> Export:
    """An export of assignments as COCO, but for what is given."""
    head = Head(Address("Export", "train"), Location("e.yaml"), Path(), "local")
    return Export(head, **(_DEFAULTS | fields))
