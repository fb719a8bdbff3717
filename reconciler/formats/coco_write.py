"""Write COCO: every item becomes a fragment, and the fragments become `instances.json` and its neighbours.

A fragment holds everything about an item but the numbers that depend on its neighbours (ids of pictures, annotations
and categories), so an item that did not change is never converted again.

Source of the format: COCO data format (cocodataset.org), and `attributes` as CVAT and datumaro read it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from reconciler.formats.account import Account, decode_account, encode_account
from reconciler.formats.assembling import Numbers, chunked
from reconciler.formats.categories import CategoryRules, CategoryTable, class_key
from reconciler.formats.coco_objects import CocoObject, ObjectRules, write_object
from reconciler.formats.geometry import EdgePolicy
from reconciler.formats.import_records import kept_categories
from reconciler.formats.items import ExportItem, Fragment, Fragments, ItemOutput, ItemPaths, OutputFile
from reconciler.formats.naming import safe_component, settle_paths
from reconciler.formats.pictures import Picture, draw
from reconciler.model.json import JSON, JSONObject, canonical_json, digest


@dataclass(frozen=True, slots=True)
class CocoOptions:
    """options of `format: coco`. geometry: policy for shapes that leave the picture. originals: specifications to copy.
    categories: order, reference rows, ids of the last publication and skeletons. frame: `info` and `licenses`.
    crowd_masks: masks that say nothing count as crowds (iscrowd 1). has_splits: one file per split.
    """

    geometry: EdgePolicy = field(default_factory=EdgePolicy)
    originals: bool | tuple[str, ...] = True
    categories: CategoryRules = field(default_factory=CategoryRules)
    frame: JSONObject = field(default_factory=dict)
    crowd_masks: bool = False
    has_splits: bool = False


@dataclass(frozen=True, slots=True)
class CocoWriter:
    """`format: coco`. Pure; see `items.Writer`."""

    options: CocoOptions = field(default_factory=CocoOptions)
    format: str = "coco"

    @property
    def digest(self) -> str:
        """Digest of the options that decide a fragment; order and ids of categories do not."""
        o = self.options
        originals = o.originals if isinstance(o.originals, bool) else list(o.originals)
        edge = [o.geometry.mode, o.geometry.tolerance]
        return digest([1, edge, originals, o.crowd_masks, {k: dict(v) for k, v in o.categories.skeletons.items()}])

    def paths(self, item: ExportItem) -> ItemPaths:
        """`images/[<split>/]<key><suffix>` for the primary picture; see `naming.settle_paths` for the others."""
        return settle_paths(item, self.options.originals, annotation=None)

    def write_item(self, item: ExportItem) -> ItemOutput:
        """One fragment; no files of its own."""
        drawn = draw(item)
        builder = _FragmentBuilder(self.options)
        for picture in drawn.pictures:
            builder.add_picture(picture, _file_name(item, picture.media, self.options))
        account = drawn.account()
        return ItemOutput({}, builder.text(account), account, drawn.problems)

    def account(self, fragment: str) -> Account:
        """The account inside a fragment."""
        return decode_account(_head(fragment)["account"])

    def assemble(self, fragments: Fragments) -> Iterator[OutputFile]:
        """`annotations/instances[_<split>].json`, captions and labels when there are any, and `classes.json`."""
        return _Assembly(self.options, fragments).files()


def write_coco(items: Iterable[ExportItem], options: CocoOptions | None = None) -> dict[str, JSON]:
    """Convert all items at once, in memory: path → parsed file. For tests, small exports and libraries' users."""
    writer = CocoWriter(options or CocoOptions())
    fragments = [Fragment(i.key, i.split, writer.write_item(i).fragment) for i in sorted(items, key=lambda i: i.key)]
    return {file.path: json.loads(b"".join(file.chunks)) for file in writer.assemble(lambda: fragments)}


def _file_name(item: ExportItem, media: str, options: CocoOptions) -> str:
    """Path below the folder of pictures, as `file_name` wants it."""
    path = settle_paths(item, (media,), annotation=None).originals[media]
    prefix = f"images/{safe_component(item.split)}/" if options.has_splits and item.split else "images/"
    return path.removeprefix(prefix)


@dataclass(slots=True)
class _FragmentBuilder:
    options: CocoOptions
    lines: list[str] = field(default_factory=list)
    categories: list[JSONObject] = field(default_factory=list)
    image_ids: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)

    def add_picture(self, picture: Picture, file_name: str) -> None:
        self._image_line(picture.kept.get("image"), file_name, picture.size)
        options = self.options
        rows = kept_categories(picture.kept)
        rules = ObjectRules(picture.size, options.geometry, options.crowd_masks, options.categories.skeletons, rows)
        for found in picture.objects:
            written = write_object(found, rules, picture.tally)
            if written is not None:
                self._object_line(written)

    def _image_line(self, kept: JSON, file_name: str, size: tuple[int, int] | None) -> None:
        row: dict[str, JSON] = {"file_name": file_name}
        if size is not None:
            row |= {"width": size[0], "height": size[1]}
        row |= {k: v for k, v in (kept.items() if isinstance(kept, Mapping) else ()) if k not in row}
        number = row.pop("id", None)
        if _is_id(number):
            self.image_ids.append(number)
        self.lines.append(f"i\t{number if _is_id(number) else ''}\t{_dump(row)}")

    def _object_line(self, written: CocoObject) -> None:
        if written.id is not None:
            self.ids.append(written.id)
        category = ""
        if written.category is not None:
            if written.category not in self.categories:
                self.categories.append(written.category)
            category = _named(written.category["name"], written.category.get("id"))
        number = "" if written.id is None else str(written.id)
        joints = "" if written.joints is None else _dump(written.joints)
        self.lines.append(f"{written.kind}\t{number}\t{category}\t{joints}\t{_dump(written.body)}")

    def text(self, account: Account) -> str:
        head = {
            "account": encode_account(account),
            "categories": self.categories,
            "image_ids": self.image_ids,
            "ids": self.ids,
        }
        return "\n".join([canonical_json(head), *self.lines])


@lru_cache(maxsize=4096)
def _named(name: str, number: int | None) -> str:
    """What a line says of its category; the same for most of them."""
    return _dump([class_key(name), number])


def _is_id(value: JSON) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def _head(fragment: str) -> JSONObject:
    head: JSONObject = json.loads(fragment.partition("\n")[0])
    return head


# Kinds of annotation lines, and the file each goes to.
_FILES: Final = {"a": "instances", "c": "captions", "l": "labels"}


@dataclass(slots=True)
class _Assembly:
    """Turns fragments into files: one pass for ids and categories, then two per file."""

    options: CocoOptions
    fragments: Fragments
    table: CategoryTable = field(init=False)
    image_ids: set[int] = field(default_factory=set)
    ids: set[int] = field(default_factory=set)
    kinds: set[str] = field(default_factory=lambda: {"a"})
    splits: set[str | None] = field(default_factory=set)
    rows: Sequence[JSONObject] = ()
    names: dict[str, Sequence[JSON]] = field(default_factory=dict)

    def files(self) -> Iterator[OutputFile]:
        self.table = CategoryTable(self.options.categories)
        for fragment in self.fragments():
            self._meet(fragment)
        self.rows = self.table.close()
        for kind in sorted(self.kinds, key=lambda k: _FILES[k]):
            for split in self._parts():
                name = _FILES[kind] + (f"_{safe_component(split)}" if split is not None else "")
                yield OutputFile(f"annotations/{name}.json", chunked(self._file(kind, split)))
        yield OutputFile("classes.json", iter((self._classes(),)))

    def _parts(self) -> list[str | None]:
        """The splits to write; None stands for items that belong to none, and for an export without splits."""
        if not self.options.has_splits or not self.splits:
            return [None]
        named: list[str | None] = [*sorted(s for s in self.splits if s is not None)]
        return ([None] if None in self.splits else []) + named

    def _meet(self, fragment: Fragment) -> None:
        head, _, rest = fragment.text.partition("\n")
        found = json.loads(head)
        self.image_ids.update(found["image_ids"])
        self.ids.update(found["ids"])
        self.splits.add(fragment.split)
        for row in found["categories"]:
            self.table.meet(row)
        self.kinds.update(k for k in _FILES if f"\n{k}\t" in rest)

    def _classes(self) -> bytes:
        rows = [{"id": r["id"], "name": r["name"]} for r in self.rows]
        return (json.dumps(rows, ensure_ascii=False, indent=1) + "\n").encode()

    def _file(self, kind: str, split: str | None) -> Iterator[str]:
        yield "{"
        for key, value in sorted(self.options.frame.items()):
            yield f"{_dump(key)}:{_dump(value)},"
        yield '"images":['
        yield from _joined(self._images(split))
        yield '],\n"annotations":['
        yield from _joined(self._annotations(kind, split))
        yield f'],\n"categories":{_dump(self.rows)}}}\n' if kind != "c" else "]}\n"

    def _lines(self) -> Iterator[tuple[str | None, int, str]]:
        """(split, id of the picture, line) of every line, in order; pictures are numbered on the way."""
        numbers = Numbers(self.image_ids)
        for fragment in self.fragments():
            image = 0
            for line in fragment.text.split("\n")[1:]:
                if line.startswith("i\t"):
                    image = numbers.take(line.split("\t", 2)[1])
                yield fragment.split if self.options.has_splits else None, image, line

    def _images(self, split: str | None) -> Iterator[str]:
        for its_split, number, line in self._lines():
            if its_split == split and line.startswith("i\t"):
                yield _with(f'"id":{number}', line.split("\t", 2)[2])

    def _annotations(self, kind: str, split: str | None) -> Iterator[str]:
        numbers = Numbers(self.ids)
        for its_split, image, line in self._lines():
            if line.startswith("i\t"):
                continue
            its_kind, wanted, category, joints, body = line.split("\t", 4)
            number = numbers.take(wanted)
            if its_split == split and its_kind == kind:
                yield self._annotation(number, image, category, joints, body)

    def _annotation(self, number: int, image: int, category: str, joints: str, body: str) -> str:
        members = f'"id":{number},"image_id":{image}'
        if category:
            name, wanted = self._name(category)
            members += f',"category_id":{self.table.id_of(name, wanted)}'
            if joints:
                members += f",{_dump(_vector(json.loads(joints), self.table.joints(name)))[1:-1]}"
        return _with(members, body)

    def _name(self, category: str) -> Sequence[JSON]:
        """Name and wanted id of a category; the same few texts stand in most lines."""
        found = self.names.get(category)
        if found is None:
            found = self.names[category] = json.loads(category)
        return found


def _vector(joints: Sequence[Sequence[JSON]], names: Sequence[str]) -> JSONObject:
    """`keypoints` of named joints, in the order of the category; those that are not there are 0, 0, 0."""
    by_name = {name: (x, y, seen) for name, x, y, seen in joints}
    values = [value for name in names for value in by_name.get(name, (0, 0, 0))]
    return {"keypoints": values, "num_keypoints": sum(1 for seen in values[2::3] if seen)}


def _with(members: str, body: str) -> str:
    """An object's text with these members before those it has."""
    return f"{{{members}}}" if body == "{}" else f"{{{members},{body[1:]}"


def _joined(rows: Iterable[str]) -> Iterator[str]:
    first = True
    for row in rows:
        yield f"\n{row}" if first else f",\n{row}"
        first = False
