"""Masks of a picture from its segmentation planes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from reconciler.formats.masks import Runs
from reconciler.formats.png import Plane, PngFault
from reconciler.formats.voc_labels import VOID, LabelMap

_SAME: Final = re.compile(rb"([^\x00\xff])\1*", re.S)
_VOID: Final = re.compile(rb"\xff+")


@dataclass(frozen=True, slots=True)
class FoundMask:
    """instance: index in the plane of objects, None when there is only one of classes. class_index: in that of classes,
    None without one. runs: its pixels, row by row."""

    instance: int | None
    class_index: int | None
    runs: Runs


def find_masks(classes: Plane | None, objects: Plane | None) -> list[FoundMask]:
    """A mask for every index of the plane of objects, else of that of classes; background and void are none.

    Raises:
        PngFault: the planes differ in size.
    """
    if objects is None:
        return [FoundMask(None, index, runs) for index, runs in _masks(classes)] if classes else []
    if classes is not None and (classes.width, classes.height) != (objects.width, objects.height):
        raise PngFault("the planes of classes and of objects differ in size")
    return [FoundMask(index, _class_of(runs, classes), runs) for index, runs in _masks(objects)]


def _masks(plane: Plane) -> Iterator[tuple[int, Runs]]:
    found: dict[int, list[tuple[int, int]]] = {}
    for match in _SAME.finditer(plane.pixels):
        found.setdefault(match[1][0], []).append((match.start(), match.end() - match.start()))
    return ((index, tuple(runs)) for index, runs in sorted(found.items()))


def _class_of(runs: Runs, classes: Plane | None) -> int | None:
    """The class most of the pixels have; None without a plane or when all are background or void."""
    if classes is None:
        return None
    counts: Counter[int] = Counter()
    for start, length in runs:
        counts.update(classes.pixels[start : start + length])
    voted = [(count, -index) for index, count in counts.items() if index not in (0, VOID)]
    return -max(voted)[1] if voted else None


def void_runs(plane: Plane | None) -> list[list[int]]:
    """Runs of void pixels, to be kept for the way back."""
    return [[m.start(), m.end() - m.start()] for m in _VOID.finditer(plane.pixels)] if plane else []


def class_name(found: FoundMask, classes: Plane | None, labels: LabelMap) -> str | None:
    """Name of the class of a mask, None when nobody says."""
    return None if found.class_index is None or classes is None else labels.name_of(found.class_index, classes)
