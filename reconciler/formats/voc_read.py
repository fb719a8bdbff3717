"""Read Pascal VOC data sets into annotated documents, so that an export gives the same content back.

An `<object>` becomes a box with pose, flags and actions as attributes; a `<part>` a box that says what it is part of;
an instance of the planes a mask, tied to the object of its number when both have one class. What DM has no place for is
kept under `extra[media].voc`: members of the file, the corners as they were written, and numbers in the planes.

Source of the format: The PASCAL Visual Object Classes Challenge 2012 Development Kit; `attributes` as CVAT and datumaro
write it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from reconciler.errors import Location, Problem, Severity
from reconciler.formats.annotations import (
    Annotation,
    Box,
    Classification,
    Document,
    Group,
    Mask,
    MediaAnnotations,
    Shape,
)
from reconciler.formats.attribute_values import is_true, shown_name
from reconciler.formats.geometry import Size
from reconciler.formats.png import Plane, PngFault, read_plane
from reconciler.formats.reading import Annotated, Reading
from reconciler.formats.stable_ids import stable_id
from reconciler.formats.voc_boxes import read_corners, read_number
from reconciler.formats.voc_files import VocEntry, VocFiles, sort_files
from reconciler.formats.voc_labels import LabelMap, read_label_map
from reconciler.formats.voc_lists import ImageSets, read_lists
from reconciler.formats.voc_objects import FLAGS, PART_OF, RECORD_KEY, STANDARD
from reconciler.formats.voc_planes_read import FoundMask, class_name, find_masks, void_runs
from reconciler.formats.xml_tree import Node, XmlFault, parse, to_json
from reconciler.model.json import JSON, JSONObject

_CORNERS: Final = ("xmin", "ymin", "xmax", "ymax")
_KNOWN: Final = frozenset({"name", "pose", "bndbox", "part", "actions", "attributes", *FLAGS})
_HEAD: Final = frozenset({"folder", "filename", "path", "source", "size", "segmented", "object"})
_MEMBERS: Final = {"isLocked": False, "isVisible": True, "isValid": True, "isDrawCompleted": True}


def read_voc(reading: Reading) -> Iterator[Annotated]:
    """Read every picture that has an XML file or a plane, in order of names; see `reading.Reader`."""
    files = sort_files(reading.files.names)
    wanted = reading.options.get("imageSet")
    lists = read_lists(reading, files)
    labels = _labels(reading, files)
    origin = reading.options.get("origin", 0)
    for name, entry in files.entries.items():
        if wanted is None or name in lists.members(str(wanted)):
            yield from _PictureReader(reading, name, entry, lists, labels, origin).read()


def _labels(reading: Reading, files: VocFiles) -> LabelMap:
    given = reading.options.get("classes")
    if isinstance(given, list):
        return LabelMap(["background", *map(str, given)])
    if files.label_map is None:
        return LabelMap()
    try:
        return read_label_map(reading.files.read(files.label_map).decode("utf-8-sig"))
    except ValueError as exc:
        shown = reading.files.shown(files.label_map)
        reading.problem(Problem(f"{shown}: {exc}", at=Location(shown), fix="correct the file"))
        return LabelMap()


@dataclass(slots=True)
class _PictureReader:
    """Reads the files of one picture; what cannot be read is told and costs only itself."""

    reading: Reading
    name: str
    entry: VocEntry
    lists: ImageSets
    labels: LabelMap
    origin: int
    annotations: list[Annotation] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    records: dict[str, JSON] = field(default_factory=dict)
    boxes: list[Annotation | None] = field(default_factory=list)

    def read(self) -> Iterator[Annotated]:
        root = self._xml()
        if root is None and not (self.entry.classes or self.entry.objects):
            return
        root = root or Node("annotation")
        for number, node in enumerate(root.all("object"), 1):
            self._object(node, number)
        size, void = self._planes(_size(root))
        self._presence()
        size = size or (self.reading.files.picture_size(self.entry.picture) if self.entry.picture else None)
        record = {**_kept(root), **({"void": void} if void else {}), "objects": self.records}
        media = MediaAnnotations(
            self.reading.specification,
            tuple(self.annotations),
            size[0] if size else None,
            size[1] if size else None,
            tuple(self.groups),
            extra={RECORD_KEY: record},
        )
        yield Annotated(self._picture_name(root), Document((media,)))

    def _picture_name(self, root: Node) -> str:
        """The picture's path in the data set; when it is not there, the name that the XML gives beside the id."""
        if self.entry.picture:
            return self.entry.picture
        said = (root.get("filename") or "").replace("\\", "/")
        suffix = PurePosixPath(said).suffix
        return f"{self.name}{suffix}" if suffix or not said else said

    def _bad(self, name: str, line: int, text: str, fix: str = "correct the file, or export it again") -> None:
        shown = self.reading.files.shown(name)
        self.reading.problem(Problem(text, at=Location(shown, line), fix=fix, severity=Severity.WARNING))

    def _xml(self) -> Node | None:
        name = self.entry.xml
        if name is None:
            return None
        try:
            root = parse(self.reading.files.read(name))
        except XmlFault as exc:
            self._bad(name, exc.line, f"is no XML that can be read: {exc.reason}")
            return None
        if root.tag != "annotation":
            self._bad(name, 1, f"is no VOC file: it begins with <{root.tag}>, not <annotation>")
            return None
        return root

    def _object(self, node: Node, number: int) -> None:
        """One object and its parts; `boxes` gets a place for each object, so that numbers in planes agree."""
        whole = self._boxed(node, f"o{number}", _object_attributes(node))
        self.boxes.append(whole)
        if whole is None:
            return
        record = _object_record(node)
        if record:
            self.records[whole.id] = {**self.records.get(whole.id, {}), **record}
        for place, part in enumerate(node.all("part"), 1):
            self._boxed(part, f"o{number}/{place}", {PART_OF: whole.id})

    def _boxed(self, node: Node, seed: str, attributes: JSONObject) -> Annotation | None:
        assert self.entry.xml is not None
        name = (node.get("name") or "").strip()
        corners = node.child("bndbox")
        if not name or corners is None:
            what = "class" if not name else "box"
            self._bad(self.entry.xml, node.line, f"<{node.tag}> has no {what} and is left out")
            return None
        texts = [corners.get(corner) or "" for corner in _CORNERS]
        try:
            left, top, right, bottom = (read_number(text) for text in texts)
        except ValueError:
            self._bad(self.entry.xml, corners.line, f"<bndbox> of {name!r} holds {texts}, not four numbers")
            return None
        box = Box(*read_corners((left, top, right, bottom), self.origin))
        found = self._add(seed, "bounding_box", box, name, attributes)
        if not all(text.strip() == text and text.isdecimal() for text in texts):
            self.records[found.id] = {"box": texts, "origin": self.origin}
        if min(left, top) < self.origin:
            text = f"{name!r} begins at {min(left, top)}: coordinates begin at {self.origin}"
            fix = "when they count from 0, set formatOptions.origin: 0" if self.origin else "correct the corners"
            self._bad(self.entry.xml, corners.line, text, fix=fix)
        return found

    def _add(self, seed: str, tool: str, shape: Shape, name: str | None, attributes: JSONObject) -> Annotation:
        members = {**_MEMBERS, "label": [name] if name else []}
        found = Annotation(stable_id("voc", self.name, seed), tool, shape, name, attributes, members)
        self.annotations.append(found)
        return found

    def _planes(self, size: Size | None) -> tuple[Size | None, list[list[int]]]:
        classes, objects = self._plane(self.entry.classes), self._plane(self.entry.objects)
        plane = objects or classes
        if plane is None:
            return size, []
        if size is not None and size != (plane.width, plane.height):
            text = f"the plane has {plane.width} x {plane.height} pixels, its picture {size[0]} x {size[1]}"
            self._bad(self.entry.objects or self.entry.classes or "", 0, text)
            return size, []
        try:
            for found in find_masks(classes, objects):
                self._mask(found, classes)
        except PngFault as exc:
            self._bad(self.entry.objects or "", 0, str(exc))
        return (plane.width, plane.height), void_runs(plane)

    def _plane(self, name: str | None) -> Plane | None:
        if name is None:
            return None
        try:
            return read_plane(self.reading.files.read(name))
        except PngFault as exc:
            self._bad(name, 0, f"is no plane that can be read: {exc}")
            return None

    def _mask(self, found: FoundMask, classes: Plane | None) -> None:
        """A mask; with the object of the same number and class, it is one thing."""
        number = found.instance
        twin = self.boxes[number - 1] if number is not None and number <= len(self.boxes) else None
        named = class_name(found, classes, self.labels)
        name = named or (twin.class_name if twin is not None and found.class_index is None else None)
        if name is None:
            index = number if found.class_index is None else found.class_index
            fix = "name it in labelmap.txt or formatOptions.classes"
            self._bad(self.entry.classes or self.entry.objects or "", 0, f"index {index} has no class", fix=fix)
        is_twin = twin is not None and twin.class_name == name
        attributes = twin.attributes if twin is not None and is_twin else {}
        mask = self._add(f"m{number}/{found.class_index}", "segmentation", Mask(found.runs), name, attributes)
        record = {"element": False} if number is None or not is_twin else {}
        self.records[mask.id] = {**record, **({} if number is None else {"instance": number})}
        if twin is not None and is_twin:
            group = stable_id("voc", self.name, f"g{number}")
            self.groups.append(Group(group, (twin.id, mask.id)))
            self.records[twin.id] = {**self.records.get(twin.id, {}), "instance": number}

    def _presence(self) -> None:
        """Classes that a list gives the picture and no object has."""
        there = {a.class_name for a in self.annotations}
        for name in self.lists.classes_of(self.name):
            if name not in there:
                self._add(f"c{name}", "classification", Classification(), name, {})


def _size(root: Node) -> Size | None:
    try:
        width, height = int(root.get("size/width") or 0), int(root.get("size/height") or 0)
    except ValueError:
        return None
    return (width, height) if width > 0 and height > 0 else None


def _kept(root: Node) -> dict[str, JSON]:
    """Members of a file that DM has no place for."""
    kept: dict[str, JSON] = {}
    for key, path in (("folder", "folder"), ("filename", "filename"), ("path", "path"), ("depth", "size/depth")):
        text = root.get(path)
        if text is not None:
            kept[key] = text
    source = root.child("source")
    if source is not None:
        kept["source"] = to_json(source)
    more = [to_json(child) for child in root.children if child.tag not in _HEAD]
    return {**kept, **({"more": more} if more else {})}


def _object_attributes(node: Node) -> dict[str, JSON]:
    """Pose, flags and actions when they say anything, and the attributes of the extension."""
    said: dict[str, JSON] = {}
    pose = node.get("pose")
    if pose and pose != "Unspecified":
        said["pose"] = pose
    said |= {flag: True for flag in FLAGS if is_true(node.get(flag))}
    actions = node.child("actions")
    if actions is not None:
        said["actions"] = [action.tag for action in actions.children if is_true(action.text)]
    extension = node.child("attributes")
    for row in extension.all("attribute") if extension is not None else ():
        name = shown_name(row.get("name") or "")
        if name and name not in said:
            said[name] = row.get("value") or ""
    return said


def _object_record(node: Node) -> dict[str, JSON]:
    """What the way back needs to know: which members there were, when not the usual ones, and unknown members."""
    record: dict[str, JSON] = {}
    members = [child.tag for child in node.children if child.tag in _KNOWN - {"part", "actions", "attributes"}]
    if set(members) != set(STANDARD):
        record["members"] = members
    more = [to_json(child) for child in node.children if child.tag not in _KNOWN]
    if more:
        record["more"] = more
    actions = node.child("actions")
    if actions is not None:
        record["actions"] = [action.tag for action in actions.children]
    return record
