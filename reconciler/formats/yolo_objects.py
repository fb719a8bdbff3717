"""One object of a picture as rows of a YOLO label file, without the numbers that depend on the rest of the data set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from reconciler.formats.account import Loss, Outcome, Tally
from reconciler.formats.annotations import Annotation, Box, Mask, Point, Polygon, Raw, Skeleton
from reconciler.formats.contours import outlines
from reconciler.formats.fitting import XYWH, FittedObject, fit_object
from reconciler.formats.geometry import EdgePolicy, Ring, Size, corners, tight_box
from reconciler.formats.masks import line_edges
from reconciler.formats.object_classes import class_of
from reconciler.formats.objects import ImageObject, shape_digest
from reconciler.formats.yolo_rows import box_row, joined, joint_values, ring_row
from reconciler.model.json import JSONObject

KEPT_KEY: Final = "yolo"
"""Member of `extra[media]` for what an import keeps: class ids, joint names, and rows that are not in our spelling."""

_OWN: Final = frozenset({"class", "iscrowd", "visibility"})


class Task(StrEnum):
    """What a model learns; decides what a row holds."""

    DETECT = "detect"
    SEGMENT = "segment"
    POSE = "pose"
    OBB = "obb"
    CLASSIFY = "classify"


# Shapes that make a row of a task; a shape of the second kind makes one when there is none of the first.
_MAIN: Final[Mapping[Task, tuple[tuple[type, ...], tuple[type, ...]]]] = {
    Task.DETECT: ((Box,), (Polygon, Mask)),
    Task.SEGMENT: ((Polygon, Mask), ()),
    Task.POSE: ((Point, Skeleton), ()),
    Task.OBB: ((Box,), (Polygon,)),
}


@dataclass(frozen=True, slots=True)
class RowRules:
    """What the rows of an object depend on. size: of the picture. joins: the parts of an object are one row.
    crowds: regions of many things are written. joints: the declared ones, () when nobody declared any.
    kept: what an import kept about the picture. categories: of an import from COCO, by their id there.
    """

    size: Size | None
    edges: EdgePolicy
    task: Task = Task.DETECT
    joins: bool = True
    crowds: bool = False
    joints: tuple[str, ...] = ()
    kept: JSONObject = field(default_factory=dict)
    categories: Mapping[int, JSONObject] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class YoloObject:
    """name: of the class. rows: texts after the class id. joints: of a pose, name → x, y, visibility as texts."""

    name: str
    rows: tuple[str, ...]
    joints: Mapping[str, tuple[str, ...]] | None = None


def write_rows(found: ImageObject, rules: RowRules, tally: Tally) -> YoloObject | None:
    """Convert one object, and tell the tally what became of its parts. None: it is not written."""
    reason = _refusal(found, rules)
    if reason is not None:
        tally.note(Outcome.DROPPED, reason, *found.ids)
        return None
    assert rules.size is not None
    return _RowWriter(found, rules, rules.size, tally).write()


def _refusal(found: ImageObject, rules: RowRules) -> Loss | None:
    """Why an object cannot be written, whatever the policy says."""
    first = found.parts[0]
    if isinstance(first.shape, Raw):
        return Loss(first.shape.reason)
    if not _main_parts(found, rules.task):
        return Loss.UNSUPPORTED_TOOL
    if _object_class(found, rules) is None:
        return Loss.NO_CLASS
    if rules.size is None:
        return Loss.SIZE_UNKNOWN
    body = found.body or first
    if not rules.crowds and body.attributes.get("iscrowd") in (1, True, "1", "true"):
        return Loss.CROWD
    return None


def _object_class(found: ImageObject, rules: RowRules) -> str | None:
    skeletons = {"pose": {"keypoints": list(rules.joints)}} if rules.joints else {}
    return class_of(found, skeletons, rules.categories)


def _main_parts(found: ImageObject, task: Task) -> tuple[Annotation, ...]:
    """The parts that make the rows of the task; () when the object has none."""
    first, second = _MAIN[task]
    parts = tuple(p for p in found.parts if isinstance(p.shape, first)) or tuple(
        p for p in found.parts if isinstance(p.shape, second)
    )
    if task is Task.POSE:
        return (*parts, *(p for p in found.parts if isinstance(p.shape, Box))) if parts else ()
    if task is Task.DETECT and not parts and found.skeleton is not None and found.skeleton.box is not None:
        return found.parts[:1]
    if task is Task.OBB and parts and isinstance(parts[0].shape, Polygon):
        return parts if len(parts) == 1 and len(parts[0].shape.points) == 4 else ()
    return parts


@dataclass(slots=True)
class _RowWriter:
    found: ImageObject
    rules: RowRules
    size: Size
    tally: Tally

    def write(self) -> YoloObject | None:
        fitted = fit_object(self.found, self.size, self.rules.edges)
        main = _main_parts(self.found, self.rules.task)
        if fitted.is_empty or all(p.id in fitted.gone for p in main):
            fitted.leave_out(self.tally)
            return None
        written = self._pose(fitted) if self.rules.task is Task.POSE else self._shape(fitted)
        if written is None:
            fitted.leave_out(self.tally, Loss.EMPTY_SHAPE)
            return None
        keeps = self.rules.task is not Task.SEGMENT or len(written.rows) == 1
        fitted.settle(self.tally, written.name, keeps_holes=keeps)
        self._note(fitted, main, written)
        return written

    def _note(self, fitted: FittedObject, main: Iterable[Annotation], written: YoloObject) -> None:
        """Tell the tally what the rows have no place for."""
        held = {p.id for p in main}
        beside = [i for i in fitted.left if i not in held]
        if beside:
            self.tally.written -= len(beside)
            self.tally.note(Outcome.DROPPED, Loss.UNSUPPORTED_TOOL, *beside)
        left = [p for p in main if p.id not in fitted.gone]
        self._note_lossy(Loss.ROTATION, (p for p in left if self._is_turned(p)))
        if self.rules.task is Task.DETECT:
            self._note_lossy(Loss.BOX_ONLY, (p for p in left if not isinstance(p.shape, Box)))
        self._note_lossy(Loss.ATTRIBUTES, (p for p in left if p.attributes.keys() - _OWN))
        if len(written.rows) > 1:
            self._note_lossy(Loss.GROUP, left)

    def _is_turned(self, part: Annotation) -> bool:
        shape = part.shape
        return isinstance(shape, Box) and bool(shape.rotation) and self.rules.task is not Task.OBB

    def _note_lossy(self, reason: Loss, parts: Iterable[Annotation]) -> None:
        ids = [p.id for p in parts]
        if ids:
            self.tally.note(Outcome.LOSSY, reason, *ids)

    def _name(self) -> str:
        name = _object_class(self.found, self.rules)
        assert name is not None
        return name

    def _shape(self, fitted: FittedObject) -> YoloObject | None:
        kept = self._kept(fitted)
        if kept is not None:
            return YoloObject(self._name(), (kept,))
        match self.rules.task:
            case Task.SEGMENT:
                rows = self._segments(fitted)
            case Task.OBB:
                rows = (ring_row(self._quadrangle(fitted), self.size),)
            case _:
                box = self._box(fitted)
                rows = () if box is None else (box_row(box, self.size),)
        return YoloObject(self._name(), rows) if rows else None

    def _segments(self, fitted: FittedObject) -> tuple[str, ...]:
        rings: tuple[Ring, ...] = fitted.rings
        if fitted.mask is not None:
            rings = tuple(tuple(ring) for ring in outlines(fitted.mask.runs, *self.size))
        if len(rings) == 1 or self.rules.joins:
            rings = (joined(rings, fitted.holes),) if rings else ()
        return tuple(ring_row(ring, self.size) for ring in rings)

    def _quadrangle(self, fitted: FittedObject) -> Ring:
        """Four corners. A turned box or quadrangle that was cut to more corners becomes the upright box around it."""
        if fitted.box is not None:
            return corners(Box(*fitted.box))
        ring = fitted.corners or fitted.rings[0]
        if len(ring) == 4:
            return ring
        self._note_lossy(Loss.ROTATION, self.found.parts)
        return corners(Box(*tight_box(ring)))

    def _box(self, fitted: FittedObject) -> XYWH | None:
        """The upright box: as drawn or given, else around what is left."""
        if fitted.box is not None:
            return fitted.box
        points = [p for ring in (*fitted.rings, fitted.corners or ()) for p in ring]
        if fitted.mask is not None:
            points += _extent(fitted.mask, self.size)
        if not points:
            points = [(j.x, j.y) for j in fitted.joints if j.visibility]
        box = tight_box(points) if points else None
        return box if box is not None and box[2] > 0 and box[3] > 0 else None

    def _pose(self, fitted: FittedObject) -> YoloObject | None:
        box = self._box(fitted)
        known = [j for j in fitted.joints if not self.rules.joints or j.name in self.rules.joints]
        if box is None or not known:
            return None
        self._note_unknown(fitted)
        kept = self._kept(fitted)
        if kept is not None:
            return self._kept_pose(kept)
        joints = {j.name: joint_values(j.x, j.y, j.visibility, self.size) for j in known}
        return YoloObject(self._name(), (box_row(box, self.size),), joints)

    def _note_unknown(self, fitted: FittedObject) -> None:
        declared = self.rules.joints
        strange = [p.id for p in self.found.points if p.id not in fitted.gone and p.class_name not in declared]
        if declared and strange:
            self.tally.written -= len(strange)
            self.tally.note(Outcome.DROPPED, Loss.UNKNOWN_JOINT, *strange)

    def _kept_pose(self, row: str) -> YoloObject | None:
        """The numbers of an imported pose, joint by joint."""
        values, names = row.split(), self.rules.kept.get("keypoints", ())
        across = (len(values) - 4) // len(names)
        at = range(4, len(values), across)
        joints = {name: tuple(values[i : i + across]) for name, i in zip(names, at, strict=True)}
        return YoloObject(self._name(), (" ".join(values[:4]),), joints)

    def _kept(self, fitted: FittedObject) -> str | None:
        """The row that was imported, while nobody edited its shapes and the policy left them as they are."""
        if not fitted.is_whole:
            return None
        for kept in _kept_rows(self.rules.kept, self.rules.task):
            if kept.get("annotations") == list(self.found.ids) and kept.get("shape") == shape_digest(self.found.parts):
                return str(kept["row"])
        return None


def _kept_rows(kept: JSONObject, task: Task) -> list[JSONObject]:
    rows = kept.get("rows")
    if not isinstance(rows, list):
        return []
    return [r for r in rows if isinstance(r, Mapping) and r.get("task") == task and isinstance(r.get("row"), str)]


def _extent(mask: Mask, size: Size) -> list[tuple[float, float]]:
    """Two opposite corners of the box around the pixels."""
    lines = [(y, edge) for y, edge in enumerate(line_edges(mask.runs, *size)) if edge]
    left, right = min(edge[0] for _, edge in lines), max(edge[-1] for _, edge in lines)
    return [(left, lines[0][0]), (right, lines[-1][0] + 1)]
