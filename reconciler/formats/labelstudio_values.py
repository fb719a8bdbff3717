"""The `value` of one Label Studio result, to and from the model.

Places are percent of the picture's sides. A box turns about its own top left corner, clockwise in degrees; here it
turns about its centre, in radians. A brush is a run-length code of RGBA (`brush_rle`). Frames count from 1, here
from 0.

Source of the format: Label Studio documentation, "Label Studio JSON format of annotated tasks" and the pages of tags.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import cos, degrees, radians, sin
from typing import Final

from reconciler.formats.annotations import Box, Frame, Mask, Pair, Point, Polygon, Polyline, Shape, Track
from reconciler.formats.brush_rle import decode_brush, encode_brush
from reconciler.formats.dm_values import is_whole, number, pairs, short
from reconciler.formats.geometry import Size
from reconciler.formats.media_shapes import NamedEntity, TimeRange, TimeUnit
from reconciler.formats.outlines import ellipse_ring
from reconciler.model.json import JSON, JSONObject

RECORD_KEY: Final = "labelstudio"
"""Member of `extra[media]` under which an import keeps what DM has no place for."""

Read = tuple[tuple[str, Shape], ...]
"""Tool and shape of each annotation that one result becomes."""

_KEYPOINT_WIDTH: Final = 0.5  # of the picture's width, in percent; how large a point is shown


def base_type(type: str) -> str:
    """rectangle of "rectangle" and of "rectanglelabels"; "labels" alone stays."""
    return type.removesuffix("labels") or type


def label_key(type: str) -> str:
    """Where the value of a result has its labels."""
    return "labels" if type in ("videorectangle", "videopolygon", "videovector") else type


def read_value(type: str, value: JSONObject, size: Size | None, media: str) -> Read:
    """The annotations of a result. size: of the picture or video. media: image, text, audio, … it is about.

    Raises:
        ValueError: what is wrong, or that such a result is not known.
    """
    kind = base_type(type)
    if kind == "labels":
        kind = "hypertext" if "text" in value or media == "text" else "audio" if media == "audio" else ""
    elif kind == "audio" or (kind == "timeline" and "ranges" not in value):
        kind = "audio"
    reader = _READERS.get(kind)
    if reader is None:
        raise ValueError(f"results of type {type!r} are not converted")
    return reader(value, size)


def _need(size: Size | None) -> Size:
    if size is None:
        raise ValueError("width and height are not known: the result has no original_width and original_height")
    return size


def _scaled(value: JSONObject, name: str, side: int) -> float:
    return number(value.get(name), name) * side / 100


def _box(value: JSONObject, size: Size | None) -> Box:
    width, height = _need(size)
    x, y = _scaled(value, "x", width), _scaled(value, "y", height)
    wide, high = _scaled(value, "width", width), _scaled(value, "height", height)
    turn = radians(number(value.get("rotation") or 0, "rotation"))
    if not turn:
        return Box(x, y, wide, high)
    dx, dy = _half_way(wide, high, turn)
    return Box(x + dx - wide / 2, y + dy - high / 2, wide, high, turn)


def _half_way(width: float, height: float, turn: float) -> Pair:
    """From the top left corner of a turned box to its centre."""
    c, s = cos(turn), sin(turn)
    return (width * c - height * s) / 2, (width * s + height * c) / 2


def _rectangle(value: JSONObject, size: Size | None) -> Read:
    return (("bounding_box", _box(value, size)),)


def _ellipse(value: JSONObject, size: Size | None) -> Read:
    width, height = _need(size)
    centre = (_scaled(value, "x", width), _scaled(value, "y", height))
    radii = (_scaled(value, "radiusX", width), _scaled(value, "radiusY", height))
    turn = radians(number(value.get("rotation") or 0, "rotation"))
    return (("polygon", Polygon(ellipse_ring(centre, radii, turn))),)


def _polygon(value: JSONObject, size: Size | None) -> Read:
    return _outline(pairs(value.get("points"), "points"), _need(size), is_closed=value.get("closed") is not False)


def _vector(value: JSONObject, size: Size | None) -> Read:
    vertices = value.get("vertices")
    if type(vertices) is not list or not all(type(v) is dict for v in vertices):
        raise ValueError("`vertices` is not a list of points")
    points = tuple((number(v.get("x"), "x"), number(v.get("y"), "y")) for v in vertices)
    return _outline(points, _need(size), is_closed=value.get("closed") is True)


def _outline(points: tuple[Pair, ...], size: Size, *, is_closed: bool) -> Read:
    least = 3 if is_closed else 2
    if len(points) < least:
        raise ValueError(f"it has {len(points)} points, at least {least} are needed")
    placed = tuple((x * size[0] / 100, y * size[1] / 100) for x, y in points)
    return (("polygon", Polygon(placed)),) if is_closed else (("polyline", Polyline(placed)),)


def _keypoint(value: JSONObject, size: Size | None) -> Read:
    width, height = _need(size)
    return (("keypoint", Point(_scaled(value, "x", width), _scaled(value, "y", height))),)


def _brush(value: JSONObject, size: Size | None) -> Read:
    code = value.get("rle")
    if value.get("format", "rle") != "rle" or type(code) is not list:
        raise ValueError("the brush has no run-length code `rle`")
    return (("segmentation", Mask(decode_brush(code, _need(size)))),)


def _text(value: JSONObject, size: Size | None) -> Read:
    """A stretch of text; in hypertext the offsets over the whole document."""
    del size
    offsets = value.get("globalOffsets")
    place = offsets if isinstance(offsets, Mapping) else value
    start, end, text = place.get("start"), place.get("end"), value.get("text", "")
    if not is_whole(start) or not is_whole(end):
        raise ValueError(f"start and end are {short(start)} and {short(end)}, not whole numbers")
    content = text if isinstance(text, str) else ""
    return (("named_entity", NamedEntity(({"start": start, "end": end},), content)),)


def _audio(value: JSONObject, size: Size | None) -> Read:
    del size
    start, end = number(value.get("start"), "start"), number(value.get("end"), "end")
    return (("segmentation", TimeRange(start, end, TimeUnit.SECONDS)),)


def _series(value: JSONObject, size: Size | None) -> Read:
    del size
    start, end = number(value.get("start"), "start"), number(value.get("end"), "end")
    return (("time_range", TimeRange(start, end, TimeUnit.AXIS)),)


def _timeline(value: JSONObject, size: Size | None) -> Read:
    del size
    ranges = value.get("ranges")
    if type(ranges) is not list or not ranges or not all(type(r) is dict for r in ranges):
        raise ValueError("`ranges` is not a list of objects with start and end")
    found: list[tuple[str, Shape]] = []
    for row in ranges:
        start, end = row.get("start"), row.get("end")
        if not is_whole(start) or not is_whole(end):
            raise ValueError(f"start and end are {short(start)} and {short(end)}, not frame numbers")
        found.append(("segmentation", TimeRange(start - 1, end - 1, TimeUnit.FRAMES)))
    return tuple(found)


def _track(value: JSONObject, size: Size | None) -> Read:
    rows = value.get("sequence")
    if type(rows) is not list or not rows or not all(type(r) is dict for r in rows):
        raise ValueError("`sequence` is not a list of frames")
    frames: list[Frame] = []
    for row in rows:
        frame = row.get("frame")
        if not is_whole(frame) or frame < 1:
            raise ValueError(f"frame is {short(frame)}, not a number from 1")
        members = {k: v for k, v in row.items() if k not in ("frame", "x", "y", "width", "height", "rotation")}
        frames.append(Frame(frame - 1, _box(row, size), members))
    if len({frame.number for frame in frames}) != len(frames):
        raise ValueError("two entries of `sequence` are about one frame")
    return (("bounding_box", Track(tuple(frames))),)


_READERS: Final[Mapping[str, Callable[[JSONObject, Size | None], Read]]] = {
    "rectangle": _rectangle,
    "ellipse": _ellipse,
    "polygon": _polygon,
    "vector": _vector,
    "keypoint": _keypoint,
    "brush": _brush,
    "hypertext": _text,
    "audio": _audio,
    "timeseries": _series,
    "timeline": _timeline,
    "videorectangle": _track,
}


def write_box(box: Box, size: Size) -> JSONObject:
    """Value of a box."""
    turn = box.rotation or 0.0
    x, y = box.x, box.y
    if turn:
        dx, dy = _half_way(box.width, box.height, turn)
        x, y = x + box.width / 2 - dx, y + box.height / 2 - dy
    return {
        "x": _percent(x, size[0]),
        "y": _percent(y, size[1]),
        "width": _percent(box.width, size[0]),
        "height": _percent(box.height, size[1]),
        "rotation": degrees(turn) if turn else 0,
    }


def _percent(value: float, side: int) -> float:
    return value * 100 / side


def write_ring(points: tuple[Pair, ...], size: Size, *, is_closed: bool = True) -> JSONObject:
    """Value of a polygon, or of an open line."""
    return {"points": [[_percent(x, size[0]), _percent(y, size[1])] for x, y in points], "closed": is_closed}


def write_point(x: float, y: float, size: Size) -> JSONObject:
    """Value of a point."""
    return {"x": _percent(x, size[0]), "y": _percent(y, size[1]), "width": _KEYPOINT_WIDTH}


def write_brush(runs: tuple[tuple[int, int], ...], size: Size) -> JSONObject:
    """Value of a mask. Raises ValueError when it leaves the picture."""
    return {"format": "rle", "rle": encode_brush(runs, size)}


def write_time(shape: TimeRange) -> tuple[str, JSONObject]:
    """Type and value of a stretch of time."""
    if shape.unit is TimeUnit.FRAMES:
        return "timelinelabels", {"ranges": [{"start": shape.start + 1, "end": shape.end + 1}]}
    if shape.unit is TimeUnit.AXIS:
        return "timeserieslabels", {"start": shape.start, "end": shape.end, "instant": shape.start == shape.end}
    return "labels", {"start": shape.start, "end": shape.end, "channel": 0}


def write_track(track: Track, size: Size) -> JSONObject | None:
    """Value of a track of boxes, None of another one.

    Between two frames Label Studio draws the shape in between; where frames are missing here, nothing is drawn.
    """
    rows: list[JSON] = []
    numbers = {frame.number for frame in track.frames}
    for frame in track.frames:
        if not isinstance(frame.shape, Box):
            return None
        enabled = {"enabled": frame.number + 1 in numbers} if "enabled" not in frame.members else {}
        rows.append({"frame": frame.number + 1, **write_box(frame.shape, size), **enabled, **frame.members})
    return {"sequence": rows}
