"""Which unit and specification a row of a manifest belongs to, and what the rows of a unit say together."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

from reconciler.errors import Location, Problem
from reconciler.model.json import JSON
from reconciler.model.resource import AssetSet
from reconciler.sources.account import Fault, Finding
from reconciler.sources.classify import Classifier, FolderRules, Left, Placed
from reconciler.sources.keys import normalised_key
from reconciler.sources.ledger import FileRow, TableRow
from reconciler.sources.manifest_entries import Entry
from reconciler.sources.metadata_conflicts import Piece

EXTERNAL = -1


class ManifestSorter:
    """Decides by what the row says; where it says nothing, by the rules that hold for listed files."""

    def __init__(self, rules: Classifier, asset_set: AssetSet) -> None:
        self._rules = rules
        self._asset_set = asset_set
        self._folder: tuple[tuple[int, str], FolderRules] | None = None

    def decide(self, entry: Entry) -> Placed | Left:
        """(key, specification index), else why the row belongs to no unit."""
        if entry.external:
            return entry.key, EXTERNAL
        folder, slash, name = entry.path.rpartition("/")
        prefix = folder + slash
        index = self._index(entry, prefix, name)
        if isinstance(index, Left):
            return index
        key = normalised_key(entry.key, self._asset_set) if entry.key else self._key(prefix, name)
        return self._rules.no_key if not key else (key, index)

    def _key(self, prefix: str, name: str) -> str | None:
        return self._rules.key_of(prefix, self._rules.mapping.split(name)[0], name)

    def _index(self, entry: Entry, prefix: str, name: str) -> int | Left:
        suffix = self._rules.mapping.split(name)[1]
        if entry.specification:
            return self._rules.accepted(self._rules.mapping.names.index(entry.specification), suffix)
        return self._rules_of(entry.source, prefix).specification(name)

    def _rules_of(self, source: int, prefix: str) -> FolderRules:
        if self._folder is None or self._folder[0] != (source, prefix):
            self._folder = ((source, prefix), self._rules.folder(source, prefix))
        return self._folder[1]


class RowValues:
    """Rows sorted by unit, asked for in the same order."""

    def __init__(self, rows: Iterator[TableRow]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def of(self, key: str) -> list[TableRow]:
        """All rows of a unit."""
        found: list[TableRow] = []
        while self._next is not None and self._next.unit <= key:
            if self._next.unit == key:
                found.append(self._next)
            self._next = next(self._rows, None)
        return found


def merged_values(rows: Sequence[TableRow]) -> dict[str, JSON]:
    """The values of several rows together."""
    merged: dict[str, JSON] = {}
    for row in rows:
        merged |= json.loads(row.data)
    return merged


class ManifestOrigin:
    """The metadata columns of a manifest. Rows of one unit that disagree are a problem."""

    def __init__(self, address: str, shown: str, rows: Iterator[TableRow], add: Callable[[Finding], None]) -> None:
        self.address = address
        self._shown = shown
        self._values = RowValues(rows)
        self._add = add

    def piece(self, key: str, _files: Sequence[FileRow]) -> Piece | None:
        """What all rows of the unit say; an empty piece when they say nothing."""
        rows = self._values.of(key)
        merged: dict[str, JSON] = {}
        for row in rows:
            for name, value in json.loads(row.data).items():
                if merged.setdefault(name, value) != value:
                    self._disagree(key, name, merged[name], value, row.line)
        line = rows[0].line if rows else 0
        return Piece(merged, Location(self._shown, line), f"row {line}" if rows else "")

    def _disagree(self, key: str, name: str, first: JSON, other: JSON, line: int) -> None:
        what = f"the rows of unit {key!r} give {name!r} as {first!r} and as {other!r}"
        fix = "write the same value in all rows of a unit, or in one of them only"
        problem = Problem(what, Location(self._shown, line), "Which one counts is not said.", fix, address=self.address)
        self._add(Finding(Fault.CONFLICT, problem, key))
