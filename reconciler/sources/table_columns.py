"""Which columns of a metadata table become which values, and of what type."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.model.json import JSON
from reconciler.model.resource import ColumnRule, TableMetadata
from reconciler.sources.cells import header_text
from reconciler.sources.table_key import position
from reconciler.sources.workbook import cell_name

# Called with what is wrong, the line, why, and what to do.
Report = Callable[[str, int, str, str], None]


@dataclass(frozen=True, slots=True)
class Column:
    """How one column is read. source: position or field name. kind: declared type. soft: from the schema, may fail."""

    name: str
    source: int | str
    kind: str | None = None
    default: JSON = None
    soft: bool = False

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"column {column_letters(self.source)}" if isinstance(self.source, int) else "field"


def column_letters(column: int) -> str:
    """Name a column as spreadsheets do. column: from 0."""
    return cell_name(0, column)[:-1]


class ColumnPlanner:
    """Plans columns by the rules of one table. schema_kinds: field → type that the collection's schema declares."""

    def __init__(self, origin: TableMetadata, schema_kinds: Mapping[str, str], report: Report) -> None:
        self._rules = origin.columns
        self._keep = origin.unlisted == "keep"
        self._schema_kinds = schema_kinds
        self._report = report
        self._taken = {rule.name for rule in origin.columns}

    def of_headers(self, headers: Sequence[str], key: Sequence[int], line: int) -> Iterator[Column]:
        """Columns of a grid; reports repeated headers and listed columns that are not there."""
        self._check_repeated(headers, line)
        used = set(key)
        for rule in self._rules:
            place = position(headers, header_text(rule.source))
            if place is None:
                self._report_missing(rule, headers, line)
            else:
                used.add(place)
                yield self._listed(rule, place)
        for place, name in enumerate(headers):
            if name and place not in used and self._is_kept(name):
                yield self._unlisted(name, place)

    def of_names(self, names: Sequence[str], key: Sequence[str]) -> Iterator[Column]:
        """Columns of records that have these names; every field may be missing."""
        used = {*key, *(rule.source for rule in self._rules)}
        yield from (self._listed(rule, rule.source) for rule in self._rules)
        yield from (self._unlisted(name, name) for name in names if name not in used and self._is_kept(name))

    def _is_kept(self, name: str) -> bool:
        return self._keep and name not in self._taken

    def _listed(self, rule: ColumnRule, source: int | str) -> Column:
        kind = rule.type or self._schema_kinds.get(rule.name)
        return Column(rule.name, source, kind, rule.default, soft=rule.type is None)

    def _unlisted(self, name: str, source: int | str) -> Column:
        return Column(name, source, self._schema_kinds.get(name), soft=True)

    def _check_repeated(self, headers: Sequence[str], line: int) -> None:
        places: dict[str, list[str]] = {}
        for place, name in enumerate(headers):
            if name:
                places.setdefault(name, []).append(column_letters(place))
        for name in sorted(name for name, columns in places.items() if len(columns) > 1):
            what = f"header {name!r} is repeated in columns {', '.join(places[name])}"
            self._report(what, line, "A value could come from either.", "rename or delete one of them")

    def _report_missing(self, rule: ColumnRule, headers: Sequence[str], line: int) -> None:
        near = difflib.get_close_matches(rule.source, [name for name in headers if name], 1, 0.5)
        fix = f"did you mean {near[0]!r}?" if near else "set 'from' to a header of the table"
        self._report(f"no column is called {rule.source!r}", line, f"Column {rule.name!r} is read from it.", fix)
