"""The annotation model: what was drawn on which media, typed and frozen, whatever format it came from.

Units are pixels, origin top left, x to the right, y down. Numbers stay as given (an int stays an int), so that a
value read and written again is the same JSON. Shapes that no reader interprets are kept verbatim as `Raw`. What marks
no place in a picture (times, texts, points in space, dialogues, links) is in `media_shapes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.formats.media_shapes import Answer, Box3D, Link, NamedEntity, PointSet, Prompt, TimeRange
from reconciler.model.json import JSON

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """Axis-parallel box, or one turned about its centre. rotation: radians, clockwise on screen; None when unsaid."""

    x: float
    y: float
    width: float
    height: float
    rotation: float | None = None


@dataclass(frozen=True, slots=True)
class Polygon:
    """One closed ring; the last point is not the first again. point_ids: names of the points, None when unnamed.

    holes: further rings, not part of the area. Several rings side by side are several annotations in one group.
    """

    points: tuple[Pair, ...]
    point_ids: tuple[str | None, ...] | None = None
    holes: tuple[tuple[Pair, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Polyline:
    """An open line through the points."""

    points: tuple[Pair, ...]
    point_ids: tuple[str | None, ...] | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One keypoint; its joint name is the annotation's class, its visibility an attribute."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Joint:
    """One joint of a skeleton. visibility: 0 not labelled, 1 labelled but hidden, 2 visible."""

    name: str
    x: float
    y: float
    visibility: int


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A whole pose in one annotation. edges: 1-based joint pairs. box: (x, y, width, height) of the object."""

    joints: tuple[Joint, ...]
    edges: tuple[tuple[int, int], ...] | None = None
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Mask:
    """Pixels, as runs (start, length) of row-major indices. raw: the payload lists single indices instead of runs."""

    runs: tuple[tuple[int, int], ...]
    raw: bool = False


@dataclass(frozen=True, slots=True)
class Classification:
    """A statement about the whole media; no geometry."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The shape of a track in one frame, counted from 0. members: what else the frame says (keyframe, outside, …)."""

    number: int
    shape: Box | Polygon | Polyline | Point
    members: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Track:
    """One object of a video through its frames. frames: in payload order; between them nothing is said."""

    frames: tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class Raw:
    """What is not interpreted. row, data: the two JSON rows as they were (data: None when there was none).

    reason: "unsupported_tool", or "malformed" with a problem that says why.
    """

    reason: str
    row: JSON
    data: JSON = None


DrawnShape = Box | Polygon | Polyline | Point | Skeleton | Mask
"""What marks a place in one picture."""

MediaShape = TimeRange | NamedEntity | Box3D | PointSet | Prompt | Answer | Link
"""What marks something else; see `media_shapes`."""

Shape = DrawnShape | Classification | Track | MediaShape | Raw


class ClassForm(StrEnum):
    """How the class stands in the payload: {"class": …}, "name", null, or no key at all."""

    OBJECT = "object"
    TEXT = "text"
    NULL = "null"
    ABSENT = "absent"


class Dialect(StrEnum):
    """How a payload is written. SDK: tool + coordinate; SEED: type + data; V2: lists per tool."""

    SDK = "sdk"
    SEED = "seed"
    V2 = "v2"


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation.

    tool: as written ("bounding_box", "bbox"). class_name: None when unclassified. members: the annotation's other
    keys (isLocked, label, …). data_members: other keys of its geometry row.
    """

    id: str
    tool: str
    shape: Shape
    class_name: str | None = None
    attributes: Mapping[str, JSON] = field(default_factory=dict)
    members: Mapping[str, JSON] = field(default_factory=dict)
    data_members: Mapping[str, JSON] = field(default_factory=dict)
    form: ClassForm = ClassForm.OBJECT


class GroupForm(StrEnum):
    """The key under which a payload lists the members of a group."""

    IDS = "annotationIds"
    TREE = "annotationList"
    DATA = "data"


@dataclass(frozen=True, slots=True)
class GroupNode:
    """One member of a nested group. children: None when the payload has no list of them. rest: its other keys."""

    annotation: str
    children: tuple[GroupNode, ...] | None = None
    rest: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """Annotations that belong together. members: annotation ids in order. rest: the group's other keys.

    derived: made from `group_id` of the members (V2), which keep it; so the group is not written again.
    nodes: TREE only, the members as they are nested; `members` has them in order, each before its children.
    """

    id: str
    members: tuple[str, ...]
    rest: Mapping[str, JSON] = field(default_factory=dict)
    derived: bool = False
    form: GroupForm = GroupForm.IDS
    nodes: tuple[GroupNode, ...] = ()


@dataclass(frozen=True, slots=True)
class Relation:
    """Two annotations of one file, and that the first stands in some relation to the second. rest: its other keys."""

    id: str
    source: str
    target: str
    rest: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MediaAnnotations:
    """All annotations of one file. media: name of its specification. extra: without width and height."""

    media: str
    annotations: tuple[Annotation, ...] = ()
    width: int | None = None
    height: int | None = None
    groups: tuple[Group, ...] = ()
    relations: tuple[Relation, ...] = ()
    extra: Mapping[str, JSON] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int] | None:
        """(width, height) in pixels when both are known."""
        return None if self.width is None or self.height is None else (self.width, self.height)


@dataclass(frozen=True, slots=True)
class Document:
    """One payload: the annotations of one unit.

    head: other keys of the top level (assignmentId, …). mirrored: SEED only, `annotationsData` repeats the rows.
    paired: SDK only, version 2 stands beside it, as the platform's converter writes the two. verbatim: the whole
    payload, when the typed values alone would not give exactly it back; whoever changes a document sets it to None.
    """

    media: tuple[MediaAnnotations, ...] = ()
    dialect: Dialect = Dialect.SDK
    head: Mapping[str, JSON] = field(default_factory=dict)
    mirrored: bool = True
    paired: bool = False
    verbatim: JSON = None


_VISIBILITY = {"missing": 0, "occluded": 1, "visible": 2, 0: 0, 1: 1, 2: 2}
VISIBILITY_NAMES = ("missing", "occluded", "visible")


def visibility(annotation: Annotation) -> int | None:
    """Visibility 0, 1 or 2 of a keypoint annotation, from its attribute; None when unsaid or not understood."""
    value = annotation.attributes.get("visibility", annotation.data_members.get("visibility"))
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    return _VISIBILITY.get(value)
