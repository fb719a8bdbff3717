"""Results of Label Studio as rows: regions, what is said about them, statements about a whole task, relations.

A region is a row; each attribute is another row with the same id, made by a control that works "per region": texts are
text areas, numbers numbers, yes or no and lists of texts choices. Other values stand in the region's `meta`.

Source of the format: Label Studio documentation, "Label Studio JSON format of annotated tasks" and the pages of tags.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from reconciler.formats.annotations import (
    Annotation,
    Box,
    Classification,
    Mask,
    Point,
    Polygon,
    Polyline,
    Track,
)
from reconciler.formats.attribute_values import written_name
from reconciler.formats.categories import class_key
from reconciler.formats.geometry import Size
from reconciler.formats.labelstudio_values import (
    label_key,
    write_box,
    write_brush,
    write_point,
    write_ring,
    write_time,
    write_track,
)
from reconciler.formats.media_shapes import NamedEntity, TimeRange
from reconciler.model.json import JSON, JSONObject

CONTROLS: Final[Mapping[str, str]] = {
    "rectangle": "rectangles",
    "polygon": "polygons",
    "keypoint": "keypoints",
    "brush": "brushes",
    "videorectangle": "tracks",
    "timeline": "sections",
    "timeseries": "ranges",
    "labels": "labels",
}
"""Kind of region → name of the control that made it, in exports of annotations that were not imported."""

CHOICES: Final = "choices"
"""Name of the control of statements about a whole task."""

SAYING: Final = frozenset({"choices", "textarea", "number", "rating", "taxonomy", "datetime"})
"""Types of results that say something about a region, or about a task."""

_VALUE_KEYS: Final = {"textarea": "text"}
_PREFIX: Final = "attribute:"
_TAKEN: Final = frozenset({*CONTROLS.values(), CHOICES})
_UNLABELLED: Final = {"labels": "labels", "videorectangle": "videorectangle"}


def labels_of(part: Annotation) -> list[str]:
    """The class of an annotation and further labels that its import had."""
    more = part.attributes.get("labels")
    rest = [m for m in more if isinstance(m, str)] if isinstance(more, list) else []
    return [class_key(part.class_name), *rest] if part.class_name and part.class_name.strip() else []


def region(part: Annotation, kind: str, value: JSONObject, to_name: str, size: Size | None) -> JSONObject:
    """The row of a region. kind: as in `CONTROLS`. value: its geometry. size: of the picture or video."""
    labels = labels_of(part)
    type = _UNLABELLED.get(kind) or (f"{kind}labels" if labels else kind)
    rest = {written_name(k): v for k, v in part.attributes.items() if k != "labels" and _saying(v) is None}
    sides = {} if size is None else {"original_width": size[0], "original_height": size[1], "image_rotation": 0}
    return {
        "id": part.id,
        "type": type,
        "from_name": CONTROLS[kind] if labels or kind in _UNLABELLED else f"{CONTROLS[kind]}_unlabelled",
        "to_name": to_name,
        "origin": "manual",
        **sides,
        "value": {**value, **({label_key(type): labels} if labels else {})},
        **({"meta": {"attributes": rest}} if rest else {}),
    }


def whole_region(part: Annotation, to_name: str, size: Size | None) -> JSONObject | None:
    """The row of an annotation as it is, without a policy; None when its shape has no place here."""
    shape = part.shape
    if isinstance(shape, TimeRange):
        type, value = write_time(shape)
        return region(part, type.removesuffix("labels") or "labels", value, to_name, None)
    if isinstance(shape, NamedEntity):
        return next(iter(entity_rows(part, shape, to_name)), None)
    if isinstance(shape, Track):
        track = write_track(shape, size) if size is not None else None
        return region(part, "videorectangle", track, to_name, size) if track is not None else None
    return _drawn(part, to_name, size) if size is not None else None


def _drawn(part: Annotation, to_name: str, size: Size) -> JSONObject | None:
    match part.shape:
        case Box():
            return region(part, "rectangle", write_box(part.shape, size), to_name, size)
        case Polygon(points):
            return region(part, "polygon", write_ring(points, size), to_name, size)
        case Polyline(points):
            return region(part, "polygon", write_ring(points, size, is_closed=False), to_name, size)
        case Point(x, y):
            return region(part, "keypoint", write_point(x, y, size), to_name, size)
        case Mask(runs):
            return region(part, "brush", write_brush(runs, size), to_name, size)
        case _:
            return None


def entity_rows(part: Annotation, shape: NamedEntity, to_name: str) -> Iterator[JSONObject]:
    """A row for each stretch of text; the text itself when there is one."""
    spans = list(shape.spans)
    for place, (start, end) in enumerate(spans):
        text = {"text": shape.content} if len(spans) == 1 else {}
        row = region(part, "labels", {"start": start, "end": end, **text}, to_name, None)
        yield row if place == 0 else {**row, "id": f"{part.id}-{place}"}


def saying_rows(row: JSONObject, part: Annotation) -> Iterator[JSONObject]:
    """The rows of a region's attributes. row: the region."""
    geometry = {k: v for k, v in row["value"].items() if k != label_key(row["type"])}
    head = {k: v for k, v in row.items() if k not in ("value", "meta", "type", "from_name")}
    for name, value in part.attributes.items():
        said = _saying(value)
        if said is not None and name != "labels":
            type, key, content = said
            name = written_name(name)
            control = f"{_PREFIX}{name}" if name in _TAKEN or name.startswith(_PREFIX) or not name else name
            yield {**head, "type": type, "from_name": control, "value": {**geometry, key: content}}


def _saying(value: JSON) -> tuple[str, str, JSON] | None:
    """Type, key and content of the row that holds an attribute; None when none can."""
    if isinstance(value, bool):
        return "choices", "choices", ["true" if value else "false"]
    if isinstance(value, (int, float)):
        return "number", "number", value
    if isinstance(value, str):
        return "textarea", "text", [value]
    if isinstance(value, list) and len(value) > 1 and all(isinstance(v, str) for v in value):
        return "choices", "choices", value
    return None


def read_saying(row: JSONObject) -> tuple[str, JSON]:
    """Attribute and value of a row; inverse of `saying_rows`. Raises ValueError when it has no value."""
    type, value = row["type"], row.get("value")
    key = _VALUE_KEYS.get(type, type)
    if not isinstance(value, Mapping) or key not in value:
        raise ValueError(f"its value has no {key!r}")
    content = value[key]
    name = str(row.get("from_name", key)).removeprefix(_PREFIX)
    if isinstance(content, list) and len(content) == 1 and isinstance(content[0], str):
        only = content[0]
        is_flag = type == "choices" and only in ("true", "false")
        return name, only == "true" if is_flag else only
    return name, content


def statement(parts: Sequence[Annotation], to_name: str) -> list[JSONObject]:
    """Choices of a whole task, one row for all; their attributes stand in `meta`."""
    named = [class_key(p.class_name) for p in parts if p.class_name and isinstance(p.shape, Classification)]
    said = {
        class_key(p.class_name): {written_name(k): v for k, v in p.attributes.items()}
        for p in parts
        if p.class_name and p.attributes
    }
    if not named:
        return []
    meta = {"meta": {"attributes": said}} if said else {}
    row = {"id": parts[0].id, "type": "choices", "from_name": CHOICES, "to_name": to_name, "origin": "manual"}
    return [{**row, "value": {"choices": list(dict.fromkeys(named))}, **meta}]


def relation_row(source: str, target: str, more: Mapping[str, JSON]) -> JSONObject:
    """A relation between two regions."""
    return {"from_id": source, "to_id": target, "type": "relation", "direction": "right", **more}


def in_order(rows: Iterable[tuple[int | None, JSONObject]]) -> list[JSONObject]:
    """Rows at the places they came from, new ones behind."""
    return [row for _, row in sorted(rows, key=lambda pair: (pair[0] is None, pair[0] or 0))]
