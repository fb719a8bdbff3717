"""The XML file of one picture, as text: elements in the order of the VOC 2012 data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.formats.geometry import Size
from reconciler.formats.voc_objects import PART_OF, VocObject, VocRules, object_corners, object_lines
from reconciler.formats.xml_text import leaf, render
from reconciler.formats.xml_tree import from_json
from reconciler.model.json import JSON, JSONObject

_SOURCE = ["  <source>", "    <database>Unknown</database>", "  </source>"]


@dataclass(frozen=True, slots=True)
class PictureFile:
    """What the head of the file says. name: path below `JPEGImages/`. record: what an import kept."""

    name: str
    size: Size | None
    is_segmented: bool
    record: JSONObject


def picture_xml(about: PictureFile, objects: Sequence[VocObject], rules: VocRules) -> tuple[str, tuple[str, ...]]:
    """The file, and the annotations whose coordinates were rounded."""
    rounded: list[str] = []
    body: list[str] = []
    for one, parts in _nested([o for o in objects if o.in_file]):
        corners = []
        for each in (one, *parts):
            texts, changed = object_corners(each, rules, about.size)
            corners.append(texts)
            rounded += each.ids if changed else ()
        body += object_lines(one, parts, corners, rules)
    return "\n".join(["<annotation>", *_head(about), *body, "</annotation>", ""]), tuple(rounded)


def _nested(objects: Sequence[VocObject]) -> Iterator[tuple[VocObject, list[VocObject]]]:
    """Objects with their parts. A part whose whole is not here, or is a part itself, stands for itself."""
    owners = {i: one for one in objects for i in one.ids if not one.is_part}
    parts: dict[int, list[VocObject]] = {}
    wholes: list[VocObject] = []
    for one in objects:
        named = one.body.attributes.get(PART_OF)
        owner = owners.get(named) if one.is_part and isinstance(named, str) else None
        parts.setdefault(id(owner), []).append(one) if owner is not None else wholes.append(one)
    return ((one, parts.get(id(one), [])) for one in wholes)


def _head(about: PictureFile) -> Iterator[str]:
    record = about.record
    yield "  " + leaf("folder", _text(record.get("folder"), "JPEGImages"))
    yield "  " + leaf("filename", about.name)
    if isinstance(record.get("path"), str) and about.name == record.get("filename"):
        yield "  " + leaf("path", record["path"])
    source = from_json(record.get("source"))
    yield from _SOURCE if source is None else render(source, "  ")
    if about.size is not None:
        width, height = about.size
        depth = _text(record.get("depth"), "3")
        yield from ("  <size>", f"    <width>{width}</width>", f"    <height>{height}</height>")
        yield from ("    " + leaf("depth", depth), "  </size>")
    yield f"  <segmented>{int(about.is_segmented)}</segmented>"
    more = record.get("more")
    for row in more if isinstance(more, list) else ():
        tree = from_json(row)
        yield from render(tree, "  ") if tree is not None else ()


def _text(value: JSON, default: str) -> str:
    return value if isinstance(value, str) else default
