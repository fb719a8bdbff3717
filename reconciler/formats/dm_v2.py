"""DM schema version 2: lists per media kind and tool, geometry and class in one row.

Source: the platform SDK's `convert_v1_to_v2` output. Version 2 holds no flags, labels, relations, or sizes; what it
cannot hold is listed in docs/formats.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from reconciler.errors import Problem, Severity
from reconciler.formats.annotations import (
    Annotation,
    Box,
    ClassForm,
    Dialect,
    Document,
    Group,
    Mask,
    MediaAnnotations,
    Point,
    Raw,
    Shape,
    visibility,
)
from reconciler.formats.dm_shapes import (
    Malformed,
    kind_of,
    mask_flags,
    number,
    read_data,
    read_mask_list,
    write_mask_list,
    write_seed,
)
from reconciler.model.json import JSON, JSONObject

_MEDIA: Final = {
    "images": "image",
    "videos": "video",
    "pcds": "pcd",
    "texts": "text",
    "audios": "audio",
    "prompts": "prompt",
    "datas": "data",
}
_PLURAL: Final = {single: plural for plural, single in _MEDIA.items()}


def is_v2(value: JSON) -> bool:
    """True for a version 2 payload, bare or in the pair `annotation_data` and `annotation_meta`."""
    if not isinstance(value, Mapping) or "annotations" in value:
        return False
    return isinstance(value.get("annotation_data"), Mapping) or any(isinstance(value.get(k), list) for k in _MEDIA)


def decode_v2(value: JSONObject, problems: list[Problem]) -> Document:
    """Read a version 2 payload; sizes come from `annotation_meta.extra` when the pair has it."""
    pair = isinstance(value.get("annotation_data"), Mapping)
    body: JSONObject = value["annotation_data"] if pair else value
    meta = value.get("annotation_meta") if pair else None
    extra = meta.get("extra") if isinstance(meta, Mapping) else None
    sizes = _sizes(extra if isinstance(extra, Mapping) else {})
    media = tuple(_read_media(*place, sizes, problems) for place in _places(body, problems))
    head = {k: v for k, v in body.items() if k not in _MEDIA and k != "classification"}
    return Document(media, Dialect.V2, head)


def _sizes(extra: JSONObject) -> dict[str, tuple[int, int]]:
    """Sizes by media as version 2 numbers them: the first image is image_1, whatever it was called."""
    sizes: dict[str, tuple[int, int]] = {}
    counts: dict[str, int] = {}
    for name in sorted(extra, key=_natural):
        prefix = _prefix(name)
        counts[prefix] = counts.get(prefix, 0) + 1
        row = extra[name]
        if isinstance(row, Mapping) and isinstance(row.get("width"), int) and isinstance(row.get("height"), int):
            sizes[f"{prefix}_{counts[prefix]}"] = (row["width"], row["height"])
    return sizes


def _places(body: JSONObject, problems: list[Problem]) -> Iterator[tuple[str, str, JSONObject]]:
    for plural, single in _MEDIA.items():
        entries = body.get(plural, [])
        if not isinstance(entries, list):
            problems.append(_bad(plural, "expected a list"))
            continue
        for index, entry in enumerate(entries):
            if isinstance(entry, Mapping):
                yield f"{plural}[{index}]", f"{single}_{index + 1}", entry
            else:
                problems.append(_bad(f"{plural}[{index}]", "expected an object with a list per tool"))


def _read_media(
    path: str, media: str, entry: JSONObject, sizes: Mapping[str, tuple[int, int]], problems: list[Problem]
) -> MediaAnnotations:
    width, height = sizes.get(media, (None, None))
    pixels = None if width is None or height is None else width * height
    annotations: list[Annotation] = []
    groups: list[Group] = []
    for tool, rows in entry.items():
        for index, row in enumerate(rows if isinstance(rows, list) else [rows]):
            place = f"{path}.{tool}[{index}]"
            if tool == "group" and isinstance(row, Mapping) and isinstance(row.get("data"), list):
                rest = {k: v for k, v in row.items() if k not in ("id", "data")}
                groups.append(Group(str(row.get("id")), tuple(map(str, row["data"])), rest))
            else:
                annotations.append(_read_row(place, tool, row, pixels, problems))
    groups += _keypoint_groups(annotations)
    return MediaAnnotations(media, tuple(annotations), width, height, tuple(groups))


def _read_row(path: str, tool: str, row: JSON, pixels: int | None, problems: list[Problem]) -> Annotation:
    if not isinstance(row, Mapping) or not isinstance(row.get("id"), str):
        problems.append(_bad(path, "expected an object with a text `id`"))
        return Annotation("", tool, Raw("malformed", row))
    attributes = _attributes(row.get("attrs"))
    name = row.get("classification")
    name = name if isinstance(name, str) and name else None
    try:
        shape = _shape(tool, row, attributes, pixels)
    except Malformed as exc:
        problems.append(_bad(path, str(exc)))
        shape = Raw("malformed", row)
    if isinstance(shape, Raw):
        return Annotation(row["id"], tool, shape, name, attributes)
    if isinstance(shape, Box):
        attributes = {k: v for k, v in attributes.items() if k != "rotation"}
    used = {"id", "classification", "attrs", "data"}
    if isinstance(shape, Mask):
        used |= {"encoding", "isCompressed", "compressionFormat"}
    if isinstance(shape, Point) and "visibility" in row:
        used.add("visibility")
        attributes = {**attributes, "visibility": row["visibility"]}
    members = {k: v for k, v in row.items() if k not in used}
    return Annotation(row["id"], tool, shape, name, attributes, members, form=ClassForm.OBJECT)


def _attributes(value: JSON) -> JSONObject:
    rows = value if isinstance(value, list) else []
    return {r["name"]: r.get("value") for r in rows if isinstance(r, Mapping) and isinstance(r.get("name"), str)}


def _shape(tool: str, row: JSONObject, attributes: JSONObject, pixels: int | None) -> Shape:
    kind = kind_of(tool)
    if kind == "mask" and "data" in row and not isinstance(row["data"], Mapping):
        if row.get("encoding") not in ("dm_rle", "raw_indices"):
            raise Malformed(f"encoding is {row.get('encoding')!r}, expected 'dm_rle' or 'raw_indices'")
        return read_mask_list(row["data"], raw=row["encoding"] == "raw_indices", pixels=pixels)
    if kind is None or kind in ("mask", "classification"):
        return Raw("unsupported_tool", row)
    if "data" not in row:
        raise Malformed(f"the {tool} has no `data`")
    shape = read_data(kind, row)
    if isinstance(shape, Box) and attributes.get("rotation") is not None:
        turn = number(attributes["rotation"], "rotation")
        return Box(shape.x, shape.y, shape.width, shape.height, turn)
    return shape


def _keypoint_groups(annotations: list[Annotation]) -> Iterator[Group]:
    members: dict[str, list[str]] = {}
    for annotation in annotations:
        group = annotation.members.get("group_id")
        if isinstance(group, str):
            members.setdefault(group, []).append(annotation.id)
    for group, ids in members.items():
        yield Group(group, tuple(ids), derived=True)


def encode_v2(document: Document) -> JSONObject:
    """Write version 2: media in natural order of their names, rows per tool, and the classes of each tool, sorted."""
    body: dict[str, JSON] = dict(document.head) if document.dialect is Dialect.V2 else {}
    classes: dict[str, set[str]] = {}
    for media in sorted(document.media, key=lambda m: _natural(m.media)):
        body.setdefault(_PLURAL[_prefix(media.media)], []).append(_media_entry(media, document.dialect))
        for annotation in media.annotations:
            if annotation.class_name and annotation.tool:
                classes.setdefault(annotation.tool, set()).add(annotation.class_name)
    return {"classification": {tool: sorted(names) for tool, names in classes.items()}, **body}


def _media_entry(media: MediaAnnotations, dialect: Dialect) -> JSONObject:
    entry: dict[str, list[JSON]] = {}
    groups = {m: g.id for g in media.groups for m in g.members}
    for annotation in media.annotations:
        entry.setdefault(annotation.tool, []).append(_row(annotation, groups.get(annotation.id), dialect))
    joints = {a.id for a in media.annotations if isinstance(a.shape, Point)}
    told = [g for g in media.groups if not g.derived and not joints.issuperset(g.members)]
    written = [{"id": g.id, "data": list(g.members), **g.rest} for g in told]
    return {**entry, **({"group": written} if written else {})}


def _row(annotation: Annotation, group: str | None, dialect: Dialect) -> JSON:
    shape = annotation.shape
    if isinstance(shape, Raw):
        return shape.row
    attributes = dict(annotation.attributes)
    row: dict[str, JSON] = {"id": annotation.id, "classification": annotation.class_name or ""}
    if isinstance(shape, Box) and shape.rotation is not None:
        attributes["rotation"] = shape.rotation
    if isinstance(shape, Point):
        row |= _point_members(annotation, attributes, group)
    if isinstance(shape, Mask):
        row |= {
            "data": write_mask_list(shape),
            "encoding": "raw_indices" if shape.raw else "dm_rle",
            **mask_flags(shape.raw),
        }
    else:
        row |= {k: v for k, v in write_seed(shape).items() if k != "rotation"}
    row["attrs"] = [{"name": name, "value": value} for name, value in attributes.items()]
    return {**row, **annotation.members} if dialect is Dialect.V2 else row


def _point_members(annotation: Annotation, attributes: dict[str, JSON], group: str | None) -> JSONObject:
    seen = visibility(annotation)
    members: dict[str, JSON] = {} if group is None else {"group_id": group}
    if seen is not None:
        attributes.pop("visibility", None)
        members["visibility"] = seen
    return members


def _prefix(media: str) -> str:
    """The media kind a name starts with, as the platform matches it; "data" for anything else."""
    return next((single for single in _PLURAL if media.startswith(single)), "data")


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sort key with numbers by value: image_2 before image_10."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]


def _bad(path: str, detail: str) -> Problem:
    return Problem(f"{path}: cannot be read", detail=detail, severity=Severity.WARNING)
