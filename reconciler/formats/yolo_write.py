"""Write YOLO: every item becomes a fragment, and the fragments become label files and the lists of classes.

A fragment has rows with names of classes and joints. Which number a name has depends on all items, so label files are
made when the data set is assembled; an item that did not change is never converted again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.formats.account import Account, decode_account, encode_account
from reconciler.formats.categories import PERSON_JOINTS, CategoryRules, CategoryTable, class_key, person_like
from reconciler.formats.geometry import EdgePolicy
from reconciler.formats.import_records import kept_categories
from reconciler.formats.items import ExportItem, Fragment, Fragments, ItemOutput, ItemPaths, OutputFile
from reconciler.formats.naming import primary_media
from reconciler.formats.pictures import Picture, draw
from reconciler.formats.yolo_layout import DataFiles, Layout, label_path, place
from reconciler.formats.yolo_objects import KEPT_KEY, RowRules, Task, YoloObject, write_rows
from reconciler.formats.yolo_rows import NO_JOINT
from reconciler.model.json import JSON, JSONObject, canonical_json, digest


@dataclass(frozen=True, slots=True)
class YoloOptions:
    """options of `format: yolo`, but for classification. geometry: policy for shapes that leave the picture.
    originals: specifications to copy. categories: order, reference rows and ids of the last publication.
    joins: the parts of an object are one row. crowds: regions of many things are written.
    joints: names in order, () for those that are met. flips: pairs of joints that a mirror swaps; None: by their names.
    has_visibility: joints have three values. root: `path` of data.yaml. has_splits: folders per split.
    """

    task: Task = Task.DETECT
    layout: Layout = Layout.ULTRALYTICS
    geometry: EdgePolicy = field(default_factory=EdgePolicy)
    originals: bool | tuple[str, ...] = True
    categories: CategoryRules = field(default_factory=lambda: CategoryRules(first=0))
    joins: bool = True
    crowds: bool = False
    joints: tuple[str, ...] = ()
    flips: tuple[tuple[str, str], ...] | None = None
    has_visibility: bool = True
    root: str | None = None
    has_splits: bool = False


@dataclass(frozen=True, slots=True)
class YoloWriter:
    """`format: yolo` for detect, segment, pose and obb. Pure; see `items.Writer`."""

    options: YoloOptions = field(default_factory=YoloOptions)
    format: str = "yolo"

    @property
    def digest(self) -> str:
        """Digest of the options that decide a fragment; order and ids of classes do not."""
        o = self.options
        originals = o.originals if isinstance(o.originals, bool) else list(o.originals)
        edge = [o.geometry.mode, o.geometry.tolerance]
        return digest([1, o.task, o.layout, edge, originals, o.joins, o.crowds, list(o.joints), o.has_splits])

    def paths(self, item: ExportItem) -> ItemPaths:
        """Pictures by layout, and beside them the label file of the primary one."""
        options = self.options
        primary = primary_media(item)
        originals = place(item, options.originals, options.layout)
        own = place(item, (primary,), options.layout) if primary else {}
        labels = {label_path(path, options.layout) for path in own.values()}
        return ItemPaths(originals, shared=tuple(sorted(labels)))

    def write_item(self, item: ExportItem) -> ItemOutput:
        """One fragment; label files are made by `assemble`."""
        drawn = draw(item)
        lines: list[str] = []
        joints: dict[str, None] = {}
        ids: dict[str, JSON] = {}
        for picture in drawn.pictures:
            path = place(item, (picture.media,), self.options.layout)[picture.media]
            lines.append(_dump({"picture": path, "label": label_path(path, self.options.layout)}))
            kept = _kept(picture)
            for written in self._objects(picture, kept):
                lines.append(_line(written))
                ids[written.name] = _kept_id(kept, written.name)
                joints |= dict.fromkeys(_order(written, kept))
        head = {"account": encode_account(drawn.account()), "classes": list(ids.items()), "joints": list(joints)}
        return ItemOutput({}, "\n".join([canonical_json(head), *lines]), drawn.account(), drawn.problems)

    def _objects(self, picture: Picture, kept: JSONObject) -> Iterator[YoloObject]:
        options = self.options
        rules = RowRules(
            picture.size,
            options.geometry,
            options.task,
            options.joins,
            options.crowds,
            options.joints,
            kept,
            kept_categories(picture.kept),
        )
        for found in picture.objects:
            written = write_rows(found, rules, picture.tally)
            if written is not None:
                yield written

    def account(self, fragment: str) -> Account:
        """The account inside a fragment."""
        return decode_account(json.loads(fragment.partition("\n")[0])["account"])

    def assemble(self, fragments: Fragments) -> Iterator[OutputFile]:
        """`classes.json`, the lists of the layout, and a label file per picture."""
        return _Assembly(self.options, fragments).files()


_dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def _kept(picture: Picture) -> JSONObject:
    found = picture.drawn.extra.get(KEPT_KEY)
    return found if isinstance(found, Mapping) else {}


def _kept_id(kept: JSONObject, name: str) -> int | None:
    ids = kept.get("classes")
    number = ids.get(name) if isinstance(ids, Mapping) else None
    return number if isinstance(number, int) and not isinstance(number, bool) and number >= 0 else None


def _line(written: YoloObject) -> str:
    joints = None if written.joints is None else list(written.joints.items())
    return _dump([written.name, written.rows, joints])


def _order(written: YoloObject, kept: JSONObject) -> Sequence[str]:
    """All joints of the skeleton that a pose is part of, in order, as far as it tells."""
    names = list(written.joints or ())
    known = kept.get("keypoints")
    if isinstance(known, list) and set(names) <= set(known):
        return known
    return PERSON_JOINTS if len(names) > 1 and person_like(names) else names


@dataclass(slots=True)
class _Assembly:
    """Turns fragments into files: one pass for classes and joints, one for the label files."""

    options: YoloOptions
    fragments: Fragments
    table: CategoryTable = field(init=False)
    joints: dict[str, None] = field(default_factory=dict)
    splits: set[str | None] = field(default_factory=set)

    def files(self) -> Iterator[OutputFile]:
        self.table = CategoryTable(self.options.categories)
        self.joints = dict.fromkeys(self.options.joints)
        for fragment in self.fragments():
            self._meet(fragment)
        lists = DataFiles(
            self._names(), tuple(self.joints), self.options.flips, 3 if self.options.has_visibility else 2
        )
        if self.options.layout is Layout.LEGACY:
            yield from lists.legacy(self._parts(), self._pictures)
        else:
            is_pose = self.options.task is Task.POSE and bool(self.joints)
            yield from lists.ultralytics(self._parts(), root=self.options.root, is_pose=is_pose)
        for fragment in self.fragments():
            yield from self._labels(fragment)

    def _meet(self, fragment: Fragment) -> None:
        head = json.loads(fragment.text.partition("\n")[0])
        for name, number in head["classes"]:
            self.table.meet({"name": name} if number is None else {"name": name, "id": number})
        if not self.options.joints:
            self.joints |= dict.fromkeys(head["joints"])
        self.splits.add(fragment.split if self.options.has_splits else None)

    def _parts(self) -> list[str | None]:
        named: list[str | None] = [*sorted(s for s in self.splits if s is not None)]
        return ([None] if None in self.splits or not named else []) + named

    def _names(self) -> list[str]:
        """Class names by id. Ids that nobody uses any more keep their name, or get one, since none may be missing."""
        rows = {row["id"]: row["name"] for row in self.table.close()}
        before = {number: name for name, number in self.options.categories.previous.items()}
        return [rows.get(n, before.get(n, f"class_{n}")) for n in range(max(rows, default=-1) + 1)]

    def _pictures(self, split: str | None) -> Iterator[str]:
        for fragment in self.fragments():
            if split == (fragment.split if self.options.has_splits else None):
                for line in fragment.text.split("\n")[1:]:
                    if line.startswith("{"):
                        yield json.loads(line)["picture"]

    def _labels(self, fragment: Fragment) -> Iterator[OutputFile]:
        path, rows = "", list[str]()
        for line in fragment.text.split("\n")[1:]:
            value = json.loads(line)
            if isinstance(value, dict):
                if path:
                    yield _label_file(path, rows)
                path, rows = value["label"], []
            else:
                rows += self._rows(*value)
        if path:
            yield _label_file(path, rows)

    def _rows(self, name: str, rows: Sequence[str], joints: Sequence[tuple[str, Sequence[str]]] | None) -> list[str]:
        number = self.table.id_of(class_key(name), None)
        if joints is None:
            return [f"{number} {row}" for row in rows]
        by_name = dict(joints)
        across = 3 if self.options.has_visibility else 2
        values = [(*by_name.get(joint, NO_JOINT), "2")[:across] for joint in self.joints]
        return [" ".join([str(number), *rows, *(v for joint in values for v in joint)])]


def _label_file(path: str, rows: Sequence[str]) -> OutputFile:
    return OutputFile(path, iter(("".join(f"{row}\n" for row in rows).encode(),)), is_of_item=True)
