"""Read CVAT for images 1.1 into annotated documents, so that an export gives the same content back.

A shape becomes an annotation of its kind, several points of one shape joints of a group, a skeleton the same, a tag a
classification. `occluded` and `z_order` are attributes. What DM has no place for is kept under `extra[media].cvat`: the
number of the picture, its labels, and where shapes came from; numbers and kinds of groups beside their members.

Source of the format: CVAT documentation, "CVAT for images 1.1".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
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
    Point,
    Polygon,
    Polyline,
    Shape,
)
from reconciler.formats.attribute_values import shown_name
from reconciler.formats.cvat_labels import attribute_types, read_labels, read_value
from reconciler.formats.cvat_objects import RECORD_KEY
from reconciler.formats.cvat_shapes import read_degrees, read_mask, read_number, read_points
from reconciler.formats.geometry import Size, tidy
from reconciler.formats.reading import Annotated, Reading
from reconciler.formats.stable_ids import stable_id
from reconciler.formats.xml_tree import Node, Root, XmlFault, iterate, to_json
from reconciler.model.json import JSON

_MEMBERS: Final = {"isLocked": False, "isVisible": True, "isValid": True, "isDrawCompleted": True}


def read_cvat(reading: Reading) -> Iterator[Annotated]:
    """Read every XML file of a data set, picture by picture; see `reading.Reader`."""
    names = frozenset(reading.files.names)
    for name in reading.files.names:
        if name.lower().endswith(".xml"):
            yield from _FileReader(reading, name, names).read()


@dataclass(slots=True)
class _FileReader:
    reading: Reading
    name: str
    names: frozenset[str]
    labels: Mapping[str, Node] = field(default_factory=dict)

    def read(self) -> Iterator[Annotated]:
        try:
            for node in iterate(self.reading.files.read(self.name)):
                if isinstance(node, Root) and node.tag != "annotations":
                    self.bad(1, f"is no CVAT file: it begins with <{node.tag}>, not <annotations>")
                    return
                if isinstance(node, Node):
                    yield from self._child(node)
        except XmlFault as exc:
            self.bad(exc.line, f"is no XML that can be read: {exc.reason}")

    def bad(self, line: int, text: str, fix: str = "correct the file, or export it again") -> None:
        """Tell of one thing that could not be read."""
        shown = self.reading.files.shown(self.name)
        self.reading.problem(Problem(text, at=Location(shown, line), fix=fix, severity=Severity.WARNING))

    def _child(self, node: Node) -> Iterator[Annotated]:
        if node.tag == "meta":
            self.labels = read_labels(node)
        elif node.tag == "image":
            name = node.attributes.get("name")
            if name:
                document = _PictureReader(self, node, self.labels, name).document(self.reading.specification)
                yield Annotated(self._place(name, node.attributes.get("subset")), document)
            else:
                self.bad(node.line, "<image> has no name and is left out")
        elif node.tag == "track":
            label = node.attributes.get("label", "")
            text = f"track {node.attributes.get('id', '')} ({label!r}, {len(node.children)} shapes) is left out"
            self.bad(node.line, text, fix='tracks of videos are not read: export the task as "CVAT for images"')

    def _place(self, name: str, subset: str | None) -> str:
        """The picture's path in the data set, as far as it is there."""
        above = self.name.rpartition("/")[0]
        folders = [f"images/{subset}/", "images/", f"{subset}/", ""] if subset else ["images/", ""]
        found = (f"{above}/{folder}{name}" if above else f"{folder}{name}" for folder in folders)
        return next((path for path in found if path in self.names), name)


@dataclass(slots=True)
class _PictureReader:
    """Reads one `<image>`; a shape that cannot be read is told and costs only itself."""

    file: _FileReader
    node: Node
    labels: Mapping[str, Node]
    name: str
    size: Size | None = None
    annotations: list[Annotation] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    members: dict[int, list[str]] = field(default_factory=dict)
    records: dict[str, JSON] = field(default_factory=dict)

    def document(self, specification: str) -> Document:
        self.size = self._size()
        for place, node in enumerate(self.node.children):
            try:
                self._read(node, str(place))
            except ValueError as exc:
                self.file.bad(node.line, f"<{node.tag}> of {self.name!r} is left out: {exc}")
        for number, members in sorted(self.members.items()):
            self.groups.append(Group(self._id(f"group {number}"), tuple(members), {RECORD_KEY: number}))
        media = MediaAnnotations(
            specification,
            tuple(self.annotations),
            self.size[0] if self.size else None,
            self.size[1] if self.size else None,
            tuple(self.groups),
            extra={RECORD_KEY: self._record()},
        )
        return Document((media,))

    def _size(self) -> Size | None:
        said = self.node.attributes
        try:
            width, height = int(said.get("width", "")), int(said.get("height", ""))
        except ValueError:
            return None
        return (width, height) if width > 0 and height > 0 else None

    def _record(self) -> dict[str, JSON]:
        number = self.node.attributes.get("id", "")
        used = {node.attributes.get("label", "") for node in self.node.children}
        labels = {name: to_json(self.labels[name]) for name in sorted(used & self.labels.keys())}
        head: dict[str, JSON] = {"id": int(number)} if number.isdecimal() else {}
        return {**head, "labels": labels, "objects": self.records}

    def _id(self, seed: str) -> str:
        return stable_id("cvat", self.name, self.node.attributes.get("subset", ""), seed)

    def _read(self, node: Node, seed: str) -> None:
        if node.tag == "skeleton":
            self._skeleton(node, seed)
        elif node.tag == "points":
            self._points(node, seed)
        else:
            tool, read = _SHAPES.get(node.tag, (None, None))
            if tool is None or read is None:
                raise ValueError("no such shape is known")
            self._add(node, seed, tool, read(node, self.size))

    def _points(self, node: Node, seed: str) -> None:
        points = read_points(_need(node, "points"))
        if not points:
            raise ValueError("it has no point")
        said = {**self._said(node), "visibility": _visibility(node)}
        said.pop("occluded", None)
        if len(points) == 1:
            self._add(node, seed, "keypoint", Point(*points[0]), said=said)
            return
        parts = [
            self._add(node, f"{seed}/{n}", "keypoint", Point(*point), name=str(n), said=said)
            for n, point in enumerate(points, 1)
        ]
        self._pose(node, seed, parts, "points")

    def _skeleton(self, node: Node, seed: str) -> None:
        parts: list[str] = []
        for place, joint in enumerate(node.all("points")):
            points = read_points(_need(joint, "points"))
            if len(points) != 1:
                raise ValueError(f"joint {joint.attributes.get('label')!r} is not one point")
            said = {**(self._said(node) if not parts else {}), **self._said(joint), "visibility": _visibility(joint)}
            said.pop("occluded", None)
            name = joint.attributes.get("label") or str(place + 1)
            parts.append(self._add(joint, f"{seed}/{place}", "keypoint", Point(*points[0]), name=name, said=said))
        if not parts:
            raise ValueError("it has no joint")
        self._pose(node, seed, parts, "skeleton")

    def _pose(self, node: Node, seed: str, parts: list[str], form: str) -> None:
        """Tie joints; the group says the class of the whole, and how it was drawn."""
        group = self._id(f"{seed}/pose")
        self.groups.append(Group(group, tuple(parts), {"class": node.attributes.get("label", ""), "form": form}))
        self._join(node, parts)

    def _join(self, node: Node, parts: list[str]) -> None:
        number = node.attributes.get("group_id", "0")
        if number.isdecimal() and int(number):
            self.members.setdefault(int(number), []).extend(parts)

    def _add(
        self,
        node: Node,
        seed: str,
        tool: str,
        shape: Shape,
        *,
        name: str | None = None,
        said: Mapping[str, JSON] | None = None,
    ) -> str:
        """One annotation; returns its id. name, said: of joints, whose class and attributes are not the element's."""
        label = node.attributes.get("label", "")
        own = name if name is not None else label or None
        found = self._id(seed)
        values = dict(self._said(node) if said is None else said)
        members = {**_MEMBERS, "label": [own] if own else []}
        self.annotations.append(Annotation(found, tool, shape, own, values, members))
        record = {} if label or name is not None else {"label": ""}
        if node.attributes.get("source", "manual") != "manual":
            record["source"] = node.attributes["source"]
        if record:
            self.records[found] = record
        if name is None:
            self._join(node, [found])
        return found

    def _said(self, node: Node) -> dict[str, JSON]:
        """Attributes with the types that their label declares, and what the element itself says beside its shape."""
        types = attribute_types(self.labels.get(node.attributes.get("label", "")))
        said: dict[str, JSON] = {}
        for row in node.all("attribute"):
            name = row.attributes.get("name")
            if name:
                said[shown_name(name)] = read_value(row.text, types.get(name, "text"))
        if node.attributes.get("occluded") == "1":
            said["occluded"] = True
        order = node.attributes.get("z_order", "0")
        if order.lstrip("-").isdecimal() and int(order):
            said["z_order"] = int(order)
        return said


def _need(node: Node, name: str) -> str:
    if name not in node.attributes:
        raise ValueError(f"it has no {name}")
    return node.attributes[name]


def _visibility(joint: Node) -> str:
    if joint.attributes.get("outside") == "1":
        return "missing"
    return "occluded" if joint.attributes.get("occluded") == "1" else "visible"


def _box(node: Node, size: Size | None) -> Shape:
    del size
    left, top, right, bottom = (read_number(_need(node, name)) for name in ("xtl", "ytl", "xbr", "ybr"))
    return Box(
        left,
        top,
        _difference(right, left),
        _difference(bottom, top),
        read_degrees(node.attributes.get("rotation", "0")),
    )


def _difference(high: float, low: float) -> float:
    return high - low if isinstance(high, int) and isinstance(low, int) else tidy(high - low)


def _polygon(node: Node, size: Size | None) -> Shape:
    del size
    return Polygon(read_points(_need(node, "points")))


def _polyline(node: Node, size: Size | None) -> Shape:
    del size
    return Polyline(read_points(_need(node, "points")))


def _mask(node: Node, size: Size | None) -> Shape:
    if size is None:
        raise ValueError("a mask needs width and height of the picture")
    counts = [int(count) for count in _need(node, "rle").split(",")]
    left, top, width, height = (int(_need(node, name)) for name in ("left", "top", "width", "height"))
    return Mask(read_mask(counts, (left, top, width, height), size))


def _tag(node: Node, size: Size | None) -> Shape:
    del node, size
    return Classification()


_SHAPES: Final[Mapping[str, tuple[str, Callable[[Node, Size | None], Shape]]]] = {
    "box": ("bounding_box", _box),
    "polygon": ("polygon", _polygon),
    "polyline": ("polyline", _polyline),
    "mask": ("segmentation", _mask),
    "tag": ("classification", _tag),
}
