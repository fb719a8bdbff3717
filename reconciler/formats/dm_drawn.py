"""Shapes drawn on pictures, between the model and the geometry of a DM row.

`coordinate` is the SDK's form ({x, y, width, height}, [{x, y, id}, …], {x, y}); `data` the flat one of the export guide
and of version 2 ([x, y, w, h], [[x, y], …], [x, y], or a pose with names and visibility beside it).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from reconciler.formats.annotations import Box, Joint, Mask, Pair, Point, Polygon, Polyline, Skeleton
from reconciler.formats.dm_values import (
    LIMIT,
    NUMERIC,
    Malformed,
    is_whole,
    named_points,
    number,
    numbers,
    pairs,
    short,
)
from reconciler.formats.masks import check_runs, indices_to_runs, runs_to_indices
from reconciler.model.json import JSON, JSONObject

# A mask is worked on with a byte per pixel; a larger picture would not fit into memory.
_LARGEST_MASK: Final = 1 << 28


def read_box(value: JSON) -> Box:
    """A box of {x, y, width, height, rotation?}."""
    if type(value) is not dict:
        raise Malformed("`coordinate` is not an object with x, y, width, height")
    sides: tuple[JSON, ...] = (value.get("x"), value.get("y"), value.get("width"), value.get("height"))
    for side in sides:
        if type(side) not in NUMERIC or not -LIMIT <= side <= LIMIT:
            for name in ("x", "y", "width", "height"):
                number(value.get(name), f"coordinate.{name}")
    x, y, width, height = sides
    rotation = value.get("rotation")
    return Box(x, y, width, height, None if rotation is None else number(rotation, "coordinate.rotation"))


def _point(value: JSON) -> Point:
    if type(value) is not dict:
        raise Malformed("`coordinate` is not an object with x and y")
    return Point(number(value.get("x"), "coordinate.x"), number(value.get("y"), "coordinate.y"))


def _polygon(value: JSON) -> Polygon:
    """One ring; or a list of rings, all after the first holes."""
    if type(value) is list and value and type(value[0]) is list:
        points, ids = named_points(value[0], "coordinate[0]")
        holes = [named_points(ring, f"coordinate[{i}]")[0] for i, ring in enumerate(value[1:], start=1)]
        return Polygon(points, ids, tuple(holes))
    return Polygon(*named_points(value, "coordinate"))


def _polyline(value: JSON) -> Polyline:
    return Polyline(*named_points(value, "coordinate"))


FROM_COORDINATE: Final[Mapping[str, Callable[[JSON], Box | Polygon | Polyline | Point]]] = {
    "box": read_box,
    "polygon": _polygon,
    "polyline": _polyline,
    "keypoint": _point,
}
"""Readers of `coordinate`, by kind of shape."""


def read_holes(value: JSON) -> tuple[tuple[Pair, ...], ...]:
    """The rings beside `coordinate` ({x, y} points) or beside `data` ([x, y] points) that are cut out of it."""
    if type(value) is not list:
        raise Malformed("`holes` is not a list of rings")
    return tuple([_hole(ring, f"holes[{i}]") for i, ring in enumerate(value)])


def _hole(ring: JSON, what: str) -> tuple[Pair, ...]:
    if type(ring) is list and ring and type(ring[0]) is list:
        return pairs(ring, what)
    return named_points(ring, what)[0]


def read_data(kind: str, row: JSONObject) -> Box | Polygon | Polyline | Point | Skeleton:
    """Read the flat form from `row["data"]` and what stands beside it."""
    value = row["data"]
    match kind:
        case "box":
            x, y, width, height = numbers(value, 4, "data")
            turn = row.get("rotation")
            return Box(x, y, width, height, None if turn is None else number(turn, "rotation"))
        case "polygon":
            if type(value) is list and value and type(value[0]) is list and value[0] and type(value[0][0]) is list:
                return Polygon(pairs(value[0], "data[0]"), None, read_holes(value[1:]))
            return Polygon(pairs(value, "data"))
        case "polyline":
            return Polyline(pairs(value, "data"))
        case _:
            if type(value) is list and value and type(value[0]) is list:
                return _skeleton(row)
            x, y = numbers(value, 2, "data")
            return Point(x, y)


def read_mask_list(values: JSON, *, raw: bool, pixels: int | None) -> Mask:
    """Read run pairs, or single indices when `raw`. Raises Malformed on overlaps, wrong types, or pixels outside."""
    if type(values) is not list:
        raise Malformed(f"the mask is a {type(values).__name__}, not a list")
    if pixels is not None and pixels > _LARGEST_MASK:
        raise Malformed(f"masks of pictures above {_LARGEST_MASK} pixels are not read; this one has {pixels}")
    if raw:
        if not all(is_whole(v) for v in values) or len(set(values)) != len(values):
            raise Malformed("the mask's indices must be whole numbers without repetition")
        runs = indices_to_runs(values)
    else:
        if not all(type(v) is list and len(v) == 2 and is_whole(v[0]) and is_whole(v[1]) for v in values):
            raise Malformed("the mask's runs must be pairs [start, length] of whole numbers")
        runs = tuple([(start, length) for start, length in values])
    if wrong := check_runs(runs, pixels):
        raise Malformed(wrong)
    return Mask(runs, raw)


def is_raw_mask(holder: JSONObject) -> bool:
    """Whether single indices are listed. The form is never guessed from the numbers."""
    compressed = holder.get("isCompressed")
    encoding = holder.get("encoding")
    if compressed is None and encoding in ("dm_rle", "raw_indices"):
        return bool(encoding == "raw_indices")
    form = holder.get("compressionFormat")
    if not (compressed is True and form == "rle") and not (compressed is False and form is None):
        raise Malformed(
            f"isCompressed and compressionFormat are {short(compressed)} and {short(form)}, "
            "expected (true, 'rle') or (false, null)"
        )
    return compressed is False


def _skeleton(row: JSONObject) -> Skeleton:
    points = pairs(row["data"], "data")
    names, seen = row.get("keypoints"), row.get("visibility", [2] * len(points))
    if type(names) is not list or len(names) != len(points) or not all(type(n) is str for n in names):
        raise Malformed("`keypoints` must name every point of `data`")
    if type(seen) is not list or len(seen) != len(points) or not all(is_whole(v) and 0 <= v <= 2 for v in seen):
        raise Malformed("`visibility` must be 0, 1 or 2 for every point of `data`")
    joints = tuple([Joint(n, x, y, v) for n, (x, y), v in zip(names, points, seen, strict=True)])
    return Skeleton(joints, _edges(row.get("skeleton")), _skeleton_box(row.get("bbox")))


def _edges(value: JSON) -> tuple[tuple[int, int], ...] | None:
    if value is None:
        return None
    if type(value) is not list or not all(
        type(e) is list and len(e) == 2 and is_whole(e[0]) and is_whole(e[1]) for e in value
    ):
        raise Malformed("`skeleton` must be pairs of joint numbers")
    return tuple([(a, b) for a, b in value])


def _skeleton_box(value: JSON) -> tuple[float, float, float, float] | None:
    if value is None:
        return None
    x, y, width, height = numbers(value, 4, "bbox")
    return x, y, width, height


def mask_flags(raw: bool) -> JSONObject:
    """The two members that must stand beside a mask's list."""
    return {"isCompressed": not raw, "compressionFormat": None if raw else "rle"}


def write_mask_list(mask: Mask) -> list[JSON]:
    """The list of a mask in the form it came in."""
    return runs_to_indices(mask.runs) if mask.raw else [[start, length] for start, length in mask.runs]


def write_coordinate(shape: Box | Polygon | Polyline | Point) -> JSON:
    """`coordinate` of a shape."""
    match shape:
        case Box(x, y, width, height, rotation):
            turned = {} if rotation is None else {"rotation": rotation}
            return {"x": x, "y": y, "width": width, "height": height, **turned}
        case Point(x, y):
            return {"x": x, "y": y}
        case Polygon(points, ids) | Polyline(points, ids):
            return _ring_rows(points, ids)


def holes_row(shape: Polygon) -> JSONObject:
    """The member beside `coordinate` that holds the holes; {} without any."""
    return {"holes": [_ring_rows(ring, None) for ring in shape.holes]} if shape.holes else {}


def _ring_rows(points: tuple[Pair, ...], ids: tuple[str | None, ...] | None) -> list[JSONObject]:
    names = ids or (None,) * len(points)
    return [
        {"x": x, "y": y} if name is None else {"x": x, "y": y, "id": name}
        for (x, y), name in zip(points, names, strict=True)
    ]


def write_data(shape: Box | Polygon | Polyline | Point | Mask | Skeleton) -> JSONObject:
    """The flat form: `data` and what stands beside it."""
    match shape:
        case Box(x, y, width, height, rotation):
            return {"data": [x, y, width, height], **({} if rotation is None else {"rotation": rotation})}
        case Polygon(points, _, holes):
            more = {"holes": [[[x, y] for x, y in ring] for ring in holes]} if holes else {}
            return {"data": [[x, y] for x, y in points], **more}
        case Polyline(points):
            return {"data": [[x, y] for x, y in points]}
        case Point(x, y):
            return {"data": [x, y]}
        case Mask(_, raw):
            return {"data": write_mask_list(shape), **mask_flags(raw)}
        case Skeleton():
            return _skeleton_row(shape)


def _skeleton_row(shape: Skeleton) -> JSONObject:
    row: dict[str, JSON] = {
        "data": [[j.x, j.y] for j in shape.joints],
        "keypoints": [j.name for j in shape.joints],
        "visibility": [j.visibility for j in shape.joints],
    }
    if shape.edges is not None:
        row["skeleton"] = [list(edge) for edge in shape.edges]
    if shape.box is not None:
        row["bbox"] = list(shape.box)
    return row
