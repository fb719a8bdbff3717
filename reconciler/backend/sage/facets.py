"""Facets of a query: for each column with one, its values with their counts, or its range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reconciler.backend.sage.call import P
from reconciler.backend.sage.column_types import TYPES, cell_text
from reconciler.backend.sage.columns import Column
from reconciler.backend.sage.query_options import NOT_SET, Facet, with_facets
from reconciler.backend.sage.sql_tree import ColumnName, Expression, Function, Item, Order, Query, Select, Star

if TYPE_CHECKING:
    from reconciler.backend.sage.table_queries import Answer

_MOST_VALUES: Final = 100
_COUNT: Final = Function("COUNT", (Star(),))


def facet_results(answer: Answer) -> list[dict[str, Any]]:
    """The facets of the columns of one table; a join or union has none."""
    query = answer.asked.query
    if len(query.selects) > 1 or query.first.joins:
        return []
    selected = {facet.column: facet for facet in answer.asked.facets}
    return [
        _result(answer, column, selected.get(column["name"], Facet(column["name"])))
        for column in answer.columns
        if "facetType" in column
    ]


def _result(answer: Answer, column: Column, facet: Facet) -> dict[str, Any]:
    query = with_facets(answer.asked.query, answer.asked.facets, answer.columns, but=column["name"])
    base = {"columnName": column["name"], "facetType": column["facetType"]}
    if column["facetType"] == "range":
        return base | _range(answer, query.first, column, facet)
    return base | _values(answer, query.first, column, facet)


def _over(first: Select, items: tuple[Expression, ...], group: tuple[Expression, ...] = ()) -> Select:
    return Select(
        tuple(Item(one, f"f{place}", "") for place, one in enumerate(items)), first.source, (), first.where, group
    )


def _values(answer: Answer, first: Select, column: Column, facet: Facet) -> dict[str, Any]:
    name: Expression = ColumnName(column["name"])
    element = TYPES[column["columnType"]].element
    shown = Function("UNNEST", (name,)) if element else name
    order = (Order(ColumnName("f1"), is_descending=True), Order(ColumnName("f0")))
    query = Query((_over(first, (shown, _COUNT), (shown,)),), order=order, limit=_MOST_VALUES)
    listed = []
    for value, count in answer.run(query):
        text = cell_text(element or column["columnType"], value)
        text = NOT_SET if text is None else text
        listed.append({"value": text, "count": count, "isSelected": text in facet.values})
    return {"concreteType": f"{P}.table.FacetColumnResultValues", "facetValues": listed}


def _range(answer: Answer, first: Select, column: Column, facet: Facet) -> dict[str, Any]:
    name = ColumnName(column["name"])
    ends = (Function("MIN", (name,)), Function("MAX", (name,)))
    ((least, most),) = answer.run(Query((_over(first, ends),)))
    kind = column["columnType"]
    return {
        "concreteType": f"{P}.table.FacetColumnResultRange",
        "columnMin": cell_text(kind, least),
        "columnMax": cell_text(kind, most),
        "selectedMin": facet.least,
        "selectedMax": facet.most,
    }
