"""Data sets of annotation formats in memory: read them, store them as payloads, write them again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import Problem
from reconciler.formats.dm import encode_v1
from reconciler.formats.items import ExportItem, Fragment, MediaFile, Writer
from reconciler.formats.readers import READERS
from reconciler.formats.reading import Annotated, Reading


@dataclass(frozen=True)
class FilesInMemory:
    """`formats.reading.DatasetFiles` over a dictionary. sizes: of pictures."""

    files: Mapping[str, bytes]
    sizes: Mapping[str, tuple[int, int]]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.files))

    def shown(self, name: str) -> str:
        return name

    def read(self, name: str) -> bytes:
        return self.files[name]

    def picture_size(self, name: str) -> tuple[int, int] | None:
        return self.sizes.get(name)


def folder_files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its relative path."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def read_dataset(files: Mapping[str, bytes], format: str, **options: object) -> tuple[list[Annotated], list[Problem]]:
    """Everything a reader finds, and what it could not read."""
    problems: list[Problem] = []
    reading = Reading(FilesInMemory(files, {}), "image_1", problems.append, options)
    return list(READERS[format](reading)), problems


def as_item(found: Annotated, *, split: str | None = None) -> ExportItem:
    """The item of a picture whose payload went through JSON text; its key is the picture's name without suffix."""
    assert found.document is not None
    path = Path(found.name)
    media = {"image_1": MediaFile(path.name, type="image", is_primary=True)}
    return ExportItem(path.stem, "1", json.loads(json.dumps(encode_v1(found.document))), media, split=split)


def write_dataset(writer: Writer, items: list[ExportItem]) -> dict[str, bytes]:
    """Every file that an export of these items has, without the originals. Each account must add up."""
    files: dict[str, bytes] = {}
    fragments: list[Fragment] = []
    for item in sorted(items, key=lambda i: i.key):
        output = writer.write_item(item)
        account = output.account
        assert account.read == account.written + account.dropped + account.failed
        assert writer.account(output.fragment) == account
        files.update(output.files)
        fragments.append(Fragment(item.key, item.split, output.fragment))
    files.update({file.path: b"".join(file.chunks) for file in writer.assemble(lambda: fragments)})
    return files
