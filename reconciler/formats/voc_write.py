"""Write Pascal VOC: an XML file per picture, segmentation planes, and the lists of both.

The XML of an item's own picture depends on nothing else and is the item's own file. Planes of classes need ids that the
whole data set decides, so planes wait in the fragment, and so does the XML of further pictures.

Source of the format: The PASCAL Visual Object Classes Challenge 2012 Development Kit, sections 4 and 6.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import PurePosixPath
from typing import Final

from reconciler.errors import ConfigError, Problem
from reconciler.formats.account import Account, Loss, Outcome, decode_account, encode_account
from reconciler.formats.categories import CategoryRules, CategoryTable
from reconciler.formats.items import ExportItem, Fragments, ItemOutput, ItemPaths, OutputFile
from reconciler.formats.naming import primary_media, safe_component, settle_paths, split_suffix
from reconciler.formats.pictures import Picture, draw
from reconciler.formats.voc_labels import BACKGROUND, write_label_map
from reconciler.formats.voc_objects import RECORD_KEY, VocObject, VocRules, make_object
from reconciler.formats.voc_planes import from_text, segment
from reconciler.formats.voc_xml import PictureFile, picture_xml
from reconciler.model.json import JSONObject, canonical_json, digest

_IMAGES: Final = "JPEGImages/"
_ALL: Final = "trainval"  # the list of an export without splits
_REST: Final = "default"  # the list of items that belong to no split


@dataclass(frozen=True, slots=True)
class VocOptions:
    """options of `format: voc`. rules: how objects are written. border: void pixels
    on both sides of each outline. has_splits: one list per split."""

    rules: VocRules = field(default_factory=VocRules)
    originals: bool | tuple[str, ...] = True
    categories: CategoryRules = field(default_factory=CategoryRules)
    border: int = 0
    has_splits: bool = False


@dataclass(frozen=True, slots=True)
class VocWriter:
    """`format: voc`. Pure; see `items.Writer`."""

    options: VocOptions = field(default_factory=VocOptions)
    format: str = "voc"

    @property
    def digest(self) -> str:
        """Digest of the options that decide a fragment; order and ids of classes do not."""
        o, rules = self.options, self.options.rules
        originals = o.originals if isinstance(o.originals, bool) else list(o.originals)
        edge = [rules.edges.mode, rules.edges.tolerance]
        how = [rules.origin, rules.whole, rules.attributes, rules.class_lists, rules.planes, o.border]
        return digest([1, edge, originals, how])

    def paths(self, item: ExportItem) -> ItemPaths:
        """`JPEGImages/<key><suffix>` and `Annotations/<key>.xml`, whatever the split; others as in every format."""
        whole = replace(item, split=None)
        settled = settle_paths(whole, self.options.originals, annotation=None).originals
        originals = {spec: _below_images(path) for spec, path in settled.items()}
        primary = primary_media(item)
        path = picture_path(item, primary) if primary else None
        own = f"Annotations/{picture_id(path)}.xml" if path and path.startswith(_IMAGES) else None
        return ItemPaths(originals, own)

    def write_item(self, item: ExportItem) -> ItemOutput:
        """The XML of the primary picture as a file; planes and further pictures in the fragment."""
        drawn = draw(item)
        own = self.paths(item).annotation
        files: dict[str, bytes] = {}
        lines: list[str] = []
        heads: list[JSONObject] = []
        for picture in drawn.pictures:
            path = picture_path(item, picture.media)
            name = picture_id(path)
            head, xml, planes = self._picture(picture, path.removeprefix(_IMAGES))
            heads.append({"id": name, **head})
            if f"Annotations/{name}.xml" == own:
                files[own] = xml.encode()
            else:
                lines.append(f"x\t{name}\t{json.dumps(xml, ensure_ascii=False)}")
            if planes is not None:
                lines.append(f"p\t{name}\t{planes}")
        account = drawn.account()
        text = "\n".join([canonical_json({"account": encode_account(account), "pictures": heads}), *lines])
        return ItemOutput(files, text, account, drawn.problems)

    def _picture(self, picture: Picture, file_name: str) -> tuple[JSONObject, str, str | None]:
        """What the lists need to know of a picture, its XML, and its planes as text."""
        kept = picture.drawn.extra.get(RECORD_KEY)
        record: JSONObject = kept if isinstance(kept, Mapping) else {}
        objects = self._objects(picture, record)
        planes = None
        if self.options.rules.planes:
            border, void = self.options.border, record.get("void")
            planes = segment(objects, picture.size, picture.tally, border=border, void=void)
        about = PictureFile(file_name, picture.size, planes is not None, record)
        xml, rounded = picture_xml(about, objects, self.options.rules)
        if rounded:
            picture.tally.note(Outcome.LOSSY, Loss.ROUNDED, *rounded)
        return {"classes": _presence(objects), "segmented": planes is not None}, xml, planes.text() if planes else None

    def _objects(self, picture: Picture, record: JSONObject) -> list[VocObject]:
        records = record.get("objects")
        rows = records if isinstance(records, Mapping) else {}
        rules, tally = self.options.rules, picture.tally
        made = (make_object(found, picture.size, rules, rows, tally) for found in picture.objects)
        return [one for one in made if one is not None]

    def account(self, fragment: str) -> Account:
        """The account inside a fragment."""
        return decode_account(_head(fragment)["account"])

    def assemble(self, fragments: Fragments) -> Iterator[OutputFile]:
        """XML of further pictures, `ImageSets/`, planes, `classes.json` and `labelmap.txt`."""
        return _Assembly(self.options, fragments).files()


def _below_images(path: str) -> str:
    return _IMAGES + path.removeprefix("images/") if path.startswith("images/") else path


def picture_path(item: ExportItem, media: str) -> str:
    """Path of a picture in the data set, whether it is copied or not."""
    return _below_images(settle_paths(replace(item, split=None), (media,), annotation=None).originals[media])


def picture_id(path: str) -> str:
    """How lists call a picture: its path below `JPEGImages/` without the last suffix."""
    name = path.removeprefix(_IMAGES)
    return name[: -len(PurePosixPath(name).suffix)] if split_suffix(PurePosixPath(name).name)[1] else name


def _presence(objects: Iterable[VocObject]) -> dict[str, int]:
    """Class → 1 when it is there, 0 when all of its objects are difficult, -1 for parts; as lists of classes say it."""
    found: dict[str, int] = {}
    for one in objects:
        sign = -1 if one.is_part else 0 if one.is_difficult else 1
        found[one.name] = max(found.get(one.name, -1), sign)
    return found


def _head(fragment: str) -> JSONObject:
    head: JSONObject = json.loads(fragment.partition("\n")[0])
    return head


@dataclass(slots=True)
class _List:
    """One split. ids: its pictures in order. segmented: those with planes. classes: class → index of picture → sign."""

    ids: list[str] = field(default_factory=list)
    segmented: list[str] = field(default_factory=list)
    classes: dict[str, dict[int, int]] = field(default_factory=dict)


@dataclass(slots=True)
class _Assembly:
    """Turns fragments into files: one pass for lists and classes, then one per kind of file."""

    options: VocOptions
    fragments: Fragments
    lists: dict[str, _List] = field(default_factory=dict)
    table: CategoryTable = field(init=False)

    def files(self) -> Iterator[OutputFile]:
        self.table = CategoryTable(replace(self.options.categories, rows=({"id": 0, "name": BACKGROUND},)))
        for fragment in self.fragments():
            split = fragment.split if self.options.has_splits else None
            name = safe_component(split) if split is not None else _REST if self.options.has_splits else _ALL
            self._meet(self.lists.setdefault(name, _List()), _head(fragment.text))
        self._check_names()
        rows = self.table.close()
        for name, text in self._lines("x"):
            yield OutputFile(f"Annotations/{name}.xml", iter((json.loads(text).encode(),)))
        yield from self._list_files(rows)
        for name, text in self._lines("p"):
            planes = from_text(text)
            yield OutputFile(f"SegmentationClass/{name}.png", iter((planes.classes_png(self._index),)))
            if planes.by_object:
                yield OutputFile(f"SegmentationObject/{name}.png", iter((planes.png,)))
        listed = [{"id": r["id"], "name": r["name"]} for r in rows]
        yield OutputFile("classes.json", iter(((json.dumps(listed, ensure_ascii=False, indent=1) + "\n").encode(),)))
        yield OutputFile("labelmap.txt", iter((write_label_map(rows),)))

    def _meet(self, into: _List, head: JSONObject) -> None:
        for picture in head["pictures"]:
            for name, sign in picture["classes"].items():
                self.table.meet({"name": name})
                if self.options.rules.class_lists and sign >= 0:
                    into.classes.setdefault(name, {})[len(into.ids)] = sign
            into.ids.append(picture["id"])
            if picture["segmented"]:
                into.segmented.append(picture["id"])

    def _check_names(self) -> None:
        """Refuse two pictures of one name; those that belong to items without a primary one are known only now."""
        names = sorted(name for one in self.lists.values() for name in one.ids)
        twice = [name for name, same in groupby(names) if len(list(same)) > 1]
        if twice:
            fix = "give the units different keys"
            raise ConfigError([Problem(f"several pictures would be called {name!r}", fix=fix) for name in twice])

    def _index(self, name: str) -> int:
        return self.table.id_of(name, None)

    def _lines(self, kind: str) -> Iterator[tuple[str, str]]:
        for fragment in self.fragments():
            for line in fragment.text.split("\n")[1:]:
                if line.startswith(f"{kind}\t"):
                    _, name, text = line.split("\t", 2)
                    yield name, text

    def _list_files(self, rows: Iterable[JSONObject]) -> Iterator[OutputFile]:
        for split, found in sorted(self.lists.items()):
            yield OutputFile(f"ImageSets/Main/{split}.txt", iter((_listed(found.ids),)))
            if self.options.rules.class_lists:
                for row in rows:
                    signs = found.classes.get(row["name"], {})
                    lines = (f"{name} {signs.get(at, -1):2d}" for at, name in enumerate(found.ids))
                    yield OutputFile(
                        f"ImageSets/Main/{safe_component(row['name'])}_{split}.txt", iter((_listed(lines),))
                    )
            if found.segmented:
                yield OutputFile(f"ImageSets/Segmentation/{split}.txt", iter((_listed(found.segmented),)))


def _listed(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
