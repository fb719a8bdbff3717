"""One object of a picture as a COCO annotation, without the ids that depend on the rest of the data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.formats.account import Loss, Outcome, Tally
from reconciler.formats.annotations import Annotation, Box, Classification, Joint, Mask, Polygon, Polyline, Raw
from reconciler.formats.categories import PERSON_EDGES, PERSON_JOINTS, class_key, person_like
from reconciler.formats.geometry import (
    EdgePolicy,
    Fit,
    Ring,
    Size,
    corners,
    fit_box,
    fit_joints,
    fit_ring,
    ring_area,
    tidy,
    tight_box,
)
from reconciler.formats.masks import counts_box, counts_to_text, mask_area, runs_to_counts
from reconciler.formats.objects import CAPTION_CLASS, ImageObject, joints_of
from reconciler.model.json import JSON, JSONObject

_OWN: Final = frozenset({"class", "iscrowd", "visibility"})
_RECORD_ONLY: Final = frozenset(
    {"annotations", "shape", "members", "joints", "rle", "id", "category_id", "attributes", "segmentation"}
)
_COMPUTED: Final = ("bbox", "area", "num_keypoints")
XYWH = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class ObjectRules:
    """What converting an object depends on. size: of the picture. skeletons: declared, by class. categories: rows that
    came with the picture's import, by their id there."""

    size: Size | None
    edges: EdgePolicy
    crowd_masks: bool = False
    skeletons: Mapping[str, JSONObject] = field(default_factory=dict)
    categories: Mapping[int, JSONObject] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CocoObject:
    """kind: "a" annotation, "c" caption, "l" bare label. id: of the imported annotation. category: at least a name.
    joints: [name, x, y, visibility] rows whose vector waits for the category's final list. body: all other members."""

    kind: str
    id: int | None
    category: JSONObject | None
    joints: list[JSON] | None
    body: JSONObject


def write_object(found: ImageObject, rules: ObjectRules, tally: Tally) -> CocoObject | None:
    """Convert one object, and tell the tally what became of its parts. None: it is not written."""
    first = found.parts[0]
    if isinstance(first.shape, Raw):
        tally.note(Outcome.DROPPED, Loss(first.shape.reason), first.id)
        return None
    if isinstance(first.shape, Polyline):
        tally.note(Outcome.DROPPED, Loss.UNSUPPORTED_TOOL, first.id)
        return None
    if isinstance(first.shape, Classification) and _caption(first) is not None:
        tally.written += 1
        return CocoObject("c", _kept_id(found), None, None, _caption_members(found, first))
    category = _category(found, rules)
    if category is None:
        tally.note(Outcome.DROPPED, Loss.NO_CLASS, *found.ids)
        return None
    if isinstance(first.shape, Classification):
        tally.written += 1
        return CocoObject("l", _kept_id(found), category, None, _labelled(found))
    return _ObjectWriter(found, rules, tally, category).write()


def _caption(annotation: Annotation) -> str | None:
    text = annotation.attributes.get("caption")
    return text if annotation.class_name == CAPTION_CLASS and isinstance(text, str) else None


def _caption_members(found: ImageObject, first: Annotation) -> JSONObject:
    kept = {k: v for k, v in (found.record or {}).items() if k == "category_id"}
    return {"caption": _caption(first), **kept, **_kept_members(found)}


def _kept_id(found: ImageObject) -> int | None:
    number = found.record.get("id") if found.record else None
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def _kept_members(found: ImageObject) -> JSONObject:
    """Members of the imported annotation that are none of COCO's own."""
    drop = {*_RECORD_ONLY, *_COMPUTED, "caption"}
    return {k: v for k, v in (found.record or {}).items() if k not in drop}


def _labelled(found: ImageObject) -> JSONObject:
    """Members of an annotation that has a class and no shape; an imported one gets back what it had."""
    record = found.record or {}
    members = record.get("members", ())
    body = {k: record[k] for k in ("segmentation", "area") if k in record}
    if "iscrowd" in members:
        body["iscrowd"] = _crowd(found) or 0
    if "keypoints" in members and isinstance(record.get("joints"), Mapping):
        body["keypoints"] = [0, 0, 0] * int(record["joints"].get("count", 0))
    if "num_keypoints" in record:
        body["num_keypoints"] = record["num_keypoints"]
    return {**body, **_attributes(found), **_kept_members(found)}


def _crowd(found: ImageObject) -> int | None:
    body = found.body or found.parts[0]
    value = body.attributes.get("iscrowd")
    return None if value is None else int(value in (1, True, "1", "true"))


def _attributes(found: ImageObject, more: JSONObject | None = None) -> JSONObject:
    """The `attributes` member: what people entered in the tool, and what an import had to set aside."""
    body = found.body
    shown = {k: v for k, v in body.attributes.items() if k not in _OWN} if body else {}
    kept = found.record.get("attributes") if found.record else None
    if kept is not None and not isinstance(kept, Mapping):
        return {"attributes": kept}
    values = {**shown, **(kept or {}), **(more or {})}
    return {"attributes": values} if values or kept is not None else {}


def _category(found: ImageObject, rules: ObjectRules) -> JSONObject | None:
    """Name and, when known, id, supercategory and skeleton of the object's category."""
    name = _class_name(found, rules)
    if name is None:
        return None
    row = rules.categories.get(found.record.get("category_id", -1)) if found.record else None
    if row is not None and class_key(row["name"]) == name:
        return row
    skeleton = found.skeleton
    if skeleton is not None:
        edges = {} if skeleton.edges is None else {"skeleton": [list(e) for e in skeleton.edges]}
        return {"name": name, "keypoints": [j.name for j in skeleton.joints], **edges}
    if not found.points:
        return {"name": name}
    return {"name": name, **_joint_row(name, [p.class_name or p.id for p in found.points], rules)}


def _joint_row(name: str, joints: Sequence[str], rules: ObjectRules) -> JSONObject:
    if name in rules.skeletons:
        return rules.skeletons[name]
    if len(joints) > 1 and person_like(joints):
        return {"keypoints": list(PERSON_JOINTS), "skeleton": [list(e) for e in PERSON_EDGES]}
    return {"keypoints": list(joints)}


def _class_name(found: ImageObject, rules: ObjectRules) -> str | None:
    """The class of the part that is no joint; a pose without one is named by group, import, or skeleton."""
    body = found.body
    if body is not None:
        return class_key(body.class_name) if body.class_name and body.class_name.strip() else None
    if found.record:
        row = rules.categories.get(found.record.get("category_id", -1))
        if row is not None:
            return class_key(row["name"])
    said = found.group.rest.get("class") if found.group else None
    if isinstance(said, str) and said.strip():
        return class_key(said)
    joints = [p.class_name for p in found.points]
    if found.group is None:
        return class_key(joints[0]) if joints[0] else None
    names = {j for j in joints if j}
    for name, skeleton in sorted(rules.skeletons.items()):
        if names <= set(skeleton.get("keypoints", ())):
            return class_key(name)
    return "person" if person_like(names) else "keypoints"


@dataclass(slots=True)
class _ObjectWriter:
    """Converts one object with geometry. Reads as: fit every part, then write what is left."""

    found: ImageObject
    rules: ObjectRules
    tally: Tally
    category: JSONObject
    touched: bool = False
    refused: tuple[Loss, bool] | None = None
    gone: dict[str, Loss] = field(default_factory=dict)

    def write(self) -> CocoObject | None:
        rings = self._rings()
        box = self._box()
        mask = self.found.mask
        joints = self._joints()
        missing = mask is not None and self.rules.size is None
        if missing or not (rings or box or joints or (mask and mask.runs)) or self.refused:
            self._leave_out(Loss.SIZE_UNKNOWN if missing else None)
            return None
        self._note()
        return self._object(rings, box, mask if mask and mask.runs else None, joints)

    def _leave_out(self, reason: Loss | None) -> None:
        lost = next(iter(self.gone.values()), Loss.EMPTY_SHAPE)
        why, failed = self.refused or (reason or lost, False)
        self.tally.note(Outcome.FAILED if failed else Outcome.DROPPED, why, *self.found.ids)

    def _note(self) -> None:
        """Tell the tally about an object that is written."""
        left = [i for i in self.found.ids if i not in self.gone]
        self.tally.written += len(left)
        for part, reason in self.gone.items():
            self.tally.note(Outcome.DROPPED, reason, part)
        if self.touched:
            self.tally.note(Outcome.CLIPPED, Loss.OUTSIDE_MEDIA, *left)
        if self.found.box is not None and self.found.box.rotation:
            self.tally.note(Outcome.LOSSY, Loss.ROTATION, *left)
        bodies = [p.attributes for p in self.found.polygons]
        if any(b != bodies[0] for b in bodies):
            self.tally.note(Outcome.LOSSY, Loss.ATTRIBUTES_DIFFER, *left)

    def _judge(self, fit: Fit[Ring] | Fit[XYWH] | Fit[tuple[Joint, ...]], *parts: str) -> None:
        """Remember what the policy did to some parts; a shape outside that must not be clipped decides for all."""
        self.touched |= fit.clipped
        if fit.shape is not None or fit.reason is None:
            return
        self.gone.update((part, fit.reason) for part in parts)
        if self.rules.edges.mode != "clip" and fit.reason is Loss.OUTSIDE_MEDIA and self.refused is None:
            self.refused = (fit.reason, fit.failed)

    def _rings(self) -> list[Ring]:
        rings: list[Ring] = []
        for part in self.found.polygons:
            assert isinstance(part.shape, Polygon)
            fit = fit_ring(part.shape.points, self.rules.size, self.rules.edges)
            self._judge(fit, part.id)
            if fit.shape is not None:
                rings.append(fit.shape)
        turned = self._box_part()
        if turned is not None and isinstance(turned.shape, Box) and turned.shape.rotation and not rings:
            fit = fit_ring(corners(turned.shape), self.rules.size, self.rules.edges)
            self._judge(fit, turned.id)
            rings += [fit.shape] if fit.shape else []
        return rings

    def _box_part(self) -> Annotation | None:
        return next((p for p in self.found.parts if isinstance(p.shape, Box)), None)

    def _box(self) -> XYWH | None:
        """The box as drawn or as given, fitted; None when it follows from the other parts."""
        part = self._box_part()
        if part is not None and isinstance(part.shape, Box):
            if part.shape.rotation:
                return None
            shape = part.shape
            fit = fit_box((shape.x, shape.y, shape.width, shape.height), self.rules.size, self.rules.edges)
            self._judge(fit, part.id)
            return fit.shape
        given = self._given_box()
        if given is None or given[2] <= 0 or given[3] <= 0:
            return given
        fit = fit_box(given, self.rules.size, self.rules.edges)
        self.touched |= fit.clipped or fit.shape is None
        return fit.shape

    def _given_box(self) -> XYWH | None:
        """The box that came with an import whose shapes nobody edited, or with a pose."""
        skeleton = self.found.skeleton
        if skeleton is not None:
            return skeleton.box
        value = self.found.record.get("bbox") if self.found.record and self.found.is_pristine else None
        if isinstance(value, list) and len(value) == 4 and all(isinstance(v, (int, float)) for v in value):
            return value[0], value[1], value[2], value[3]
        return None

    def _joints(self) -> tuple[Joint, ...]:
        skeleton = self.found.skeleton
        joints, assumed = (skeleton.joints, []) if skeleton else joints_of(self.found.points)
        if assumed:
            self.tally.note(Outcome.LOSSY, Loss.VISIBILITY_ASSUMED, *assumed)
        if not joints:
            return ()
        fit = fit_joints(joints, self.rules.size, self.rules.edges)
        left = {j.name for j in fit.shape or ()}
        self._judge(fit)
        for part in self.found.points:
            if (part.class_name or part.id) not in left:
                self.gone[part.id] = Loss.OUTSIDE_MEDIA
        return fit.shape or ()

    def _object(self, rings: list[Ring], box: XYWH | None, mask: Mask | None, joints: tuple[Joint, ...]) -> CocoObject:
        record = self.found.record or {}
        keeps = self.found.is_pristine and not self.touched and not self.gone
        segmentation, area, tight = self._segmentation(rings, mask, joints)
        body: dict[str, JSON] = {}
        wanted = record.get("members") if keeps and isinstance(record.get("members"), list) else None
        if wanted is None or "bbox" in wanted:
            body["bbox"] = list(box or tight or (0, 0, 0, 0))
        if wanted is None or "segmentation" in wanted:
            body["segmentation"] = record["segmentation"] if keeps and "segmentation" in record else segmentation
        if wanted is None or "area" in wanted:
            given = body.get("bbox", (0, 0, 0, 0))
            body["area"] = record["area"] if keeps and "area" in record else area or tidy(given[2] * given[3])
        if wanted is None or "iscrowd" in wanted:
            body["iscrowd"] = self._crowd(mask)
        named = self._vector(body, joints, record, wanted)
        body |= {**_attributes(self.found, self._rotation()), **_kept_members(self.found)}
        return CocoObject("a", _kept_id(self.found), self._named_category(named), named, body)

    def _named_category(self, joints: list[JSON] | None) -> JSONObject:
        """The category, with a place for every joint."""
        if not joints:
            return self.category
        names = dict.fromkeys([*self.category.get("keypoints", ()), *(joint[0] for joint in joints)])
        return {**self.category, "keypoints": list(names)}

    def _rotation(self) -> JSONObject:
        box = self.found.box
        return {"rotation": box.rotation} if box is not None and box.rotation else {}

    def _crowd(self, mask: Mask | None) -> int:
        said = _crowd(self.found)
        return said if said is not None else int(mask is not None and self.rules.crowd_masks and not self.found.record)

    def _segmentation(
        self, rings: list[Ring], mask: Mask | None, joints: Sequence[Joint]
    ) -> tuple[JSON, float, XYWH | None]:
        """`segmentation`, its area and its tight box."""
        if mask is not None and self.rules.size is not None:
            width, height = self.rules.size
            counts = runs_to_counts(mask.runs, width, height)
            as_list = (self.found.record or {}).get("rle") == "list"
            code = {"size": [height, width], "counts": counts if as_list else counts_to_text(counts)}
            return code, mask_area(mask.runs), counts_box(counts, height)
        if rings:
            flat = [[value for point in ring for value in point] for ring in rings]
            return flat, tidy(sum(map(ring_area, rings))), tight_box([p for ring in rings for p in ring])
        seen = [(j.x, j.y) for j in joints if j.visibility]
        return [], 0, tight_box(seen) if seen else None

    def _vector(
        self, body: dict[str, JSON], joints: Sequence[Joint], record: JSONObject, wanted: Sequence[str] | None
    ) -> list[JSON] | None:
        """Write `keypoints` when their places are known, else return the named joints for later."""
        places = record.get("joints")
        if isinstance(places, Mapping) and (wanted is None or "keypoints" in wanted):
            vector = self._placed(joints, places)
            if vector is not None:
                body["keypoints"] = vector
                count = sum(1 for seen in vector[2::3] if seen)
                given = self.found.is_pristine and not self.touched and "num_keypoints" in record
                if wanted is None or "num_keypoints" in wanted:
                    body["num_keypoints"] = record["num_keypoints"] if given else count
                return None
        return [[j.name, j.x, j.y, j.visibility] for j in joints] if joints else None

    def _placed(self, joints: Sequence[Joint], places: Mapping[str, JSON]) -> list[float] | None:
        """The keypoint vector of an import, by the places its joints had; None when people added other joints."""
        count = places.get("count")
        names = self.category.get("keypoints") or ()
        if not isinstance(count, int) or (names and len(names) != count):
            return None
        index = {p.class_name or p.id: i for p, i in zip(self.found.points, places.get("places", ()), strict=False)}
        if not self.found.is_pristine:
            index = {name: i for i, name in enumerate(names)}
        if any(j.name not in index for j in joints):
            return None
        vector: list[float] = [0] * (3 * count)
        for joint in joints:
            at = index[joint.name] * 3
            vector[at : at + 3] = (joint.x, joint.y, joint.visibility)
        return vector
