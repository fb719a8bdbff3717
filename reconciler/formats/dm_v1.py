"""DM schema version 1 in both dialects, to and from the model.

SDK: `tool` in `annotations`, geometry in `annotationsData`, joined by `id`. SEED: `type` and `data` inside
`annotations`, which `annotationsData` may repeat. What a row is, the row itself says; the dialect of a document is only
how it is written again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from reconciler.errors import Problem
from reconciler.formats.annotations import (
    VISIBILITY_NAMES,
    Annotation,
    ClassForm,
    Dialect,
    Document,
    Group,
    MediaAnnotations,
    Point,
    Raw,
    Relation,
    Shape,
    visibility,
)
from reconciler.formats.dm_groups import read_group, read_relation, write_group, write_relation
from reconciler.formats.dm_shapes import official_tool, read_shape, write_sdk, write_seed
from reconciler.formats.dm_values import Malformed, malformed, short
from reconciler.model.json import JSON, JSONObject

TOP: Final = ("annotations", "annotationsData", "relations", "annotationGroups", "extra")
"""The keys of the top level that hold something per media."""

_FLAGS: Final[JSONObject] = {
    "isLocked": False,
    "isVisible": True,
    "isValid": False,
    "isDrawCompleted": True,
    "label": [],
}
"""Flags of an annotation that says nothing about them, as the platform's converter sets them."""

_NONE: Final[frozenset[str]] = frozenset()
_Class = tuple[str | None, JSONObject, ClassForm]


def decode_v1(payload: JSONObject, problems: list[Problem]) -> Document:
    """Read a payload of version 1; what cannot be read is told to `problems`."""
    return _Reader(payload, problems).document()


def count_v1(payload: JSONObject) -> int:
    """Rows of `annotations`."""
    media = payload.get("annotations")
    return sum(len(rows) for rows in media.values() if type(rows) is list) if type(media) is dict else 0


@dataclass(slots=True)
class _Reader:
    """Reads one payload."""

    payload: JSONObject
    problems: list[Problem]
    parts: dict[str, JSONObject] = field(default_factory=dict)
    tools: int = 0
    types: int = 0

    def document(self) -> Document:
        self.parts = {part: self._object(part) for part in TOP}
        names = dict.fromkeys(name for part in TOP for name in self.parts[part])
        media = tuple([self._media(name) for name in names])
        head = {key: value for key, value in self.payload.items() if key not in TOP}
        dialect = Dialect.SEED if self.types and not self.tools else Dialect.SDK
        return Document(media, dialect, head, self._is_mirrored(media))

    def _bad(self, path: str, detail: str) -> None:
        self.problems.append(malformed(path, detail))

    def _object(self, part: str) -> JSONObject:
        value = self.payload.get(part)
        if value is None or type(value) is dict:
            return value or {}
        self._bad(part, f"expected an object with a list per media, found a {type(value).__name__}")
        return {}

    def _list(self, part: str, media: str) -> list[JSON]:
        value = self.parts[part].get(media)
        if value is None or type(value) is list:
            return value or []
        self._bad(f"{part}.{media}", f"expected a list, found a {type(value).__name__}")
        return []

    def _is_mirrored(self, media: tuple[MediaAnnotations, ...]) -> bool:
        """False only when annotations exist and no data rows do; without annotations it makes no difference."""
        return not any(m.annotations for m in media) or any(self.parts["annotationsData"].values())

    def _media(self, media: str) -> MediaAnnotations:
        width, height, extra = self._size(media)
        pixels = width * height if width is not None and height is not None else None
        return MediaAnnotations(
            media,
            tuple(self._annotations(media, pixels)),
            width,
            height,
            tuple(self._groups(media)),
            tuple(self._relations(media)),
            extra,
        )

    def _size(self, media: str) -> tuple[int | None, int | None, JSONObject]:
        """Width, height and the other members of `extra`; sides that are no number of pixels stay among these."""
        value = self.parts["extra"].get(media)
        if value is not None and type(value) is not dict:
            self._bad(f"extra.{media}", f"expected an object, found a {type(value).__name__}")
            return None, None, {}
        kept = dict(value or {})
        sides: list[int | None] = []
        for side in ("width", "height"):
            given = kept.get(side)
            sides.append(_side(given))
            if sides[-1] is not None:
                del kept[side]
            elif given is not None:
                self._bad(f"extra.{media}.{side}", f"{short(given)} is not a positive whole number of pixels")
        return sides[0], sides[1], kept

    def _annotations(self, media: str, pixels: int | None) -> Iterator[Annotation]:
        rows = self._list("annotations", media)
        data = self._data_rows(media)
        met: set[str] = set()
        for index, row in enumerate(rows):
            fault = _row_fault(row, met)
            if fault is not None:
                self._bad(f"annotations.{media}[{index}]", fault)
                yield Annotation("", "", Raw("malformed", row))
                continue
            met.add(row["id"])
            yield self._annotation(media, index, row, data.pop(row["id"], None), pixels)
        for identifier in data:
            if identifier not in met:
                self._bad(f"annotationsData.{media}", f"no annotation has the id {short(identifier)}")

    def _data_rows(self, media: str) -> dict[str, JSONObject]:
        found: dict[str, JSONObject] = {}
        for index, row in enumerate(self._list("annotationsData", media)):
            if type(row) is not dict or type(row.get("id")) is not str:
                self._bad(f"annotationsData.{media}[{index}]", "expected an object with a text `id`")
            elif row["id"] in found:
                self._bad(f"annotationsData.{media}[{index}]", f"the id {short(row['id'])} is used before")
            else:
                found[row["id"]] = row
        return found

    def _annotation(
        self, media: str, index: int, row: JSONObject, data: JSONObject | None, pixels: int | None
    ) -> Annotation:
        is_seed = "tool" not in row
        tool = row.get("type" if is_seed else "tool")
        if type(tool) is not str:
            self._bad(f"annotations.{media}[{index}]", "neither `tool` nor `type` says what it is")
            return Annotation(row["id"], "", Raw("malformed", row, data))
        self.types += is_seed
        self.tools += not is_seed
        name, attributes, form = self._class(media, index, row, is_seed)
        shape: Shape
        try:
            shape, used_row, used_data = read_shape(tool, media, row, data, pixels)
        except Malformed as exc:
            self._bad(f"annotations.{media}[{index}]", str(exc))
            shape = Raw("malformed", row, data)
        if shape.__class__ is Raw:
            return Annotation(row["id"], tool, shape, name, attributes, form=form)
        known = _known(used_row, is_seed and form is not ClassForm.OBJECT)
        members = {k: v for k, v in row.items() if k not in known}
        rest: JSONObject = {}
        if data is not None and not (is_seed and data == row):
            rest = {k: v for k, v in data.items() if k not in used_data and k != "id"}
        return Annotation(row["id"], tool, shape, name, attributes, members, rest, form)

    def _class(self, media: str, index: int, row: JSONObject, is_seed: bool) -> _Class:
        if "classification" not in row:
            return None, self._attributes(media, index, row, is_seed), ClassForm.ABSENT
        value = row["classification"]
        if type(value) is dict:
            others = dict(value)
            name = others.pop("class", None)
            if name is not None and type(name) is not str:
                self._bad(f"annotations.{media}[{index}].classification.class", f"{short(name)} is not a text")
                name = None
            return name, others, ClassForm.OBJECT
        attributes = self._attributes(media, index, row, is_seed)
        if type(value) is str:
            return value, attributes, ClassForm.TEXT
        if value is not None:
            self._bad(f"annotations.{media}[{index}].classification", f"{short(value)} is neither object nor text")
        return None, attributes, ClassForm.NULL

    def _attributes(self, media: str, index: int, row: JSONObject, is_seed: bool) -> JSONObject:
        value = row.get("attributes") if is_seed else None
        if type(value) is dict:
            return value
        if value is not None:
            self._bad(f"annotations.{media}[{index}].attributes", f"{short(value)} is not an object")
        return {}

    def _groups(self, media: str) -> Iterator[Group]:
        for index, row in enumerate(self._list("annotationGroups", media)):
            try:
                group, fault = read_group(row)
            except Malformed as exc:
                self._bad(f"annotationGroups.{media}[{index}]", str(exc))
                continue
            if fault is not None:
                self._bad(f"annotationGroups.{media}[{index}]", fault)
            yield group

    def _relations(self, media: str) -> Iterator[Relation]:
        for index, row in enumerate(self._list("relations", media)):
            try:
                yield read_relation(row)
            except Malformed as exc:
                self._bad(f"relations.{media}[{index}]", str(exc))


def _row_fault(row: JSON, met: set[str]) -> str | None:
    """Why a row of `annotations` cannot be told from others, None when it can."""
    if type(row) is not dict or type(row.get("id")) is not str:
        return "expected an object with a text `id`"
    return f"the id {short(row['id'])} is used before" if row["id"] in met else None


def _side(value: JSON) -> int | None:
    """A number of pixels; 640.0 is one, too."""
    if type(value) is int or (type(value) is float and value.is_integer()):
        return int(value) if 0 < value < 1 << 31 else None
    return None


@lru_cache(maxsize=64)
def _known(used: frozenset[str], has_attributes: bool) -> frozenset[str]:
    """Keys of a row in `annotations` that the typed values hold."""
    return used | {"id", "tool", "type", "classification", *(("attributes",) if has_attributes else ())}


def write_v1(document: Document, dialect: Dialect) -> JSONObject:
    """Write version 1. A document of another dialect gets the official names of tools, and classes in objects."""
    change = document.dialect is not dialect
    pairs = {m.media: [_rows(_to_sdk(a) if change else a, dialect) for a in m.annotations] for m in document.media}
    mirrored = dialect is Dialect.SDK or document.mirrored
    return {
        **({} if document.dialect is Dialect.V2 else document.head),
        "annotations": {media: [row for row, _ in rows] for media, rows in pairs.items()},
        "annotationsData": {m: [d for _, d in rows if d is not None and mirrored] for m, rows in pairs.items()},
        "relations": {m.media: [write_relation(r) for r in m.relations] for m in document.media if m.relations},
        "annotationGroups": {
            m.media: [write_group(g, plain=change) for g in m.groups] for m in document.media if m.groups
        },
        "extra": {m.media: extra for m in document.media if (extra := _extra_row(m))},
    }


def _to_sdk(annotation: Annotation) -> Annotation:
    """The annotation with the tool's official name, its class in an object, and the flags that the SDK's rows have;
    members of other dialects go."""
    members = {**_FLAGS, **{k: v for k, v in annotation.members.items() if k != "group_id"}}
    attributes = annotation.attributes
    seen = visibility(annotation) if isinstance(annotation.shape, Point) else None
    if seen is not None:
        attributes = {**attributes, "visibility": VISIBILITY_NAMES[seen]}
    return replace(
        annotation,
        tool=official_tool(annotation.tool),
        attributes=attributes,
        form=ClassForm.OBJECT,
        members=members,
    )


def _extra_row(media: MediaAnnotations) -> JSONObject:
    size = {"width": media.width, "height": media.height}
    return {**{k: v for k, v in size.items() if v is not None}, **media.extra}


def _rows(annotation: Annotation, dialect: Dialect) -> tuple[JSON, JSON]:
    """The row in `annotations` and the one in `annotationsData` (None: there is none)."""
    shape = annotation.shape
    if isinstance(shape, Raw):
        return shape.row, shape.data
    if dialect is Dialect.SEED:
        return _seed_row(annotation)
    row = {"id": annotation.id, "tool": annotation.tool, **annotation.members, **_class_row(annotation)}
    return row, {"id": annotation.id, **write_sdk(shape), **annotation.data_members}


def _seed_row(annotation: Annotation) -> tuple[JSON, JSON]:
    row = {
        "id": annotation.id,
        "type": annotation.tool,
        **write_seed(annotation.shape),
        **annotation.members,
        **_class_row(annotation),
    }
    if annotation.form is not ClassForm.OBJECT and annotation.attributes:
        row["attributes"] = annotation.attributes
    return row, row


def _class_row(annotation: Annotation) -> Mapping[str, JSON]:
    match annotation.form:
        case ClassForm.ABSENT:
            return {}
        case ClassForm.NULL:
            return {"classification": None}
        case ClassForm.TEXT:
            return {"classification": annotation.class_name}
    name = {} if annotation.class_name is None else {"class": annotation.class_name}
    return {"classification": {**name, **annotation.attributes}}
