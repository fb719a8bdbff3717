"""The annotations of one picture as elements of a CVAT file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.formats.account import Loss, Outcome
from reconciler.formats.annotations import (
    Annotation,
    Box,
    Classification,
    Joint,
    Mask,
    Point,
    Polygon,
    Polyline,
    Raw,
    Skeleton,
)
from reconciler.formats.attribute_values import attribute_text, is_true, written_name
from reconciler.formats.categories import class_key
from reconciler.formats.coco_objects import ObjectRules
from reconciler.formats.cvat_labels import Used, value_text
from reconciler.formats.cvat_shapes import degrees_text, mask_attributes, points_text
from reconciler.formats.fitting import XYWH, FittedObject, fit_object
from reconciler.formats.geometry import EdgePolicy, tidy
from reconciler.formats.object_classes import class_of
from reconciler.formats.objects import ImageObject
from reconciler.formats.pictures import Picture
from reconciler.formats.xml_text import attributes, escape, number
from reconciler.model.json import JSON, JSONObject

RECORD_KEY: Final = "cvat"
"""Member of `extra[media]`, and of groups, under which an import keeps what DM has no place for."""

_OWN_ATTRIBUTES: Final = frozenset({"occluded", "z_order"})


@dataclass(slots=True)
class PictureElements:
    """Writes the elements of one picture. used: gathers labels. record: what an import kept about the picture."""

    picture: Picture
    edges: EdgePolicy
    skeletons: Mapping[str, JSONObject]
    used: Used
    record: JSONObject
    numbers: dict[str, str] = field(init=False)

    def lines(self) -> Iterator[str]:
        """Elements in the order of the payload."""
        self.numbers = self._group_numbers()
        for found in self.picture.objects:
            yield from self._object(found)

    def _group_numbers(self) -> dict[str, str]:
        """`group_id` of each annotation: the imported one, else the next free; a pose alone is no group for CVAT."""
        poses = {one.group.id for one in self.picture.objects if one.group and len(one.points) == len(one.parts)}
        groups = [group for group in self.picture.drawn.groups if group.id not in poses]
        wanted = [group.rest.get(RECORD_KEY) for group in groups]
        taken = {number for number in wanted if isinstance(number, int) and number > 0}
        free = (number for number in range(1, len(groups) + len(taken) + 1) if number not in taken)
        numbers: dict[str, str] = {}
        for group, wish in zip(groups, wanted, strict=True):
            number = wish if isinstance(wish, int) and wish > 0 else next(free)
            again = [member for member in group.members if member in numbers]
            if again:
                self.picture.tally.note(Outcome.LOSSY, Loss.GROUP, *again)
            for member in group.members:
                numbers.setdefault(member, str(number))
        return numbers

    def _object(self, found: ImageObject) -> Iterator[str]:
        first, tally = found.parts[0], self.picture.tally
        if isinstance(first.shape, Raw):
            tally.note(Outcome.DROPPED, Loss(first.shape.reason), first.id)
            return
        if not _has_place(first.shape):
            tally.note(Outcome.DROPPED, Loss.UNSUPPORTED_TOOL, *found.ids)
            return
        label = self._label(found)
        if label is None:
            tally.note(Outcome.DROPPED, Loss.NO_CLASS, *found.ids)
            return
        if isinstance(first.shape, Classification):
            tally.written += 1
            tally.classes[label] += 1
            yield from self._element("tag", label, first, {}, is_shape=False)
            return
        fitted = fit_object(found, self.picture.size, self.edges)
        if fitted.is_empty:
            fitted.leave_out(tally)
        elif fitted.mask is not None and self.picture.size is None:
            fitted.leave_out(tally, Loss.SIZE_UNKNOWN)
        else:
            fitted.settle(tally, label or None)
            yield from self._shapes(fitted, label)

    def _label(self, found: ImageObject) -> str | None:
        rules = ObjectRules(self.picture.size, self.edges, skeletons=self.skeletons)
        name = class_of(found, rules.skeletons, rules.categories)
        if name is None and isinstance(kept := self._kept(found.parts[0]), Mapping) and kept.get("label") == "":
            return ""  # it was imported without a label
        return name

    def _kept(self, part: Annotation) -> JSON:
        rows = self.record.get("objects")
        return rows.get(part.id) if isinstance(rows, Mapping) else None

    def _shapes(self, fitted: FittedObject, label: str) -> Iterator[str]:
        rings, left = iter(fitted.rings), set(fitted.left)
        for part in fitted.found.parts:
            if part.id not in left:
                continue
            own = class_key(part.class_name) if part.class_name and part.class_name.strip() else label
            match part.shape:
                case Box():
                    yield from self._box(fitted, part, own)
                case Polygon():
                    yield from self._element("polygon", own, part, {"points": points_text(next(rings))})
                case Polyline():
                    for line in fitted.lines:
                        yield from self._element("polyline", own, part, {"points": points_text(line)})
                case Mask(runs) if self.picture.size is not None:
                    yield from self._element("mask", own, part, mask_attributes(runs, self.picture.size))
        yield from self._pose(fitted, label)

    def _box(self, fitted: FittedObject, part: Annotation, label: str) -> Iterator[str]:
        shape = part.shape
        assert isinstance(shape, Box)
        if fitted.corners is not None and fitted.clipped:
            self.picture.tally.note(Outcome.LOSSY, Loss.ROTATION, part.id)
            yield from self._element("polygon", label, part, {"points": points_text(fitted.corners)})
        elif shape.rotation and fitted.corners is not None:
            turned = {"rotation": degrees_text(shape.rotation)}
            place = _corners((shape.x, shape.y, shape.width, shape.height))
            yield from self._element("box", label, part, {**place, **turned})
        elif fitted.box is not None:
            yield from self._element("box", label, part, _corners(fitted.box))

    def _pose(self, fitted: FittedObject, label: str) -> Iterator[str]:
        """Joints: `points` when there is one alone or an import had them so, else a skeleton."""
        if not fitted.joints:
            return
        found = fitted.found
        body = next((p for p in found.parts if isinstance(p.shape, Skeleton)), None) or found.points[0]
        if isinstance(body.shape, Skeleton) and fitted.box is not None:
            yield from self._element("box", label, body, _corners(fitted.box))
        kept = found.group.rest.get("form") if found.group else None
        if kept == "points" or (len(found.parts) == 1 and found.points):
            place = {"points": points_text((j.x, j.y) for j in fitted.joints)}
            yield from self._element("points", label, body, place)
            return
        self.used.use(label, {}, [joint.name for joint in fitted.joints])
        inner = [line for joint in fitted.joints for line in self._joint(joint, found)]
        yield from self._element("skeleton", label, body, {}, inner)

    def _joint(self, joint: Joint, found: ImageObject) -> Iterator[str]:
        hidden = {"outside": str(int(joint.visibility == 0)), "occluded": str(int(joint.visibility == 1))}
        place = attributes(label=joint.name, **hidden, points=points_text([(joint.x, joint.y)]))
        part = next((p for p in found.points if (p.class_name or p.id) == joint.name), None)
        said = _said(part) if part is not None and part is not found.points[0] else {}
        yield from _element(f"      <points{place}", "points", _rows(said, "        "), "      ")

    def _element(
        self,
        tag: str,
        label: str,
        part: Annotation,
        place: Mapping[str, str],
        inner: Sequence[str] = (),
        *,
        is_shape: bool = True,
    ) -> Iterator[str]:
        said = _said(part)
        if label:
            self.used.use(label, said)
        kept = self._kept(part)
        source = kept.get("source") if isinstance(kept, Mapping) else None
        head: dict[str, str] = {"label": label, "source": source if isinstance(source, str) else "manual"}
        if is_shape and tag != "skeleton":
            head["occluded"] = str(int(is_true(part.attributes.get("occluded")) or _is_hidden(part, tag)))
        head |= place
        if is_shape:
            order = part.attributes.get("z_order", 0)
            head["z_order"] = str(order) if isinstance(order, int) else "0"
        if part.id in self.numbers:
            head["group_id"] = self.numbers[part.id]
        rows = [*inner, *_rows(said, "      ")]
        yield from _element(f"    <{tag}{attributes(**head)}", tag, rows, "    ")


def _has_place(shape: object) -> bool:
    return isinstance(shape, (Classification, Box, Polygon, Polyline, Mask, Point, Skeleton))


def _is_hidden(part: Annotation, tag: str) -> bool:
    return tag == "points" and part.attributes.get("visibility") in ("occluded", 1)


def _said(part: Annotation) -> dict[str, JSON]:
    """Attributes that people entered; lists and objects as JSON text."""
    return {
        written_name(name): value if isinstance(value, (str, int, float)) else attribute_text(value)
        for name, value in part.attributes.items()
        if name not in _OWN_ATTRIBUTES and not (name == "visibility" and isinstance(part.shape, Point))
    }


def _rows(said: Mapping[str, JSON], indent: str) -> list[str]:
    return [
        f'{indent}<attribute name="{escape(name)}">{escape(value_text(value))}</attribute>'
        for name, value in sorted(said.items())
    ]


def _element(head: str, tag: str, rows: Sequence[str], indent: str) -> list[str]:
    return [f"{head}>", *rows, f"{indent}</{tag}>"] if rows else [f"{head}/>"]


def _corners(box: XYWH) -> dict[str, str]:
    x, y, width, height = box
    return {"xtl": number(x), "ytl": number(y), "xbr": number(tidy(x + width)), "ybr": number(tidy(y + height))}
