"""Read COCO data sets into annotated documents, so that an export gives the same numbers back.

One COCO annotation becomes: a polygon annotation per ring (tied by a group when there are several), or a mask from
its run-length code, or a box when it has no segmentation; besides, a keypoint annotation per labelled joint. What
DM has no place for (ids, area, the given bbox, image and category members) is kept under `extra[media].coco`, with a
digest of the shapes: while nobody edits them, the given numbers hold.

Source of the format: COCO data format (cocodataset.org, "Data format"), and `attributes` as CVAT and datumaro write it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Final

from reconciler.errors import Location, Problem
from reconciler.formats.annotations import (
    VISIBILITY_NAMES,
    Annotation,
    Box,
    Classification,
    Document,
    Group,
    Mask,
    MediaAnnotations,
    Point,
    Polygon,
    Shape,
)
from reconciler.formats.import_records import RECORD_KEY
from reconciler.formats.imported import imported_part
from reconciler.formats.masks import counts_to_runs, counts_to_text, runs_to_counts, text_to_counts
from reconciler.formats.objects import CAPTION_CLASS, shape_digest
from reconciler.formats.stable_ids import stable_id
from reconciler.model.json import JSON, JSONObject

_OWN_KEYS: Final = frozenset({"class", "iscrowd", "visibility"})


@dataclass(frozen=True, slots=True)
class CocoImage:
    """One picture and its annotations. members: the whole `images` row."""

    id: int
    file_name: str
    width: int | None
    height: int | None
    members: JSONObject
    annotations: tuple[JSONObject, ...]


@dataclass(frozen=True, slots=True)
class CocoDataset:
    """A COCO file. images: in file order. categories: the rows, by id. frame: `info` and `licenses` as they are.

    problems: everything that could not be read, each with its place; the rest is there.
    """

    images: tuple[CocoImage, ...]
    categories: Mapping[int, JSONObject]
    frame: JSONObject
    problems: tuple[Problem, ...] = ()

    def document(self, image: CocoImage, specification: str) -> Document:
        """The annotations of one picture, for the media of that specification name."""
        return _DocumentBuilder(image, self.categories, specification).document()

    def documents(self, specification: str) -> Iterator[tuple[str, Document]]:
        """(file_name, document) of every picture, one at a time."""
        for image in self.images:
            yield image.file_name, self.document(image, specification)


def read_coco(dataset: JSON, *, name: str = "COCO file") -> CocoDataset:
    """Check a parsed COCO file and order it by picture.

    name: how problems call the file. Annotations that cannot be read are left out, each with a problem.
    """
    reader = _DatasetReader(name)
    return reader.read(dataset)


@dataclass(slots=True)
class _DatasetReader:
    name: str
    problems: list[Problem] = field(default_factory=list)

    def read(self, dataset: JSON) -> CocoDataset:
        if not isinstance(dataset, Mapping):
            self._bad("$", "a COCO file is an object with images, annotations and categories")
            dataset = {}
        for key in ("images", "annotations"):
            if not isinstance(dataset.get(key), list):
                self._bad(key, "the list is missing", fix="is this a COCO file?")
        categories = self._categories(dataset)
        images = self._images(dataset)
        found = self._annotations(dataset, images, categories)
        frame = {k: v for k, v in dataset.items() if k not in ("images", "annotations", "categories")}
        pictures = tuple(_image(row, tuple(found.get(row["id"], ()))) for row in images.values())
        return CocoDataset(pictures, categories, frame, tuple(self.problems))

    def _bad(self, path: str, detail: str, fix: str = "") -> None:
        self.problems.append(Problem(f"{path}: {detail}", at=Location(self.name), fix=fix))

    def _rows(self, dataset: JSONObject, key: str) -> Iterator[tuple[str, JSONObject]]:
        rows = dataset.get(key)
        for index, row in enumerate(rows if isinstance(rows, list) else ()):
            if isinstance(row, Mapping):
                yield f"{key}[{index}]", row
            else:
                self._bad(f"{key}[{index}]", f"expected an object, found {type(row).__name__}")

    def _categories(self, dataset: JSONObject) -> dict[int, JSONObject]:
        rows: dict[int, JSONObject] = {}
        for path, row in self._rows(dataset, "categories"):
            if not _is_id(row.get("id")):
                self._bad(f"{path}.id", f"{row.get('id')!r} is not a whole number")
            elif not isinstance(row.get("name"), str) or not row["name"].strip():
                self._bad(f"{path}.name", "the category has no name")
            elif row["id"] in rows:
                self._bad(f"{path}.id", f"{row['id']} names another category already")
            else:
                rows[row["id"]] = row
        return rows

    def _images(self, dataset: JSONObject) -> dict[int, JSONObject]:
        rows: dict[int, JSONObject] = {}
        names: dict[str, str] = {}
        for path, row in self._rows(dataset, "images"):
            if wrong := _image_fault(row):
                self._bad(path, wrong)
            elif row["id"] in rows:
                self._bad(f"{path}.id", f"{row['id']} names another picture already")
            elif row["file_name"] in names:
                self._bad(f"{path}.file_name", f"{row['file_name']!r} is {names[row['file_name']]} already")
            else:
                names[row["file_name"]] = path
                rows[row["id"]] = row
        return rows

    def _annotations(
        self, dataset: JSONObject, images: Mapping[int, JSONObject], categories: Mapping[int, JSONObject]
    ) -> dict[int, list[JSONObject]]:
        found: dict[int, list[JSONObject]] = {}
        ids: set[int] = set()
        for path, row in self._rows(dataset, "annotations"):
            faults = list(_annotation_faults(row, images, categories))
            if not faults and _is_id(row.get("id")) and row["id"] in ids:
                faults = [("id", f"{row['id']} names another annotation already")]
            for key, wrong in faults:
                self._bad(f"{path}.{key}", wrong)
            if not faults:
                ids.add(row["id"])
                found.setdefault(row["image_id"], []).append(row)
        return found


def _is_id(value: JSON) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: JSON) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


def _is_numbers(value: JSON) -> bool:
    return isinstance(value, list) and all(_is_number(v) for v in value)


def _is_size(value: JSON) -> bool:
    return _is_id(value) and value > 0


def _image_fault(row: JSONObject) -> str:
    if not _is_id(row.get("id")):
        return f"id {row.get('id')!r} is not a whole number"
    if not isinstance(row.get("file_name"), str) or not row["file_name"]:
        return "the picture has no file_name"
    for side in ("width", "height"):
        if side in row and not _is_size(row[side]):
            return f"{side} {row[side]!r} is not a whole number from 1"
    return ""


def _image(row: JSONObject, annotations: tuple[JSONObject, ...]) -> CocoImage:
    return CocoImage(row["id"], row["file_name"], row.get("width"), row.get("height"), row, annotations)


def _annotation_faults(
    row: JSONObject, images: Mapping[int, JSONObject], categories: Mapping[int, JSONObject]
) -> Iterator[tuple[str, str]]:
    if not _is_id(row.get("id")):
        yield "id", f"{row.get('id')!r} is not a whole number"
    if row.get("image_id") not in images:
        yield "image_id", f"{row.get('image_id')!r} is no picture of this file"
        return
    if "caption" in row:
        if not isinstance(row["caption"], str):
            yield "caption", "expected a text"
        return
    if row.get("category_id") not in categories:
        yield "category_id", f"{row.get('category_id')!r} is no category of this file"
    if row.get("iscrowd", 0) not in (0, 1):
        yield "iscrowd", f"{row['iscrowd']!r} is neither 0 nor 1"
    if "bbox" in row and not (_is_numbers(row["bbox"]) and len(row["bbox"]) == 4):
        yield "bbox", "expected four numbers: x, y, width, height"
    yield from _keypoint_faults(row, categories.get(row.get("category_id", -1), {}))
    yield from _segmentation_faults(row, images[row["image_id"]])


def _keypoint_faults(row: JSONObject, category: JSONObject) -> Iterator[tuple[str, str]]:
    if "keypoints" not in row:
        return
    values = row["keypoints"]
    if not _is_numbers(values) or len(values) % 3:
        yield "keypoints", "expected three numbers per joint: x, y, visibility"
        return
    if any(v not in (0, 1, 2) for v in values[2::3]):
        yield "keypoints", "a visibility is none of 0, 1, 2"
    names = category.get("keypoints")
    if names and len(names) * 3 != len(values):
        yield "keypoints", f"{len(values) // 3} joints, the category names {len(names)}"


def _segmentation_faults(row: JSONObject, image: JSONObject) -> Iterator[tuple[str, str]]:
    value = row.get("segmentation")
    if value is None:
        return
    if isinstance(value, list):
        for index, ring in enumerate(value):
            if not _is_numbers(ring) or len(ring) < 6 or len(ring) % 2:
                yield f"segmentation[{index}]", "a ring is at least three points: x1, y1, x2, y2, x3, y3, …"
        return
    try:
        _mask(value, image)
    except ValueError as exc:
        yield "segmentation", str(exc)


def _mask(value: JSON, image: JSONObject) -> tuple[Mask, JSON]:
    """The mask of a run-length code, and the code itself when it would not be written the same again."""
    if not isinstance(value, Mapping) or not isinstance(value.get("size"), list) or "counts" not in value:
        raise ValueError("expected rings, or a run-length code with size and counts")
    size, counts = value["size"], value["counts"]
    if size != [image.get("height"), image.get("width")]:
        raise ValueError(f"size {size} is not [height, width] of the picture")
    text = isinstance(counts, str)
    if not text and not (isinstance(counts, list) and all(_is_id(c) for c in counts)):
        raise ValueError("counts are neither a text nor a list of whole numbers")
    runs = counts_to_runs(text_to_counts(counts) if text else counts, size[1], size[0])
    again: JSON = runs_to_counts(runs, size[1], size[0])
    again = counts_to_text(again) if text else again
    return Mask(runs), None if again == counts and len(value) == 2 else value


@dataclass(slots=True)
class _DocumentBuilder:
    image: CocoImage
    categories: Mapping[int, JSONObject]
    media: str
    annotations: list[Annotation] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    records: list[JSONObject] = field(default_factory=list)

    def document(self) -> Document:
        for row in self.image.annotations:
            self._add(row)
        used = sorted({r["category_id"] for r in self.image.annotations if "category_id" in r})
        image = {k: v for k, v in self.image.members.items() if k not in ("file_name", "width", "height")}
        kept = {
            "image": image,
            "categories": [dict(self.categories[c]) for c in used if c in self.categories],
            "objects": self.records,
        }
        media = MediaAnnotations(
            self.media,
            tuple(self.annotations),
            self.image.width,
            self.image.height,
            tuple(self.groups),
            extra={RECORD_KEY: kept},
        )
        return Document((media,))

    def _add(self, row: JSONObject) -> None:
        parts, values = self._parts(row)
        self.annotations += parts
        if len(parts) > 1:
            self.groups.append(Group(self._id(row, "group"), tuple(p.id for p in parts)))
        record = {k: v for k, v in row.items() if k not in ("image_id", "segmentation", "keypoints", "iscrowd")}
        record |= values
        record |= {"members": sorted(row), "annotations": [p.id for p in parts], "shape": shape_digest(parts)}
        self.records.append(record)

    def _parts(self, row: JSONObject) -> tuple[list[Annotation], dict[str, JSON]]:
        if "caption" in row:
            attributes = {"caption": row["caption"]}
            return [self._part(row, 0, "classification", Classification(), CAPTION_CLASS, attributes)], {}
        name = self.categories[row["category_id"]]["name"]
        attributes, values = _split_attributes(row)
        shapes, more = self._shapes(row)
        parts = [self._part(row, i, tool, shape, name, attributes) for i, (tool, shape) in enumerate(shapes)]
        joints, where = self._joints(row, len(parts))
        if not parts and not joints:
            parts = [self._part(row, 0, "classification", Classification(), name, attributes)]
        return parts + joints, {**values, **more, **where}

    def _shapes(self, row: JSONObject) -> tuple[list[tuple[str, Shape]], dict[str, JSON]]:
        value = row.get("segmentation")
        if isinstance(value, Mapping):
            mask, code = _mask(value, self.image.members)
            kept: dict[str, JSON] = {"rle": "text" if isinstance(value["counts"], str) else "list"}
            return [("segmentation", mask)], {**kept, **({} if code is None else {"segmentation": code})}
        if value:
            rings = [Polygon(tuple(zip(ring[::2], ring[1::2], strict=True))) for ring in value]
            return [("polygon", ring) for ring in rings], {}
        if "bbox" in row:
            return [("bounding_box", Box(*row["bbox"]))], {"segmentation": value} if "segmentation" in row else {}
        return [], {"segmentation": value} if "segmentation" in row else {}

    def _joints(self, row: JSONObject, offset: int) -> tuple[list[Annotation], dict[str, JSON]]:
        values = row.get("keypoints")
        if values is None:
            return [], {}
        names = self.categories[row["category_id"]].get("keypoints") or ()
        parts: list[Annotation] = []
        places: list[int] = []
        for index, (x, y, seen) in enumerate(zip(values[::3], values[1::3], values[2::3], strict=True)):
            if not (x or y or seen):
                continue  # not labelled: nothing to draw; the export fills it in again
            name = names[index] if index < len(names) else f"joint_{index + 1}"
            attributes = {"visibility": VISIBILITY_NAMES[int(seen)]}
            parts.append(self._part(row, offset + index, "keypoint", Point(x, y), name, attributes))
            places.append(index)
        return parts, {"joints": {"count": len(values) // 3, "places": places}}

    def _part(
        self, row: JSONObject, part: int, tool: str, shape: Shape, name: str, attributes: JSONObject
    ) -> Annotation:
        return imported_part(self._id(row, str(part)), tool, shape, name, attributes)

    def _id(self, row: JSONObject, part: str) -> str:
        return stable_id(self.image.id, row["id"], part)


def _split_attributes(row: JSONObject) -> tuple[dict[str, JSON], dict[str, JSON]]:
    """Attributes people can see and edit in the tool, and those that must wait in the record."""
    given = row.get("attributes")
    shown: dict[str, JSON] = {}
    kept: dict[str, JSON] = {}
    if isinstance(given, Mapping):
        shown = {k: v for k, v in given.items() if k not in _OWN_KEYS}
        kept = {"attributes": {k: v for k, v in given.items() if k in _OWN_KEYS}}
    if row.get("iscrowd"):
        shown["iscrowd"] = row["iscrowd"]
    return shown, kept
