"""What a query reads: rows with their columns, whatever kind of table or view they come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from reconciler.backend.sage.columns import Column

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Record:
    """One row. benefactor: who may read it is who may read that entity; etag: of the entity that the row shows."""

    id: int
    version: int
    etag: str | None
    benefactor: int | None
    cells: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Relation:
    """Columns and the records that have a cell for each of them, read while they are asked for."""

    entity: int
    columns: Sequence[Column]
    records: Iterator[Record]
    has_etags: bool = False
    is_aggregate: bool = False


def in_batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut a sequence into pieces of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))
