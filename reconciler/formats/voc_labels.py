"""Classes of VOC planes: the index of each class, its colour, and `labelmap.txt`, which says so.

Source of the format: `labelmap.txt` as CVAT and datumaro write it: `name:r,g,b:parts:actions`, comments with "#".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.formats.png import Colour, Plane, voc_colour
from reconciler.model.json import JSONObject

BACKGROUND: Final = "background"
VOID: Final = 255
"""The index of pixels that belong to nothing in particular."""

VOC_CLASSES: Final = (
    BACKGROUND,
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog"),
    *("horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
VOC_ACTIONS: Final = (
    *("other", "jumping", "phoning", "playinginstrument", "reading", "ridingbike", "ridinghorse", "running"),
    *("takingphoto", "usingcomputer", "walking"),
)


@dataclass(frozen=True, slots=True)
class LabelMap:
    """Names by index, and by colour where the file gives colours."""

    names: Sequence[str] = VOC_CLASSES
    colours: Mapping[Colour, str] = field(default_factory=dict)

    def name_of(self, index: int, plane: Plane) -> str | None:
        """The class of an index in a plane: by its colour, else by its place; None when nobody says."""
        by_colour = self.colours.get(plane.colours.get(index, voc_colour(index)))
        return by_colour or (self.names[index] if index < len(self.names) else None)


def write_label_map(rows: Iterable[JSONObject]) -> bytes:
    """`labelmap.txt` of categories with ids from 0 to 254, by id. Colons and line ends in names become "_"."""
    lines = ["# label:color_rgb:parts:actions"]
    for row in rows:
        name = "".join("_" if letter in ":\r\n" else letter for letter in row["name"])
        name = f"_{name[1:]}" if name.startswith("#") else name
        colour = ",".join(map(str, voc_colour(row["id"]))) if row["id"] < VOID else ""
        lines.append(f"{name}:{colour}::")
    return ("\n".join(lines) + "\n").encode()


def read_label_map(text: str) -> LabelMap:
    """Read `labelmap.txt`. Raises ValueError that names the line."""
    names: list[str] = []
    colours: dict[Colour, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, _, rest = line.partition(":")
        colour = rest.partition(":")[0].strip()
        names.append(name)
        if colour:
            red, green, blue = _colour(colour, number)
            colours.setdefault((red, green, blue), name)
    return LabelMap(names, colours)


def _colour(text: str, line: int) -> Colour:
    values = text.split(",")
    if len(values) != 3 or not all(v.strip().isdecimal() and int(v) < 256 for v in values):
        raise ValueError(f"line {line}: {text!r} is no colour r,g,b")
    red, green, blue = (int(v) for v in values)
    return red, green, blue
