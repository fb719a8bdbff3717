"""DM schema payloads to and from the annotation model.

Reads all that the platform stores: version 1 in both dialects (SDK: `tool` with `coordinate`, geometry joined from
`annotationsData` by id; SEED: `type` with `data` inside `annotations`), version 2 (see `dm_v2`), the pair that
the official converter makes, and any of them as text. One bad annotation becomes a problem and a `Raw` item; it never
costs the document.

Source of the format: DM schema version 1 as the platform's SDK reads it; SEED as the platform's export guide shows it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from reconciler.errors import Problem, Severity
from reconciler.formats.annotations import (
    Annotation,
    ClassForm,
    Dialect,
    Document,
    Group,
    MediaAnnotations,
    Raw,
    Shape,
)
from reconciler.formats.dm_shapes import OFFICIAL, Malformed, is_whole, kind_of, read_shape, write_sdk, write_seed
from reconciler.formats.dm_v2 import decode_v2, is_v2
from reconciler.model.json import JSON, JSONObject

_TOP: Final = ("annotations", "annotationsData", "relations", "annotationGroups", "extra")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A payload as far as it could be read. problems: in payload order; each names its place as a JSON path."""

    document: Document
    problems: tuple[Problem, ...] = ()


def decode_payload(payload: JSON, *, lossless: bool = True) -> Decoded:
    """Read a payload of any dialect; None gives an empty document.

    lossless: keep the payload beside the typed values when these alone would not reproduce it. Whoever only reads
    shapes saves a third of the time without it.
    """
    problems: list[Problem] = []
    value = _parsed(payload, problems)
    if is_v2(value):
        document = decode_v2(value, problems)
    elif isinstance(value, Mapping):
        document = _Reader(value, problems).document()
    else:
        return Decoded(Document(verbatim=payload), tuple(problems))
    if lossless and (value is not payload or encode_payload(document) != payload):
        document = replace(document, verbatim=payload)
    return Decoded(document, tuple(problems))


def unreadable(payload: JSON) -> str | None:
    """Why a payload is no document of any dialect, None when it is one. An absent payload is an empty document."""
    problems: list[Problem] = []
    _parsed(payload, problems)
    return problems[0].detail if problems else None


def encode_payload(document: Document) -> JSON:
    """The payload in the document's own dialect: what `decode_payload` read, key for key and value for value."""
    if document.verbatim is not None:
        return document.verbatim
    if document.dialect is Dialect.V2:
        from reconciler.formats.dm_v2 import encode_v2

        return encode_v2(document)
    return _write(document, document.dialect)


def encode_v1(document: Document) -> JSONObject:
    """Version 1 in the SDK dialect, as the platform stores it; used for imports."""
    if document.verbatim is not None and document.dialect is Dialect.SDK and isinstance(document.verbatim, Mapping):
        return document.verbatim
    return _write(document, Dialect.SDK)


def _parsed(payload: JSON, problems: list[Problem]) -> JSON:
    value = payload
    if isinstance(value, (str, bytes)):
        try:
            value = json.loads(value)
        except ValueError as exc:
            problems.append(malformed("$", f"the payload is text and not JSON: {exc}"))
            return None
    if isinstance(value, Mapping) and not value.keys() & set(_TOP) and isinstance(value.get("data"), Mapping):
        value = value["data"]  # a whole record instead of its payload
    if value is not None and not isinstance(value, Mapping):
        problems.append(malformed("$", f"the payload is a {type(value).__name__}, not an object"))
        return None
    return {} if value is None else value


def malformed(path: str, detail: str) -> Problem:
    """The problem of one place that could not be read; the rest of the document was."""
    return Problem(
        f"{path}: cannot be read",
        detail=detail,
        fix="correct it in the annotation tool; until then it is kept and not converted",
        severity=Severity.WARNING,
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one version 1 payload."""

    payload: JSONObject
    problems: list[Problem]

    def document(self) -> Document:
        rows = {media: self._list("annotations", media) for media in self._names()}
        dialect = self._dialect(rows)
        head = {key: value for key, value in self.payload.items() if key not in _TOP}
        media = tuple(self._media(name, rows[name], dialect) for name in rows)
        return Document(media, dialect, head, self._is_mirrored(rows))

    def _names(self) -> list[str]:
        names: dict[str, None] = {}
        for part in ("annotations", "annotationsData", "extra", "annotationGroups", "relations"):
            names.update(dict.fromkeys(self._object(part)))
        return list(names)

    def _object(self, part: str) -> JSONObject:
        value = self.payload.get(part)
        if value is None or isinstance(value, Mapping):
            return value or {}
        self._bad(part, f"expected an object with a list per media, found {type(value).__name__}")
        return {}

    def _list(self, part: str, media: str) -> list[JSON]:
        value = self._object(part).get(media)
        if value is None or isinstance(value, list):
            return value or []
        self._bad(f"{part}.{media}", f"expected a list, found {type(value).__name__}")
        return []

    def _bad(self, path: str, detail: str) -> None:
        problem = malformed(path, detail)
        if problem not in self.problems:
            self.problems.append(problem)

    def _dialect(self, rows: Mapping[str, list[JSON]]) -> Dialect:
        for row in (row for media in rows.values() for row in media if isinstance(row, Mapping)):
            if "tool" in row or "type" in row:
                return Dialect.SDK if "tool" in row else Dialect.SEED
        return Dialect.SDK

    def _is_mirrored(self, rows: Mapping[str, list[JSON]]) -> bool:
        """False only when rows exist and no data rows do; without rows it makes no difference."""
        return not any(rows.values()) or any(self._list("annotationsData", media) for media in rows)

    def _media(self, media: str, rows: list[JSON], dialect: Dialect) -> MediaAnnotations:
        extra = self._extra(media)
        size = _whole(extra.get("width")), _whole(extra.get("height"))
        kept = {k: v for k, v in extra.items() if not (k in ("width", "height") and _whole(v) is not None)}
        return MediaAnnotations(
            media,
            tuple(self._annotations(media, rows, size, dialect)),
            *size,
            tuple(self._groups(media)),
            tuple(self._list("relations", media)),
            kept,
        )

    def _extra(self, media: str) -> JSONObject:
        value = self._object("extra").get(media)
        if value is not None and not isinstance(value, Mapping):
            self._bad(f"extra.{media}", f"expected an object, found {type(value).__name__}")
            return {}
        return value or {}

    def _annotations(
        self, media: str, rows: list[JSON], size: tuple[int | None, int | None], dialect: Dialect
    ) -> Iterator[Annotation]:
        data = {row["id"]: row for row in self._list("annotationsData", media) if _has_id(row)}
        pixels = size[0] * size[1] if size[0] is not None and size[1] is not None else None
        for index, row in enumerate(rows):
            path = f"annotations.{media}[{index}]"
            if not _has_id(row):
                self._bad(path, "expected an object with a text `id`")
                yield Annotation("", "", Raw("malformed", row))
                continue
            yield self._annotation(path, media, row, data.pop(row["id"], None), pixels, dialect)
        for row in data.values():
            self._bad(f"annotationsData.{media}", f"no annotation has the id {row['id']!r}")

    def _annotation(
        self, path: str, media: str, row: JSONObject, data: JSONObject | None, pixels: int | None, dialect: Dialect
    ) -> Annotation:
        tool = row.get("tool", row.get("type"))
        if not isinstance(tool, str):
            self._bad(path, "neither `tool` nor `type` says what it is")
            return Annotation(row["id"], "", Raw("malformed", row, data))
        name, attributes, form = _class(row, dialect)
        shape: Shape
        try:
            shape, used_row, used_data = read_shape(tool, media, row, data, pixels)
        except Malformed as exc:
            self._bad(path, str(exc))
            shape, used_row, used_data = Raw("malformed", row, data), frozenset(), frozenset()
        if isinstance(shape, Raw):
            return Annotation(row["id"], tool, shape, name, attributes, form=form)
        known = used_row | {"id", "tool", "type", "classification"}
        if dialect is Dialect.SEED and form is not ClassForm.OBJECT:
            known |= {"attributes"}
        members = {k: v for k, v in row.items() if k not in known}
        rest = _data_rest(data, used_data) if dialect is Dialect.SDK else {}
        return Annotation(row["id"], tool, shape, name, attributes, members, rest, form)

    def _groups(self, media: str) -> Iterator[Group]:
        for index, row in enumerate(self._list("annotationGroups", media)):
            group = read_group(row)
            if group is None:
                self._bad(f"annotationGroups.{media}[{index}]", "expected a text `id` and a list of annotation ids")
            else:
                yield group


def read_group(row: JSON) -> Group | None:
    """A group in any of its three shapes: annotationIds, annotationList (nested), or data (version 2)."""
    if not _has_id(row):
        return None
    for key in ("annotationIds", "annotationList", "data"):
        if isinstance(row.get(key), list):
            members = tuple(_member_ids(row[key]))
            return Group(row["id"], members, {k: v for k, v in row.items() if k not in ("id", key)})
    return None


def _member_ids(values: list[JSON]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            if isinstance(value.get("annotationId"), str):
                yield value["annotationId"]
            if isinstance(value.get("children"), list):
                yield from _member_ids(value["children"])


def _has_id(row: JSON) -> bool:
    return isinstance(row, Mapping) and isinstance(row.get("id"), str)


def _whole(value: JSON) -> int | None:
    return value if is_whole(value) and value > 0 else None


def _class(row: JSONObject, dialect: Dialect) -> tuple[str | None, JSONObject, ClassForm]:
    if "classification" not in row:
        return None, _attributes(row, dialect), ClassForm.ABSENT
    value = row["classification"]
    if isinstance(value, str):
        return value, _attributes(row, dialect), ClassForm.TEXT
    if isinstance(value, Mapping):
        name = value.get("class")
        return (
            name if isinstance(name, str) else None,
            {k: v for k, v in value.items() if k != "class"},
            ClassForm.OBJECT,
        )
    return None, _attributes(row, dialect), ClassForm.NULL


def _attributes(row: JSONObject, dialect: Dialect) -> JSONObject:
    value = row.get("attributes")
    return value if dialect is Dialect.SEED and isinstance(value, Mapping) else {}


def _data_rest(data: JSONObject | None, used: frozenset[str]) -> JSONObject:
    return {} if data is None else {k: v for k, v in data.items() if k not in used and k != "id"}


def _write(document: Document, dialect: Dialect) -> JSONObject:
    change = document.dialect is not dialect
    pairs = {m.media: [_rows(_to_sdk(a) if change else a, dialect) for a in m.annotations] for m in document.media}
    mirrored = dialect is Dialect.SDK or document.mirrored
    return {
        **({} if document.dialect is Dialect.V2 else document.head),
        "annotations": {media: [row for row, _ in rows] for media, rows in pairs.items()},
        "annotationsData": {m: [d for _, d in rows if d is not None and mirrored] for m, rows in pairs.items()},
        "relations": {m.media: list(m.relations) for m in document.media if m.relations},
        "annotationGroups": {m.media: [_group_row(g) for g in m.groups] for m in document.media if m.groups},
        "extra": {m.media: extra for m in document.media if (extra := _extra_row(m))},
    }


def _to_sdk(annotation: Annotation) -> Annotation:
    """The annotation with the tool's official name and its class in an object; members of other dialects go."""
    members = {k: v for k, v in annotation.members.items() if k != "group_id"}
    tool = OFFICIAL.get(kind_of(annotation.tool) or "", annotation.tool)
    return replace(annotation, tool=tool, form=ClassForm.OBJECT, members=members)


def _group_row(group: Group) -> JSONObject:
    return {"id": group.id, "annotationIds": list(group.members), **group.rest}


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


def _class_row(annotation: Annotation) -> JSONObject:
    match annotation.form:
        case ClassForm.ABSENT:
            return {}
        case ClassForm.NULL:
            return {"classification": None}
        case ClassForm.TEXT:
            return {"classification": annotation.class_name}
    name = {} if annotation.class_name is None else {"class": annotation.class_name}
    return {"classification": {**name, **annotation.attributes}}
