"""Read LabelMe files into annotated documents, so that an export gives the same content back.

A shape becomes an annotation of its kind: a circle the polygon of its outline, lines polylines, several points of one
shape a group. Flags that are true for a picture are classifications of it. A `group_id` makes a group. What DM has no
place for is kept under `extra[media].labelme`.

Source of the format: the files themselves; labelme documents them by its examples.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.errors import Problem, Severity, SourceError
from reconciler.formats.annotations import Annotation, Classification, Document, Group, MediaAnnotations
from reconciler.formats.attribute_values import shown_name
from reconciler.formats.dm_values import short
from reconciler.formats.geometry import Size
from reconciler.formats.import_edits import edit_digest, keep_row
from reconciler.formats.imported import imported_part
from reconciler.formats.json_files import read_json
from reconciler.formats.labelme_rows import shape_row
from reconciler.formats.labelme_shapes import RECORD_KEY, read_shape, split_attributes
from reconciler.formats.reading import Annotated, Reading
from reconciler.formats.stable_ids import stable_id
from reconciler.model.json import JSON, JSONObject

_OWN: Final = frozenset({"shapes", "flags", "imagePath", "imageData", "imageHeight", "imageWidth", "classifications"})


def read_labelme(reading: Reading) -> Iterator[Annotated]:
    """Read every JSON file of a data set; see `reading.Reader`."""
    names = frozenset(reading.files.names)
    for name in reading.files.names:
        if not name.lower().endswith(".json"):
            continue
        try:
            value = read_json(reading, name, finite=True)
        except SourceError as exc:
            for problem in exc.problems:
                reading.problem(problem)
            continue
        if isinstance(value, Mapping) and isinstance(value.get("shapes"), list):
            yield _FileReader(reading, name, names, value).read()
        else:
            _tell(reading, name, "is no LabelMe file: it has no list `shapes`; it is left out", "take it away")


def _tell(reading: Reading, name: str, text: str, fix: str) -> None:
    shown = reading.files.shown(name)
    reading.problem(Problem(f"{shown} {text}", address=shown, fix=fix, severity=Severity.WARNING))


@dataclass(slots=True)
class _FileReader:
    """Reads one file; a shape that cannot be read is told and costs only itself."""

    reading: Reading
    name: str
    names: frozenset[str]
    value: JSONObject
    annotations: list[Annotation] = field(default_factory=list)
    members: dict[int, list[str]] = field(default_factory=dict)
    rows: list[JSON] = field(default_factory=list)

    def read(self) -> Annotated:
        picture = self._picture()
        size = self._size(picture)
        self._flags()
        for place, row in enumerate(self.value["shapes"]):
            try:
                self._shape(row, place, size)
            except ValueError as exc:
                text = f"shapes[{place}] is left out: {exc}"
                _tell(self.reading, self.name, text, "correct it, or draw it again")
        groups = [
            Group(stable_id(RECORD_KEY, self.name, "group", number), tuple(ids), {RECORD_KEY: number})
            for number, ids in self.members.items()
        ]
        media = MediaAnnotations(
            self.reading.specification,
            tuple(self.annotations),
            size[0] if size else None,
            size[1] if size else None,
            tuple(groups),
            extra={RECORD_KEY: self._record()},
        )
        return Annotated(picture, Document((media,)))

    def _picture(self) -> str:
        """The picture's path in the data set; beside the file when `imagePath` leads nowhere."""
        folder = posixpath.dirname(self.name)
        said = self.value.get("imagePath")
        path = said.replace("\\", "/") if isinstance(said, str) else ""
        leaf = posixpath.basename(path)
        stem = posixpath.splitext(self.name)[0]
        wanted = [posixpath.normpath(posixpath.join(folder, path)), posixpath.join(folder, leaf)]
        beside = (name for name in sorted(self.names) if name != self.name and posixpath.splitext(name)[0] == stem)
        found = next((name for name in (*wanted, *beside) if name in self.names and leaf), None)
        return found or (posixpath.join(folder, leaf) if leaf else stem)

    def _size(self, picture: str) -> Size | None:
        width, height = self.value.get("imageWidth"), self.value.get("imageHeight")
        if type(width) is int and type(height) is int and width > 0 and height > 0:
            return width, height
        return self.reading.files.picture_size(picture) if picture in self.names else None

    def _record(self) -> JSONObject:
        head = {k: v for k, v in self.value.items() if k not in _OWN}
        flags = self.value.get("flags")
        names = list(flags) if isinstance(flags, Mapping) else []
        return {"head": head, "flags": names, "rows": self.rows}

    def _flags(self) -> None:
        flags, more = self.value.get("flags"), self.value.get("classifications")
        for name, value in flags.items() if isinstance(flags, Mapping) else ():
            if value is True:
                said = more.get(name) if isinstance(more, Mapping) else None
                attributes = {shown_name(k): v for k, v in said.items()} if isinstance(said, Mapping) else {}
                found = stable_id(RECORD_KEY, self.name, "flag", name)
                self.annotations.append(imported_part(found, "classification", Classification(), name, attributes))

    def _shape(self, row: JSON, place: int, size: Size | None) -> None:
        if not isinstance(row, Mapping):
            raise ValueError(f"it is {short(row)}, not an object")
        label = row.get("label")
        if not isinstance(label, str):
            raise ValueError(f"its label is {short(label)}, not a text")
        attributes = split_attributes(row)
        parts = [
            imported_part(stable_id(RECORD_KEY, self.name, place, n), tool, shape, label, attributes)
            for n, (tool, shape) in enumerate(read_shape(row, size))
        ]
        self.annotations += parts
        number = row.get("group_id")
        if type(number) is int:
            self.members.setdefault(number, []).extend(part.id for part in parts)
        self._keep(row, parts, size)

    def _keep(self, row: JSONObject, parts: list[Annotation], size: Size | None) -> None:
        """Keep what the export would write otherwise. Of a mask the pixels count, not how they are packed."""
        ids = [part.id for part in parts]
        if len(parts) > 1:
            given = {k: v for k, v in row.items() if k != "group_id"}
            self.rows.append({"annotations": ids, "set": given, "digest": edit_digest(parts)})
            return
        written = shape_row(parts[0], size)
        grouped = ("group_id",) if type(row.get("group_id")) is int else ()
        own = (*grouped, "mask") if row.get("shape_type") == "mask" else grouped
        if kept := keep_row(row, written, parts, *own):
            self.rows.append({"annotations": ids, **kept})
