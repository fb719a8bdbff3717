"""How the cells of one or several columns make the key of a unit. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.model.key_template import fill_template
from reconciler.model.resource import TableMetadata
from reconciler.sources.cells import Cell, header_text, is_empty, key_text


@dataclass(frozen=True, slots=True)
class TableKey:
    """columns: headers as the document writes them. template: how they make the key; "" joins them with "/"."""

    columns: tuple[str, ...]
    template: str = ""

    def positions(self, headers: Sequence[str]) -> tuple[int, ...] | None:
        """Where the columns are among the headers; None unless all are there."""
        found = [position(headers, header_text(column)) for column in self.columns]
        return None if None in found else tuple(place for place in found if place is not None)

    def text(self, cells: Sequence[Cell]) -> str:
        """The key that these cells make, in order of `columns`; "" when one of them is empty."""
        if any(is_empty(cell) for cell in cells):
            return ""
        texts = [key_text(cell) for cell in cells]
        if not self.template:
            return "/".join(texts)
        return fill_template(self.template, dict(zip(self.columns, texts, strict=True)))


def table_key(origin: TableMetadata) -> TableKey:
    """The key of a metadata table."""
    columns = (origin.key,) if isinstance(origin.key, str) else origin.key
    return TableKey(columns, origin.key_template)


def position(names: Sequence[str], wanted: str) -> int | None:
    """Index of a name: exact if there is one, else the only one that differs in letter case alone."""
    if wanted in names:
        return names.index(wanted)
    folded = [i for i, name in enumerate(names) if name.casefold() == wanted.casefold()]
    return folded[0] if len(folded) == 1 else None
