"""Write CVAT for images 1.1: `annotations.xml`, or a file per split, written as it grows.

Source of the format: CVAT documentation, "CVAT for images 1.1".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from reconciler.formats.account import Account, decode_account, encode_account
from reconciler.formats.assembling import Numbers, chunked
from reconciler.formats.categories import class_key
from reconciler.formats.cvat_labels import LabelTable, Used
from reconciler.formats.cvat_objects import RECORD_KEY, PictureElements
from reconciler.formats.geometry import EdgePolicy
from reconciler.formats.items import ExportItem, Fragments, ItemOutput, ItemPaths, OutputFile
from reconciler.formats.naming import safe_component, settle_paths
from reconciler.formats.pictures import Picture, draw
from reconciler.formats.xml_text import attributes, leaf
from reconciler.model.json import JSONObject, canonical_json, digest

_ALL: Final = "annotations"  # the file of an export without splits
_REST: Final = "default"  # the file of items that belong to no split


@dataclass(frozen=True, slots=True)
class CvatOptions:
    """options of `format: cvat`. classes: labels in order. skeletons: class → joints. has_splits: a file per split."""

    geometry: EdgePolicy = field(default_factory=EdgePolicy)
    originals: bool | tuple[str, ...] = True
    classes: tuple[str, ...] = ()
    skeletons: Mapping[str, JSONObject] = field(default_factory=dict)
    has_splits: bool = False


@dataclass(frozen=True, slots=True)
class CvatWriter:
    """`format: cvat`. Pure; see `items.Writer`."""

    options: CvatOptions = field(default_factory=CvatOptions)
    format: str = "cvat"

    @property
    def digest(self) -> str:
        """Digest of the options that decide a fragment; the order of labels does not."""
        o = self.options
        originals = o.originals if isinstance(o.originals, bool) else list(o.originals)
        skeletons = {name: dict(row) for name, row in o.skeletons.items()}
        return digest([1, [o.geometry.mode, o.geometry.tolerance], originals, skeletons])

    def paths(self, item: ExportItem) -> ItemPaths:
        """`images/[<split>/]<key><suffix>` for the primary picture; see `naming.settle_paths` for the others."""
        return settle_paths(item, self.options.originals, annotation=None)

    def write_item(self, item: ExportItem) -> ItemOutput:
        """One fragment; no files of its own."""
        drawn = draw(item, keeps_groups=True)
        used = Used()
        ids: list[int] = []
        lines: list[str] = []
        for picture in drawn.pictures:
            kept = picture.drawn.extra.get(RECORD_KEY)
            record: JSONObject = kept if isinstance(kept, Mapping) else {}
            number = record.get("id")
            wanted = number if isinstance(number, int) and not isinstance(number, bool) and number >= 0 else None
            ids += [] if wanted is None else [wanted]
            lines.append(f"i\t{'' if wanted is None else wanted}\t{self._image(item, picture)}")
            trees = record.get("labels")
            used.trees = trees if isinstance(trees, Mapping) else {}
            rules = self.options
            lines += PictureElements(picture, rules.geometry, rules.skeletons, used, record).lines()
        account = drawn.account()
        head = {"account": encode_account(account), "labels": used.head, "ids": ids, "count": len(drawn.pictures)}
        return ItemOutput({}, "\n".join([canonical_json(head), *lines]), account, drawn.problems)

    def _image(self, item: ExportItem, picture: Picture) -> str:
        """Attributes of `<image>` behind its id."""
        path = settle_paths(replace(item, split=None), (picture.media,), annotation=None).originals[picture.media]
        said = {"name": path.removeprefix("images/")}
        if self.options.has_splits and item.split is not None:
            said["subset"] = safe_component(item.split)
        if picture.size is not None:
            said |= {"width": str(picture.size[0]), "height": str(picture.size[1])}
        return attributes(**said)

    def account(self, fragment: str) -> Account:
        """The account inside a fragment."""
        return decode_account(_head(fragment)["account"])

    def assemble(self, fragments: Fragments) -> Iterator[OutputFile]:
        """`annotations.xml`, or `<split>.xml` for every split."""
        return _Assembly(self.options, fragments).files()


def _head(fragment: str) -> JSONObject:
    head: JSONObject = json.loads(fragment.partition("\n")[0])
    return head


@dataclass(slots=True)
class _Assembly:
    """Turns fragments into files: one pass for labels and ids, then one per file."""

    options: CvatOptions
    fragments: Fragments
    labels: LabelTable = field(default_factory=LabelTable)
    ids: set[int] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)

    def files(self) -> Iterator[OutputFile]:
        self.labels.order = [class_key(name) for name in self.options.classes]
        for fragment in self.fragments():
            head = _head(fragment.text)
            name = self._file_of(fragment.split)
            self.counts[name] = self.counts.get(name, 0) + head["count"]
            self.ids.update(head["ids"])
            self.labels.meet(head["labels"])
        for name in sorted(self.counts) or [self._file_of(None)]:
            yield OutputFile(f"{name}.xml", chunked(f"{line}\n" for line in self._lines(name)))

    def _file_of(self, split: str | None) -> str:
        if not self.options.has_splits:
            return _ALL
        return _REST if split is None else safe_component(split)

    def _lines(self, name: str) -> Iterator[str]:
        yield '<?xml version="1.0" encoding="utf-8"?>'
        yield from ("<annotations>", "  <version>1.1</version>", "  <meta>", "    <task>")
        yield "      " + leaf("size", str(self.counts.get(name, 0)))
        yield from ("      <mode>annotation</mode>", "      <z_order>True</z_order>")
        yield from self.labels.lines("      ")
        yield from ("    </task>", "  </meta>")
        numbers = Numbers(self.ids, first=0)
        for fragment in self.fragments():
            wanted = self._file_of(fragment.split) == name
            yield from (line for line in self._images(fragment.text, numbers) if wanted)
        yield "</annotations>"

    def _images(self, text: str, numbers: Numbers) -> Iterator[str]:
        is_open = False
        for line in text.split("\n")[1:]:
            if not line.startswith("i\t"):
                yield line
                continue
            if is_open:
                yield "  </image>"
            _, number, said = line.split("\t", 2)
            yield f'  <image id="{numbers.take(number)}"{said}>'
            is_open = True
        if is_open:
            yield "  </image>"
