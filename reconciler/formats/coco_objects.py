"""One object of a picture as a COCO annotation, without the ids that depend on the rest of the data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.formats.account import Loss, Outcome, Tally
from reconciler.formats.annotations import Annotation, Classification, Joint, Mask, Polyline
from reconciler.formats.categories import PERSON_EDGES, PERSON_JOINTS, class_key, person_like
from reconciler.formats.fitting import XYWH, FittedObject, fit_object
from reconciler.formats.geometry import EdgePolicy, Size, ring_area, tidy, tight_box
from reconciler.formats.masks import counts_box, counts_to_text, mask_area, runs_to_counts
from reconciler.formats.object_classes import class_of
from reconciler.formats.objects import CAPTION_CLASS, ImageObject
from reconciler.model.json import JSON, JSONObject

_OWN: Final = frozenset({"class", "iscrowd", "visibility"})
_RECORD_ONLY: Final = frozenset(
    {"annotations", "shape", "members", "joints", "rle", "id", "category_id", "attributes", "segmentation"}
)
_NO_MEMBERS: Final = _RECORD_ONLY | {"bbox", "area", "num_keypoints", "caption"}


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
        tally.classes[category["name"]] += 1
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
    return {k: v for k, v in found.record.items() if k not in _NO_MEMBERS} if found.record else {}


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
    name = class_of(found, rules.skeletons, rules.categories)
    if not name:  # readers refuse a category whose name is empty
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


@dataclass(slots=True)
class _ObjectWriter:
    """Converts one object with geometry. Reads as: fit it, then write what is left."""

    found: ImageObject
    rules: ObjectRules
    tally: Tally
    category: JSONObject

    def write(self) -> CocoObject | None:
        fitted = fit_object(self.found, self.rules.size, self.rules.edges)
        if fitted.is_empty:
            fitted.leave_out(self.tally)
            return None
        if fitted.mask is not None and self.rules.size is None:
            fitted.leave_out(self.tally, Loss.SIZE_UNKNOWN)
            return None
        fitted.settle(self.tally, self.category["name"])
        self._note(fitted)
        return self._object(fitted)

    def _note(self, fitted: FittedObject) -> None:
        """Tell the tally what COCO has no place for."""
        if fitted.corners is not None:
            self.tally.note(Outcome.LOSSY, Loss.ROTATION, *fitted.left)
        polygons = self.found.polygons if len(self.found.parts) > 1 else ()
        if any(p.attributes != polygons[0].attributes for p in polygons[1:]):
            self.tally.note(Outcome.LOSSY, Loss.ATTRIBUTES_DIFFER, *fitted.left)

    def _object(self, fitted: FittedObject) -> CocoObject:
        record = self.found.record or {}
        keeps = self.found.is_pristine and fitted.is_whole
        box, mask = fitted.box, fitted.mask
        segmentation, area, tight = self._segmentation(fitted)
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
        named = self._vector(body, fitted, wanted)
        body |= _attributes(self.found, self._rotation())
        if record:
            body |= _kept_members(self.found)
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

    def _segmentation(self, fitted: FittedObject) -> tuple[JSON, float, XYWH | None]:
        """`segmentation`, its area and its tight box."""
        mask, joints = fitted.mask, fitted.joints
        rings = fitted.rings or ((fitted.corners,) if fitted.corners else ())
        if mask is not None and self.rules.size is not None:
            width, height = self.rules.size
            counts = runs_to_counts(mask.runs, width, height)
            as_list = (self.found.record or {}).get("rle") == "list"
            code = {"size": [height, width], "counts": counts if as_list else counts_to_text(counts)}
            return code, mask_area(mask.runs), counts_box(counts, height)
        if rings:
            flat = [[value for point in ring for value in point] for ring in rings]
            drawn = rings[0] if len(rings) == 1 else [p for ring in rings for p in ring]
            return flat, tidy(sum(map(ring_area, rings))), tight_box(drawn)
        seen = [(j.x, j.y) for j in joints if j.visibility]
        return [], 0, tight_box(seen) if seen else None

    def _vector(self, body: dict[str, JSON], fitted: FittedObject, wanted: Sequence[str] | None) -> list[JSON] | None:
        """Write `keypoints` when their places are known, else return the named joints for later."""
        record, joints = self.found.record or {}, fitted.joints
        places = record.get("joints")
        if isinstance(places, Mapping) and (wanted is None or "keypoints" in wanted):
            vector = self._placed(joints, places)
            if vector is not None:
                body["keypoints"] = vector
                count = sum(1 for seen in vector[2::3] if seen)
                given = self.found.is_pristine and not fitted.clipped and "num_keypoints" in record
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
