"""Where the files of a VOC data set are: XML, pictures, planes and lists, in the folders tools use for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

_ANNOTATIONS: Final = frozenset({"annotations", "annotation", "xml", "xmls", "labels"})
_PICTURES: Final = frozenset({"jpegimages", "images", "image", "img", "imgs", "pngimages"})
_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"})
_PLANES: Final = {"segmentationclass": "classes", "segmentationobject": "objects"}


@dataclass(slots=True)
class VocEntry:
    """The files of one picture. xml, picture, classes, objects: names in the data set, None when there is none."""

    xml: str | None = None
    picture: str | None = None
    classes: str | None = None
    objects: str | None = None


@dataclass(frozen=True, slots=True)
class VocFiles:
    """entries: by id of the picture, in order; those with an XML file or a plane. lists: files of `ImageSets` by their
    path below it. label_map: name of `labelmap.txt`. Ids are paths below the folder of annotations, without suffix;
    when several data sets lie side by side, below the folder of all.
    """

    entries: Mapping[str, VocEntry]
    lists: Mapping[str, str] = field(default_factory=dict)
    label_map: str | None = None


def sort_files(names: Sequence[str]) -> VocFiles:
    """Sort the names of a data set. names: paths, "/"-separated, sorted."""
    found: dict[str, VocEntry] = {}
    pictures: dict[str, str] = {}
    lists: dict[str, str] = {}
    label_map: str | None = None
    for name in names:
        path = PurePosixPath(name)
        folders = [part.lower() for part in path.parts[:-1]]
        suffix = path.suffix.lower()
        plane = next((f for f in folders if f in _PLANES), None)
        if suffix == ".xml":
            found.setdefault(_id(path, folders, _ANNOTATIONS), VocEntry()).xml = name
        elif plane and suffix == ".png":
            entry = found.setdefault(_id(path, folders, frozenset({plane})), VocEntry())
            setattr(entry, _PLANES[plane], name)
        elif suffix in _SUFFIXES:
            pictures.setdefault(_id(path, folders, _PICTURES), name)
        elif "imagesets" in folders and suffix == ".txt":
            at = folders.index("imagesets")
            lists["/".join((*path.parts[:at], *path.parts[at + 1 :]))] = name
        elif path.name.lower() == "labelmap.txt":
            label_map = label_map or name
    for name, entry in found.items():
        entry.picture = pictures.get(name)
    return VocFiles(dict(sorted(found.items())), lists, label_map)


def _id(path: PurePosixPath, folders: Sequence[str], kinds: frozenset[str]) -> str:
    """The path without suffix and without the folder that says what kind of files it holds."""
    parts = list(path.with_suffix("").parts)
    at = next((i for i, folder in enumerate(folders) if folder in kinds), None)
    if at is not None:
        del parts[at]
    return "/".join(parts)
