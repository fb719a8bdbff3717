"""The tools of DM: which shape a row holds, read and written in every form it may stand in."""

from __future__ import annotations

from typing import Final

from reconciler.formats.annotations import (
    Box,
    Classification,
    Mask,
    Point,
    Polygon,
    Polyline,
    Raw,
    Shape,
    Skeleton,
    Track,
)
from reconciler.formats.dm_drawn import (
    FROM_COORDINATE,
    holes_row,
    is_raw_mask,
    mask_flags,
    read_data,
    read_holes,
    read_mask_list,
    write_coordinate,
    write_data,
    write_mask_list,
)
from reconciler.formats.dm_media import (
    FIELDS,
    has_fields,
    read_fields,
    read_flat,
    read_track,
    write_fields,
    write_flat,
    write_track,
)
from reconciler.formats.dm_values import Malformed, number
from reconciler.model.json import JSONObject

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
    **{kind: kind for kind in FIELDS if kind != "section"},
}
_OFFICIAL: Final = {"box": "bounding_box", "keypoint": "keypoint", "mask": "segmentation"}

_COORDINATE: Final = frozenset({"coordinate"})
_COORDINATES: Final = frozenset({"coordinates"})
_HOLED: Final = frozenset({"coordinate", "holes"})
_DATA: Final = frozenset({"data"})
_BOX: Final = frozenset({"data", "rotation"})
_POLYGON: Final = frozenset({"data", "holes"})
_MASK: Final = frozenset({"pixel_indices", "isCompressed", "compressionFormat"})
_MASK_INLINE: Final = frozenset({"data", "encoding", "isCompressed", "compressionFormat"})
_SKELETON: Final = frozenset({"data", "keypoints", "visibility", "skeleton", "bbox"})
_NONE: Final[frozenset[str]] = frozenset()


def kind_of(tool: str) -> str | None:
    """box, polygon, polyline, keypoint, mask, classification or a tool of another media; None for any other tool."""
    return _TOOLS.get(tool)


def official_tool(tool: str) -> str:
    """What the platform's converter calls the tool; some payloads call it otherwise."""
    return _OFFICIAL.get(_TOOLS.get(tool, ""), tool)


def read_shape(tool: str, media: str, row: JSONObject, data: JSONObject | None, pixels: int | None) -> Read:
    """Read the geometry of one annotation of version 1.

    row, data: its rows in `annotations` and `annotationsData`. pixels: size of the media, for masks. A tool that is not
    interpreted on this media gives `Raw`.

    Raises:
        Malformed: the tool is known and its geometry is missing or wrong.
    """
    kind = _TOOLS.get(tool)
    if kind in FROM_COORDINATE and data is not None and "coordinate" in data:
        return _from_coordinate(kind, data), _NONE, _HOLED if "holes" in data else _COORDINATE
    if kind is None:
        return Raw("unsupported_tool", row, data), _NONE, _NONE
    if kind == "classification":
        return Classification(), _NONE, _NONE
    if kind == "mask":
        return _read_mask(media, row, data, pixels)
    if kind in FIELDS:
        return _read_fields(kind, tool, row, data)
    for holder, is_row in ((data, False), (row, True)):
        if holder is not None and "coordinates" in holder:
            return read_track(kind, holder["coordinates"]), *_used(_COORDINATES, is_row)
    if "coordinate" in row:
        return _from_coordinate(kind, row), _HOLED if "holes" in row else _COORDINATE, _NONE
    holder = row if "data" in row or data is None else data
    if "data" not in holder:
        raise Malformed(f"the {tool} has no geometry: neither `coordinate` nor `data`")
    shape = _from_data(kind, holder)
    used = _SKELETON if isinstance(shape, Skeleton) else _BOX if isinstance(shape, Box) else _DATA
    return (shape, _POLYGON, _POLYGON) if isinstance(shape, Polygon) and "holes" in holder else (shape, used, used)


def _used(keys: frozenset[str], is_row: bool) -> tuple[frozenset[str], frozenset[str]]:
    return (keys, _NONE) if is_row else (_NONE, keys)


def _from_coordinate(kind: str | None, holder: JSONObject) -> Shape:
    shape = FROM_COORDINATE[kind or ""](holder["coordinate"])
    if "holes" in holder and isinstance(shape, Polygon):
        return Polygon(shape.points, shape.point_ids, shape.holes + read_holes(holder["holes"]))
    return shape


def _from_data(kind: str, holder: JSONObject) -> Shape:
    """A track where an object of frames stands, else the flat form."""
    if type(holder["data"]) is dict:
        return read_track(kind, holder["data"])
    shape = read_data(kind, holder)
    if "holes" in holder and isinstance(shape, Polygon):
        return Polygon(shape.points, None, shape.holes + read_holes(holder["holes"]))
    return shape


def _read_fields(kind: str, tool: str, row: JSONObject, data: JSONObject | None) -> Read:
    for holder, is_row in ((data, False), (row, True)):
        if holder is not None and has_fields(kind, holder):
            return read_fields(kind, holder), *_used(FIELDS[kind], is_row)
    for holder in (row, data):
        if holder is not None and "data" in holder:
            return read_flat(kind, holder["data"]), _DATA, _DATA
    raise Malformed(f"the {tool} has none of {', '.join(sorted(FIELDS[kind]))}")


def _read_mask(media: str, row: JSONObject, data: JSONObject | None, pixels: int | None) -> Read:
    """Pixels of a picture, or a stretch of any other media."""
    for holder, is_row in ((data, False), (row, True)):
        if holder is None:
            continue
        if "section" in holder:
            return read_fields("section", holder), *_used(FIELDS["section"], is_row)
        if type(holder.get("data")) is dict:
            return read_flat("section", holder["data"]), _DATA, _DATA
        if not media.startswith("image"):
            continue
        if "pixel_indices" in holder:
            mask = read_mask_list(holder["pixel_indices"], raw=is_raw_mask(holder), pixels=pixels)
            return mask, *_used(_MASK, is_row)
        if "data" in holder:
            mask = read_mask_list(holder["data"], raw=is_raw_mask(holder), pixels=pixels)
            return mask, _MASK_INLINE, _MASK_INLINE
    if not media.startswith("image"):
        return Raw("unsupported_tool", row, data), _NONE, _NONE
    raise Malformed("the mask has no `pixel_indices`")


def read_v2_shape(tool: str, row: JSONObject, attributes: JSONObject, pixels: int | None) -> Shape:
    """Read the geometry of a row of version 2. Raises Malformed as `read_shape` does."""
    kind = kind_of(tool)
    if kind is None:
        return Raw("unsupported_tool", row)
    if kind == "classification":
        return Classification()
    if "data" not in row:
        raise Malformed(f"the {tool} has no `data`")
    data = row["data"]
    if kind in FIELDS:
        return read_flat(kind, data)
    if kind == "mask":
        return read_flat("section", data) if type(data) is dict else _v2_mask(row, pixels)
    shape = _from_data(kind, row)
    if isinstance(shape, Box) and attributes.get("rotation") is not None:
        return Box(shape.x, shape.y, shape.width, shape.height, number(attributes["rotation"], "rotation"))
    return shape


def _v2_mask(row: JSONObject, pixels: int | None) -> Mask:
    if row.get("encoding") not in ("dm_rle", "raw_indices"):
        raise Malformed("encoding is neither 'dm_rle' nor 'raw_indices'")
    return read_mask_list(row["data"], raw=row["encoding"] == "raw_indices", pixels=pixels)


def write_sdk(shape: Shape) -> JSONObject:
    """Geometry fields of the row in `annotationsData`, SDK dialect."""
    match shape:
        case Polygon():
            return {"coordinate": write_coordinate(shape), **holes_row(shape)}
        case Box() | Polyline() | Point():
            return {"coordinate": write_coordinate(shape)}
        case Mask(_, raw):
            return {"pixel_indices": write_mask_list(shape), **mask_flags(raw)}
        case Skeleton():
            return write_data(shape)
        case Track():
            return {"coordinates": write_track(shape)}
        case Classification() | Raw():
            return {}
        case _:
            return write_fields(shape)


def write_seed(shape: Shape) -> JSONObject:
    """Geometry fields of the row in `annotations`, SEED dialect."""
    match shape:
        case Box() | Polygon() | Polyline() | Point() | Mask() | Skeleton():
            return write_data(shape)
        case Classification() | Raw():
            return {}
        case _:
            return {"data": write_flat(shape)}
