"""The results of one file of a task: annotations as rows, told to the account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from reconciler.formats.account import Loss, Outcome, Tally
from reconciler.formats.annotations import (
    VISIBILITY_NAMES,
    Annotation,
    Box,
    Classification,
    Mask,
    MediaAnnotations,
    Point,
    Polygon,
    Polyline,
    Raw,
    Skeleton,
    Track,
)
from reconciler.formats.categories import class_key
from reconciler.formats.fitting import FittedObject, fit_object
from reconciler.formats.geometry import EdgePolicy, Size
from reconciler.formats.import_edits import edit_digest, member, restore_row
from reconciler.formats.labelstudio_rows import (
    entity_rows,
    in_order,
    region,
    relation_row,
    saying_rows,
    statement,
    whole_region,
)
from reconciler.formats.labelstudio_values import RECORD_KEY, write_box, write_brush, write_point, write_ring
from reconciler.formats.masks import check_runs
from reconciler.formats.media_shapes import Link, NamedEntity, TimeRange
from reconciler.formats.objects import ImageObject, gather_objects
from reconciler.model.json import JSON, JSONObject

_CARRIED: Final = frozenset({"from_name", "origin"})

Row = tuple[int | None, JSONObject]
"""A row, and the place it had in the results of its import."""


@dataclass(slots=True)
class MediaResults:
    """Writes the annotations of one file. kind: image, text, … to_name: what the task calls it. size: of a picture or
    video. record: what an import kept about it."""

    drawn: MediaAnnotations
    kind: str
    to_name: str
    size: Size | None
    edges: EdgePolicy
    record: JSONObject
    tally: Tally
    by_id: dict[str, Annotation] = field(init=False)
    kept: dict[str, JSONObject] = field(init=False)
    parents: dict[str, str] = field(init=False)
    written: dict[str, str] = field(default_factory=dict)
    sound: set[str] = field(default_factory=set)
    done: set[int] = field(default_factory=set)
    statements: list[Annotation] = field(default_factory=list)
    links: list[Annotation] = field(default_factory=list)

    def rows(self) -> list[JSONObject]:
        """All rows: regions and what is said about them, statements, relations, and what an import set aside."""
        self.by_id = {a.id: a for a in self.drawn.annotations}
        self.kept = dict(self._kept())
        self.parents = self._parents()
        rows = list(self._regions())
        rows += self._stated()
        rows += self._related()
        rows += self._aside()
        return in_order(rows)

    def _kept(self) -> Iterator[tuple[str, JSONObject]]:
        """Records of imported rows whose annotations are all there, by annotation."""
        records = self.record.get("rows")
        for record in records if isinstance(records, list) else ():
            ids = record.get("annotations") if isinstance(record, Mapping) else None
            if not isinstance(ids, list) or not ids or not all(isinstance(i, str) and i in self.by_id for i in ids):
                continue
            yield from ((i, record) for i in ids)
            if record.get("digest") == edit_digest(self.by_id[i] for i in ids):
                self.sound.update(ids)

    def _parents(self) -> dict[str, str]:
        """The region above each member of a group: the imported one, else the first that is no joint."""
        parents: dict[str, str] = {}
        for group in self.drawn.groups:
            parts = [self.by_id[m] for m in dict.fromkeys(group.members) if m in self.by_id]
            wish = group.rest.get(RECORD_KEY)
            body = next((p.id for p in parts if not isinstance(p.shape, Point)), parts[0].id if parts else "")
            top = wish if isinstance(wish, str) else body
            if again := [p.id for p in parts if p.id in parents and p.id != top]:
                self.tally.note(Outcome.LOSSY, Loss.GROUP, *again)
            for part in parts:
                if part.id != top:
                    parents.setdefault(part.id, top)
        return parents

    def _regions(self) -> Iterator[Row]:
        for found in gather_objects(self.drawn)[0]:
            first = found.parts[0]
            if isinstance(first.shape, Classification):
                self.statements += found.parts
            elif isinstance(first.shape, Link):
                self.links.append(first)
            elif isinstance(first.shape, Raw):
                self.tally.note(Outcome.DROPPED, Loss(first.shape.reason), first.id)
            elif isinstance(first.shape, (Box, Polygon, Polyline, Point, Skeleton, Mask)) and self.kind == "image":
                yield from self._object(found)
            else:
                yield from self._marked(first)

    def _marked(self, part: Annotation) -> Iterator[Row]:
        """A stretch of time or text, or a track."""
        shape = part.shape
        rows: list[JSONObject] = []
        if isinstance(shape, NamedEntity) and self.kind == "text":
            rows = list(entity_rows(part, shape, self.to_name))
        elif isinstance(shape, (TimeRange, Track)) and self.kind not in ("image", "text"):
            row = whole_region(part, self.to_name, self.size)
            rows = [row] if row is not None else []
        if not rows:
            is_sizeless = isinstance(shape, Track) and self.size is None
            self.tally.note(Outcome.DROPPED, Loss.SIZE_UNKNOWN if is_sizeless else Loss.UNSUPPORTED_TOOL, part.id)
            return
        if len(rows) > 1:
            self.tally.note(Outcome.LOSSY, Loss.GROUP, part.id)
        if isinstance(shape, TimeRange) and shape.excluded_tracks:
            self.tally.note(Outcome.LOSSY, Loss.ATTRIBUTES, part.id)
        self._count(part)
        for row in rows:
            yield from self._finish(part, row, is_whole=True)

    def _count(self, part: Annotation) -> None:
        self.tally.written += 1
        if part.class_name and part.class_name.strip():
            self.tally.classes[class_key(part.class_name)] += 1

    def _object(self, found: ImageObject) -> Iterator[Row]:
        fitted = fit_object(found, self.size, self.edges)
        if fitted.is_empty:
            fitted.leave_out(self.tally)
        elif self.size is None:
            fitted.leave_out(self.tally, Loss.SIZE_UNKNOWN)
        elif fitted.mask is not None and check_runs(fitted.mask.runs, self.size[0] * self.size[1]):
            fitted.leave_out(self.tally, Loss.MALFORMED)
        else:
            replace(fitted, assumed=()).settle(self.tally)  # a point need not say whether it is visible
            yield from self._shapes(fitted, self.size)

    def _shapes(self, fitted: FittedObject, size: Size) -> Iterator[Row]:
        rings, left = iter(fitted.rings), set(fitted.left)
        joints = {joint.name: (joint.x, joint.y) for joint in fitted.joints}
        for part in fitted.found.parts:
            if part.id not in left:
                continue
            if isinstance(part.shape, Skeleton):
                yield from self._pose(fitted, part, size)
            for place, (kind, value) in enumerate(self._places(fitted, part, size, rings, joints)):
                row = region(part, kind, value, self.to_name, size)
                row = row if place == 0 else {**row, "id": f"{part.id}-{place}"}
                yield from self._finish(part, row, is_whole=fitted.is_whole)

    def _places(
        self,
        fitted: FittedObject,
        part: Annotation,
        size: Size,
        rings: Iterator[tuple[tuple[float, float], ...]],
        joints: Mapping[str, tuple[float, float]],
    ) -> Iterator[tuple[str, JSONObject]]:
        """Kind and value of each region that a part becomes."""
        match part.shape:
            case Box() if fitted.corners is not None and fitted.clipped:
                self.tally.note(Outcome.LOSSY, Loss.ROTATION, part.id)
                yield "polygon", write_ring(fitted.corners, size)
            case Box(x, y, width, height, turn) if fitted.corners is not None:
                yield "rectangle", write_box(Box(x, y, width, height, turn), size)
            case Box() if fitted.box is not None:
                yield "rectangle", write_box(Box(*fitted.box), size)
            case Polygon():
                yield "polygon", write_ring(next(rings), size)
            case Polyline():
                for line in fitted.lines:
                    yield "polygon", write_ring(line, size, is_closed=False)
            case Point(x, y):
                yield "keypoint", write_point(*joints.get(part.class_name or part.id, (x, y)), size)
            case Mask(runs):
                yield "brush", write_brush(runs, size)

    def _pose(self, fitted: FittedObject, part: Annotation, size: Size) -> Iterator[Row]:
        """A whole pose: its box, and its joints below it."""
        if isinstance(part.shape, Skeleton) and part.shape.edges:
            self.tally.note(Outcome.LOSSY, Loss.RELATIONS, part.id)  # which joints are tied to which
        box = fitted.box or _around([(j.x, j.y) for j in fitted.joints if j.visibility])
        body = region(part, "rectangle", write_box(Box(*box), size), self.to_name, size)
        yield from self._finish(part, body, is_whole=True)
        for place, joint in enumerate(fitted.joints):
            said = {"visibility": VISIBILITY_NAMES[joint.visibility]}
            point = replace(part, id=f"{part.id}-{place}", class_name=joint.name, attributes=said)
            row = region(point, "keypoint", write_point(joint.x, joint.y, size), self.to_name, size)
            row = {**row, "parentID": body["id"]}
            yield None, row
            yield from ((None, more) for more in saying_rows(row, point))

    def _finish(self, part: Annotation, row: JSONObject, *, is_whole: bool) -> Iterator[Row]:
        """The row as it was imported while that holds, and what is said about it."""
        record = self.kept.get(part.id, {})
        if not is_whole or part.id not in self.sound:
            yield from self._edited(part, row, record)
            return
        at = record.get("at")
        place = at if isinstance(at, int) else None
        parts = [self.by_id[i] for i in record.get("annotations", ())]
        if len(parts) > 1:
            if id(record) in self.done:  # written with the first of its parts
                self.written[part.id] = self.written.get(parts[0].id, part.id)
                return
            self.done.add(id(record))
        whole = record.get("row")
        row = whole if isinstance(whole, Mapping) else restore_row(row, record, parts)
        if part.id in self.parents and len(parts) < 2:
            row = {**row, "parentID": self.parents[part.id]}
        self.written.setdefault(part.id, str(row.get("id", part.id)))
        yield place, row
        yield from _placed(record.get("about"))

    def _edited(self, part: Annotation, row: JSONObject, record: JSONObject) -> Iterator[Row]:
        """A row from the annotation alone; the control stays the imported one while the kind of region does."""
        given, at = member(record, "set"), record.get("at")
        whole = whole_region(part, self.to_name, self.size)
        if "type" not in given and whole is not None and whole["type"] == row["type"]:
            row = {**row, **{k: v for k, v in given.items() if k in _CARRIED}}
        if part.id in self.parents:
            row = {**row, "parentID": self.parents[part.id]}
        self.written.setdefault(part.id, str(row["id"]))
        yield at if isinstance(at, int) else None, row
        yield from ((None, more) for more in saying_rows(row, part))

    def _stated(self) -> Iterator[Row]:
        """Statements about the whole: rows as they were imported, one of choices for the others."""
        new: list[Annotation] = []
        for part in self.statements:
            record = self.kept.get(part.id, {}) if part.id in self.sound else {}
            if not (part.class_name or "").strip():
                self.tally.note(Outcome.DROPPED, Loss.NO_CLASS, part.id)
                continue
            self._count(part)
            if not isinstance(record.get("row"), Mapping):
                new.append(part)
            elif id(record) not in self.done:
                self.done.add(id(record))
                at = record.get("at")
                yield at if isinstance(at, int) else None, record["row"]
        yield from ((None, row) for row in statement(new, self.to_name))

    def _related(self) -> Iterator[Row]:
        lost = False
        for relation in self.drawn.relations:
            ends = self.written.get(relation.source), self.written.get(relation.target)
            kept = member(relation.rest, RECORD_KEY)
            if ends[0] is None or ends[1] is None:
                lost = True
            else:
                at = kept.get("at")
                row = relation_row(ends[0], ends[1], member(kept, "set"))
                yield at if isinstance(at, int) else None, row
        if lost:
            self.tally.note(Outcome.LOSSY, Loss.RELATIONS)
        for part in self.links:
            assert isinstance(part.shape, Link)
            ends = self.written.get(part.shape.source), self.written.get(part.shape.target)
            if ends[0] is None or ends[1] is None:
                self.tally.note(Outcome.DROPPED, Loss.RELATIONS, part.id)
                continue
            self._count(part)
            if part.attributes:
                self.tally.note(Outcome.LOSSY, Loss.ATTRIBUTES, part.id)
            labels = {"labels": [class_key(part.class_name)]} if part.class_name else {}
            yield None, relation_row(ends[0], ends[1], labels)

    def _aside(self) -> Iterator[Row]:
        yield from _placed(self.record.get("aside"))


def _placed(rows: JSON) -> Iterator[Row]:
    """Rows that were kept with their places."""
    for kept in rows if isinstance(rows, list) else ():
        if isinstance(kept, Mapping) and isinstance(kept.get("at"), int) and "row" in kept:
            yield kept["at"], kept["row"]


def _around(points: list[tuple[float, float]]) -> tuple[float, float, float, float]:
    """The box around the labelled joints of a pose that has none."""
    xs, ys = [x for x, _ in points] or [0.0], [y for _, y in points] or [0.0]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)
