"""Shapes that mark no place in a picture: stretches of time and text, things in space, dialogues, links.

Numbers stay as given, as in `annotations`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.model.json import JSON

Vector = tuple[float, float, float]


class TimeUnit(StrEnum):
    """What a time range counts. AXIS: the unit of the time axis of a series (epoch milliseconds, microseconds, …)."""

    SECONDS = "seconds"
    FRAMES = "frames"
    AXIS = "axis"


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A stretch of audio (seconds), video (frames) or of a series (axis). excluded_tracks: series it does not hold for,
    by id; None when the payload has no such list."""

    start: float
    end: float
    unit: TimeUnit
    excluded_tracks: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class NamedEntity:
    """Stretches of a text. content: the text they cover, as one. ranges: as the payload has them."""

    ranges: tuple[JSON, ...]
    content: str

    @property
    def spans(self) -> Iterator[tuple[int, int]]:
        """(start, end) of every range that says so, as offsets into the text, end exclusive as annotators give it."""
        for row in self.ranges:
            pair = (row.get("start"), row.get("end")) if isinstance(row, Mapping) else row
            if isinstance(pair, (list, tuple)) and len(pair) == 2 and all(type(v) is int for v in pair):
                yield pair[0], pair[1]


@dataclass(frozen=True, slots=True)
class Euler:
    """Rotation about x, y and z in radians."""

    x: float
    y: float
    z: float


@dataclass(frozen=True, slots=True)
class Quaternion:
    """Rotation as unit quaternion, w the scalar part."""

    w: float
    x: float
    y: float
    z: float


@dataclass(frozen=True, slots=True)
class Box3D:
    """A box in a point cloud. position: of its centre. scale: its three sides. rotation: None when unsaid."""

    position: Vector
    scale: Vector
    rotation: Euler | Quaternion | None = None


@dataclass(frozen=True, slots=True)
class PointSet:
    """Points of a point cloud, by their index in the file, in payload order."""

    indices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """One piece of a prompt or an answer. type: text, image, … rest: its other keys (changeHistory, primaryKey, …)."""

    type: str
    value: JSON
    rest: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Origin:
    """Who or what wrote a prompt or an answer, and when; None for what the payload does not say."""

    model: str | None = None
    display_name: str | None = None
    generated_by: str | None = None
    timestamp: JSON = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked of a model."""

    content: tuple[Content, ...]
    origin: Origin = Origin()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model, or a person in its place, said. prompt: id of the annotation that is answered."""

    content: tuple[Content, ...]
    origin: Origin = Origin()
    prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """One annotation that points to another: an annotation of its own, with class and attributes."""

    source: str
    target: str
