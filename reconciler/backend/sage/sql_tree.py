"""What a table query means, as values: the tree that `sql_parser` makes and `sql_render` reads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ColumnName:
    """A column, perhaps of a named table."""

    name: str
    table: str | None = None


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, number, truth value or null."""

    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Star:
    """`*`, or `t.*`."""

    table: str | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A call of a function, its name in upper case."""

    name: str
    arguments: tuple[Expression, ...]
    is_distinct: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """Operands joined by one operator in upper case: `AND`, `OR`, `+`, `=`, `LIKE`, …; NOT and - may have one only."""

    operator: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Among:
    """`x IN (…)`, `x HAS (…)` or `x HAS_LIKE (…)`, the operator in upper case."""

    operator: str
    subject: Expression
    choices: tuple[Expression, ...]
    is_negated: bool


@dataclass(frozen=True, slots=True)
class Between:
    """`x BETWEEN low AND high`."""

    subject: Expression
    low: Expression
    high: Expression
    is_negated: bool


@dataclass(frozen=True, slots=True)
class Is:
    """`x IS [NOT] NULL`, `TRUE` or `FALSE`."""

    subject: Expression
    what: str
    is_negated: bool


@dataclass(frozen=True, slots=True)
class Case:
    """`CASE WHEN … THEN … ELSE … END`."""

    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None


@dataclass(frozen=True, slots=True)
class Cast:
    """`CAST(x AS TYPE)`, the type being one of columns, or the id of a column."""

    subject: Expression
    target: str


Expression = ColumnName | Literal | Star | Function | Operation | Among | Between | Is | Case | Cast


@dataclass(frozen=True, slots=True)
class Item:
    """One column of a result. text: as the query had it, which is its name when there is no alias."""

    expression: Expression
    alias: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """A table or view that is read, at a version if one is named."""

    entity: int
    version: int | None
    alias: str | None


@dataclass(frozen=True, slots=True)
class Join:
    """A further source. kind: `JOIN`, `LEFT JOIN` or `RIGHT JOIN`."""

    kind: str
    source: Source
    condition: Expression


@dataclass(frozen=True, slots=True)
class Order:
    """One column that rows are sorted by."""

    expression: Expression
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class Select:
    """One `SELECT`, without what holds for a whole union."""

    items: tuple[Item, ...]
    source: Source
    joins: tuple[Join, ...] = ()
    where: Expression | None = None
    group: tuple[Expression, ...] = ()
    having: Expression | None = None
    is_distinct: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """One or more selects united. keeps_doubles: for each select after the first, whether by `UNION ALL`."""

    selects: tuple[Select, ...]
    keeps_doubles: tuple[bool, ...] = ()
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0

    @property
    def first(self) -> Select:
        """The first select, which names the columns."""
        return self.selects[0]

    def sources(self) -> tuple[Source, ...]:
        """All that is read, in order."""
        return tuple(
            source for select in self.selects for source in (select.source, *(join.source for join in select.joins))
        )
