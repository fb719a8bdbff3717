"""`format: csv`, `parquet` and `jsonl` of annotations: items become fragments of rows, all of them one file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from reconciler.formats.account import Account, decode_account, encode_account
from reconciler.formats.assembling import chunked
from reconciler.formats.items import ExportItem, Fragments, ItemOutput, ItemPaths, OutputFile
from reconciler.formats.naming import settle_paths
from reconciler.formats.table_columns import TABLE_VERSION
from reconciler.formats.table_options import TableOptions
from reconciler.formats.table_rows import make_rows, meta_used
from reconciler.formats.table_text import csv_lines, dump, json_lines
from reconciler.model.json import JSON, canonical_json, digest

TableFormat = Literal["csv", "parquet", "jsonl"]


@dataclass(frozen=True, slots=True)
class TableWriter:
    """Pure; see `items.Writer`. Writes `annotations.csv`, `.parquet` or `.jsonl`, rows in the order of item keys."""

    format: TableFormat
    options: TableOptions = field(default_factory=TableOptions)

    @property
    def digest(self) -> str:
        """Of what decides a fragment; how CSV guards its texts does not."""
        o = self.options
        columns = [[c.name, c.cell, c.meta, c.attribute] for c in o.added]
        originals = o.originals if isinstance(o.originals, bool) else list(o.originals)
        edge = [o.geometry.mode, o.geometry.tolerance]
        return digest(["table", TABLE_VERSION, edge, originals, columns, o.empty_items])

    def meta_used(self, item: ExportItem) -> JSON:
        """The metadata that goes into the item's rows."""
        return dict(meta_used(item, self.options))

    def paths(self, item: ExportItem) -> ItemPaths:
        """The originals as in every format."""
        return settle_paths(item, self.options.originals, annotation=None)

    def write_item(self, item: ExportItem) -> ItemOutput:
        """One fragment: the account, then a line of JSON per row."""
        found = make_rows(item, self.options)
        head = canonical_json({"account": encode_account(found.account)})
        text = "\n".join([head, *map(dump, found.rows)])
        # Halves of surrogate pairs, which JSON and names of files can hold and no table can, become "?".
        return ItemOutput({}, text.encode(errors="replace").decode(), found.account, found.problems)

    def account(self, fragment: str) -> Account:
        """The account inside a fragment."""
        return decode_account(json.loads(fragment.partition("\n")[0])["account"])

    def assemble(self, fragments: Fragments) -> Iterator[OutputFile]:
        """The table."""
        yield OutputFile(f"annotations.{self.format}", self._chunks(fragments))

    def _chunks(self, fragments: Fragments) -> Iterator[bytes]:
        columns = self.options.columns
        rows = (cells for _, cells in _rows(fragments))
        match self.format:
            case "csv":
                return chunked(csv_lines(rows, columns, is_safe=self.options.spreadsheet_safe))
            case "jsonl":
                return chunked(json_lines(rows, columns))
            case "parquet":
                from reconciler.formats.table_parquet import parquet_chunks

                return parquet_chunks(_rows(fragments), columns)


def _rows(fragments: Fragments) -> Iterator[tuple[int, list[JSON]]]:
    """(length of its text, cells) of every row."""
    for fragment in fragments():
        for line in fragment.text.split("\n")[1:]:
            yield len(line), json.loads(line)
