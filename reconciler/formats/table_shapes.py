"""Shapes as cells of a table row: what the columns say of each, and the fields of DM that cells stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

from reconciler.formats.annotations import (
    Annotation,
    Box,
    Mask,
    Pair,
    Point,
    Polygon,
    Polyline,
    Raw,
    Shape,
    Skeleton,
    visibility,
)
from reconciler.formats.dm_shapes import kind_of, write_sdk
from reconciler.formats.fitting import FittedObject
from reconciler.formats.geometry import EdgePolicy, Ring, Size, corners, fit_ring
from reconciler.formats.media_shapes import NamedEntity, TimeRange, TimeUnit
from reconciler.formats.table_columns import is_integer
from reconciler.model.json import JSON, JSONObject

Cells = dict[str, JSON]
"""Column → value; a column that is not there is empty."""


def fitted_shapes(fitted: FittedObject, size: Size | None, policy: EdgePolicy) -> dict[str, Shape]:
    """What is left of each part of a fitted object, by annotation id; parts of which nothing is left are missing."""
    if fitted.is_empty:
        return {}
    rings = iter(fitted.rings)
    found: dict[str, Shape] = {}
    for part in fitted.found.parts:
        left = None if part.id in fitted.gone else _left(part.shape, fitted, rings, size, policy)
        if left is not None:
            found[part.id] = left
    return found


def _left(
    shape: Shape, fitted: FittedObject, rings: Iterable[Ring], size: Size | None, policy: EdgePolicy
) -> Shape | None:
    match shape:
        case Polygon():
            holes = (fit_ring(hole, size, policy).shape for hole in shape.holes)
            return Polygon(next(iter(rings)), None, tuple(hole for hole in holes if hole is not None))
        case Box():
            if not shape.rotation:
                return Box(*fitted.box, shape.rotation) if fitted.box else None
            if fitted.corners == corners(shape):
                return shape
            return Polygon(fitted.corners) if fitted.corners else None
        case Mask():
            return fitted.mask
        case Skeleton():
            return replace(shape, joints=fitted.joints, box=fitted.box) if fitted.joints else None
        case _:
            return shape


def shape_cells(shape: Shape, size: Size | None) -> Cells:
    """The cells of a shape. size: of the picture, for the box around a mask."""
    match shape:
        case Box(x, y, width, height, rotation):
            return {"x": x, "y": y, "w": width, "h": height, "rotation": rotation}
        case Polygon(points, _, holes):
            return {
                **_around(points),
                "points": _points(points),
                "holes": [_points(hole) for hole in holes] or None,
            }
        case Polyline(points):
            return {**_around(points), "points": _points(points)}
        case Point(x, y):
            return {"x": x, "y": y}
        case Mask(runs):
            return {**_around_runs(runs, size), "mask": [list(run) for run in runs]}
        case Skeleton():
            return _pose_cells(shape)
        case TimeRange(start, end, unit, excluded):
            rest = {} if excluded is None else {"excludedTracks": list(excluded)}
            return {"time_start": start, "time_end": end, "time_unit": unit.value, "data": rest or None}
        case NamedEntity(ranges, content):
            return {"text": content, "text_ranges": list(ranges), **_span(shape)}
        case Raw(_, row, data):
            return {"data": {"raw": {"row": row, "data": data}}}
        case _:
            return {"data": dict(write_sdk(shape)) or None}


def visibility_cells(annotation: Annotation) -> Cells:
    """`visibility` of a keypoint, when it says so."""
    return {"visibility": visibility(annotation)} if isinstance(annotation.shape, Point) else {}


def _points(points: Iterable[Pair]) -> list[JSON]:
    return [[x, y] for x, y in points]


def _around(points: Iterable[Pair]) -> Cells:
    """The tight box."""
    found = list(points)
    if not found:
        return {}
    left, top = min(x for x, _ in found), min(y for _, y in found)
    return {"x": left, "y": top, "w": max(x for x, _ in found) - left, "h": max(y for _, y in found) - top}


def _around_runs(runs: Iterable[tuple[int, int]], size: Size | None) -> Cells:
    if size is None:
        return {}
    edges: list[Pair] = []
    for start, length in runs:
        (top, left), (bottom, right) = divmod(start, size[0]), divmod(start + length - 1, size[0])
        is_one_row = top == bottom
        edges += [(left if is_one_row else 0, top), (right + 1 if is_one_row else size[0], bottom + 1)]
    return _around(edges)


def _pose_cells(shape: Skeleton) -> Cells:
    box = dict(zip("xywh", shape.box, strict=True)) if shape.box is not None else {}
    return {
        **box,
        "points": [[j.x, j.y] for j in shape.joints],
        "joints": [j.name for j in shape.joints],
        "joint_visibility": [j.visibility for j in shape.joints],
        "joint_edges": None if shape.edges is None else [list(edge) for edge in shape.edges],
    }


def _span(shape: NamedEntity) -> Cells:
    spans = list(shape.spans)
    ends = (min(start for start, _ in spans), max(end for _, end in spans)) if spans else ()
    return dict(zip(("text_start", "text_end"), ends, strict=False)) if all(map(is_integer, ends)) else {}


def dm_fields(cells: Mapping[str, JSON]) -> JSONObject:
    """The geometry fields of DM version 1 that the cells stand for; what is missing or wrong its reader tells."""
    kind, data = kind_of(str(cells["tool"])) or "", cells.get("data")
    rest = data if isinstance(data, Mapping) else {}
    if kind == "keypoint":
        kind = "pose" if cells.get("joints") is not None else "point"
    if kind == "mask" and cells.get("mask") is None:
        kind = "time_range"
    make = _FIELDS.get(kind)
    return {**(make(cells) if make and "coordinates" not in rest else {}), **rest}


def _box_fields(cells: Mapping[str, JSON]) -> JSONObject:
    sides = {"x": "x", "y": "y", "width": "w", "height": "h", "rotation": "rotation"}
    found = {side: cells[name] for side, name in sides.items() if cells.get(name) is not None}
    return {"coordinate": found}


def _line_fields(cells: Mapping[str, JSON]) -> JSONObject:
    points, holes = cells.get("points"), cells.get("holes")
    found = {} if points is None else {"coordinate": [{"x": x, "y": y} for x, y in points]}
    return {**found, **({} if holes is None else {"holes": holes})}


def _point_fields(cells: Mapping[str, JSON]) -> JSONObject:
    return {"coordinate": {"x": cells.get("x"), "y": cells.get("y")}}


def _pose_fields(cells: Mapping[str, JSON]) -> JSONObject:
    names = {"data": "points", "keypoints": "joints", "visibility": "joint_visibility", "skeleton": "joint_edges"}
    found: dict[str, JSON] = {field: cells[name] for field, name in names.items() if cells.get(name) is not None}
    box = [cells.get(side) for side in "xywh"]
    return found if None in box else {**found, "bbox": box}


def _mask_fields(cells: Mapping[str, JSON]) -> JSONObject:
    return {"pixel_indices": cells["mask"], "isCompressed": True, "compressionFormat": "rle"}


def _time_fields(cells: Mapping[str, JSON]) -> JSONObject:
    if cells.get("time_start") is None and cells.get("time_end") is None:
        return {}
    ends = cells.get("time_start"), cells.get("time_end")
    if cells.get("time_unit") == TimeUnit.FRAMES:
        whole = [int(v) if isinstance(v, float) and v.is_integer() else v for v in ends]
        return {"section": {"startFrame": whole[0], "endFrame": whole[1]}}
    return {"section": {"start": ends[0], "end": ends[1]}}


def _text_fields(cells: Mapping[str, JSON]) -> JSONObject:
    start, end = cells.get("text_start"), cells.get("text_end")
    span = [] if start is None or end is None else [{"start": start, "end": end}]
    ranges = cells.get("text_ranges")
    return {"ranges": span if ranges is None else ranges, "content": cells.get("text") or ""}


_FIELDS: Final[Mapping[str, Callable[[Mapping[str, JSON]], JSONObject]]] = {
    "box": _box_fields,
    "polygon": _line_fields,
    "polyline": _line_fields,
    "point": _point_fields,
    "pose": _pose_fields,
    "mask": _mask_fields,
    "time_range": _time_fields,
    "section": _time_fields,
    "named_entity": _text_fields,
}
