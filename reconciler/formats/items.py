"""What a writer gets and gives: items, fragments, output files. Values only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from reconciler.errors import Problem
from reconciler.formats.account import Account
from reconciler.model.json import JSON, digest


@dataclass(frozen=True, slots=True)
class MediaFile:
    """One file of an item. name: leaf of the original path. checksum: "algorithm:hex" or None.

    type: image, video, …; None: judged by the specification's name. width, height: of pictures, when known.
    """

    name: str
    size_bytes: int | None = None
    checksum: str | None = None
    width: int | None = None
    height: int | None = None
    type: str | None = None
    is_primary: bool = False


@dataclass(frozen=True, slots=True)
class ExportItem:
    """One record to export. key: the unit's declared key, or the best name there is. data: raw payload or None.

    media: specification → file. split: its part of the data set, None without splits. chunks: gives the bytes of a
    file by its specification, for exporters that look inside; None when there is no way to them.
    """

    key: str
    record_id: str
    data: JSON
    media: Mapping[str, MediaFile] = field(default_factory=dict)
    meta: Mapping[str, JSON] = field(default_factory=dict)
    split: str | None = None
    chunks: Callable[[str], Iterator[bytes]] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ItemPaths:
    """Where an item's files go, below the destination. originals: specification → path. annotation: its own file.

    shared: files about this item alone that only `Writer.assemble` can write, since they depend on other items too.
    """

    originals: Mapping[str, str] = field(default_factory=dict)
    annotation: str | None = None
    shared: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every path of the item, sorted."""
        return tuple(sorted({*self.originals.values(), *([self.annotation] if self.annotation else []), *self.shared}))


@dataclass(frozen=True, slots=True)
class ItemOutput:
    """One item, written. files: path → bytes of its own files. fragment: text for the shared files; cache it."""

    files: Mapping[str, bytes]
    fragment: str
    account: Account
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Fragment:
    """A cached item: its key, its split and the text that `write_item` gave."""

    key: str
    split: str | None
    text: str


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A shared file. chunks: its bytes, to be read once. is_of_item: about one item alone; see `ItemPaths.shared`."""

    path: str
    chunks: Iterator[bytes]
    is_of_item: bool = False


Fragments = Callable[[], Iterable[Fragment]]
"""Gives all fragments in key order, from the start at every call; a writer may read them several times."""


class Writer(Protocol):
    """Writes one format. Pure: bytes come from the item alone, so an unchanged item need not be written again."""

    @property
    def format(self) -> str:
        """Its name in `Export.format`."""

    @property
    def digest(self) -> str:
        """Digest of the settings that go into items; a cached fragment of another digest is stale."""

    def paths(self, item: ExportItem) -> ItemPaths:
        """Where the item's files go."""

    def write_item(self, item: ExportItem) -> ItemOutput:
        """Convert one item; safe to call from several threads or processes."""

    def assemble(self, fragments: Fragments) -> Iterator[OutputFile]:
        """The shared files, made of all fragments, in path order."""

    def account(self, fragment: str) -> Account:
        """The account inside a fragment."""


@runtime_checkable
class UsesMeta(Protocol):
    """A writer whose items depend on metadata of their units as well."""

    def meta_used(self, item: ExportItem) -> JSON:
        """The metadata that goes into the item's output."""


def item_digest(item: ExportItem, writer: Writer, payload: str) -> str:
    """Digest of all that decides an item's output: equal digests, equal files and fragment.

    payload: the digest of its data.
    """
    media = {
        spec: [f.name, f.width, f.height, f.type, f.is_primary, f.checksum, f.size_bytes]
        for spec, f in item.media.items()
    }
    meta = [writer.meta_used(item)] if isinstance(writer, UsesMeta) else []
    return digest([writer.format, writer.digest, item.key, item.record_id, payload, media, item.split, *meta])
