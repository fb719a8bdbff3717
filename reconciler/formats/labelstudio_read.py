"""Read tasks of Label Studio into annotated documents, so that an export gives the same content back.

Of each task one annotation is read (see `labelstudio_tasks.choose`); the others are kept as they are, and so are
results that have no place in a document. A result with a place is an annotation; choices, texts and numbers about a
region are its attributes, those about a whole task classifications; a region with a `parentID` makes a group with it.

Source of the format: Label Studio documentation, "Label Studio JSON format of annotated tasks".
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.errors import Problem, Severity, SourceError
from reconciler.formats.annotations import (
    Annotation,
    Classification,
    Document,
    Group,
    MediaAnnotations,
    Relation,
)
from reconciler.formats.attribute_values import shown_name
from reconciler.formats.dm_values import short
from reconciler.formats.geometry import Size
from reconciler.formats.import_edits import edit_digest, keep_row
from reconciler.formats.imported import imported_part
from reconciler.formats.json_files import read_json
from reconciler.formats.labelstudio_config import read_controls
from reconciler.formats.labelstudio_rows import SAYING, read_saying, whole_region
from reconciler.formats.labelstudio_tasks import Slot, choose, count, expand, is_min, task_name
from reconciler.formats.labelstudio_values import RECORD_KEY, base_type, label_key, read_value
from reconciler.formats.reading import Annotated, Reading
from reconciler.formats.stable_ids import stable_id
from reconciler.model.json import JSON, JSONObject

_LONGEST_ID: Final = 64
_MEDIA: Final[Mapping[str, str]] = {
    **dict.fromkeys(("rectangle", "ellipse", "polygon", "vector", "keypoint", "brush"), "image"),
    **dict.fromkeys(("videorectangle", "timeline"), "video"),
    "hypertext": "text",
    "audio": "audio",
    "timeseries": "series",
}


def read_labelstudio(reading: Reading) -> Iterator[Annotated]:
    """Read every JSON file of a data set, task by task; see `reading.Reader`."""
    for name in reading.files.names:
        if name.lower().endswith((".json", ".jsonl")):
            yield from _FileReader(reading, name).read()


@dataclass(slots=True)
class _FileReader:
    reading: Reading
    name: str

    def read(self) -> Iterator[Annotated]:
        try:
            value = read_json(self.reading, self.name, finite=True)
        except SourceError as exc:
            for problem in exc.problems:
                self.reading.problem(problem)
            return
        tasks = value if isinstance(value, list) else [value]
        controls = self._controls() if any(isinstance(t, Mapping) and is_min(t) for t in tasks) else {}
        for place, task in enumerate(tasks):
            if isinstance(task, Mapping) and is_min(task):
                task, is_short = expand(task, controls), True
            else:
                is_short = False
            if not isinstance(task, Mapping) or not isinstance(task.get("data"), Mapping):
                self.bad(
                    f"[{place}]", "is no task of Label Studio: it has no object `data`", "export the project again"
                )
            else:
                yield _TaskReader(self, task, f"[{place}]", is_short).read()

    def _controls(self) -> Mapping[str, tuple[str, str]]:
        """The controls of the configuration beside the file."""
        folder = posixpath.dirname(self.name)
        for leaf in ("config.xml", "label_config.xml"):
            path = posixpath.join(folder, leaf)
            if path in self.reading.files.names:
                try:
                    return read_controls(self.reading.files.read(path))
                except ValueError as exc:
                    self.bad(
                        leaf, f"cannot be read: {exc}", "correct it; texts of choices are taken for data until then"
                    )
        return {}

    def bad(self, place: str, text: str, fix: str) -> None:
        """Tell of something that was not read."""
        shown = self.reading.files.shown(self.name)
        self.reading.problem(Problem(f"{place} {text}", address=shown, fix=fix, severity=Severity.WARNING))


@dataclass(slots=True)
class _TaskReader:
    """Reads one task; a result that cannot be read is told, kept as it is, and costs only itself."""

    file: _FileReader
    task: JSONObject
    place: str
    is_short: bool
    kind: str = field(init=False)
    slot: Slot | None = field(init=False)
    about: str | None = None
    annotations: list[Annotation] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    records: list[JSON] = field(default_factory=list)
    aside: list[JSON] = field(default_factory=list)
    parents: dict[str, list[str]] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    size: Size | None = None

    def read(self) -> Annotated:
        specification = self.file.reading.specification
        self.kind = specification.partition("_")[0]
        self.slot = choose(self.task)
        rows = self.task[self.slot.list][self.slot.place]["result"] if self.slot else []
        if count(self.task) > 1:
            fix = "mark the one that counts as ground truth"
            self.file.bad(self.place, "has several annotations; one is read, the others are kept as they are", fix)
        self.about = self._object(rows)
        key = self._data_key()
        name = task_name(self.task, key)
        self.size = self._size(rows, name)
        self._results(rows)
        media = MediaAnnotations(
            specification,
            tuple(self.annotations),
            self.size[0] if self.size else None,
            self.size[1] if self.size else None,
            tuple(self._groups()),
            tuple(self.relations),
            {RECORD_KEY: self._record(key)},
        )
        return Annotated(name, Document((media,)))

    def _object(self, rows: list[JSON]) -> str | None:
        """The object that the results are about that this kind of media can hold."""
        ours = [r for r in rows if isinstance(r, Mapping) and self._is_region(r) and isinstance(r.get("to_name"), str)]
        first = next((r["to_name"] for r in ours), None)
        return first or next(
            (r["to_name"] for r in rows if isinstance(r, Mapping) and type(r.get("to_name")) is str), None
        )

    def _data_key(self) -> str | None:
        data = self.task["data"]
        for name in (self.about, (self.about or "").removeprefix("$")):
            if name in data:
                return name
        texts = [k for k, v in data.items() if isinstance(v, str)]
        return next((k for k in texts if k.startswith(self.kind)), texts[0] if len(texts) == 1 else None)

    def _size(self, rows: list[JSON], name: str) -> Size | None:
        for row in rows:
            if isinstance(row, Mapping) and row.get("to_name") == self.about:
                sides = row.get("original_width"), row.get("original_height")
                if all(type(side) is int and side > 0 for side in sides):
                    return sides[0], sides[1]  # type: ignore[return-value]  # checked above
        declared = self.file.reading.options.get("size")
        if isinstance(declared, list) and len(declared) == 2:
            return int(declared[0]), int(declared[1])
        files = self.file.reading.files
        return files.picture_size(name) if name in files.names else None

    def _is_region(self, row: JSONObject) -> bool:
        type = row.get("type")
        if not isinstance(type, str) or not isinstance(row.get("value"), Mapping):
            return False
        if type == "labels":
            return self.kind in ("text", "audio") and "start" in row["value"]
        return _MEDIA.get(base_type(type)) == self.kind or (self.kind == "audio" and type == "timeserieslabels")

    def _results(self, rows: list[JSON]) -> None:
        """Regions with what is said about them, then statements and relations."""
        regions: dict[str, int] = {}
        said: dict[str, list[int]] = {}
        for at, row in enumerate(rows):
            if isinstance(row, Mapping) and isinstance(row.get("id"), str):
                if self._is_region(row) and row.get("to_name") == self.about and row["id"] not in regions:
                    regions[row["id"]] = at
                else:
                    said.setdefault(row["id"], []).append(at)
        owners = {at: regions[id] for id, places in said.items() if id in regions for at in places}
        links: list[int] = []
        for at, row in enumerate(rows):
            if at in owners:
                continue
            if isinstance(row, Mapping) and row.get("type") == "relation":
                links.append(at)
            else:
                id = row.get("id") if isinstance(row, Mapping) else None
                is_region = isinstance(id, str) and regions.get(id) == at
                self._try(rows, at, [b for b, region in owners.items() if region == at], is_region=is_region)
        for at in links:
            self._relation(rows[at], at)

    def _try(self, rows: list[JSON], at: int, about: list[int], *, is_region: bool) -> None:
        try:
            if is_region:
                self._region(rows, at, about)
            else:
                self._statement(rows[at], at)
        except ValueError as exc:
            fix = "nothing is lost: an export to Label Studio gives it back"
            self.file.bad(f"{self.place} result[{at}]", f"is kept as it is: {exc}", fix)
            self.aside += [{"at": n, "row": rows[n]} for n in (at, *about)]

    def _region(self, rows: list[JSON], at: int, about: list[int]) -> None:
        row = rows[at]
        if row.get("image_rotation"):
            raise ValueError("the picture was turned in the tool; places on turned pictures are not converted")
        labels = self._labels(row)
        attributes: dict[str, JSON] = {}
        meta = row.get("meta")
        more = meta.get("attributes") if isinstance(meta, Mapping) else None
        attributes |= {shown_name(k): v for k, v in more.items()} if isinstance(more, Mapping) else {}
        for n in about:
            if rows[n].get("type") in SAYING:
                control, value = read_saying(rows[n])
                attributes[shown_name(control)] = value
            elif rows[n].get("type") == "labels":
                labels = labels or self._labels(rows[n])
        if labels[1:]:
            attributes["labels"] = labels[1:]
        shapes = read_value(row["type"], row["value"], self._own_size(row), self.kind)
        name = labels[0] if labels else None
        parts = [
            imported_part(self._id(row["id"], n), tool, shape, name, attributes)
            for n, (tool, shape) in enumerate(shapes)
        ]
        self.annotations += parts
        self.ids[row["id"]] = parts[0].id
        if isinstance(row.get("parentID"), str):
            self.parents.setdefault(row["parentID"], []).extend(p.id for p in parts)
        self._keep(row, at, [{"at": n, "row": rows[n]} for n in about], parts)

    def _own_size(self, row: JSONObject) -> Size | None:
        sides = row.get("original_width"), row.get("original_height")
        if self.size is not None and type(sides[0]) is int and sides != self.size:
            raise ValueError(f"its picture has {short(sides[0])} x {short(sides[1])} pixels, others {self.size}")
        return self.size

    def _labels(self, row: JSONObject) -> list[str]:
        found = row["value"].get(label_key(row["type"])) if isinstance(row.get("value"), Mapping) else None
        return [label for label in found if isinstance(label, str) and label] if isinstance(found, list) else []

    def _id(self, given: str, n: int) -> str:
        """The result's own id while it is one; the platform takes any text."""
        is_free = n == 0 and given and len(given) <= _LONGEST_ID and given not in self.used
        found = given if is_free else stable_id(RECORD_KEY, self.place, given, n, len(self.used))
        self.used.add(found)
        return found

    def _keep(self, row: JSONObject, at: int, about: list[JSON], parts: list[Annotation]) -> None:
        ids = [part.id for part in parts]
        record: dict[str, JSON] = {"annotations": ids, "at": at, "digest": edit_digest(parts)}
        written = whole_region(parts[0], self.about or "", self.size) if len(parts) == 1 else None
        own = ("parentID",) if isinstance(row.get("parentID"), str) else ()
        record |= keep_row(row, written, parts, *own) if written is not None else {"row": row}
        if about:
            record["about"] = about
        self.records.append(record)

    def _statement(self, row: JSON, at: int) -> None:
        """A result about the whole task: a classification for each choice, else one of the control's name."""
        if not isinstance(row, Mapping) or not isinstance(row.get("type"), str):
            raise ValueError(f"{short(row)} is no result")
        if row["type"] not in SAYING:
            raise ValueError(f"results of type {row['type']!r} have no place in annotations of {self.kind}")
        name, value = read_saying(row)
        content = row["value"].get("choices")
        is_choice = isinstance(content, list) and content and all(isinstance(v, str) and v.strip() for v in content)
        meta = row.get("meta")
        more = meta.get("attributes") if isinstance(meta, Mapping) else None
        said = more if isinstance(more, Mapping) else {}
        pairs = [(v, said.get(v)) for v in dict.fromkeys(content)] if is_choice else [(name, {row["type"]: value})]
        parts = [
            imported_part(
                stable_id(RECORD_KEY, self.place, "statement", at, n),
                "classification",
                Classification(),
                label,
                {shown_name(k): v for k, v in attributes.items()} if isinstance(attributes, Mapping) else {},
            )
            for n, (label, attributes) in enumerate(pairs)
        ]
        self.annotations += parts
        ids = [part.id for part in parts]
        self.records.append({"annotations": ids, "at": at, "digest": edit_digest(parts), "row": row})

    def _relation(self, row: JSONObject, at: int) -> None:
        ends = [self.ids.get(str(row.get(end))) for end in ("from_id", "to_id")]
        if ends[0] is None or ends[1] is None:
            text = "is kept as it is: it relates results that are not there, or were not converted"
            self.file.bad(f"{self.place} result[{at}]", text, "nothing is lost: an export gives it back")
            self.aside.append({"at": at, "row": row})
            return
        rest = {k: v for k, v in row.items() if k not in ("from_id", "to_id")}
        found = stable_id(RECORD_KEY, self.place, "relation", at)
        self.relations.append(Relation(found, ends[0], ends[1], {RECORD_KEY: {"at": at, "set": rest}}))

    def _groups(self) -> Iterator[Group]:
        for parent, children in self.parents.items():
            head = [self.ids[parent]] if parent in self.ids else []
            found = stable_id(RECORD_KEY, self.place, "group", parent)
            yield Group(found, (*head, *children), {RECORD_KEY: parent})

    def _record(self, key: str | None) -> JSONObject:
        """All of the task but the results that are read."""
        lists = {n: self._list(n) for n in ("annotations", "predictions") if n in self.task}
        head = {k: v for k, v in self.task.items() if k not in lists}
        slot = [self.slot.list, self.slot.place] if self.slot else None
        record = {"task": {**head, **lists}, "slot": slot, "object": self.about, "key": key, "min": self.is_short}
        return {**record, "rows": self.records, "aside": self.aside}

    def _list(self, name: str) -> JSON:
        rows = self.task[name]
        if self.slot is None or self.slot.list != name:
            return rows
        place = self.slot.place
        return [{**row, "result": []} if n == place else row for n, row in enumerate(rows)]
