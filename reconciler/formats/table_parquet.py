"""Annotation tables as Parquet, with pyarrow: typed columns, one group of rows in memory at a time.

The same rows give the same bytes under the same version of pyarrow, which writes its version into the file.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, Final

from reconciler.errors import MissingExtra
from reconciler.formats.table_columns import TABLE_VERSION, Cell, Column
from reconciler.formats.table_text import dump
from reconciler.model.json import JSON

_ROWS: Final = 10_000  # a group has at most so many
_BYTES: Final = 32 * 1024 * 1024  # of the texts that rows come from: masks can be large
_BATCH: Final = 1_000


def need_pyarrow(what: str) -> None:
    """Raises MissingExtra when Parquet can be neither read nor written."""
    if find_spec("pyarrow") is None:
        raise MissingExtra(what, "parquet")


class _Sink(io.RawIOBase):
    """Takes what pyarrow writes, and gives it away piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        piece = bytes(content)
        self._waiting.append(piece)
        self._written += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._written

    def take(self) -> bytes:
        pieces, self._waiting = self._waiting, []
        return b"".join(pieces)


def parquet_chunks(rows: Iterable[tuple[int, Sequence[JSON]]], columns: Sequence[Column]) -> Iterator[bytes]:
    """The bytes of a file, a group of rows at a time. rows: (length of its text, cells).

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    need_pyarrow("writing Parquet files")
    from pyarrow.parquet import ParquetWriter

    schema = _schema(columns)
    sink = _Sink()
    writer = ParquetWriter(sink, schema, compression="zstd", write_page_index=True)
    for group in _groups(rows):
        writer.write_table(_table(group, columns, schema), row_group_size=len(group))
        yield sink.take()
    writer.close()
    yield sink.take()


def _groups(rows: Iterable[tuple[int, Sequence[JSON]]]) -> Iterator[list[Sequence[JSON]]]:
    waiting: list[Sequence[JSON]] = []
    length = 0
    for size, cells in rows:
        waiting.append(cells)
        length += size
        if len(waiting) >= _ROWS or length >= _BYTES:
            yield waiting
            waiting, length = [], 0
    if waiting:
        yield waiting


def _schema(columns: Sequence[Column]) -> Any:
    import pyarrow

    types = _types()
    fields = [pyarrow.field(column.name, types[column.cell]) for column in columns]
    return pyarrow.schema(fields, metadata={"reconciler.table": str(TABLE_VERSION)})


def _types() -> Mapping[Cell, Any]:
    import pyarrow

    number, whole, text = pyarrow.float64(), pyarrow.int64(), pyarrow.string()
    points = pyarrow.list_(pyarrow.list_(number))
    return {
        Cell.TEXT: text,
        Cell.INTEGER: whole,
        Cell.NUMBER: number,
        Cell.BOOLEAN: pyarrow.bool_(),
        Cell.JSON: text,
        Cell.TEXTS: pyarrow.list_(text),
        Cell.INTEGERS: pyarrow.list_(whole),
        Cell.PAIRS: pyarrow.list_(pyarrow.list_(whole)),
        Cell.POINTS: points,
        Cell.RINGS: pyarrow.list_(points),
    }


def _table(rows: Sequence[Sequence[JSON]], columns: Sequence[Column], schema: Any) -> Any:
    import pyarrow

    arrays = [
        pyarrow.array([_value(column, row[place]) for row in rows], schema.field(place).type)
        for place, column in enumerate(columns)
    ]
    return pyarrow.Table.from_arrays(arrays, schema=schema)


def _value(column: Column, value: JSON) -> Any:
    """What pyarrow takes: it refuses whole numbers beyond 2^53 where doubles belong, which only are rounded."""
    if value is None:
        return None
    match column.cell:
        case Cell.JSON:
            return dump(value)
        case Cell.NUMBER:
            return float(value)
        case Cell.POINTS:
            return [list(map(float, point)) for point in value]
        case Cell.RINGS:
            return [[list(map(float, point)) for point in ring] for ring in value]
        case _:
            return value


def read_parquet(content: bytes) -> Iterator[tuple[int, Mapping[str, JSON]]]:
    """(number of the row from 1, cells by column).

    Raises:
        MissingExtra: pyarrow is not installed.
        ValueError: it is no Parquet file, or a damaged one.
    """
    need_pyarrow("reading Parquet files")
    import pyarrow
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(io.BytesIO(content)) as file:
            number = 0
            for batch in file.iter_batches(_BATCH):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (pyarrow.ArrowException, OSError) as exc:
        raise ValueError(str(exc).partition("\n")[0]) from exc
