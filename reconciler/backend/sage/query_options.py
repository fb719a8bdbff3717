"""What may come with a query beside its text: sorting, further filters and selected facets, put into its tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from reconciler.backend.sage.body import Body
from reconciler.backend.sage.call import P
from reconciler.backend.sage.column_types import TYPES
from reconciler.backend.sage.columns import Column
from reconciler.backend.sage.errors import bad
from reconciler.backend.sage.sql_parser import parse_query
from reconciler.backend.sage.sql_tree import (
    Among,
    ColumnName,
    Expression,
    Is,
    Literal,
    Operation,
    Order,
    Query,
)
from reconciler.backend.sage.sql_words import LONGEST_SQL
from reconciler.backend.wire import ApiError

NOT_SET: Final = "org.sagebionetworks.UNDEFINED_NULL_NOTSET"  # stands for no value among the values of a facet
FACET_ERROR: Final = "INVALID_TABLE_QUERY_FACET_COLUMN_REQUEST"
_MOST_FILTERS: Final = 100
_KEYS: Final = frozenset({"sql", "includeEntityEtag", "sort", "selectedFacets", "additionalFilters"})
_COMPARING: Final = {"EQUAL": "=", "NOT_EQUAL": "<>", "LIKE": "LIKE", "IN": "IN", "NOT_IN": "IN"}


@dataclass(frozen=True, slots=True)
class Facet:
    """What is selected of a facet: values, or a range whose ends may be open."""

    column: str
    values: tuple[str, ...] = ()
    least: str | None = None
    most: str | None = None

    def condition(self, kind: str) -> Expression | None:
        """What rows must fulfil, None when nothing is selected. kind: the type of the column."""
        name = ColumnName(self.column)
        parts: list[Expression] = []
        if chosen := tuple(Literal(value) for value in self.values if value != NOT_SET):
            parts.append(Among("HAS" if TYPES[kind].element else "IN", name, chosen, is_negated=False))
        if NOT_SET in self.values:
            parts.append(Is(name, "NULL", is_negated=False))
        if parts:
            return parts[0] if len(parts) == 1 else Operation("OR", tuple(parts))
        ends = [Operation(sign, (name, Literal(end))) for sign, end in ((">=", self.least), ("<=", self.most)) if end]
        return all_of(ends)


@dataclass(frozen=True, slots=True)
class Asked:
    """A query as it was asked for. query: without facets; limit, offset: of the page; wire: as
    it came; facets: selected ones."""

    sql: str
    query: Query
    limit: int | None
    offset: int
    wants_etag: bool
    wire: Mapping[str, Any]
    facets: tuple[Facet, ...] = ()
    is_combined: bool = False


def read_query(body: Body) -> Asked:
    """Read a `Query`. Raises `ApiError` 400."""
    sql = body.needed("sql", longest=LONGEST_SQL)
    query = parse_query(sql)
    filters = [_filter(one) for one in body.objects("additionalFilters", most=_MOST_FILTERS)]
    order = tuple(_sort(one) for one in body.objects("sort", most=_MOST_FILTERS))
    facets = tuple(_facet(one) for one in body.objects("selectedFacets", most=_MOST_FILTERS))
    limit, offset = body.integer("limit"), body.integer("offset", 0)
    if (limit is not None and limit < 0) or offset is None or offset < 0:
        raise bad("limit and offset must be zero or more.")
    return Asked(
        sql,
        with_order(with_conditions(query, filters), order),
        limit,
        offset,
        body.boolean("includeEntityEtag"),
        {key: value for key, value in body.values.items() if key in _KEYS},
        facets,
        bool(filters or order or facets),
    )


def with_conditions(query: Query, conditions: Sequence[Expression]) -> Query:
    """A query whose rows must fulfil these too. Only for queries with one select."""
    if not conditions:
        return query
    if len(query.selects) > 1:
        raise bad("A UNION cannot be filtered further.")
    first = query.first
    where = all_of([*([first.where] if first.where else []), *conditions])
    return replace(query, selects=(replace(first, where=where),))


def with_order(query: Query, order: tuple[Order, ...]) -> Query:
    """A query sorted by these before all."""
    return replace(query, order=(*order, *query.order)) if order else query


def with_facets(query: Query, facets: Sequence[Facet], columns: Sequence[Column], *, but: str | None = None) -> Query:
    """A query with what is selected of facets. but: a column whose facet is left out. Raises `ApiError` 400."""
    by_name = {column["name"]: column for column in columns}
    conditions: list[Expression] = []
    for facet in facets:
        column = by_name.get(facet.column)
        if column is None or "facetType" not in column:
            reason = f"Column {facet.column[:200]} is not a facet of this table."
            raise ApiError(400, FACET_ERROR, reason)
        condition = facet.condition(column["columnType"])
        if condition is not None and facet.column != but:
            conditions.append(condition)
    return with_conditions(query, conditions)


def all_of(parts: Sequence[Expression]) -> Expression | None:
    """One condition from many, None from none."""
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else Operation("AND", tuple(parts))


def _sort(body: Body) -> Order:
    direction = body.text("direction") or "ASC"
    if direction not in ("ASC", "DESC"):
        raise bad("The direction of a sort must be ASC or DESC.")
    return Order(ColumnName(body.needed("column").strip('"')), direction == "DESC")


def _texts(body: Body, key: str) -> tuple[str, ...]:
    values = body.items(key, most=10_000)
    if not all(isinstance(value, str) for value in values):
        raise bad(f"{body.where}{key} must be texts.")
    return tuple(values)


def _facet(body: Body) -> Facet:
    column = body.needed("columnName")
    if body.needed("concreteType") == f"{P}.table.FacetColumnRangeRequest":
        return Facet(column, least=body.text("min"), most=body.text("max"))
    return Facet(column, values=_texts(body, "facetValues"))


def _filter(body: Body) -> Expression:
    kind = body.needed("concreteType").removeprefix(f"{P}.table.")
    column = ColumnName(body.needed("columnName").strip('"'))
    choices = tuple(Literal(value) for value in _texts(body, "values"))
    if not choices:
        raise bad("A filter needs values.")
    if kind == "ColumnMultiValueFunctionQueryFilter":
        function = body.needed("function")
        if function not in ("HAS", "HAS_LIKE"):
            raise bad(f"Unknown function of a filter: {function[:100]}")
        return Among(function, column, choices, is_negated=False)
    if kind != "ColumnSingleValueQueryFilter":
        raise bad(f"Unknown concreteType of a filter: {kind[:200]}")
    return _single(column, body.needed("operator"), choices)


def _single(column: ColumnName, operator: str, choices: tuple[Literal, ...]) -> Expression:
    sign = _COMPARING.get(operator)
    if sign is None:
        raise bad(f"Unknown operator of a filter: {operator[:100]}. One of {', '.join(_COMPARING)}.")
    if sign == "IN":
        return Among("IN", column, choices, is_negated=operator == "NOT_IN")
    tests: list[Any] = [Operation(sign, (column, choice)) for choice in choices]
    return tests[0] if len(tests) == 1 else Operation("OR", tuple(tests))
