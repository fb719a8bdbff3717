"""Reads Parquet files with pyarrow, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from reconciler.errors import MissingExtra
from reconciler.sources.cells import Cell

SUFFIXES = (".parquet", ".pq")
_BATCH = 1000


def read_parquet(stream: IO[bytes]) -> Iterator[tuple[int, list[Cell]]]:
    """Yield (line, cells), the names of the columns first as line 1; the first row is line 2.

    Raises MissingExtra: the package that reads Parquet is not installed. pyarrow's errors for broken files pass.
    """
    with stream:
        try:
            from pyarrow.parquet import ParquetFile
        except ImportError as error:
            raise MissingExtra("reading Parquet files", "parquet") from error
        with ParquetFile(stream) as file:
            yield 1, list(file.schema_arrow.names)
            line = 1
            for batch in file.iter_batches(_BATCH):
                for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    line += 1
                    yield line, list(cells)
