"""Every format that writes annotations, with each value that its options can be read off their schema to have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.errors import Problem
from reconciler.formats.account import Account
from reconciler.formats.items import ExportItem, Fragment, ItemOutput, Writer
from reconciler.formats.readers import READERS
from reconciler.formats.reading import Annotated, Reading
from reconciler.formats.writers import OPTION_SCHEMAS, open_writer
from tests.support.exports import export_of

NO_ANNOTATIONS = {"manifest": "lists files of Sage", "custom": "is what the user's own code makes of it"}
"""Formats whose output is no annotations that a reader of ours could read, and why."""


@dataclass(frozen=True)
class Variant:
    """A format with some options."""

    format: str
    options: Mapping[str, Any]

    def __str__(self) -> str:
        return "-".join([self.format, *(f"{name}-{value}" for name, value in self.options.items())])

    def writer(self, **fields: Any) -> Writer:
        """Its writer, for an export that says nothing else but `fields`; skips where its package is missing."""
        if self.format == "parquet":
            pytest.importorskip("pyarrow", reason="needs the extra parquet: make peers")
        return open_writer(export_of(format=self.format, options=self.options, **fields))


def variants() -> list[Variant]:
    """Each format as it is without options, and with each value of each option that has a few."""
    found = []
    for name in sorted(set(OPTION_SCHEMAS) - set(NO_ANNOTATIONS)):
        found.append(Variant(name, {}))
        found += [Variant(name, {option: value}) for option, value in _values(OPTION_SCHEMAS[name])]
    return [v for v in found if Draft202012Validator(OPTION_SCHEMAS[v.format]).is_valid(v.options)]


def _values(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for option, rules in schema.get("properties", {}).items():
        values = rules.get("enum", [False, True] if rules.get("type") == "boolean" else [])
        yield from ((option, value) for value in values if value != rules.get("default"))


@dataclass(frozen=True)
class Written:
    """An export in memory. files: path → bytes, pictures too. outputs: by item. accounts: as fragments have them."""

    files: Mapping[str, bytes]
    outputs: tuple[ItemOutput, ...]
    accounts: tuple[Account, ...]
    sizes: Mapping[str, tuple[int, int]]


def write(writer: Writer, *items: ExportItem) -> Written:
    """Write items as an export does, pictures as their names."""
    files: dict[str, bytes] = {}
    sizes: dict[str, tuple[int, int]] = {}
    outputs, fragments = [], []
    for item in sorted(items, key=lambda one: one.key):
        for spec, path in writer.paths(item).originals.items():
            files[path] = path.encode(errors="replace")
            found = item.media.get(spec)
            if found and found.width and found.height:
                sizes[path] = (found.width, found.height)
        output = writer.write_item(item)
        files.update(output.files)
        outputs.append(output)
        fragments.append(Fragment(item.key, item.split, output.fragment))
    for file in writer.assemble(lambda: fragments):
        assert file.path not in files, file.path
        files[file.path] = b"".join(file.chunks)
    return Written(files, tuple(outputs), tuple(writer.account(f.text) for f in fragments), sizes)


@dataclass(frozen=True)
class _Files:
    written: Written
    prefix: str

    @property
    def names(self) -> list[str]:
        return sorted(n.removeprefix(self.prefix) for n in self.written.files if n.startswith(self.prefix))

    def shown(self, name: str) -> str:
        return name

    def read(self, name: str) -> bytes:
        return self.written.files[self.prefix + name]

    def picture_size(self, name: str) -> tuple[int, int] | None:
        return self.written.sizes.get(self.prefix + name)

    def settings(self, name: str) -> Any:
        import yaml

        return yaml.load(self.read(name), Loader=yaml.BaseLoader)


FOLDERS = {"coco": "annotations/", "synapse-json": "annotations/"}
"""Format → the folder of an export that its reader is given; the whole export unless said."""


def read(variant: Variant, written: Written, specification: str = "image_1") -> tuple[list[Annotated], list[Problem]]:
    """What the format's own reader finds in an export, and what it complains about."""
    problems: list[Problem] = []
    options = {
        name: value for name, value in variant.options.items() if name in _READER_OPTIONS.get(variant.format, ())
    }
    files = _Files(written, FOLDERS.get(variant.format, ""))
    found = list(READERS[variant.format](Reading(files, specification, problems.append, options)))
    return found, problems


_READER_OPTIONS = {"csv": ("spreadsheetSafe",), "voc": ("origin",), "yolo": ("task",)}


def is_safe(path: str) -> bool:
    """Whether a path stays below its folder on every file system."""
    parts = PurePosixPath(path).parts
    return (
        bool(parts)
        and not path.startswith("/")
        and not any(
            part in ("..", ".") or len(part.encode()) > 255 or any(c in part for c in "\x00\\:\r\n") for part in parts
        )
    )
