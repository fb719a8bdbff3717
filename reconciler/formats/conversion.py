"""Items converted many at a time, in this process or another: payloads travel as text, which is cheap to hand over."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.errors import ReconcilerError
from reconciler.formats.items import ExportItem, ItemOutput, Writer


@dataclass(frozen=True, slots=True)
class UnreadItem:
    """An item whose payload is still text. item: with None for its data. text: JSON."""

    item: ExportItem
    text: str

    def read(self) -> ExportItem:
        """The item with its payload."""
        return replace(self.item, data=json.loads(self.text))

    def packed(self) -> UnreadItem:
        """For another process: without the way to its files, which only this one knows and only users' code takes."""
        return replace(self, item=replace(self.item, chunks=None))


@dataclass(frozen=True, slots=True)
class Conversion:
    """The work of a writer on some items; it can be pickled when the writer can."""

    writer: Writer

    def __call__(self, items: Sequence[UnreadItem]) -> list[ItemOutput | ReconcilerError]:
        """An output, or why there is none, for each item."""
        return [self._one(item) for item in items]

    def _one(self, item: UnreadItem) -> ItemOutput | ReconcilerError:
        try:
            return self.writer.write_item(item.read())
        except ReconcilerError as error:
            return error
