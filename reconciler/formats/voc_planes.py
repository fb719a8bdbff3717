"""Segmentation planes of one picture: who covers which pixel, as text for a fragment and as PNG files.

The plane of objects is whole in a fragment. That of classes waits for the ids of the classes, which the rest of the
data set decides; it is the same plane with other indices.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.errors import ConfigError, Problem
from reconciler.formats.account import Loss, Outcome, Tally
from reconciler.formats.geometry import Size
from reconciler.formats.masks import check_runs, mask_area
from reconciler.formats.png import recolour, write_plane
from reconciler.formats.raster import outlined, paint
from reconciler.formats.voc_labels import VOID
from reconciler.formats.voc_objects import VocObject
from reconciler.model.json import JSON

MOST: Final = VOID - 1
"""Objects, or classes, that a plane can tell apart."""


@dataclass(frozen=True, slots=True)
class SegmentedPicture:
    """png: the plane of objects, or of classes in an order of its own. classes: name of each index but 0.

    by_object: false when there are more objects than a plane can tell apart.
    """

    png: bytes
    classes: dict[int, str]
    by_object: bool = True

    def classes_png(self, id_of: Callable[[str], int]) -> bytes:
        """The plane of classes. Raises ConfigError when a class has no index in a plane."""
        table = bytearray(256)
        table[VOID] = VOID
        for index, name in self.classes.items():
            table[index] = _index(name, id_of(name))
        return recolour(self.png, bytes(table))

    def text(self) -> str:
        """One line of text that `from_text` reads."""
        head = json.dumps([self.by_object, list(self.classes.items())], ensure_ascii=False)
        return f"{head}\t{base64.b64encode(self.png).decode()}"


def from_text(text: str) -> SegmentedPicture:
    """The planes of `SegmentedPicture.text`."""
    head, _, png = text.rpartition("\t")
    by_object, classes = json.loads(head)
    return SegmentedPicture(base64.b64decode(png), dict(map(tuple, classes)), by_object)


def _index(name: str, number: int) -> int:
    if number > MOST:
        text = f"class {name!r} has the id {number}, segmentation planes end at {MOST}"
        raise ConfigError([Problem(text, fix="export fewer classes at once, or set options.planes: false")])
    return number


def segment(
    objects: Sequence[VocObject], size: Size | None, tally: Tally, *, border: int = 0, void: JSON = None
) -> SegmentedPicture | None:
    """Paint the objects in their order, later ones over earlier ones; None when none is segmented.

    border: pixels on both sides of each outline that become void. void: runs that an import found so. The tally is told
    of objects that others cover, or that cover no pixel.
    """
    shown = [one for one in objects if one.runs is not None]
    if not shown or size is None:
        return None
    numbers = _numbers(objects)
    by_object = max(numbers.values()) <= MOST
    classes = {name: i for i, name in enumerate(dict.fromkeys(one.name for one in shown), 1)}
    plane = bytearray(size[0] * size[1])
    paint(plane, _void_runs(void, len(plane)), VOID)
    for one in shown:
        paint(plane, one.runs or (), numbers[id(one)] if by_object else _index(one.name, classes[one.name]))
    if by_object:
        _note_covered(shown, numbers, plane, tally)
    else:
        tally.note(Outcome.LOSSY, Loss.INSTANCE_LIMIT, *(i for one in shown for i in one.ids))
    pixels = outlined(bytes(plane), size[0], border) if border else bytes(plane)
    names = {numbers[id(one)] if by_object else classes[one.name]: one.name for one in shown}
    return SegmentedPicture(write_plane(pixels, *size), names, by_object)


def _numbers(objects: Sequence[VocObject]) -> dict[int, int]:
    """Index of every segmented object: that of its import, else its place among the elements, else the next free one.

    Keys are identities, for objects may be equal.
    """
    places = {id(one): place for place, one in enumerate((o for o in objects if o.in_file and not o.is_part), 1)}
    shown = [one for one in objects if one.runs is not None]
    given: dict[int, int] = {}
    taken: set[int] = set()
    for wish in (lambda one: one.record.get("instance"), lambda one: places.get(id(one))):
        for one in shown:
            number = wish(one)
            if id(one) not in given and isinstance(number, int) and 0 < number <= MOST and number not in taken:
                given[id(one)] = number
                taken.add(number)
    free = (n for n in range(1, len(shown) + len(taken) + 1) if n not in taken)
    return {id(one): given.get(id(one)) or next(free) for one in shown}


def _void_runs(void: JSON, pixels: int) -> list[tuple[int, int]]:
    if not isinstance(void, list) or not all(
        isinstance(r, list) and len(r) == 2 and all(type(v) is int for v in r) for r in void
    ):
        return []
    runs = [(start, length) for start, length in void]
    return [] if check_runs(runs, pixels) else runs


def _note_covered(shown: Sequence[VocObject], numbers: dict[int, int], plane: bytearray, tally: Tally) -> None:
    areas = [mask_area(one.runs or ()) for one in shown]
    is_apart = sum(areas) == len(plane) - plane.count(0) - plane.count(VOID)
    for one, area in zip(shown, areas, strict=True):
        if not area:
            tally.note(Outcome.LOSSY, Loss.NO_PIXEL, *one.ids)
        elif not is_apart and _shown_area(plane, numbers[id(one)], one.runs or ()) < area:
            tally.note(Outcome.LOSSY, Loss.OVERLAP, *one.ids)


def _shown_area(plane: bytearray, index: int, runs: Sequence[tuple[int, int]]) -> int:
    """Pixels that an object has in the end; looks only at the rows it was painted in."""
    return plane.count(index, min(start for start, _ in runs), max(start + length for start, length in runs))
