"""Read annotation tables: rows of CSV, Parquet or JSON Lines back to one typed document per unit.

Rows become DM version 1 and are read as such, so that what is wrong with a shape is told in the same words everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from reconciler.errors import Problem, Severity
from reconciler.formats.annotations import Document, MediaAnnotations, Raw
from reconciler.formats.dm import decode_payload
from reconciler.formats.reading import Annotated, Reading
from reconciler.formats.table_columns import COLUMNS, read_cell
from reconciler.formats.table_shapes import Cells, dm_fields
from reconciler.formats.table_text import read_csv, unguarded
from reconciler.model.json import JSON, JSONObject, digest

_NAMING: Final = ("key", "path", "file_name")  # the first that a row has names its unit
Rows = Iterator[tuple[int, Mapping[str, JSON]]]


def read_tables(reading: Reading, suffix: str) -> Iterator[Annotated]:
    """Every table of the suffix directly in the folder; rows of one unit need not stand together."""
    units: dict[str, _Unit] = {}
    for name in reading.files.names:
        if name.endswith(suffix) and "/" not in name:
            for number, cells in _checked(reading, name, _ROWS[suffix](reading, name)):
                key = next((str(cells[n]) for n in _NAMING if cells.get(n) is not None), None)
                if key is None:
                    _tell(reading, name, number, f"none of {', '.join(_NAMING)} says which unit it is of")
                else:
                    units.setdefault(key, _Unit(key)).add(number, cells, reading.specification)
    for unit in units.values():
        yield Annotated(unit.key, unit.document(reading))


def _tell(reading: Reading, name: str, number: int | None, text: str) -> None:
    shown = reading.files.shown(name) + ("" if number is None else f":{number}")
    fix = "correct the table or export it again; the other rows are read"
    reading.problem(Problem(text, address=shown, fix=fix))


def _checked(reading: Reading, name: str, rows: Rows) -> Iterator[tuple[int, Cells]]:
    """Rows with typed cells; one with a wrong cell is told and left out."""
    try:
        for number, row in rows:
            try:
                yield number, _typed(row)
            except ValueError as exc:
                _tell(reading, name, number, str(exc))
    except ValueError as exc:
        _tell(reading, name, None, f"it cannot be read: {exc}")


def _typed(row: Mapping[str, JSON]) -> Cells:
    cells: Cells = {}
    for column in COLUMNS:
        try:
            value = read_cell(column, row.get(column.name))
        except ValueError as exc:
            raise ValueError(f"column {column.name!r}: {exc}") from exc
        if value is not None:
            cells[column.name] = value
    return cells


def _csv_rows(reading: Reading, name: str) -> Rows:
    is_safe = bool(reading.options.get("spreadsheetSafe", False))
    lines = read_csv(reading.files.read(name).decode("utf-8-sig"))
    header = [unguarded(cell) if is_safe else cell for cell in next(lines, (1, []))[1]]
    if len(set(header)) != len(header) or not set(_NAMING) & set(header):
        raise ValueError(f"the first line must name columns, each once, among them one of {', '.join(_NAMING)}")
    for number, cells in lines:
        if len(cells) != len(header):
            _tell(reading, name, number, f"the row has {len(cells)} cells, the header {len(header)}")
        else:
            yield number, dict(zip(header, map(unguarded, cells) if is_safe else cells, strict=True))


def _json_rows(reading: Reading, name: str) -> Rows:
    for number, line in enumerate(reading.files.read(name).decode("utf-8-sig").split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as exc:
            _tell(reading, name, number, f"the line is not JSON: {exc}")
            continue
        if isinstance(row, dict):
            yield number, row
        else:
            _tell(reading, name, number, f"the line is a {type(row).__name__}, not an object")


def _parquet_rows(reading: Reading, name: str) -> Rows:
    from reconciler.formats.table_parquet import read_parquet

    return read_parquet(reading.files.read(name))


_ROWS: Final[Mapping[str, Callable[[Reading, str], Rows]]] = {
    ".csv": _csv_rows,
    ".jsonl": _json_rows,
    ".parquet": _parquet_rows,
}


@dataclass(slots=True)
class _Unit:
    """What the rows of one unit say, as a payload of version 1."""

    key: str
    rows: dict[str, list[JSON]] = field(default_factory=dict)
    data: dict[str, list[JSON]] = field(default_factory=dict)
    groups: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    sizes: dict[str, JSONObject] = field(default_factory=dict)

    def add(self, number: int, cells: Cells, specification: str) -> None:
        """number: of the row, for ids of annotations that have none."""
        media = str(cells.get("media") or specification)
        rows = self.rows.setdefault(media, [])
        size: dict[str, JSON] = {side: cells[side] for side in ("width", "height") if side in cells}
        self.sizes[media] = {**size, **self.sizes.get(media, {})}
        if "tool" not in cells and "annotation" not in cells:
            return
        name = str(cells.get("annotation") or digest([self.key, media, number])[:10])
        raw = _member(cells, "data", "raw")
        row, data = _dm_rows(name, cells) if not raw else (raw.get("row"), raw.get("data"))
        rows.append(row)
        if data is not None:
            self.data.setdefault(media, []).append(data)
        if "group" in cells:
            self.groups.setdefault(media, {}).setdefault(str(cells["group"]), []).append(name)

    def document(self, reading: Reading) -> Document:
        """The typed document, without the annotations that could not be read, which are told."""
        groups = {m: [{"id": g, "annotationIds": ids} for g, ids in found.items()] for m, found in self.groups.items()}
        payload = {
            "annotations": self.rows,
            "annotationsData": self.data,
            "annotationGroups": groups,
            "extra": self.sizes,
        }
        decoded = decode_payload(payload, lossless=False)
        for problem in decoded.problems:
            reading.problem(
                Problem(
                    f"{self.key}: {problem.summary}",
                    detail=problem.detail,
                    fix="correct the row; the others are read",
                    severity=Severity.WARNING,
                )
            )
        return replace(decoded.document, media=tuple(map(_readable, decoded.document.media)))


def _readable(media: MediaAnnotations) -> MediaAnnotations:
    kept = tuple(a for a in media.annotations if not (isinstance(a.shape, Raw) and a.shape.reason == "malformed"))
    return replace(media, annotations=kept)


def _dm_rows(name: str, cells: Cells) -> tuple[JSON, JSON]:
    """The row in `annotations` and the one in `annotationsData`."""
    attributes = _member(cells, "attributes")
    if "visibility" in cells and "joints" not in cells and "visibility" not in attributes:
        attributes = {**attributes, "visibility": cells["visibility"]}
    named = {"class": cells["class"]} if "class" in cells else {}
    row: dict[str, JSON] = {"id": name, **_member(cells, "extra", "members")}
    if "tool" in cells:
        row["tool"] = cells["tool"]
    row["classification"] = {**named, **attributes}
    fields = dm_fields(cells) if "tool" in cells else {}
    return row, {"id": name, **fields, **_member(cells, "extra", "data")}


def _member(cells: Cells, column: str, *path: str) -> JSONObject:
    """An object inside a JSON cell, {} when there is none."""
    value: JSON = cells.get(column)
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}
