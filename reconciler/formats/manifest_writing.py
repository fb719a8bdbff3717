"""Cells that both official readers and strict mode read back as the very values they were written for. Pure.

A candidate is written plainly first; single quotes or brackets are added where the plain form would be misread by
itself, or in the company of its column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from reconciler.formats.manifest_cells import Dialect, Wire, WireType, parse_cell, wire_form
from reconciler.formats.manifest_columns import infer_column
from reconciler.formats.manifest_strict import Refusal, quoted, quoted_item, strict_cell

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLEAR = "[]"


class Unwritable(ValueError):
    """A value that no cell can hold. The message is a sentence without full stop."""


def write_column(values: Sequence[Wire | str | None], width: int) -> list[str]:
    """The cells of one annotation column. values: None clears the key, "" says nothing. width: columns of the table.

    Raises:
        Unwritable: a value cannot be written.
    """
    ladders = [_forms(value) for value in values]
    steps = [0] * len(ladders)
    while True:
        cells = [ladder[step] for ladder, step in zip(ladders, steps, strict=True)]
        misread = [row for row in _misread(cells, values, width) if steps[row] + 1 < len(ladders[row])]
        if not misread:
            wrong = next(iter(_misread(cells, values, width)), None)
            if wrong is not None:
                raise Unwritable(f"the official reader would misread {cells[wrong]!r} in this column")
            return cells
        for row in misread:
            steps[row] += 1


def _misread(cells: Sequence[str], values: Sequence[Wire | str | None], width: int) -> list[int]:
    """Rows whose cell the official readers, who look at whole columns, do not read as it is meant."""
    read = infer_column(cells, width)
    return [row for row, (seen, wanted) in enumerate(zip(read, values, strict=True)) if not _agrees(seen, wanted)]


def _agrees(seen: object, wanted: Wire | str | None) -> bool:
    if seen is None or seen == "":
        return wanted == ""
    for dialect in Dialect:
        value = parse_cell(seen, dialect) if isinstance(seen, str) else seen
        if wire_form(value, UTC) != wanted:
            return False
    return True


def _forms(value: Wire | str | None) -> list[str]:
    """Cells for a value that strict mode reads rightly, the plainest first."""
    if isinstance(value, str):
        return [""]
    if value is None:
        return [_CLEAR]
    found = [text for text in _candidates(value) if text.isprintable() and strict_cell(text) == value]
    if not found:
        reasons = (strict_cell(text) for text in _candidates(value))
        reason = next((r.reason for r in reasons if isinstance(r, Refusal)), "No cell is read as it.")
        raise Unwritable(f"{value.type} {', '.join(map(repr, value.values[:3]))}: {reason}".rstrip("."))
    return found


def _candidates(value: Wire) -> Iterator[str]:
    for items in _item_forms(value):
        if len(items) == 1:
            bare = value.type is WireType.STRING and items[0] == value.values[0]
            if not items[0].startswith('"'):
                yield items[0]
            if not bare:
                yield f"[{items[0]}]"
                yield f"[{items[0]},]"
        else:
            yield f"[{', '.join(items)}]"


def _item_forms(value: Wire) -> Iterator[list[str]]:
    if value.type is WireType.STRING:
        if not any('"' in text for text in value.values):
            yield list(value.values)
        if len(value.values) == 1:
            yield [quoted(value.values[0])]
        yield [quoted_item(text) for text in value.values]
    elif value.type is WireType.TIMESTAMP:
        yield [iso_time(int(text)) for text in value.values]
        for extra in (1, 10):
            yield [iso_time(int(text), -extra if int(text) < 0 else extra) for text in value.values]
    elif value.type is WireType.DOUBLE:
        yield [{"inf": "1e999", "-inf": "-1e999"}.get(text, text) for text in value.values]
    else:
        yield list(value.values)
        yield [text if text.startswith("-") else f"+{text}" for text in value.values]  # 20240101 is a date, too


def iso_time(milliseconds: int, microseconds: int = 0) -> str:
    """Milliseconds since 1970 UTC as ISO 8601 with "Z"; the fraction only when it is not zero.

    microseconds: added where the official client, which multiplies a float, would otherwise come out one short.

    Raises:
        Unwritable: beyond the years 1 to 9999.
    """
    try:
        moment = _EPOCH + timedelta(milliseconds=milliseconds, microseconds=microseconds)
    except OverflowError as error:
        raise Unwritable(f"{milliseconds} ms lies beyond the years that ISO 8601 can write") from error
    precision = "microseconds" if microseconds else "milliseconds" if milliseconds % 1000 else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def check_text_column(cells: Sequence[str], width: int) -> None:
    """Make sure that the official reader takes a column of names, paths or notes as the very texts.

    Raises:
        Unwritable: it would take a cell as missing, or the whole column as numbers or truth values.
    """
    for cell, seen in zip(cells, infer_column(cells, width), strict=True):
        if cell and seen is None:
            raise Unwritable(f"the official reader takes {cell!r} as a missing value")
        if cell and seen != cell:
            raise Unwritable(f"the official reader takes the whole column as numbers or truth values, such as {cell!r}")
