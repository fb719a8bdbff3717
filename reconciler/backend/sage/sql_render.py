"""From the tree of a query to a statement for SQLite: selects, unions and order; `sql_scope` has the expressions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.backend.sage.errors import bad
from reconciler.backend.sage.sql_functions import AGGREGATES
from reconciler.backend.sage.sql_scope import Copy, Output, Scope, Values
from reconciler.backend.sage.sql_tree import (
    Case,
    Cast,
    ColumnName,
    Expression,
    Function,
    Item,
    Operation,
    Order,
    Query,
    Select,
    Source,
    Star,
)


@dataclass(slots=True)
class Statement:
    """A rendered query. rows: whether each result is one row of the source, with its id, version and etag in front."""

    outputs: list[Output]
    sql: str
    values: list[Any]
    rows: bool


def render(query: Query, copies: Sequence[Copy], *, user: int, now_ms: int) -> Statement:
    """The statement of a query without its limit. copies: one for each of `query.sources()`. Raises `ApiError` 400."""
    values = Values()
    parts: list[tuple[str, list[Output], Scope]] = []
    at = 0
    is_alone = len(query.selects) == 1
    for select in query.selects:
        count = 1 + len(select.joins)
        scope = Scope(copies[at : at + count], values, user, now_ms, first=at)
        parts.append((*_select(select, scope, with_rows=is_alone), scope))
        at += count
    outputs = _united([found for _, found, _ in parts])
    keeps = ("", *(" UNION ALL " if kept else " UNION " for kept in query.keeps_doubles))
    sql = "".join(keep + text for keep, (text, _, _) in zip(keeps, parts, strict=True))
    rows = is_alone and is_row_wise(query.first)
    return Statement(outputs, sql + _ordered(query, parts[0][2], outputs, rows, is_alone), values.kept, rows)


def _united(parts: list[list[Output]]) -> list[Output]:
    if len({len(part) for part in parts}) > 1:
        raise bad("All selects of a UNION must have the same number of columns.")
    return parts[0]


def _ordered(query: Query, scope: Scope, outputs: list[Output], rows: bool, is_alone: bool) -> str:
    if not query.order:
        return f" ORDER BY {scope.label(0)}.rowid" if rows and not query.first.joins else ""
    return " ORDER BY " + ", ".join(_order(one, scope, outputs, 3 if rows else 0, is_alone) for one in query.order)


def _order(order: Order, scope: Scope, outputs: list[Output], shift: int, is_alone: bool) -> str:
    direction = " DESC" if order.is_descending else ""
    expression = order.expression
    named = expression.name if isinstance(expression, ColumnName) and expression.table is None else None
    for place, output in enumerate(outputs, start=1 + shift):
        if named == output.name:
            return f"{place}{direction}"
    if not is_alone:
        raise bad("A UNION can be sorted by its columns only.")
    return scope.term(expression).sql + direction


def is_row_wise(select: Select) -> bool:
    """Whether every result of a select is one row of its source, so that it has the row's id."""
    has_aggregate = any(_has(item.expression, AGGREGATES | {"UNNEST"}) for item in select.items)
    return not (select.group or select.is_distinct or select.having or has_aggregate or select.joins)


def _has(expression: Expression, names: frozenset[str]) -> bool:
    match expression:
        case Function(name, arguments):
            return name in names or any(_has(one, names) for one in arguments)
        case Operation(_, operands):
            return any(_has(one, names) for one in operands)
        case Cast(subject, _):
            return _has(subject, names)
        case Case(branches, otherwise):
            inner = [part for branch in branches for part in branch] + ([otherwise] if otherwise else [])
            return any(_has(one, names) for one in inner)
        case _:
            return False


def _select(select: Select, scope: Scope, *, with_rows: bool) -> tuple[str, list[Output]]:
    outputs: list[Output] = []
    shown: list[str] = []
    if with_rows and is_row_wise(select):
        label = scope.label(0)
        shown = [f"{label}.row_id", f"{label}.row_version", f"{label}.row_etag"]
    for item in select.items:
        for output, sql in _item(item, scope):
            outputs.append(output)
            shown.append(sql)
    scope.aliases = {item.alias: item.expression for item in select.items if item.alias}
    tail = _tail(select, scope)
    distinct = "DISTINCT " if select.is_distinct else ""
    return f"SELECT {distinct}{', '.join(shown)}{scope.source(select)}{tail}", outputs


def _tail(select: Select, scope: Scope) -> str:
    tail = ""
    if select.where is not None:
        if _has(select.where, AGGREGATES):
            raise bad("An aggregate function has no place in WHERE.")
        tail += f" WHERE {scope.term(select.where).sql}"
    if select.group:
        tail += " GROUP BY " + ", ".join(scope.aliased(one).sql for one in select.group)
    if select.having is not None:
        if not select.group:
            raise bad("HAVING needs GROUP BY.")
        tail += f" HAVING {scope.aliased(select.having).sql}"
    return tail


def _item(item: Item, scope: Scope) -> list[tuple[Output, str]]:
    if isinstance(item.expression, Star):
        return scope.star(item.expression)
    term = scope.term(item.expression)
    name = item.alias or (
        term.column["name"] if term.column and isinstance(item.expression, ColumnName) else item.text.strip('"`')
    )
    column = term.column if term.column and name == term.column["name"] else None
    return [(Output(name, term.type, column), term.sql)]


def shown_name(source: Source) -> str:
    """What a query calls a source."""
    version = "" if source.version is None else f".{source.version}"
    return source.alias or f"syn{source.entity}{version}"
