"""Write LabelMe: a JSON file beside each picture.

Source of the format: the files themselves; labelme documents them by its examples.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from reconciler.errors import ConfigError, Problem
from reconciler.formats.account import Account, decode_account, encode_account
from reconciler.formats.geometry import EdgePolicy
from reconciler.formats.import_edits import member, record_of
from reconciler.formats.items import ExportItem, Fragments, ItemOutput, ItemPaths, OutputFile
from reconciler.formats.labelme_rows import PictureRows
from reconciler.formats.labelme_shapes import RECORD_KEY
from reconciler.formats.naming import primary_media, settle_paths, split_suffix
from reconciler.formats.pictures import Picture, draw
from reconciler.model.json import JSON, JSONObject, canonical_json, digest

_VERSION: Final = "5.5.0"  # of the labelme whose members these are
_FIRST: Final = frozenset({"version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth"})


@dataclass(frozen=True, slots=True)
class LabelmeOptions:
    """options of `format: labelme`."""

    geometry: EdgePolicy = field(default_factory=EdgePolicy)
    originals: bool | tuple[str, ...] = True


@dataclass(frozen=True, slots=True)
class LabelmeWriter:
    """`format: labelme`. Pure; see `items.Writer`."""

    options: LabelmeOptions = field(default_factory=LabelmeOptions)
    format: str = "labelme"

    @property
    def digest(self) -> str:
        """Digest of the options."""
        o = self.options
        originals = o.originals if isinstance(o.originals, bool) else list(o.originals)
        return digest([1, [o.geometry.mode, o.geometry.tolerance], originals])

    def paths(self, item: ExportItem) -> ItemPaths:
        """`images/[<split>/]<key><suffix>` and a `.json` beside it; see `naming.settle_paths` for other files."""
        originals = settle_paths(item, self.options.originals, annotation=None).originals
        primary = primary_media(item)
        path = picture_path(item, primary) if primary else None
        return ItemPaths(originals, _beside(path) if path and path.startswith("images/") else None)

    def write_item(self, item: ExportItem) -> ItemOutput:
        """The file of the primary picture; those of further pictures wait in the fragment."""
        drawn = draw(item, keeps_groups=True)
        own = self.paths(item).annotation
        texts: dict[str, str] = {}
        for picture in drawn.pictures:
            path = picture_path(item, picture.media)
            value = self._file(picture, posixpath.basename(path))
            texts[_beside(path)] = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
        files = {own: _bytes(texts.pop(own))} if own in texts else {}
        account = drawn.account()
        fragment = {"account": encode_account(account), "own": own, "files": texts}
        return ItemOutput(files, canonical_json(fragment), account, drawn.problems)

    def _file(self, picture: Picture, name: str) -> JSONObject:
        record = record_of(picture.drawn.extra, RECORD_KEY)
        head = member(record, "head")
        rows = PictureRows(picture, self.options.geometry, record.get("rows"))
        shapes = rows.rows()
        names = record.get("flags")
        flags = {n: False for n in names if isinstance(n, str)} if isinstance(names, list) else {}
        size: tuple[JSON, JSON] = picture.size or (None, None)
        version = head.get("version", _VERSION)
        return {
            "version": version if isinstance(version, str) else _VERSION,
            "flags": flags | rows.flags,
            "shapes": shapes,
            "imagePath": name,
            "imageData": None,
            "imageHeight": size[1],
            "imageWidth": size[0],
            **({"classifications": rows.classifications} if rows.classifications else {}),
            **{k: v for k, v in head.items() if k not in _FIRST},
        }

    def account(self, fragment: str) -> Account:
        """The account inside a fragment."""
        return decode_account(json.loads(fragment)["account"])

    def assemble(self, fragments: Fragments) -> Iterator[OutputFile]:
        """Files of further pictures, and `labels.txt`: the classes that were written, by name, for labelme's tools.

        Raises:
            ConfigError: two pictures would have one file.
        """
        classes: set[str] = set()
        owners: dict[str, int] = {}
        for fragment in fragments():
            row = json.loads(fragment.text)
            classes.update(decode_account(row["account"]).classes)
            for path in (*row["files"], *([row["own"]] if row["own"] else ())):
                owners[path] = owners.get(path, 0) + 1
        if twice := sorted(path for path, count in owners.items() if count > 1):
            fix = "give the units different keys"
            raise ConfigError([Problem(f"several pictures would be described in {path!r}", fix=fix) for path in twice])
        for fragment in fragments():
            for path, text in json.loads(fragment.text)["files"].items():
                yield OutputFile(path, iter([_bytes(text)]))
        lines = "".join(f"{name}\n" for name in sorted(classes) if name.isprintable())
        yield OutputFile("labels.txt", iter([_bytes(lines)]))


def _bytes(text: str) -> bytes:
    return text.encode(errors="replace")


def picture_path(item: ExportItem, media: str) -> str:
    """Path of a picture in the export, whether it is copied or not."""
    return settle_paths(item, (media,), annotation=None).originals[media]


def _beside(path: str) -> str:
    folder, leaf = posixpath.split(path)
    return f"{folder}/{split_suffix(leaf)[0]}.json" if folder else f"{split_suffix(leaf)[0]}.json"
