"""Rows from a CSV file: which column each cell is for, and what each line does to which row; and the preview of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Final

from reconciler.backend.sage.body import Body, plain_id
from reconciler.backend.sage.call import Call, P
from reconciler.backend.sage.column_types import DEFAULT_STRING, LARGE_TEXT, MAX_STRING, MEDIUM_TEXT, TYPES, read_cell
from reconciler.backend.sage.columns import Column, column_ids
from reconciler.backend.sage.csv_texts import CsvFormat, read_format, read_lines
from reconciler.backend.sage.errors import bad
from reconciler.backend.sage.file_handles import own_handle
from reconciler.backend.sage.jobs import JobKind
from reconciler.backend.sage.table_appends import RowChange
from reconciler.backend.wire import ApiError

_SYSTEM: Final = ("ROW_ID", "ROW_VERSION", "ROW_ETAG")
_PREVIEWED: Final = 5
_SCANNED: Final = 10_000
_GUESSED: Final = ("BOOLEAN", "INTEGER", "DOUBLE", "DATE", "ENTITYID")


def uploaded_path(call: Call, handle: int) -> str:
    """Where the bytes of the caller's file handle are."""
    row = own_handle(call, handle)
    if row["sha256"] is None:
        raise bad(f"The bytes of the file handle {handle} are not on this server.")
    return call.store.blobs.path(row["sha256"])


def uploaded_changes(call: Call, body: Body, columns: Sequence[Column]) -> Iterator[RowChange]:
    """What the lines of an `UploadToTableRequest` do. Raises `ApiError` 400, naming the line."""
    path = uploaded_path(call, body.needed_integer("uploadFileHandleId"))
    form = read_format(body)
    lines = read_lines(path, form, skipped=_skipped(body))
    listed = column_ids(body.items("columnIds"))
    layout, lines = _layout(columns, lines, form, listed)
    for number, cells in lines:
        try:
            yield layout.change(cells)
        except ApiError as error:
            raise ApiError(error.status, error.code, f"Line {number} of the CSV file: {error.message}") from None


def _skipped(body: Body) -> int:
    skipped = body.integer("linesToSkip", 0) or 0
    if not 0 <= skipped <= 1_000_000:
        raise bad("linesToSkip must be zero or more.")
    return skipped


@dataclass(frozen=True, slots=True)
class _Layout:
    """The place of each column in a line."""

    system: Mapping[str, int]
    columns: Sequence[tuple[int, Column]]
    width: int

    def change(self, cells: list[str]) -> RowChange:
        """What a line does. A line with an id and nothing else deletes the row."""
        if len(cells) != self.width:
            raise bad(f"it has {len(cells)} cells, not {self.width}.")
        row, version = (self._number(cells, name) for name in _SYSTEM[:2])
        etag = cells[self.system["ROW_ETAG"]] if "ROW_ETAG" in self.system else None
        if row is not None and not any(cells[place] for place, _ in self.columns):
            return RowChange(row, None, version, etag or None)
        read = {column["id"]: read_cell(column, cells[place] or None) for place, column in self.columns}
        return RowChange(row, read, version if row is not None else None, etag or None)

    def _number(self, cells: list[str], name: str) -> int | None:
        place = self.system.get(name)
        return plain_id(cells[place].strip()) if place is not None and cells[place].strip() else None


def _layout(
    columns: Sequence[Column], lines: Iterator[tuple[int, list[str]]], form: CsvFormat, listed: Sequence[int]
) -> tuple[_Layout, Iterator[tuple[int, list[str]]]]:
    first = next(lines, None)
    if first is None:
        raise bad("The CSV file is empty.")
    if form.has_header:
        return _named_layout(columns, first[1]), lines
    chosen = columns
    if listed:
        by_id = {int(column["id"]): column for column in columns}
        if unknown := [one for one in listed if one not in by_id]:
            raise bad(f"The column {unknown[0]} is not one of this table.")
        chosen = [by_id[one] for one in listed]
    surplus = len(first[1]) - len(chosen)
    if surplus not in (0, 2, 3):
        raise bad(f"The CSV file has {len(first[1])} columns, the table {len(chosen)}.")
    system = {name: place for place, name in enumerate(_SYSTEM[:surplus])}
    layout = _Layout(system, [(place + surplus, column) for place, column in enumerate(chosen)], len(first[1]))
    return layout, chain([first], lines)


def _named_layout(columns: Sequence[Column], names: list[str]) -> _Layout:
    by_name = {column["name"]: column for column in columns}
    system: dict[str, int] = {}
    found: list[tuple[int, Column]] = []
    for place, name in enumerate(name.strip() for name in names):
        if name in _SYSTEM:
            system[name] = place
        elif name in by_name:
            found.append((place, by_name.pop(name)))
        elif name != "ROW_BENEFACTOR":
            raise bad(
                "The first line is expected to be a header but the values do not match the names of of the columns of"
                f" the table ({name[:100]} is not a valid column name or id). Header row: {','.join(names)[:1000]}"
            )
    return _Layout(system, found, len(names))


def preview(call: Call, body: Body) -> dict[str, Any]:
    """`UploadToTablePreviewRequest`: columns that would fit a file, and its first lines."""
    path = uploaded_path(call, body.needed_integer("uploadFileHandleId"))
    form = read_format(body)
    lines = read_lines(path, form, skipped=_skipped(body))
    rows = [cells for _, cells in islice(lines, None if body.boolean("doFullFileScan") else _SCANNED)]
    if not rows:
        raise bad("The CSV file is empty.")
    names = rows.pop(0) if form.has_header else [f"col{place}" for place in range(1, len(rows[0]) + 1)]
    guessed = [
        _guess(name, [row[place] for row in rows if place < len(row) and row[place]])
        for place, name in enumerate(names)
        if name not in _SYSTEM
    ]
    return {
        "concreteType": f"{P}.table.UploadToTablePreviewResult",
        "suggestedColumns": guessed,
        "sampleRows": [{"values": row} for row in rows[:_PREVIEWED]],
        "rowsScanned": len(rows),
    }


def _guess(name: str, texts: Sequence[str]) -> Column:
    for kind in _GUESSED:
        if texts and _reads_all(kind, texts):
            return {"name": name, "columnType": kind}
    longest = max(map(len, texts), default=DEFAULT_STRING)
    if longest > MAX_STRING:
        return {"name": name, "columnType": "MEDIUMTEXT" if longest <= MEDIUM_TEXT else "LARGETEXT"}
    return {"name": name, "columnType": "STRING", "maximumSize": longest}


def _reads_all(kind: str, texts: Sequence[str]) -> bool:
    try:
        for text in texts:
            TYPES[kind].read(text, LARGE_TEXT)
    except (ValueError, OverflowError):
        return False
    return True


JOBS: Final = (JobKind("table.UploadToTablePreviewRequest", "/table/upload/csv/preview/async", preview),)
