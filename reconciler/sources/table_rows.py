"""Files that hold the rows of a table: CSV, TSV and Parquet, read as cells under the names of their header."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from reconciler.errors import Location, Problem, SourceError
from reconciler.model.json import JSON
from reconciler.sources.cells import Cell
from reconciler.sources.content import open_file
from reconciler.sources.delimited import read_delimited
from reconciler.sources.location import Place, locate, translated
from reconciler.sources.parquet import SUFFIXES, read_parquet
from reconciler.sources.table_refused import TableRefused

_DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class RowsSource:
    """A file that was found. shown: as people know it. fingerprint: changes with its bytes."""

    place: Place
    fingerprint: str

    @property
    def shown(self) -> str:
        """The file as people know it."""
        return self.place.shown

    def at(self, line: int = 0, column: int = 0) -> Location:
        """A place in it. column: from 1."""
        return Location(self.shown, line, column)

    def read(self) -> Iterator[tuple[int, list[Cell]]]:
        """(line, cells), the header first; lines of Parquet files are numbers of rows, the header being 1.

        Raises SourceError: the file cannot be read. MissingExtra: a package is needed for it.
        """
        suffix = _suffix(self.place)
        with translated(self.place, "cannot be read"), _refused(self.place):
            if suffix in SUFFIXES:
                yield from read_parquet(_open(self.place))
            else:
                yield from read_delimited(_open(self.place), _DELIMITERS[suffix])


def find_rows(url: str, folder: Path, options: Mapping[str, JSON]) -> RowsSource:
    """Find a file with rows and read it once for its fingerprint. Raises SourceError, MissingExtra."""
    place = locate(url, folder, options)
    if _suffix(place) not in (*_DELIMITERS, *SUFFIXES):
        known = ", ".join((*_DELIMITERS, *SUFFIXES))
        problem = Problem(f"{place.shown!r} cannot be read as rows", Location(place.shown), fix=f"use one of {known}")
        raise SourceError([problem])
    found = hashlib.sha256()
    with translated(place, "cannot be read"), _open(place) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            found.update(chunk)
    return RowsSource(place, found.hexdigest())


def _suffix(place: Place) -> str:
    return "." + place.path.rpartition(".")[2].lower()


def _open(place: Place) -> IO[bytes]:
    parent, _, name = place.path.rpartition("/")
    if place.is_local:
        return open(place.path, "rb")
    return open_file(replace(place, path=parent), name)


@contextmanager
def _refused(place: Place) -> Iterator[None]:
    try:
        yield
    except TableRefused as error:
        problem = Problem(f"{place.shown!r} cannot be read as rows", Location(place.shown), error.reason, error.fix)
        raise SourceError([problem]) from error
