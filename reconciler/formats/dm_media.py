"""Shapes of other media than pictures, between the model and the fields of a DM row.

Version 1 has the fields in the row of `annotationsData` (`section`, `psr`, `ranges`, …); version 2 has them in an
object `data`, or a pair for links. Tracks are version 1's `coordinates`, an object of a `coordinate` per frame; version
2 has no form of its own for them and gets the same object.

Source: the tool processors of the platform SDK's converter between the versions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from reconciler.formats.annotations import Frame, MediaShape, Track
from reconciler.formats.dm_drawn import FROM_COORDINATE, write_coordinate
from reconciler.formats.dm_values import Malformed, is_whole, number, short
from reconciler.formats.media_shapes import (
    Answer,
    Box3D,
    Content,
    Euler,
    Link,
    NamedEntity,
    Origin,
    PointSet,
    Prompt,
    Quaternion,
    TimeRange,
    TimeUnit,
    Vector,
)
from reconciler.model.json import JSON, JSONObject

_ORIGIN: Final = {
    "model": "model",
    "displayName": "display_name",
    "generatedBy": "generated_by",
    "timestamp": "timestamp",
}
FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "section": frozenset({"section", "excludedTracks"}),
    "time_range": frozenset({"section", "excludedTracks"}),
    "named_entity": frozenset({"ranges", "content"}),
    "3d_bounding_box": frozenset({"psr"}),
    "3d_segmentation": frozenset({"points"}),
    "relation": frozenset({"annotationId", "targetAnnotationId"}),
    "prompt": frozenset({"input", *_ORIGIN}),
    "answer": frozenset({"output", "promptAnnotationId", *_ORIGIN}),
}
"""Keys of version 1 that make the shape, by kind."""

_NEEDED: Final = {
    "section": "section",
    "time_range": "section",
    "named_entity": "ranges",
    "3d_bounding_box": "psr",
    "3d_segmentation": "points",
    "relation": "annotationId",
    "prompt": "input",
    "answer": "output",
}


def has_fields(kind: str, row: JSONObject | None) -> bool:
    """Whether a row has the fields of version 1 that make a shape of this kind."""
    return row is not None and _NEEDED[kind] in row


def read_fields(kind: str, row: JSONObject) -> MediaShape:
    """Read the fields of version 1. Raises Malformed when one is missing or wrong."""
    if not has_fields(kind, row):
        raise Malformed(f"`{_NEEDED[kind]}` is missing")
    return _READERS[kind](row)


def read_flat(kind: str, data: JSON) -> MediaShape:
    """Read `data` of version 2."""
    if kind == "relation":
        if type(data) is not list or len(data) != 2:
            raise Malformed("`data` is not a pair of annotation ids")
        return _link({"annotationId": data[0], "targetAnnotationId": data[1]})
    if type(data) is not dict:
        raise Malformed(f"`data` is a {type(data).__name__}, not an object")
    if _NEEDED[kind] == "section":
        section = {k: v for k, v in data.items() if k != "excludedTracks"}
        tracks = {k: v for k, v in data.items() if k == "excludedTracks"}
        return read_fields(kind, {"section": section, **tracks})
    return read_fields(kind, {"psr": data} if kind == "3d_bounding_box" else data)


def _section(row: JSONObject) -> TimeRange:
    """Of `segmentation`: seconds of an audio file, or frames of a video."""
    section = row["section"]
    if type(section) is not dict:
        raise Malformed("`section` is not an object")
    if "startFrame" in section or "endFrame" in section:
        start: JSON = section.get("startFrame")
        end: JSON = section.get("endFrame")
        if not is_whole(start) or not is_whole(end):
            raise Malformed(f"startFrame and endFrame are {short(start)} and {short(end)}, not whole numbers")
        return TimeRange(start, end, TimeUnit.FRAMES, _excluded(row))
    return _range(row, TimeUnit.SECONDS)


def _range(row: JSONObject, unit: TimeUnit) -> TimeRange:
    section = row["section"]
    if type(section) is not dict:
        raise Malformed("`section` is not an object")
    start, end = (number(section.get(key), f"section.{key}") for key in ("start", "end"))
    return TimeRange(start, end, unit, _excluded(row))


def _excluded(row: JSONObject) -> tuple[str, ...] | None:
    if "excludedTracks" not in row:
        return None
    value = row["excludedTracks"]
    if type(value) is not list or not all(type(v) is str for v in value):
        raise Malformed("`excludedTracks` is not a list of texts")
    return tuple(value)


def _entity(row: JSONObject) -> NamedEntity:
    ranges, content = row["ranges"], row.get("content")
    if type(ranges) is not list:
        raise Malformed("`ranges` is not a list")
    if type(content) is not str:
        raise Malformed("`content` is not a text")
    return NamedEntity(tuple(ranges), content)


def _box(row: JSONObject) -> Box3D:
    psr = row["psr"]
    if type(psr) is not dict:
        raise Malformed("`psr` is not an object with position, scale and rotation")
    position, scale = (_vector(psr.get(key), key) for key in ("position", "scale"))
    return Box3D(position, scale, _rotation(psr["rotation"]) if "rotation" in psr else None)


def _vector(value: JSON, what: str) -> Vector:
    if type(value) is not dict:
        raise Malformed(f"`{what}` is not an object with x, y and z")
    x, y, z = (number(value.get(axis), f"{what}.{axis}") for axis in "xyz")
    return x, y, z


def _rotation(value: JSON) -> Euler | Quaternion:
    """A finite `w` decides, as the platform's own reader has it."""
    vector = _vector(value, "rotation")
    return Quaternion(number(value["w"], "rotation.w"), *vector) if value.get("w") is not None else Euler(*vector)


def _points(row: JSONObject) -> PointSet:
    points = row["points"]
    if type(points) is not list or not all(type(v) is int and v >= 0 for v in points):
        raise Malformed("`points` is not a list of indices")
    return PointSet(tuple(points))


def _link(row: JSONObject) -> Link:
    source, target = row["annotationId"], row.get("targetAnnotationId")
    if type(source) is not str or type(target) is not str:
        raise Malformed("`annotationId` and `targetAnnotationId` are not both texts")
    return Link(source, target)


def _prompt(row: JSONObject) -> Prompt:
    return Prompt(_content(row["input"], "input"), _origin(row))


def _answer(row: JSONObject) -> Answer:
    prompt = row.get("promptAnnotationId")
    if prompt is not None and type(prompt) is not str:
        raise Malformed("`promptAnnotationId` is not a text")
    return Answer(_content(row["output"], "output"), _origin(row), prompt)


def _content(value: JSON, what: str) -> tuple[Content, ...]:
    if type(value) is not list or not all(type(v) is dict and type(v.get("type")) is str for v in value):
        raise Malformed(f"`{what}` is not a list of objects with type and value")
    return tuple(
        [Content(v["type"], v.get("value"), {k: m for k, m in v.items() if k not in ("type", "value")}) for v in value]
    )


def _origin(row: JSONObject) -> Origin:
    for key in ("model", "displayName", "generatedBy"):
        if row.get(key) is not None and type(row[key]) is not str:
            raise Malformed(f"`{key}` is not a text")
    return Origin(**{name: row.get(key) for key, name in _ORIGIN.items()})


_READERS: Final[Mapping[str, Callable[[JSONObject], MediaShape]]] = {
    "section": _section,
    "time_range": lambda row: _range(row, TimeUnit.AXIS),
    "named_entity": _entity,
    "3d_bounding_box": _box,
    "3d_segmentation": _points,
    "relation": _link,
    "prompt": _prompt,
    "answer": _answer,
}


def read_track(kind: str, value: JSON) -> Track:
    """Read `coordinates`: an object of a `coordinate` per frame number."""
    read = FROM_COORDINATE.get(kind)
    if type(value) is not dict or read is None:
        raise Malformed("`coordinates` is not an object with a shape per frame")
    frames: list[Frame] = []
    for key, row in value.items():
        if not (key.isascii() and key.isdigit()) or len(key) > 18 or str(int(key)) != key:
            raise Malformed(f"{short(key)} in `coordinates` is no frame number")
        try:
            shape = read(row)
        except Malformed as exc:
            raise Malformed(f"frame {key}: {exc}") from exc
        frames.append(Frame(int(key), shape, _frame_members(kind, row)))
    return Track(tuple(frames))


def _frame_members(kind: str, row: JSON) -> JSONObject:
    own = ("x", "y", "width", "height", "rotation") if kind == "box" else ("x", "y")
    return {k: v for k, v in row.items() if k not in own} if type(row) is dict else {}


def write_track(track: Track) -> JSONObject:
    """`coordinates` of a track."""
    rows: dict[str, JSON] = {}
    for frame in track.frames:
        row = write_coordinate(frame.shape)
        rows[str(frame.number)] = {**row, **frame.members} if type(row) is dict else row
    return rows


def write_fields(shape: MediaShape) -> JSONObject:
    """The fields of version 1."""
    match shape:
        case TimeRange(_, _, _, excluded):
            tracks = {} if excluded is None else {"excludedTracks": list(excluded)}
            return {"section": _section_row(shape), **tracks}
        case NamedEntity(ranges, content):
            return {"ranges": list(ranges), "content": content}
        case Box3D():
            return {"psr": _box_row(shape)}
        case PointSet(indices):
            return {"points": list(indices)}
        case Link(source, target):
            return {"annotationId": source, "targetAnnotationId": target}
        case Prompt(content, origin):
            return {"input": _content_rows(content), **_origin_row(origin)}
        case Answer(content, origin, prompt):
            asked = {} if prompt is None else {"promptAnnotationId": prompt}
            return {"output": _content_rows(content), **_origin_row(origin), **asked}


def write_flat(shape: MediaShape | Track) -> JSON:
    """`data` of version 2."""
    if isinstance(shape, Track):
        return write_track(shape)
    if isinstance(shape, Link):
        return [shape.source, shape.target]
    fields = dict(write_fields(shape))
    inner = fields.pop("section", None) or fields.pop("psr", None)
    return {**inner, **fields} if inner is not None else fields


def _section_row(shape: TimeRange) -> JSONObject:
    if shape.unit is TimeUnit.FRAMES:
        return {"startFrame": shape.start, "endFrame": shape.end}
    return {"start": shape.start, "end": shape.end}


def _box_row(shape: Box3D) -> JSONObject:
    turn = shape.rotation
    row = {"position": _axes(shape.position), "scale": _axes(shape.scale)}
    if turn is None:
        return row
    scalar = {"w": turn.w} if isinstance(turn, Quaternion) else {}
    return {**row, "rotation": {**scalar, **_axes((turn.x, turn.y, turn.z))}}


def _axes(vector: Vector) -> dict[str, float]:
    return dict(zip("xyz", vector, strict=True))


def _content_rows(content: tuple[Content, ...]) -> list[JSON]:
    return [{"type": c.type, "value": c.value, **c.rest} for c in content]


def _origin_row(origin: Origin) -> JSONObject:
    values = {key: getattr(origin, name) for key, name in _ORIGIN.items()}
    return {key: value for key, value in values.items() if value is not None}
