"""`format: csv`: the result of a query as the backend writes it, and what the account tells of it.

The one item is the result. Its data, from `Provider.records` with the target `query`: `query`, `table`, `version` of
the table, and `updated`, which changes when the rows do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.formats.account import Account
from reconciler.formats.items import ExportItem, Fragments, ItemOutput, ItemPaths, OutputFile
from reconciler.model.json import JSONObject, canonical_json, digest

ROWS_PATH: Final = "rows.csv"


@dataclass(frozen=True, slots=True)
class CsvWriter:
    """Pure; see `items.Writer`. row_ids: rows begin with ROW_ID and ROW_VERSION."""

    row_ids: bool = False
    format: str = "csv"

    @property
    def digest(self) -> str:
        """Of what goes into the file."""
        return digest([self.format, 1, self.row_ids])

    def paths(self, item: ExportItem) -> ItemPaths:
        """`rows.csv`, as it comes."""
        return ItemPaths(dict.fromkeys(item.media, ROWS_PATH))

    def write_item(self, item: ExportItem) -> ItemOutput:
        """Nothing but what is told of the result; its rows are counted when they travel, see `RowMeter`."""
        return ItemOutput({}, canonical_json(item.data), Account())

    def assemble(self, fragments: Fragments) -> Iterator[OutputFile]:  # noqa: ARG002
        """There are no shared files."""
        return iter(())

    def account(self, fragment: str) -> Account:  # noqa: ARG002
        """Nothing is lost."""
        return Account()


@dataclass(slots=True)
class RowMeter:
    """Counts the rows, bytes and MD5 of a CSV file that passes by: quotes doubled (RFC 4180), one header."""

    size_bytes: int = 0
    _lines: int = 0
    _is_quoted: bool = False
    _last: bytes = b"\n"
    _md5: Any = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))

    def watch(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Pass the chunks on. Starts from nothing at each call, since a file may be asked for again."""
        self.size_bytes, self._lines, self._is_quoted, self._last = 0, 0, False, b"\n"
        self._md5 = hashlib.md5(usedforsecurity=False)
        for chunk in chunks:
            self._meet(chunk)
            yield chunk

    def _meet(self, chunk: bytes) -> None:
        if not chunk:
            return
        self.size_bytes += len(chunk)
        self._md5.update(chunk)
        self._last = chunk[-1:]
        for number, part in enumerate(chunk.split(b'"')):
            self._is_quoted ^= number > 0
            self._lines += 0 if self._is_quoted else part.count(b"\n")

    @property
    def rows(self) -> int:
        """Without the header."""
        return max(self._lines + (self._last != b"\n") - 1, 0)

    def account(self) -> Account:
        """All rows are written."""
        return Account(self.rows, self.rows)

    def result(self, fragments: Fragments) -> JSONObject:
        """What the summary tells of the result: query, table and version, and the file."""
        found: dict[str, Any] = {}
        for fragment in fragments():
            found |= json.loads(fragment.text)
        return {**found, "file": ROWS_PATH, "rows": self.rows, "bytes": self.size_bytes, "md5": self._md5.hexdigest()}
