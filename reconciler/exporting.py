"""The interface for exporters of your own (`format: custom`), version 1; docs/formats/custom.md explains it.

Everything here is stable: what changes its meaning raises `INTERFACE`. An exporter is a value that names functions:

    from reconciler.exporting import Exporter, ItemResult, ItemView

    def convert(item: ItemView, settings: Mapping[str, Any]) -> ItemResult:
        return ItemResult(content=..., part=...)

    EXPORTER = Exporter(version="1", convert=convert, suffix=".txt")

`convert` must give the same result for the same item and settings, wherever and however often it is called: results are
kept, and only items that changed are converted again. It may be called from several threads at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.formats.annotations import (
    Annotation,
    Box,
    Classification,
    Group,
    Mask,
    MediaAnnotations,
    Point,
    Polygon,
    Polyline,
    Raw,
    Relation,
    Shape,
    Skeleton,
    Track,
)
from reconciler.formats.media_shapes import Answer, Box3D, Link, NamedEntity, PointSet, Prompt, TimeRange

__all__ = [
    "INTERFACE",
    "Annotation",
    "Answer",
    "Box",
    "Box3D",
    "Classification",
    "Exporter",
    "Group",
    "ItemResult",
    "ItemView",
    "Link",
    "Mask",
    "MediaAnnotations",
    "MediaView",
    "NamedEntity",
    "Part",
    "Point",
    "PointSet",
    "Polygon",
    "Polyline",
    "Prompt",
    "Raw",
    "Relation",
    "Settings",
    "Shape",
    "SharedFile",
    "Skeleton",
    "TimeRange",
    "Track",
]

INTERFACE: Final = 1
"""Version of this interface."""

Settings = Mapping[str, Any]
"""`options.settings` of the export: JSON values."""


@dataclass(frozen=True, slots=True)
class MediaView:
    """One file of an item. name: leaf of the original path. path: where the export copies it, None when it does not.

    type: image, video, …, None when unsaid. width, height: in pixels, of pictures, when known. checksum:
    "algorithm:hex" or hex as the backend has it.
    """

    specification: str
    name: str
    path: str | None = None
    type: str | None = None
    width: int | None = None
    height: int | None = None
    size_bytes: int | None = None
    checksum: str | None = None
    is_primary: bool = False


def _nothing(specification: str) -> Iterator[bytes]:
    raise KeyError(specification)


@dataclass(frozen=True, slots=True)
class ItemView:
    """One item: a unit with the annotations that somebody, or the ground truth, gave it.

    key: the unit's declared key. name: the key as a relative path that every file system takes. record_id: of the
    assignment, task or event. split: its part of the data set. media: specification → file. meta: of the unit.
    annotations: per media, as drawn: the export's geometry policy is not applied. problems: what of the payload could
    not be read. chunks: see `read`.
    """

    key: str
    name: str
    record_id: str
    split: str | None
    media: Mapping[str, MediaView]
    meta: Mapping[str, Any]
    annotations: Sequence[MediaAnnotations]
    problems: Sequence[str] = ()
    chunks: Callable[[str], Iterator[bytes]] = field(default=_nothing, repr=False, compare=False)

    def read(self, specification: str) -> bytes:
        """The bytes of an original; it is downloaded at every call. Raises KeyError when the item has no such file."""
        return b"".join(self.chunks(specification))


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What `convert` returns.

    content: of the item's own file; needed when the exporter has a suffix, refused when it has none. part: any JSON
    value, handed to `finish`. left_out: ids of annotations that were not written; the account counts the others.
    """

    content: bytes | str | None = None
    part: Any = None
    left_out: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """What `convert` returned as `part` for one item."""

    key: str
    name: str
    split: str | None
    value: Any


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file about several items. path: relative, "/"-separated, outside annotations/, files/, images/ and metadata/.

    content: the whole, or pieces that are made while they are written.
    """

    path: str
    content: bytes | str | Iterable[bytes | str]


@dataclass(frozen=True, slots=True)
class Exporter:
    """An exporter. version: of the code; items are converted again when it changes.

    convert: one item. suffix: of the item's own file `annotations/[<split>/]<name><suffix>`; None: it has none.
    finish: makes the shared files of an export; `parts()` gives the parts of all items in the order of their keys, from
    the start at every call. interface: the version of this module that it was written for.
    """

    version: str
    convert: Callable[[ItemView, Settings], ItemResult]
    finish: Callable[[Callable[[], Iterator[Part]], Settings], Iterable[SharedFile]] | None = None
    suffix: str | None = None
    interface: int = INTERFACE
