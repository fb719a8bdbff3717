"""Objects as training formats see them: which annotations of one picture are parts of one thing.

DM draws one ring, one joint or one mask per annotation and ties them with groups. A group is one object when its
members can be: polygons, at most one box and one mask, all of one class, and any joints. Other groups stay apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from reconciler.formats.annotations import (
    Annotation,
    Box,
    Group,
    Joint,
    Mask,
    MediaAnnotations,
    Point,
    Polygon,
    Raw,
    Skeleton,
    visibility,
)
from reconciler.formats.dm_shapes import write_seed
from reconciler.formats.import_records import RECORD_KEY, kept_records
from reconciler.model.json import JSONObject, digest

CAPTION_CLASS: Final = "caption"
"""Class of a classification that is a sentence about the picture, held by its attribute of that name."""


@dataclass(frozen=True, slots=True)
class ImageObject:
    """One thing in a picture. parts: in payload order. record: what an import kept about it, when it came from COCO.

    is_pristine: the parts are exactly those that were imported, so that the record's numbers still hold.
    group: the group that ties it, if any.
    """

    parts: tuple[Annotation, ...]
    record: JSONObject | None = None
    is_pristine: bool = False
    group: Group | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """Annotation ids of the parts."""
        return tuple([part.id for part in self.parts])

    @property
    def box(self) -> Box | None:
        """The box among the parts."""
        return _first(self.parts, Box)

    @property
    def box_part(self) -> Annotation | None:
        """The part that is a box."""
        for part in self.parts:
            if type(part.shape) is Box:
                return part
        return None

    @property
    def mask(self) -> Mask | None:
        """The mask among the parts."""
        return _first(self.parts, Mask)

    @property
    def skeleton(self) -> Skeleton | None:
        """The whole pose among the parts."""
        return _first(self.parts, Skeleton)

    @property
    def given_box(self) -> tuple[float, float, float, float] | None:
        """The (x, y, width, height) that an import gave, while nobody edited the shapes."""
        value = self.record.get("bbox") if self.record and self.is_pristine else None
        return (value[0], value[1], value[2], value[3]) if value is not None else None

    @property
    def polygons(self) -> tuple[Annotation, ...]:
        """The parts that are rings."""
        return tuple([p for p in self.parts if type(p.shape) is Polygon])

    @property
    def points(self) -> tuple[Annotation, ...]:
        """The parts that are single joints."""
        return tuple([p for p in self.parts if type(p.shape) is Point])

    @property
    def body(self) -> Annotation | None:
        """The part that says class and attributes of the whole: the first that is no joint."""
        for part in self.parts:
            if type(part.shape) is not Point:
                return part
        return None


_Kind = TypeVar("_Kind", Box, Mask, Skeleton)


def _first(parts: Iterable[Annotation], kind: type[_Kind]) -> _Kind | None:
    """The first shape of a kind. (Asked several times for every object; a generator would take twice as long.)"""
    for part in parts:
        if type(part.shape) is kind:
            return part.shape
    return None


def gather_objects(media: MediaAnnotations) -> tuple[list[ImageObject], list[Group]]:
    """All objects of one picture, by the position of their first part, and the groups that are no object."""
    if not media.groups and RECORD_KEY not in media.extra:
        return [ImageObject((a,)) for a in media.annotations], []
    by_id = {a.id: a for a in reversed(media.annotations) if a.id}  # the first of equal ids
    taken: dict[int, ImageObject] = {}
    for found in _recorded(media, by_id):
        if not any(id(p) in taken for p in found.parts):
            taken.update((id(p), found) for p in found.parts)
    loose: list[Group] = []
    for group in media.groups:
        parts = tuple(by_id[m] for m in dict.fromkeys(group.members) if m in by_id)
        if all(id(p) in taken for p in parts):
            continue
        if is_one_object(parts) and not any(id(p) in taken for p in parts):
            found = ImageObject(parts, group=group)
            taken.update((id(p), found) for p in parts)
        else:
            loose.append(group)
    return list(_ordered(media.annotations, taken)), loose


def _ordered(annotations: Iterable[Annotation], taken: Mapping[int, ImageObject]) -> Iterator[ImageObject]:
    """Each object once, where its first part is. taken: objects by the identity of their parts."""
    seen: set[int] = set()
    for annotation in annotations:
        found = taken.get(id(annotation))
        if found is None:
            yield ImageObject((annotation,))
        elif id(found) not in seen:
            seen.add(id(found))
            yield found


def is_one_object(parts: Sequence[Annotation]) -> bool:
    """Whether the members of a group can be parts of one object."""
    shapes = [p.shape for p in parts]
    if not parts or not all(isinstance(s, (Box, Polygon, Mask, Point)) for s in shapes):
        return False
    kinds = [sum(isinstance(s, kind) for s in shapes) for kind in (Box, Mask, Polygon)]
    if kinds[0] > 1 or kinds[1] > 1 or (kinds[1] and kinds[2]):
        return False
    names = [p.attributes.get("class", p.class_name) for p in parts if isinstance(p.shape, Point)]
    classes = {p.class_name for p in parts if not isinstance(p.shape, Point)}
    return len(classes) <= 1 and len(set(names)) == len(names)


def _recorded(media: MediaAnnotations, by_id: Mapping[str, Annotation]) -> Iterator[ImageObject]:
    for record in kept_records(media)[0]:
        parts = tuple(by_id[m] for m in dict.fromkeys(record["annotations"]) if m in by_id)
        if parts and not any(isinstance(p.shape, Raw) for p in parts):
            pristine = len(parts) == len(record["annotations"]) and shape_digest(parts) == record.get("shape")
            yield ImageObject(parts, record, pristine)


def shape_digest(parts: Iterable[Annotation]) -> str:
    """Digest of the geometry of some annotations; changes when anyone edits a shape, or what a joint is."""
    return digest([[p.id, write_seed(p.shape), *_joint(p)] for p in parts])[:16]


def _joint(part: Annotation) -> tuple[str | None, int | None] | tuple[()]:
    return (part.class_name, visibility(part)) if isinstance(part.shape, Point) else ()


def joints_of(points: Iterable[Annotation]) -> tuple[tuple[Joint, ...], list[str]]:
    """Joints of single keypoint annotations, and the ids of those whose visibility had to be taken as visible."""
    joints: list[Joint] = []
    assumed: list[str] = []
    for part in points:
        if not isinstance(part.shape, Point):
            continue
        seen = visibility(part)
        if seen is None:
            assumed.append(part.id)
        joints.append(Joint(part.class_name or part.id, part.shape.x, part.shape.y, 2 if seen is None else seen))
    return tuple(joints), assumed
