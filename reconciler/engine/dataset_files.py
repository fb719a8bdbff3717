"""The files of an annotation data set below a URL, as readers of formats look at them."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from reconciler.errors import Problem, SourceError
from reconciler.model.json import JSON
from reconciler.sources.content import open_file
from reconciler.sources.location import Place, locate, translated

_HEAD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class DatasetFolder:
    """A folder of any source, or one file: see `formats.reading.DatasetFiles`. names: relative paths, sorted."""

    place: Place
    names: Sequence[str]

    def shown(self, name: str) -> str:
        """How a file is called in messages."""
        return self.place.show(name)

    def read(self, name: str) -> bytes:
        """The bytes of one file. Raises SourceError."""
        with open_file(self.place, name) as stream, translated(self.place, "cannot be read"):
            return stream.read()

    def picture_size(self, name: str) -> tuple[int, int] | None:
        """(width, height) by the head of a picture; None when there is no such file or it cannot be measured."""
        try:
            with open_file(self.place, name) as stream:
                return measured(stream.read(_HEAD_BYTES))
        except SourceError:
            return None

    def settings(self, name: str) -> JSON:
        """A YAML file as texts, lists and objects: no scalar is interpreted. Raises SourceError."""
        import yaml

        try:
            value: JSON = yaml.load(self.read(name), Loader=yaml.BaseLoader)
            return value
        except (yaml.YAMLError, UnicodeError, RecursionError) as exc:
            why = "nested too deep" if isinstance(exc, RecursionError) else str(exc).partition("\n")[0]
            text = f"{self.shown(name)} is not valid YAML: {why}"
            raise SourceError([Problem(text, address=self.shown(name), fix="repair the file")]) from exc


def measured(head: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels of the picture that begins with these bytes; None when it cannot be told."""
    import imagesize

    width, height = imagesize.get(io.BytesIO(head))
    return (width, height) if width > 0 and height > 0 else None


def open_dataset(url: str, folder: Path, options: Mapping[str, JSON]) -> DatasetFolder:
    """List a data set. url: as written, relative to `folder` when local.

    Raises:
        SourceError: nothing is there, or it cannot be listed.
    """
    place = locate(url, folder, options)
    with translated(place, "cannot be read"):
        names = tuple(sorted(_local_names(Path(place.path)) if place.is_local else _remote_names(place)))
        if not names and _is_file(place):
            parent, _, name = place.path.rpartition("/")
            return DatasetFolder(replace(place, path=parent or "/", shown=_above(place.shown)), (name,))
    if not names:
        raise SourceError([_nothing(place)])
    return DatasetFolder(place, names)


def _is_file(place: Place) -> bool:
    return Path(place.path).is_file() if place.is_local else bool(place.filesystem.isfile(place.path))


def _nothing(place: Place) -> Problem:
    is_there = Path(place.path).exists() if place.is_local else place.filesystem.exists(place.path)
    text = "the data set holds no file" if is_there else "the data set does not exist"
    fix = "check annotations.url; relative paths start from the folder of the document"
    return Problem(text, address=place.shown, fix=fix)


def _above(shown: str) -> str:
    return shown.rpartition("/")[0] or "."


def _local_names(root: Path) -> Iterator[str]:
    """Files below a folder; hidden files and folders are none of a data set."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        inner = PurePosixPath(Path(folder).relative_to(root).as_posix())
        yield from (str(inner / file) for file in files if not file.startswith("."))


def _remote_names(place: Place) -> Iterator[str]:
    if not place.filesystem.isdir(place.path):
        return
    root = place.path.strip("/")
    for found in place.filesystem.find(place.path):
        name = str(found).strip("/").removeprefix(root).lstrip("/")
        if not any(part.startswith(".") for part in name.split("/")):
            yield name
