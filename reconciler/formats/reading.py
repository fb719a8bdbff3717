"""What a reader of a data set's format gets and gives: the files of a folder in, annotated documents out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final, Protocol

from reconciler.errors import Problem
from reconciler.formats.annotations import Document
from reconciler.formats.geometry import Size
from reconciler.model.json import JSON


class DatasetFiles(Protocol):
    """The files below the place that `annotations.url` names. A single file is a folder of one."""

    @property
    def names(self) -> Sequence[str]:
        """Paths of all files, relative with "/", sorted. Nothing has been opened."""

    def shown(self, name: str) -> str:
        """The whole place of a file, for messages, without credentials."""

    def read(self, name: str) -> bytes:
        """The bytes of one file. Raises SourceError."""

    def picture_size(self, name: str) -> Size | None:
        """(width, height) of a picture by its head; None when it is none that can be measured."""

    def settings(self, name: str) -> JSON:
        """A YAML file as texts, lists and objects: no scalar is interpreted. Raises SourceError."""


_PICTURES: Final = frozenset(
    (
        *(".bmp", ".dng", ".gif", ".heic", ".jfif", ".jp2", ".jpeg", ".jpg"),
        *(".mpo", ".png", ".ppm", ".tif", ".tiff", ".webp"),
    )
)


def is_picture(name: str) -> bool:
    """Whether a file is a picture, by its suffix in any case."""
    return PurePosixPath(name).suffix.lower() in _PICTURES


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader is asked. specification: media id that its documents use. options: `annotations.options`.

    problem: tells of something in the data set that could not be read; the rest goes on.
    """

    files: DatasetFiles
    specification: str
    problem: Callable[[Problem], None]
    options: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Annotated:
    """The annotations of one unit. name: the path of its picture as the data set has it, or the key of the unit.

    payload: in place of a document, when the format is the platform's own and nothing has to be converted.
    """

    name: str
    document: Document | None = None
    payload: JSON = None


Reader = Callable[[Reading], Iterator[Annotated]]
"""Reads a whole data set; every file once, in order of names. Raises SourceError when it is none of the format."""
