"""Data sets in memory, and exports of what a reader gives."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import yaml

from reconciler.errors import Problem
from reconciler.formats.account import Account
from reconciler.formats.dm import encode_v1
from reconciler.formats.items import ExportItem, Fragment, MediaFile, Writer
from reconciler.formats.readers import READERS
from reconciler.formats.reading import Annotated, DatasetFiles, Reading
from reconciler.model.json import JSON


@dataclass(frozen=True)
class MemoryDataset:
    """Files by path; pictures are all of one size, None when they cannot be measured."""

    files: Mapping[str, bytes | str]
    size: tuple[int, int] | None = (200, 100)

    @property
    def names(self) -> Sequence[str]:
        return sorted(self.files)

    def shown(self, name: str) -> str:
        return f"set/{name}"

    def read(self, name: str) -> bytes:
        content = self.files[name]
        return content.encode() if isinstance(content, str) else content

    def picture_size(self, name: str) -> tuple[int, int] | None:
        return self.size if name in self.files else None

    def settings(self, name: str) -> JSON:
        return yaml.load(self.read(name), Loader=yaml.BaseLoader)


@dataclass
class ReadBack:
    """What a reader gave and what it complained about."""

    found: list[Annotated]
    problems: list[Problem] = field(default_factory=list)

    @property
    def annotations(self) -> list[Any]:
        """Of all pictures, in order."""
        return [a for one in self.found if one.document for m in one.document.media for a in m.annotations]


def read_dataset(files: DatasetFiles, format: str, **options: JSON) -> ReadBack:
    """Read a data set with the reader of a format."""
    problems: list[Problem] = []
    found = list(READERS[format](Reading(files, "image_1", problems.append, options)))
    return ReadBack(found, problems)


def as_items(found: Iterable[Annotated]) -> list[ExportItem]:
    """Items as if the documents had been tasks: through the JSON text of the platform."""
    return [
        ExportItem(
            str(PurePosixPath(one.name).with_suffix("")).rpartition("/")[2],
            "1",
            json.loads(json.dumps(encode_v1(one.document))) if one.document else None,
            {"image_1": MediaFile(PurePosixPath(one.name).name, is_primary=True)},
        )
        for one in found
    ]


def write_dataset(writer: Writer, items: Iterable[ExportItem]) -> tuple[dict[str, str], list[Account]]:
    """All files of an export as texts, and the account of each item."""
    outputs = [(item, writer.write_item(item)) for item in items]
    fragments = [Fragment(item.key, item.split, output.fragment) for item, output in outputs]
    files = {file.path: b"".join(file.chunks).decode() for file in writer.assemble(lambda: fragments)}
    return files, [output.account for _, output in outputs]
