"""Write ImageFolder: pictures in a folder per class, as trainers of classifiers read them.

Source of the layout: torchvision `ImageFolder`, Ultralytics classification data sets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from reconciler.formats.account import Account, Loss, Outcome, Tally, decode_account, encode_account
from reconciler.formats.annotations import Annotation, Classification
from reconciler.formats.categories import class_key
from reconciler.formats.items import ExportItem, Fragments, ItemOutput, ItemPaths, OutputFile
from reconciler.formats.naming import class_folder, primary_media, safe_component, settle_paths
from reconciler.formats.objects import CAPTION_CLASS
from reconciler.formats.pictures import Picture, draw
from reconciler.model.json import canonical_json, digest

_WHOLE = "train"  # where everything is when the data set has no splits
_UNSPLIT = "unassigned"  # where items are that belong to no split


@dataclass(frozen=True, slots=True)
class ImageFolderOptions:
    """options of `format: imagefolder`. originals: specifications to copy besides the classified picture.
    unclassified: folder of pictures without a class, None when they are left out. has_splits: a folder per split.
    """

    originals: bool | tuple[str, ...] = True
    unclassified: str | None = None
    has_splits: bool = False


@dataclass(frozen=True, slots=True)
class ImageFolderWriter:
    """`format: imagefolder`, and `yolo` for classification. Pure; see `items.Writer`."""

    options: ImageFolderOptions = field(default_factory=ImageFolderOptions)
    format: str = "imagefolder"

    @property
    def digest(self) -> str:
        """Digest of the options that decide where an item goes."""
        o = self.options
        return digest([1, o.originals if isinstance(o.originals, bool) else list(o.originals), o.unclassified])

    def paths(self, item: ExportItem) -> ItemPaths:
        """The primary picture: `<split>/<class>/<key><suffix>`; others: `files/[<split>/]<specification>/…`.

        The class is part of the payload, so the item must have it.
        """
        primary = primary_media(item)
        plain = settle_paths(item, self.options.originals, annotation=None).originals
        paths = {spec: _aside(path) for spec, path in plain.items() if spec != primary}
        if primary is not None and item.media:
            name = _class_of(draw(item).pictures, primary)
            folder = self.options.unclassified if name is None else class_folder(name)
            paths |= {} if folder is None else {primary: self._picture_path(item, primary, folder)}
        return ItemPaths(dict(sorted(paths.items())))

    def _picture_path(self, item: ExportItem, primary: str, folder: str) -> str:
        path = settle_paths(replace(item, split=None), (primary,), annotation=None).originals[primary]
        split = (item.split or _UNSPLIT) if self.options.has_splits else _WHOLE
        return f"{safe_component(split)}/{safe_component(folder)}/{path.partition('/')[2]}"

    def write_item(self, item: ExportItem) -> ItemOutput:
        """Nothing but the account and the class; the picture itself says the rest by its place."""
        drawn = draw(item)
        primary = primary_media(item)
        for picture in drawn.pictures:
            _settle(picture, is_primary=picture.media == primary, leaves_out=self.options.unclassified is None)
        name = None if primary is None else _class_of(drawn.pictures, primary)
        head = {"account": encode_account(drawn.account()), "class": name}
        return ItemOutput({}, canonical_json(head), drawn.account(), drawn.problems)

    def account(self, fragment: str) -> Account:
        """The account inside a fragment."""
        return decode_account(json.loads(fragment)["account"])

    def assemble(self, fragments: Fragments) -> Iterator[OutputFile]:
        """`classes.json` and `classes.txt`: the folders in the order in which loaders number them."""
        names = {json.loads(fragment.text)["class"] for fragment in fragments()} - {None}
        folders: dict[str, str | None] = {class_folder(name): name for name in names}
        if self.options.unclassified is not None:
            folders.setdefault(safe_component(self.options.unclassified), None)
        rows = [{"id": n, "name": folders[f], "folder": f} for n, f in enumerate(sorted(folders))]
        yield OutputFile("classes.json", iter(((json.dumps(rows, ensure_ascii=False, indent=1) + "\n").encode(),)))
        yield OutputFile("classes.txt", iter(("".join(f"{folder}\n" for folder in sorted(folders)).encode(),)))


def _aside(path: str) -> str:
    """Where a file goes that is not classified: never among the folders of classes."""
    return f"files/{path.removeprefix('images/')}" if path.startswith("images/") else path


def _statements(picture: Picture) -> list[Annotation]:
    """The annotations that say what the picture is, in payload order. A caption says it in a sentence and is none."""
    return [
        a
        for a in picture.drawn.annotations
        if isinstance(a.shape, Classification) and a.class_name and a.class_name.strip() and not _is_caption(a)
    ]


def _is_caption(annotation: Annotation) -> bool:
    return annotation.class_name == CAPTION_CLASS and isinstance(annotation.attributes.get("caption"), str)


def _class_of(pictures: tuple[Picture, ...], primary: str) -> str | None:
    """The class of the first classification of the primary picture."""
    found = next((_statements(p) for p in pictures if p.media == primary), [])
    return class_key(found[0].class_name or "") if found else None


def _settle(picture: Picture, *, is_primary: bool, leaves_out: bool) -> None:
    """Tell the tally what became of every annotation of a picture."""
    tally, said = picture.tally, _statements(picture) if is_primary else []
    name = class_key(said[0].class_name or "") if said else None
    for annotation in (part for found in picture.objects for part in found.parts):  # others are in the tally already
        if not any(annotation is one for one in said):
            tally.note(Outcome.DROPPED, _why_not(annotation), annotation.id)
        elif class_key(annotation.class_name or "") != name:
            tally.note(Outcome.DROPPED, Loss.SECOND_CLASS, annotation.id)
        else:
            _write(annotation, tally)
    if name is not None:
        tally.classes[name] += 1
    if is_primary and name is None and leaves_out:
        tally.note(Outcome.DROPPED, Loss.NO_CLASS)  # the picture itself


def _write(annotation: Annotation, tally: Tally) -> None:
    tally.written += 1
    if annotation.attributes.keys() - {"class"}:
        tally.note(Outcome.LOSSY, Loss.ATTRIBUTES, annotation.id)


def _why_not(annotation: Annotation) -> Loss:
    is_nameless = isinstance(annotation.shape, Classification) and not (annotation.class_name or "").strip()
    return Loss.NO_CLASS if is_nameless else Loss.UNSUPPORTED_TOOL
