"""Geometry of DM annotations: the fields of one row to a shape, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Final

from reconciler.formats.annotations import (
    Box,
    Classification,
    Joint,
    Mask,
    Pair,
    Point,
    Polygon,
    Polyline,
    Raw,
    Shape,
    Skeleton,
)
from reconciler.formats.masks import check_runs, indices_to_runs, runs_to_indices
from reconciler.model.json import JSON, JSONObject

Read = tuple[Shape, frozenset[str], frozenset[str]]
"""A shape, and the keys of the two rows that went into it."""

# What the tool is called by the converter, the importers, the dataset action and the export guide.
_TOOLS: Final = {
    "bounding_box": "box",
    "boundingBox": "box",
    "bbox": "box",
    "polygon": "polygon",
    "polyline": "polyline",
    "keypoint": "keypoint",
    "point": "keypoint",
    "segmentation": "mask",
    "classification": "classification",
}
OFFICIAL: Final = {"box": "bounding_box", "keypoint": "keypoint", "mask": "segmentation"}
"""Kinds whose tool name in the SDK dialect may differ from what a payload says."""

_COORDINATE: Final = frozenset({"coordinate"})
_DATA: Final = frozenset({"data"})
_BOX: Final = frozenset({"data", "rotation"})
_MASK: Final = frozenset({"pixel_indices", "isCompressed", "compressionFormat"})
_MASK_INLINE: Final = frozenset({"data", "encoding", "isCompressed", "compressionFormat"})
_SKELETON: Final = frozenset({"data", "keypoints", "visibility", "skeleton", "bbox"})
_NONE: Final[frozenset[str]] = frozenset()


class Malformed(ValueError):
    """A row that cannot be read as the shape it claims to be; the message says why."""


def is_whole(value: JSON) -> bool:
    """True for a JSON integer (bool is none)."""
    return isinstance(value, int) and not isinstance(value, bool)


def number(value: JSON, what: str) -> float:
    """Return a finite JSON number unchanged. Raises Malformed for anything else, `what` naming it."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        raise Malformed(f"{what} is {value!r}, not a finite number")
    return value


def read_shape(tool: str, media: str, row: JSONObject, data: JSONObject | None, pixels: int | None) -> Read:
    """Read the geometry of one annotation.

    row, data: its rows in `annotations` and `annotationsData`. pixels: size of the media, for masks. A tool that is not
    interpreted on this media gives `Raw`.

    Raises:
        Malformed: the tool is known and its geometry is missing or wrong.
    """
    kind = _TOOLS.get(tool)
    if kind is None or (kind == "mask" and not media.startswith("image")):
        return Raw("unsupported_tool", row, data), _NONE, _NONE
    if kind == "classification":
        return Classification(), _NONE, _NONE
    if data is not None and "coordinates" in data:
        return Raw("unsupported_tool", row, data), _NONE, _NONE  # a shape per video frame
    if kind == "mask":
        return _read_mask(row, data, pixels)
    for holder, is_row in ((data, False), (row, True)):
        if holder is not None and "coordinate" in holder:
            used = _COORDINATE
            return _FROM_COORDINATE[kind](holder["coordinate"]), used if is_row else _NONE, _NONE if is_row else used
    holder = row if "data" in row or data is None else data
    if "data" not in holder:
        raise Malformed(f"the {tool} has no geometry: neither `coordinate` nor `data`")
    shape = read_data(kind, holder)
    used = _SKELETON if isinstance(shape, Skeleton) else _BOX if isinstance(shape, Box) else _DATA
    return shape, used, used


def read_data(kind: str, row: JSONObject) -> Shape:
    """Read the flat form: [x, y, w, h], [[x, y], …], [x, y], or a pose with names and visibility beside it."""
    value = row["data"]
    match kind:
        case "box":
            x, y, width, height = _numbers(value, 4, "data")
            turn = row.get("rotation")
            return Box(x, y, width, height, None if turn is None else number(turn, "rotation"))
        case "polygon":
            return Polygon(_pairs(value, "data"))
        case "polyline":
            return Polyline(_pairs(value, "data"))
        case _:
            if isinstance(value, list) and value and isinstance(value[0], list):
                return _skeleton(row)
            return Point(*_numbers(value, 2, "data"))


def kind_of(tool: str) -> str | None:
    """box, polygon, polyline, keypoint, mask or classification; None for a tool that is not interpreted."""
    return _TOOLS.get(tool)


def read_mask_list(values: JSON, *, raw: bool, pixels: int | None) -> Mask:
    """Read run pairs, or single indices when `raw`. Raises Malformed on overlaps, wrong types, or pixels outside."""
    if not isinstance(values, list):
        raise Malformed(f"the mask is a {type(values).__name__}, not a list")
    if raw:
        if not all(is_whole(v) for v in values) or len(set(values)) != len(values):
            raise Malformed("the mask's indices must be whole numbers without repetition")
        runs = indices_to_runs(values)
    else:
        if not all(isinstance(v, list) and len(v) == 2 and is_whole(v[0]) and is_whole(v[1]) for v in values):
            raise Malformed("the mask's runs must be pairs [start, length] of whole numbers")
        runs = tuple((start, length) for start, length in values)
    if wrong := check_runs(runs, pixels):
        raise Malformed(wrong)
    return Mask(runs, raw)


def _read_mask(row: JSONObject, data: JSONObject | None, pixels: int | None) -> Read:
    for holder, is_row in ((data, False), (row, True)):
        if holder is None:
            continue
        if "pixel_indices" in holder:
            mask = read_mask_list(holder["pixel_indices"], raw=_is_raw(holder), pixels=pixels)
            return mask, _MASK if is_row else _NONE, _NONE if is_row else _MASK
        if "data" in holder:
            mask = read_mask_list(holder["data"], raw=_is_raw(holder), pixels=pixels)
            return mask, _MASK_INLINE, _MASK_INLINE
        if "section" in holder:
            return Raw("unsupported_tool", row, data), _NONE, _NONE
    raise Malformed("the mask has no `pixel_indices`")


def _is_raw(holder: JSONObject) -> bool:
    """Whether single indices are listed. The form is never guessed from the numbers."""
    compressed = holder.get("isCompressed")
    if compressed is None and holder.get("encoding") in ("dm_rle", "raw_indices"):
        return bool(holder["encoding"] == "raw_indices")
    form = (compressed, holder.get("compressionFormat"))
    if form not in ((True, "rle"), (False, None)):
        raise Malformed(f"isCompressed and compressionFormat are {form!r}, expected (true, 'rle') or (false, null)")
    return compressed is False


def _numbers(value: JSON, count: int, what: str) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != count:
        raise Malformed(f"`{what}` is not a list of {count} numbers")
    return tuple(number(v, f"{what}[{i}]") for i, v in enumerate(value))


def _pairs(value: JSON, what: str) -> tuple[Pair, ...]:
    if not isinstance(value, list):
        raise Malformed(f"`{what}` is not a list of points")
    points: list[Pair] = []
    for i, pair in enumerate(value):
        x, y = _numbers(pair, 2, f"{what}[{i}]")
        points.append((x, y))
    return tuple(points)


def _skeleton(row: JSONObject) -> Skeleton:
    points = _pairs(row["data"], "data")
    names, seen = row.get("keypoints"), row.get("visibility", [2] * len(points))
    if not isinstance(names, list) or len(names) != len(points) or not all(isinstance(n, str) for n in names):
        raise Malformed("`keypoints` must name every point of `data`")
    if not isinstance(seen, list) or len(seen) != len(points) or not all(is_whole(v) and 0 <= v <= 2 for v in seen):
        raise Malformed("`visibility` must be 0, 1 or 2 for every point of `data`")
    joints = tuple(Joint(n, x, y, v) for n, (x, y), v in zip(names, points, seen, strict=True))
    return Skeleton(joints, _edges(row.get("skeleton")), _skeleton_box(row.get("bbox")))


def _edges(value: JSON) -> tuple[tuple[int, int], ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(
        isinstance(e, list) and len(e) == 2 and is_whole(e[0]) and is_whole(e[1]) for e in value
    ):
        raise Malformed("`skeleton` must be pairs of joint numbers")
    return tuple((a, b) for a, b in value)


def _skeleton_box(value: JSON) -> tuple[float, float, float, float] | None:
    if value is None:
        return None
    x, y, width, height = _numbers(value, 4, "bbox")
    return x, y, width, height


def _box(value: JSON) -> Box:
    if not isinstance(value, Mapping):
        raise Malformed("`coordinate` is not an object with x, y, width, height")
    x, y, width, height = (number(value.get(side), f"coordinate.{side}") for side in ("x", "y", "width", "height"))
    rotation = value.get("rotation")
    return Box(x, y, width, height, None if rotation is None else number(rotation, "coordinate.rotation"))


def _ring(value: JSON) -> tuple[tuple[Pair, ...], tuple[str | None, ...] | None]:
    if not isinstance(value, list) or not all(isinstance(p, Mapping) for p in value):
        raise Malformed("`coordinate` is not a list of points with x and y")
    points = tuple(
        (number(p.get("x"), f"coordinate[{i}].x"), number(p.get("y"), f"coordinate[{i}].y"))
        for i, p in enumerate(value)
    )
    ids = tuple(p.get("id") if isinstance(p.get("id"), str) else None for p in value)
    return points, ids if any(i is not None for i in ids) else None


def _point(value: JSON) -> Point:
    if not isinstance(value, Mapping):
        raise Malformed("`coordinate` is not an object with x and y")
    return Point(number(value.get("x"), "coordinate.x"), number(value.get("y"), "coordinate.y"))


_FROM_COORDINATE: Final[Mapping[str, Callable[[JSON], Shape]]] = {
    "box": _box,
    "polygon": lambda value: Polygon(*_ring(value)),
    "polyline": lambda value: Polyline(*_ring(value)),
    "keypoint": _point,
}


def write_sdk(shape: Shape) -> JSONObject:
    """Geometry fields of the row in `annotationsData`, SDK dialect."""
    match shape:
        case Box(x, y, width, height, rotation):
            turned = {} if rotation is None else {"rotation": rotation}
            return {"coordinate": {"x": x, "y": y, "width": width, "height": height, **turned}}
        case Polygon(points, ids) | Polyline(points, ids):
            return {"coordinate": _ring_rows(points, ids)}
        case Point(x, y):
            return {"coordinate": {"x": x, "y": y}}
        case Mask(_, raw):
            return {"pixel_indices": write_mask_list(shape), **mask_flags(raw)}
        case Skeleton():
            return write_seed(shape)
        case Classification() | Raw():
            return {}


def write_seed(shape: Shape) -> JSONObject:
    """Geometry fields of the row in `annotations`, SEED dialect."""
    match shape:
        case Box(x, y, width, height, rotation):
            return {"data": [x, y, width, height], **({} if rotation is None else {"rotation": rotation})}
        case Polygon(points) | Polyline(points):
            return {"data": [[x, y] for x, y in points]}
        case Point(x, y):
            return {"data": [x, y]}
        case Mask(_, raw):
            return {"data": write_mask_list(shape), **mask_flags(raw)}
        case Skeleton():
            return _skeleton_row(shape)
        case Classification() | Raw():
            return {}


def mask_flags(raw: bool) -> JSONObject:
    """The two members that must stand beside a mask's list."""
    return {"isCompressed": not raw, "compressionFormat": None if raw else "rle"}


def write_mask_list(mask: Mask) -> list[JSON]:
    """The list of a mask in the form it came in."""
    return runs_to_indices(mask.runs) if mask.raw else [[start, length] for start, length in mask.runs]


def _ring_rows(points: tuple[Pair, ...], ids: tuple[str | None, ...] | None) -> list[JSONObject]:
    names = ids or (None,) * len(points)
    return [
        {"x": x, "y": y} if name is None else {"x": x, "y": y, "id": name}
        for (x, y), name in zip(points, names, strict=True)
    ]


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
