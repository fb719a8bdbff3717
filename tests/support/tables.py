"""Annotation tables in memory: items to files, and files back to documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.errors import Problem
from reconciler.formats.annotations import Document
from reconciler.formats.items import ExportItem, Fragment
from reconciler.formats.readers import READERS
from reconciler.formats.reading import Reading
from reconciler.formats.table_options import TableOptions
from reconciler.formats.table_write import TableWriter


@dataclass(frozen=True)
class Files:
    """A folder of a data set."""

    content: Mapping[str, bytes]

    @property
    def names(self) -> Sequence[str]:
        return sorted(self.content)

    def shown(self, name: str) -> str:
        return name

    def read(self, name: str) -> bytes:
        return self.content[name]

    def picture_size(self, name: str) -> None:  # noqa: ARG002  # of the protocol
        return None


def table(format: Any, items: Iterable[ExportItem], options: TableOptions | None = None) -> bytes:
    """The one file of a table."""
    writer = TableWriter(format, options or TableOptions())
    fragments = [Fragment(i.key, i.split, writer.write_item(i).fragment) for i in items]
    ((path, content),) = ((f.path, b"".join(f.chunks)) for f in writer.assemble(lambda: fragments))
    assert path == f"annotations.{format}"
    return content


def documents(format: str, content: bytes, **options: Any) -> tuple[dict[str, Document], list[Problem]]:
    """Unit → document, and what could not be read."""
    problems: list[Problem] = []
    reading = Reading(Files({f"annotations.{format}": content}), "image_1", problems.append, options)
    found = {one.name: one.document for one in READERS[format](reading)}
    return {key: document for key, document in found.items() if document is not None}, problems
