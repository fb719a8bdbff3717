"""Annotations that an import makes: the same ids and flags at every import."""

from __future__ import annotations

import hashlib
from typing import Final

from reconciler.formats.annotations import Annotation, Shape
from reconciler.model.json import JSONObject

_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def annotation_id(*place: object) -> str:
    """Ten letters or digits, as the platform makes them, but the same for the same place in a data set."""
    seed = "/".join(map(str, place)).encode()
    number = int.from_bytes(hashlib.sha256(seed).digest()[:8])
    letters: list[str] = []
    for _ in range(10):
        number, rest = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[rest])
    return "".join(letters)


def imported_part(id: str, tool: str, shape: Shape, name: str, attributes: JSONObject) -> Annotation:
    """An annotation with the flags of one that a person has finished."""
    members = {"isLocked": False, "isVisible": True, "isValid": True, "isDrawCompleted": True, "label": [name]}
    return Annotation(id, tool, shape, name, attributes, members)
