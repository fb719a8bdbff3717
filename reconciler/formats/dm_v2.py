"""DM schema version 2: lists per media kind and tool, geometry and class in one row.

Source: the platform SDK's `convert_v1_to_v2` output. Version 2 holds no flags, labels, relations, or sizes; what it
cannot hold is listed in docs/formats.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from reconciler.errors import Problem
from reconciler.formats.annotations import (
    Annotation,
    Box,
    ClassForm,
    Classification,
    Dialect,
    Document,
    Group,
    Mask,
    MediaAnnotations,
    Point,
    Polygon,
    Raw,
    visibility,
)
from reconciler.formats.dm_drawn import mask_flags, write_mask_list
from reconciler.formats.dm_groups import read_group, write_group
from reconciler.formats.dm_shapes import official_tool, read_v2_shape, write_seed
from reconciler.formats.dm_values import Malformed, malformed, short
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
_NO_SIZES: Final[Mapping[str, tuple[int, int]]] = {}
_MASK: Final = frozenset({"encoding", "isCompressed", "compressionFormat"})
_SKELETON: Final = frozenset({"keypoints", "visibility", "skeleton", "bbox"})


def is_v2(value: JSONObject) -> bool:
    """True for a bare version 2 payload."""
    return "annotations" not in value and any(isinstance(value.get(plural), list) for plural in _MEDIA)


def decode_v2(body: JSONObject, problems: list[Problem], sizes: Mapping[str, tuple[int, int]] = _NO_SIZES) -> Document:
    """Read a version 2 payload. sizes: of its media, where something beside it tells them."""
    places = _places(body, problems)
    media = tuple([_MediaReader(path, name, problems).read(entry, sizes) for path, name, entry in places])
    head = {k: v for k, v in body.items() if k not in _MEDIA and k != "classification"}
    return Document(media, Dialect.V2, head)


def count_v2(body: JSONObject) -> int:
    """Rows of all tools; groups are no annotations."""
    entries = (entry for _, _, entry in _places(body, []))
    return sum(len(rows) for e in entries for tool, rows in e.items() if tool != "group" and type(rows) is list)


def numbered(names: Iterable[str]) -> dict[str, str]:
    """Names of media by the names version 2 gives them: the first image is image_1, whatever it was called."""
    found: dict[str, str] = {}
    counts: dict[str, int] = {}
    for name in sorted(names, key=natural):
        prefix = _prefix(name)
        counts[prefix] = counts.get(prefix, 0) + 1
        found[f"{prefix}_{counts[prefix]}"] = name
    return found


def _places(body: JSONObject, problems: list[Problem]) -> Iterator[tuple[str, str, JSONObject]]:
    for plural, single in _MEDIA.items():
        entries = body.get(plural, [])
        if type(entries) is not list:
            problems.append(malformed(plural, "expected a list"))
            continue
        for index, entry in enumerate(entries):
            if type(entry) is dict:
                yield f"{plural}[{index}]", f"{single}_{index + 1}", entry
            else:
                problems.append(malformed(f"{plural}[{index}]", "expected an object with a list per tool"))


class _MediaReader:
    """Reads one media. path: of its entry, for problems."""

    def __init__(self, path: str, media: str, problems: list[Problem]) -> None:
        self._path, self._media, self._problems = path, media, problems
        self._met: set[str] = set()

    def read(self, entry: JSONObject, sizes: Mapping[str, tuple[int, int]]) -> MediaAnnotations:
        width, height = sizes.get(self._media, (None, None))
        pixels = None if width is None or height is None else width * height
        annotations: list[Annotation] = []
        groups: list[Group] = []
        for tool, rows in entry.items():
            if type(rows) is not list:
                self._problems.append(malformed(f"{self._path}.{tool}", "expected a list"))
                continue
            for index, row in enumerate(rows):
                path = f"{self._path}.{tool}[{index}]"
                if tool == "group":
                    groups += self._group(path, row)
                else:
                    annotations.append(self._row(path, tool, row, pixels))
        groups += _keypoint_groups(annotations)
        return MediaAnnotations(self._media, tuple(annotations), width, height, tuple(groups))

    def _bad(self, path: str, detail: str) -> None:
        self._problems.append(malformed(path, detail))

    def _group(self, path: str, row: JSON) -> list[Group]:
        try:
            group, fault = read_group(row)
        except Malformed as exc:
            self._bad(path, str(exc))
            return []
        if fault is not None:
            self._bad(path, fault)
        return [group]

    def _row(self, path: str, tool: str, row: JSON, pixels: int | None) -> Annotation:
        if type(row) is not dict or type(row.get("id")) is not str:
            self._bad(path, "expected an object with a text `id`")
            return Annotation("", tool, Raw("malformed", row))
        if row["id"] in self._met:
            self._bad(path, f"the id {short(row['id'])} is used before")
            return Annotation("", tool, Raw("malformed", row))
        self._met.add(row["id"])
        attributes = self._attributes(path, row.get("attrs"))
        name = row.get("classification")
        if name is not None and type(name) is not str:
            self._bad(f"{path}.classification", f"{short(name)} is not a text")
        name = name if type(name) is str and name else None
        try:
            shape = read_v2_shape(tool, row, attributes, pixels)
        except Malformed as exc:
            self._bad(path, str(exc))
            shape = Raw("malformed", row)
        if isinstance(shape, Raw):
            return Annotation(row["id"], tool, shape, name, attributes)
        if isinstance(shape, Box):
            attributes = {k: v for k, v in attributes.items() if k != "rotation"}
        if isinstance(shape, Point) and "visibility" in row:
            attributes = {**attributes, "visibility": row["visibility"]}
        used = {"id", "classification", "attrs", "data"} | _own_keys(shape)
        members = {k: v for k, v in row.items() if k not in used}
        return Annotation(row["id"], tool, shape, name, attributes, members, form=ClassForm.OBJECT)

    def _attributes(self, path: str, value: JSON) -> JSONObject:
        found: dict[str, JSON] = {}
        if value is not None and type(value) is not list:
            self._bad(f"{path}.attrs", "expected a list of objects with name and value")
            return found
        for index, row in enumerate(value or ()):
            if type(row) is not dict or type(row.get("name")) is not str:
                self._bad(f"{path}.attrs[{index}]", "expected an object with a text `name`")
            elif row["name"] in found and found[row["name"]] != row.get("value"):
                self._bad(f"{path}.attrs[{index}]", f"{short(row['name'])} has another value before")
            else:
                found[row["name"]] = row.get("value")
        return found


def _own_keys(shape: object) -> frozenset[str]:
    """Keys beside `data` that went into a shape."""
    match shape:
        case Mask():
            return _MASK
        case Polygon():
            return frozenset({"holes"})
        case Point():
            return frozenset({"visibility"})
        case Box():
            return frozenset({"rotation"})
        case _:
            return _SKELETON if hasattr(shape, "joints") else frozenset()


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
    for media in sorted(document.media, key=lambda m: natural(m.media)):
        body.setdefault(_PLURAL[_prefix(media.media)], []).append(_media_entry(media, document.dialect))
        for annotation in media.annotations:
            if annotation.class_name and annotation.tool:
                classes.setdefault(_tool(annotation, document.dialect), set()).add(annotation.class_name)
    return {"classification": {tool: sorted(classes[tool]) for tool in sorted(classes)}, **body}


def _media_entry(media: MediaAnnotations, dialect: Dialect) -> JSONObject:
    entry: dict[str, list[JSON]] = {}
    groups = {m: g.id for g in media.groups for m in g.members}
    for annotation in media.annotations:
        entry.setdefault(_tool(annotation, dialect), []).append(v2_row(annotation, groups.get(annotation.id), dialect))
    joints = {a.id for a in media.annotations if isinstance(a.shape, Point)}
    told = [g for g in media.groups if not g.derived and not joints.issuperset(g.members)]
    written = [write_group(g) if dialect is Dialect.V2 else _group_row(g) for g in told]
    return {**entry, **({"group": written} if written else {})}


def _tool(annotation: Annotation, dialect: Dialect) -> str:
    return annotation.tool if dialect is Dialect.V2 else official_tool(annotation.tool)


def _group_row(group: Group) -> JSONObject:
    return {"id": group.id, "data": list(group.members), **group.rest}


def v2_row(annotation: Annotation, group: str | None, dialect: Dialect) -> JSON:
    """The row of one annotation. group: id of its group. dialect: of its document; others' flags have no place here."""
    shape = annotation.shape
    if isinstance(shape, Raw):
        return shape.row
    attributes = dict(annotation.attributes)
    row: dict[str, JSON] = {"id": annotation.id, "classification": annotation.class_name or ""}
    if isinstance(shape, Box) and shape.rotation is not None:
        attributes = {"rotation": shape.rotation, **attributes}
    if isinstance(shape, Point):
        row |= _point_members(annotation, attributes, group)
    if isinstance(shape, Mask):
        row |= {
            "data": write_mask_list(shape),
            "encoding": "raw_indices" if shape.raw else "dm_rle",
            **mask_flags(shape.raw),
        }
    elif isinstance(shape, Classification):
        row["data"] = {}
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


def natural(name: str) -> list[tuple[int, int, str]]:
    """Sort key with numbers by value: image_2 before image_10."""
    parts = [part for part in re.split(r"([0-9]+)", name) if part]
    return [(0, int(part[:4000]), "") if part.isascii() and part.isdigit() else (1, 0, part) for part in parts]
