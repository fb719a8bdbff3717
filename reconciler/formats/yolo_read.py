"""Read YOLO data sets into annotated documents: Ultralytics and Darknet layouts, in all the ways people write them.

Pictures lead to their label files, never the reverse: a picture without one has no objects. Numbers are fractions of
the picture's sides; a row that would not be written the same again is kept under `extra[media].yolo`.

Sources: Ultralytics data set formats; Darknet's `obj.data`; predictions saved with a confidence column.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.errors import Location, Problem
from reconciler.formats.annotations import Annotation, Document, Group, MediaAnnotations
from reconciler.formats.geometry import Size
from reconciler.formats.imagefolder_read import read_imagefolder
from reconciler.formats.imported import imported_part
from reconciler.formats.objects import shape_digest
from reconciler.formats.reading import Annotated, Reading, is_picture
from reconciler.formats.stable_ids import stable_id
from reconciler.formats.yolo_dataset import DatasetHead, label_of, read_head
from reconciler.formats.yolo_objects import KEPT_KEY, Task
from reconciler.formats.yolo_parse import Part, RowShapes, parse_row, same_text
from reconciler.model.json import JSON, JSONObject


def read_yolo(reading: Reading) -> Iterator[Annotated]:
    """The pictures of a data set in order of names. One without any label file or list is read as ImageFolder."""
    head = read_head(reading)
    there = frozenset(reading.files.names)
    pictures = [name for name in reading.files.names if is_picture(name)]
    labels = {picture: label_of(picture, there) for picture in pictures}
    is_folders = not head.is_described and not any(labels.values())
    if is_folders or head.rules.task is Task.CLASSIFY:
        yield from read_imagefolder(reading)
        return
    for name in sorted(head.stray_labels(there, {label for label in labels.values() if label})):
        text = "its picture is not there, and without its size the numbers mean nothing"
        reading.problem(Problem(text, Location(reading.files.shown(name)), fix="put the picture beside it"))
    for picture, label in labels.items():
        found = _PictureReader(reading, head, picture, label).read()
        if found is not None:
            yield Annotated(picture, found)


@dataclass(slots=True)
class _PictureReader:
    """Reads one picture. kept: rows to be written as they are. used: class → id."""

    reading: Reading
    head: DatasetHead
    picture: str
    label: str | None
    annotations: list[Annotation] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    kept: list[JSONObject] = field(default_factory=list)
    used: dict[str, JSON] = field(default_factory=dict)

    def read(self) -> Document | None:
        size = self.reading.files.picture_size(self.picture)
        lines = self._lines()
        if size is None and any(line.strip() for line in lines):
            self._bad(0, f"the size of {self.picture} cannot be told, and its labels are fractions of it")
            return None
        for number, line in enumerate(lines, 1):
            if line.strip() and size is not None:
                self._row(number, line.split(), size)
        width, height = size if size else (None, None)
        media = MediaAnnotations(
            self.reading.specification, tuple(self.annotations), width, height, tuple(self.groups), extra=self._extra()
        )
        return Document((media,))

    def _lines(self) -> list[str]:
        if self.label is None:
            return []
        return self.reading.files.read(self.label).decode("utf-8-sig", "replace").splitlines()

    def _bad(self, line: int, text: str, fix: str = "repair the row") -> None:
        assert self.label is not None
        self.reading.problem(Problem(text, Location(self.reading.files.shown(self.label), line), fix=fix))

    def _row(self, number: int, tokens: Sequence[str], size: Size) -> None:
        try:
            index, shapes = parse_row(tokens, size, self.head.rules)
            name = self.head.name(index)
        except ValueError as exc:
            self._bad(number, str(exc))
            return
        parts = [self._part(number, i, part, name, shapes) for i, part in enumerate(shapes.parts)]
        self.used[name] = index
        self.annotations += parts
        if len(parts) > 1:
            self.groups.append(Group(self._id(number, "group"), tuple(p.id for p in parts)))
        if not same_text(shapes, size):
            kept = {"annotations": [p.id for p in parts], "shape": shape_digest(parts), "row": shapes.text}
            self.kept.append({**kept, "task": shapes.task.value})

    def _part(self, number: int, index: int, part: Part, name: str, shapes: RowShapes) -> Annotation:
        joint, attributes = part.joint, dict(part.attributes)
        if joint is None and shapes.confidence is not None:
            attributes["confidence"] = shapes.confidence
        return imported_part(self._id(number, str(index)), part.tool, part.shape, joint or name, attributes)

    def _id(self, number: int, part: str) -> str:
        return stable_id(self.picture, number, part)

    def _extra(self) -> Mapping[str, JSON]:
        if not self.annotations:
            return {}
        found: dict[str, JSON] = {"classes": self.used}
        if self.head.rules.task is Task.POSE:
            found["keypoints"] = list(self.head.rules.joints)
        if self.kept:
            found["rows"] = self.kept
        return {KEPT_KEY: found}
