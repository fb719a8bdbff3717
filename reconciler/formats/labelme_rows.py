"""Rows of `shapes` in a LabelMe file, of annotations as they are and as the policy leaves them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from reconciler.formats.account import Loss, Outcome
from reconciler.formats.annotations import (
    VISIBILITY_NAMES,
    Annotation,
    Box,
    Classification,
    Mask,
    Point,
    Polygon,
    Polyline,
    Skeleton,
)
from reconciler.formats.attribute_values import written_name
from reconciler.formats.categories import class_key
from reconciler.formats.fitting import FittedObject, fit_object
from reconciler.formats.geometry import EdgePolicy, Size
from reconciler.formats.import_edits import restore_row
from reconciler.formats.labelme_shapes import (
    RECORD_KEY,
    join_attributes,
    write_box,
    write_line,
    write_mask,
    write_point,
    write_ring,
)
from reconciler.formats.objects import ImageObject
from reconciler.formats.pictures import Picture
from reconciler.model.json import JSON, JSONObject


def make_row(label: str, place: JSONObject, attributes: Mapping[str, JSON], group: JSON) -> JSONObject:
    """A row, its members in the order of LabelMe. place: of `labelme_shapes`, the points and what they are."""
    said = join_attributes(attributes)
    return {
        "label": label,
        "points": place["points"],
        "group_id": group,
        "description": said["description"],
        "shape_type": place["shape_type"],
        "flags": said["flags"],
        "mask": place["mask"],
        **({"attributes": said["attributes"]} if "attributes" in said else {}),
    }


def shape_row(part: Annotation, size: Size | None) -> JSONObject:
    """The row of an annotation whose shape no policy has touched."""
    place: JSONObject
    match part.shape:
        case Box(x, y, width, height):
            place = write_box((x, y, width, height))
        case Polygon(points):
            place = write_ring(points)
        case Polyline(points):
            place = write_line(points)
        case Point(x, y):
            place = write_point(x, y)
        case Mask(runs) if size is not None and runs:
            place = write_mask(runs, size)
        case _:
            place = {"points": [], "shape_type": "mask", "mask": None}
    return make_row(class_key(part.class_name or ""), place, part.attributes, None)


_Row = tuple[str | None, JSONObject]
"""A row, and its annotation where the policy changed nothing."""


@dataclass(slots=True)
class PictureRows:
    """Writes the shapes and flags of one picture. records: what an import kept about rows."""

    picture: Picture
    edges: EdgePolicy
    records: JSON
    flags: dict[str, bool] = field(default_factory=dict)
    classifications: dict[str, JSON] = field(default_factory=dict)
    groups: dict[str, int] = field(init=False)
    kept: dict[str, JSONObject] = field(init=False)
    by_id: dict[str, Annotation] = field(init=False)

    def rows(self) -> list[JSONObject]:
        """The rows, in the order of the payload."""
        self.by_id = {a.id: a for a in self.picture.drawn.annotations}
        self.groups = self._group_numbers()
        self.kept = {}
        for record in self.records if isinstance(self.records, list) else ():
            ids = record.get("annotations") if isinstance(record, Mapping) else None
            if isinstance(ids, list) and ids and all(isinstance(i, str) and i in self.by_id for i in ids):
                self.kept |= dict.fromkeys(ids, record)
        rows = [row for found in self.picture.objects for row in self._object(found)]
        return list(self._joined(rows))

    def _joined(self, rows: list[_Row]) -> Iterator[JSONObject]:
        """The rows; points that came as one shape are one again, unless one was edited or left out."""
        whole = {id for id, _ in rows if id is not None}
        for id, row in rows:
            ids = self.kept[id]["annotations"] if id in self.kept else []
            parts = [self.by_id[i] for i in ids] if len(ids) > 1 and whole.issuperset(ids) else []
            first = shape_row(parts[0], self.picture.size) if parts else row
            restored = restore_row(first, self.kept[id], parts) if parts and id is not None else first
            if restored is first:
                yield row
            elif id == ids[0]:
                yield {**restored, **self._group(parts[0])}

    def _group_numbers(self) -> dict[str, int]:
        """`group_id` of each annotation: the imported one, else the next free number. A pose is a group of its own."""
        groups = self.picture.drawn.groups
        wanted = [group.rest.get(RECORD_KEY) for group in groups]
        taken = {number for number in wanted if type(number) is int}
        free = (number for number in count() if number not in taken)
        numbers: dict[str, int] = {}
        for group, wish in zip(groups, wanted, strict=True):
            number = wish if type(wish) is int else next(free)
            if again := [member for member in group.members if member in numbers]:
                self.picture.tally.note(Outcome.LOSSY, Loss.GROUP, *again)
            for annotation in group.members:
                numbers.setdefault(annotation, number)
        for part in self.picture.drawn.annotations:
            if isinstance(part.shape, Skeleton) and part.id not in numbers:
                numbers[part.id] = next(free)
        return numbers

    def _object(self, found: ImageObject) -> Iterator[_Row]:
        first, tally = found.parts[0], self.picture.tally
        nameless = [part.id for part in found.parts if not (part.class_name or "").strip() and not self._had_none(part)]
        if nameless:
            tally.note(Outcome.DROPPED, Loss.NO_CLASS, *found.ids)
            return
        if isinstance(first.shape, Classification):
            self._classify(first)
            return
        fitted = fit_object(found, self.picture.size, self.edges)
        if fitted.is_empty:
            fitted.leave_out(tally)
        elif fitted.mask is not None and self.picture.size is None:
            fitted.leave_out(tally, Loss.SIZE_UNKNOWN)
        else:
            replace(fitted, assumed=()).settle(tally)  # a point need not say whether it is visible
            yield from self._shapes(fitted)

    def _had_none(self, part: Annotation) -> bool:
        """Whether the label was empty when it was imported."""
        record = self.kept.get(part.id, {}).get("set")
        return isinstance(record, Mapping) and isinstance(record.get("label"), str) and not record["label"].strip()

    def _classify(self, part: Annotation) -> None:
        name = class_key(part.class_name or "")
        self.flags[name] = True
        if part.attributes:
            self.classifications[name] = {written_name(k): v for k, v in part.attributes.items()}
        self.picture.tally.written += 1
        self.picture.tally.classes[name] += 1

    def _shapes(self, fitted: FittedObject) -> Iterator[_Row]:
        rings, left = iter(fitted.rings), set(fitted.left)
        places = {joint.name: (joint.x, joint.y) for joint in fitted.joints}
        for part in fitted.found.parts:
            if part.id not in left:
                continue
            record = self.kept.get(part.id, {})
            for place, more in self._places(fitted, part, rings, places):
                kept = self._kept_row(part, record) if fitted.is_whole else None
                if more and kept is None:
                    self.picture.tally.note(Outcome.LOSSY, Loss.ROTATION, part.id)
                row = kept or make_row(class_key(part.class_name or ""), place, {**part.attributes, **more}, None)
                yield part.id if fitted.is_whole else None, {**row, **self._group(part)}
        if fitted.found.skeleton is not None:
            yield from ((None, row) for row in self._pose(fitted, fitted.found.parts[0]))

    def _kept_row(self, part: Annotation, record: JSONObject) -> JSONObject | None:
        """The row as it was imported, None when there was none or it was edited since."""
        if len(record.get("annotations", ())) != 1:
            return None
        row = shape_row(part, self.picture.size)
        restored = restore_row(row, record, [part])
        return restored if restored is not row else None

    def _group(self, part: Annotation) -> JSONObject:
        return {"group_id": self.groups[part.id]} if part.id in self.groups else {}

    def _places(
        self,
        fitted: FittedObject,
        part: Annotation,
        rings: Iterator[tuple[tuple[float, float], ...]],
        joints: Mapping[str, tuple[float, float]],
    ) -> Iterator[tuple[JSONObject, JSONObject]]:
        """Where a part is, and attributes that say what the shape cannot."""
        match part.shape:
            case Box(rotation=turn) if fitted.corners is not None:
                yield write_ring(fitted.corners), {"rotation": turn}
            case Box() if fitted.box is not None:
                yield write_box(fitted.box), {}
            case Polygon():
                yield write_ring(next(rings)), {}
            case Polyline():
                for line in fitted.lines:
                    yield write_line(line), {}
            case Point(x, y):
                yield write_point(*joints.get(part.class_name or part.id, (x, y))), {}
            case Mask(runs) if self.picture.size is not None:
                yield write_mask(runs, self.picture.size), {}

    def _pose(self, fitted: FittedObject, part: Annotation) -> Iterator[JSONObject]:
        """A whole pose: its box, and its joints as points of the same group."""
        name = class_key(part.class_name or "")
        group = self.groups[part.id]
        if fitted.found.skeleton is not None and fitted.found.skeleton.edges:
            self.picture.tally.note(Outcome.LOSSY, Loss.RELATIONS, part.id)  # which joints are tied to which
        if fitted.box is not None:
            yield make_row(name, write_box(fitted.box), part.attributes, group)
        for joint in fitted.joints:
            said = {"visibility": VISIBILITY_NAMES[joint.visibility], "skeleton": name}
            yield make_row(joint.name, write_point(joint.x, joint.y), said, group)
