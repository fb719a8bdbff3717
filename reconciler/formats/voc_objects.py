"""One object of a picture as VOC writes it: an element with a box, and the pixels it covers in the planes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.formats.account import Loss, Outcome, Tally
from reconciler.formats.annotations import Annotation, Box, Classification, Mask, Point, Polygon, Raw, Skeleton
from reconciler.formats.attribute_values import attribute_text, is_true, written_name
from reconciler.formats.categories import class_key
from reconciler.formats.fitting import XYWH, FittedObject, fit_object
from reconciler.formats.geometry import EdgePolicy, Size, tight_box
from reconciler.formats.objects import ImageObject
from reconciler.formats.raster import Runs, merged_runs, ring_runs, runs_box
from reconciler.formats.voc_boxes import Corners, corner_texts, read_corners, read_number
from reconciler.formats.voc_labels import VOC_ACTIONS
from reconciler.formats.xml_text import leaf, render
from reconciler.formats.xml_tree import from_json
from reconciler.model.json import JSON, JSONObject

RECORD_KEY: Final = "voc"
"""Member of `extra[media]` under which an import keeps what DM has no place for."""

PART_OF: Final = "part_of"
"""Attribute of a box that is a part of another object (head, hand, foot): the id of the other's annotation."""

FLAGS: Final = ("truncated", "difficult", "occluded")
OWN_ATTRIBUTES: Final = frozenset({"pose", "actions", PART_OF, *FLAGS})
STANDARD: Final = ("name", "pose", "truncated", "difficult", "bndbox")
"""Members that every object gets when no import says otherwise."""


@dataclass(frozen=True, slots=True)
class VocRules:
    """origin: of coordinates, 1 or 0. whole: coordinates are rounded. attributes: written as an extension.
    class_lists: classes without shapes are written to `ImageSets`. planes: pixels of polygons and masks are written."""

    edges: EdgePolicy = field(default_factory=EdgePolicy)
    origin: int = 0
    whole: bool = True
    attributes: bool = True
    class_lists: bool = False
    planes: bool = True


@dataclass(frozen=True, slots=True)
class VocObject:
    """name: its class. ids: annotations that are written. box: in pixel edges; None for a class without a shape.

    runs: pixels it covers, row by row; None when it is not segmented. record: what an import kept about it.
    """

    name: str
    body: Annotation
    ids: tuple[str, ...]
    box: XYWH | None
    runs: Runs | None
    record: JSONObject
    rotation: float | None = None

    @property
    def in_file(self) -> bool:
        """Whether it has an element of its own; an import may have found it in a plane alone."""
        return self.box is not None and self.record.get("element") is not False

    @property
    def is_part(self) -> bool:
        """Whether it says what it is a part of, and nothing that a part cannot say."""
        return set(self.body.attributes) == {PART_OF} and self.runs is None and self.rotation is None

    @property
    def is_difficult(self) -> bool:
        """Whether evaluations leave it out."""
        return is_true(self.body.attributes.get("difficult"))


def make_object(
    found: ImageObject, size: Size | None, rules: VocRules, records: Mapping[str, JSON], tally: Tally
) -> VocObject | None:
    """Convert one object, and tell the tally what became of its parts. None: it is not written."""
    first = found.parts[0]
    if isinstance(first.shape, Raw):
        tally.note(Outcome.DROPPED, Loss(first.shape.reason), first.id)
        return None
    body = found.body
    has_place = isinstance(first.shape, Classification) and rules.class_lists
    if body is None or not (has_place or isinstance(body.shape, (Box, Polygon, Mask, Skeleton))):
        tally.note(Outcome.DROPPED, Loss.UNSUPPORTED_TOOL, *found.ids)
        return None
    if not body.class_name or not body.class_name.strip():
        tally.note(Outcome.DROPPED, Loss.NO_CLASS, *found.ids)
        return None
    if has_place:
        tally.written += 1
        tally.classes[class_key(body.class_name)] += 1
        return VocObject(class_key(body.class_name), body, found.ids, None, None, {})
    kept = next((r for p in found.parts if isinstance(r := records.get(p.id), Mapping)), {})
    return _shaped(found, body, size, kept, rules, tally)


def _shaped(
    found: ImageObject, body: Annotation, size: Size | None, record: JSONObject, rules: VocRules, tally: Tally
) -> VocObject | None:
    fitted = fit_object(found, size, rules.edges)
    reason = None if fitted.is_empty else _refusal(fitted, size)
    if fitted.is_empty or reason is not None:
        fitted.leave_out(tally, reason)
        return None
    fitted.settle(tally, keeps_holes=rules.planes and size is not None)
    _note(fitted, rules, tally)
    assert body.class_name is not None
    runs, box = _runs(fitted, size), _box(fitted, size)
    turned = found.box.rotation if found.box else None
    ids = tuple(i for i in fitted.left if i not in {p.id for p in found.points})
    return VocObject(class_key(body.class_name), body, ids, box, runs, record, turned or None)


def _refusal(fitted: FittedObject, size: Size | None) -> Loss | None:
    if fitted.mask is not None and size is None:
        return Loss.SIZE_UNKNOWN
    return None if fitted.box or fitted.corners or fitted.rings or fitted.mask else Loss.UNSUPPORTED_TOOL


def _note(fitted: FittedObject, rules: VocRules, tally: Tally) -> None:
    """Tell the tally what VOC has no place for."""
    found, left = fitted.found, set(fitted.left)
    joints = [p.id for p in found.points if p.id in left]
    tally.written -= len(joints)
    if joints:
        tally.note(Outcome.DROPPED, Loss.UNSUPPORTED_TOOL, *joints)
    if found.skeleton is not None:
        tally.note(Outcome.LOSSY, Loss.POSE, *left)
    if fitted.corners is not None:
        tally.note(Outcome.LOSSY, Loss.ROTATION, *fitted.left)
    bodies = [p for p in found.parts if not isinstance(p.shape, Point) and p.id in left]
    if not rules.planes and (fitted.rings or fitted.mask):
        tally.note(Outcome.LOSSY, Loss.BOX_ONLY, *(p.id for p in bodies if not isinstance(p.shape, Box)))
    if any(p.attributes != bodies[0].attributes for p in bodies):
        tally.note(Outcome.LOSSY, Loss.ATTRIBUTES_DIFFER, *(p.id for p in bodies))
    if not rules.attributes and found.body and set(found.body.attributes) - OWN_ATTRIBUTES:
        tally.note(Outcome.LOSSY, Loss.ATTRIBUTES, *(p.id for p in bodies))


def _runs(fitted: FittedObject, size: Size | None) -> Runs | None:
    """Pixels of polygons and masks. Boxes, turned ones too, say nothing about pixels."""
    if size is None:
        return None
    if fitted.mask is not None:
        pixels = size[0] * size[1]
        return [(start, min(length, pixels - start)) for start, length in fitted.mask.runs if start < pixels]
    found = [ring_runs(polygon, size) for polygon in fitted.polygons]
    return merged_runs(found) if found else None


def _box(fitted: FittedObject, size: Size | None) -> XYWH | None:
    """The box as drawn, else the tight one."""
    if fitted.box is not None:
        return fitted.box
    if fitted.corners is not None:
        return tight_box(fitted.corners)
    if fitted.rings:
        return tight_box([point for ring in fitted.rings for point in ring])
    return runs_box(fitted.mask.runs, size[0]) if fitted.mask is not None and size is not None else None


def object_lines(one: VocObject, parts: Sequence[VocObject], corners: Sequence[Corners], rules: VocRules) -> list[str]:
    """The element of an object. parts: objects inside it. corners: its own and those of the parts."""
    said, record = one.body.attributes, one.record
    members = record.get("members")
    wanted = set(members) if isinstance(members, list) else set(STANDARD)
    lines = ["  <object>", "    " + leaf("name", one.name)]
    if "pose" in wanted or "pose" in said:
        lines.append("    " + leaf("pose", str(said.get("pose", "Unspecified"))))
    lines += [
        f"    <{flag}>{int(is_true(said.get(flag)))}</{flag}>" for flag in FLAGS if flag in wanted or flag in said
    ]
    lines += _box_lines(corners[0], "    ")
    for part, its_corners in zip(parts, corners[1:], strict=True):
        lines += ["    <part>", "      " + leaf("name", part.name), *_box_lines(its_corners, "      "), "    </part>"]
    return [*lines, *_actions(said.get("actions"), record), *_attributes(one, rules), *_others(record), "  </object>"]


def _box_lines(corners: Corners, indent: str) -> list[str]:
    left, top, right, bottom = corners
    return [
        f"{indent}<bndbox>",
        f"{indent}  <xmin>{left}</xmin>",
        f"{indent}  <ymin>{top}</ymin>",
        f"{indent}  <xmax>{right}</xmax>",
        f"{indent}  <ymax>{bottom}</ymax>",
        f"{indent}</bndbox>",
    ]


def _actions(value: JSON, record: JSONObject) -> list[str]:
    if not isinstance(value, list):
        return []
    named = record.get("actions")
    known = [n for n in named if n in VOC_ACTIONS] if isinstance(named, list) else list(VOC_ACTIONS)
    rows = [f"      <{name}>{int(name in value)}</{name}>" for name in known]
    return ["    <actions>", *rows, "    </actions>"]


def _attributes(one: VocObject, rules: VocRules) -> list[str]:
    """The extension that CVAT and datumaro write and read."""
    if not rules.attributes:
        return []
    said = {k: v for k, v in one.body.attributes.items() if k not in OWN_ATTRIBUTES}
    if PART_OF in one.body.attributes:
        said[PART_OF] = one.body.attributes[PART_OF]  # it stands for itself, or this would not be called
    if one.rotation is not None:
        said.setdefault("rotation", one.rotation)
    if not said:
        return []
    rows = [
        f"      <attribute>{leaf('name', written_name(name))}{leaf('value', attribute_text(value))}</attribute>"
        for name, value in sorted(said.items())
    ]
    return ["    <attributes>", *rows, "    </attributes>"]


def _others(record: JSONObject) -> list[str]:
    """Members that an import found and nobody knows."""
    kept = record.get("more")
    trees = (from_json(row) for row in kept) if isinstance(kept, list) else ()
    return [line for tree in trees if tree is not None for line in render(tree, "    ")]


def object_corners(one: VocObject, rules: VocRules, size: Size | None) -> tuple[Corners, bool]:
    """Texts of the corners, and whether they are rounded. Texts of an import stay while nobody edits the box."""
    assert one.box is not None
    given = one.record.get("box")
    if isinstance(given, list) and len(given) == 4 and one.record.get("origin") == rules.origin:
        try:
            left, top, right, bottom = (read_number(text) for text in given)
            if read_corners((left, top, right, bottom), rules.origin) == one.box:
                return (given[0], given[1], given[2], given[3]), False
        except (ValueError, AttributeError):
            pass  # somebody edited the record
    texts = corner_texts(one.box, rules.origin, whole=rules.whole, size=size)
    exact = corner_texts(one.box, rules.origin, whole=False, size=size)
    return texts, texts != exact
