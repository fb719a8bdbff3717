"""Read ImageFolder data sets: the class of a picture is the folder it lies in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from reconciler.errors import Problem
from reconciler.formats.annotations import Classification, Document, MediaAnnotations
from reconciler.formats.imported import imported_part
from reconciler.formats.reading import Annotated, Reading, is_picture
from reconciler.formats.stable_ids import stable_id

_PICTURE_FOLDERS: Final = frozenset({"images", "img", "imgs", "jpegimages"})  # names of no class
_SPLITS: Final = frozenset({"train", "training", "val", "valid", "validation", "test", "testing", "unassigned"})


def read_imagefolder(reading: Reading) -> Iterator[Annotated]:
    """One classification per picture of `[<split>/]<class>/…/<picture>`.

    Pictures outside such folders are passed over, and so are folders that the list of classes does not have. Without a
    list, `images` and its like are no classes: they are where other formats keep their pictures.
    """
    names = _class_names(reading)
    unlisted: set[str] = set()
    for path in filter(is_picture, reading.files.names):
        folder = _class_folder(path, names)
        name = _class_unlisted(folder) if folder is None or names is None else names.get(folder)
        if name is not None:
            yield Annotated(path, _document(reading, path, name))
        elif folder is not None and names is not None and folder not in names and folder not in unlisted:
            unlisted.add(folder)
            if folder != "files":
                reading.problem(_unlisted(reading, folder))


def _unlisted(reading: Reading, folder: str) -> Problem:
    text = f"the folder {folder!r} is not in the list of classes; its pictures get no annotation"
    return Problem(text, address=reading.files.shown(folder), fix="add it to the list, or remove the list")


def _class_names(reading: Reading) -> Mapping[str, str | None] | None:
    """Folder → class, as our `classes.json` or a `classes.txt` lists them; None when neither is there.

    A class that is None is the folder of pictures without one.
    """
    there = set(reading.files.names)
    if "classes.json" in there:
        try:
            rows = json.loads(reading.files.read("classes.json"))
            return {str(row["folder"]): row["name"] if isinstance(row["name"], str) else None for row in rows}
        except (ValueError, KeyError, TypeError):
            pass  # another tool's file of that name
    if "classes.txt" in there:
        lines = reading.files.read("classes.txt").decode("utf-8-sig", "replace").splitlines()
        return {line.strip(): line.strip() for line in lines if line.strip()}
    return None


def _class_folder(path: str, names: Mapping[str, str | None] | None) -> str | None:
    """The folder that says the class; None when the picture lies in no such folder."""
    folders = path.split("/")[:-1]
    first = folders[0] if folders else None
    listed = names or {}
    if len(folders) > 1 and first not in listed and folders[1] in listed:
        return folders[1]
    if first is None or first.lower() not in _SPLITS:
        return first
    if len(folders) > 1:
        return folders[1]
    return first if first in listed else None


def _class_unlisted(folder: str | None) -> str | None:
    return None if folder is None or folder.lower() in _PICTURE_FOLDERS else folder


def _document(reading: Reading, path: str, name: str) -> Document:
    part = imported_part(stable_id(path, "class"), "classification", Classification(), name, {})
    size = reading.files.picture_size(path)
    width, height = size if size else (None, None)
    return Document((MediaAnnotations(reading.specification, (part,), width, height),))
