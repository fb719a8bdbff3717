"""What the names of a select mean, and from an expression of a query to SQL over our own copies of what it reads.

Nothing of the caller's text gets into the SQL: columns become `t0.c1`, literals become parameters, and functions
are those of a list. A copy of a table has `row_id`, `row_version`, `row_etag`, `row_benefactor` and a column `cN` for
its N-th column.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.backend.sage.column_types import TYPES, date_cell, entity_cell
from reconciler.backend.sage.columns import Column
from reconciler.backend.sage.errors import bad
from reconciler.backend.sage.sql_functions import AGGREGATES, FUNCTIONS, result_type
from reconciler.backend.sage.sql_tree import (
    Among,
    Between,
    Case,
    Cast,
    ColumnName,
    Expression,
    Function,
    Is,
    Literal,
    Operation,
    Select,
    Star,
)

_PSEUDO: Final = {
    "ROW_ID": ("row_id", "INTEGER"),
    "ROW_VERSION": ("row_version", "INTEGER"),
    "ROW_ETAG": ("row_etag", "STRING"),
    "ROW_BENEFACTOR": ("row_benefactor", "ENTITYID"),
}
_COMPARED: Final = frozenset({"=", "<>", "<", ">", "<=", ">=", "<=>"})


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of a source: the name of its table, what the query calls it (shown), and its columns."""

    table: str
    shown: str
    columns: Sequence[Column]

    @property
    def names(self) -> frozenset[str]:
        """What the query may call it, in lower case."""
        return frozenset({self.shown.lower()})


@dataclass(frozen=True, slots=True)
class Output:
    """One column of a result. column: the table's, when it is shown as it is."""

    name: str
    type: str
    column: Column | None = None

    def wire(self) -> dict[str, Any]:
        """As `SelectColumn` has it."""
        return {"name": self.name, "columnType": self.type, "id": self.column["id"] if self.column else None}


@dataclass(frozen=True, slots=True)
class Term:
    """A rendered expression and the type of its values."""

    sql: str
    type: str
    column: Column | None = None


@dataclass(slots=True)
class Values:
    """The parameters of a statement, numbered in the order in which they come."""

    kept: list[Any] = field(default_factory=list)

    def add(self, value: Any) -> str:
        """The mark of a new parameter."""
        self.kept.append(value)
        return f"?{len(self.kept)}"


class Scope:
    """What the names of one select mean. first: number of its first source among all of the query."""

    def __init__(self, copies: Sequence[Copy], values: Values, user: int, now_ms: int, *, first: int) -> None:
        self._copies = copies
        self._values = values
        self._user = user
        self._now_ms = now_ms
        self._first = first
        self._unnested: dict[str, str] = {}
        self.aliases: dict[str, Expression] = {}

    def label(self, index: int) -> str:
        return f"t{self._first + index}"

    def source(self, select: Select) -> str:
        sql = f" FROM {self._copies[0].table} {self.label(0)}"
        for index, join in enumerate(select.joins, start=1):
            condition = self.term(join.condition).sql
            sql += f" {join.kind} {self._copies[index].table} {self.label(index)} ON {condition}"
        for column, label in self._unnested.items():
            sql += f" LEFT JOIN json_each({column}) {label}"
        return sql

    def star(self, star: Star) -> list[tuple[Output, str]]:
        chosen = [
            (self.label(index), copy)
            for index, copy in enumerate(self._copies)
            if star.table is None or star.table.lower() in copy.names
        ]
        if not chosen:
            raise bad(f"Unknown table: {str(star.table)[:100]}")
        return [
            (Output(self._star_name(copy, column), column["columnType"], column), f"{label}.c{place}")
            for label, copy in chosen
            for place, column in enumerate(copy.columns)
        ]

    def _star_name(self, copy: Copy, column: Column) -> str:
        """Columns of a join say which source they are of."""
        return f"{copy.shown}.{column['name']}" if len(self._copies) > 1 else str(column["name"])

    def aliased(self, expression: Expression) -> Term:
        """An expression that may also be the alias of a column of the result."""
        if isinstance(expression, ColumnName) and expression.table is None and expression.name in self.aliases:
            return self.term(self.aliases[expression.name])
        if isinstance(expression, Operation):
            return self._operation(expression, self.aliased)
        return self.term(expression)

    def term(self, expression: Expression) -> Term:
        """Render an expression."""
        match expression:
            case ColumnName(name, table):
                return self._column(name, table)
            case Literal(value):
                return self._literal(value)
            case Operation():
                return self._operation(expression, self.term)
            case Function():
                return self._function(expression)
            case Among():
                return self._among(expression)
            case Between(subject, low, high, is_negated):
                term = self.term(subject)
                ends = f"{self._beside(low, term).sql} AND {self._beside(high, term).sql}"
                return Term(f"({term.sql} {'NOT ' if is_negated else ''}BETWEEN {ends})", "BOOLEAN")
            case Is(subject, what, is_negated):
                tested = {"NULL": "NULL", "TRUE": "1", "FALSE": "0"}[what]
                return Term(f"({self.term(subject).sql} IS {'NOT ' if is_negated else ''}{tested})", "BOOLEAN")
            case Case():
                return self._case(expression)
            case Cast(subject, target):
                return self._cast(self.term(subject), target)
            case Star():
                raise bad("* has no place here.")

    def _column(self, name: str, table: str | None) -> Term:
        pseudo = _PSEUDO.get(name.upper())
        found: list[Term] = []
        for index, copy in enumerate(self._copies):
            if table is not None and table.lower() not in copy.names:
                continue
            if pseudo:
                return Term(f"{self.label(index)}.{pseudo[0]}", pseudo[1])
            place = _place(copy.columns, name)
            if place is not None:
                column = copy.columns[place]
                found.append(Term(f"{self.label(index)}.c{place}", column["columnType"], column))
        if not found:
            raise bad(f"Unknown column {f'{table}.{name}' if table else name}"[:300])
        if len(found) > 1:
            raise bad(f"The column {name} is ambiguous: name its table."[:300])
        return found[0]

    def _literal(self, value: Any) -> Term:
        if value is None:
            return Term("NULL", "STRING")
        kinds = {bool: "BOOLEAN", int: "INTEGER", float: "DOUBLE", str: "STRING"}
        return Term(self._values.add(value), kinds[type(value)])

    def _beside(self, expression: Expression, other: Term) -> Term:
        """An expression that is compared with another: literals are read as the other's type has them."""
        if isinstance(expression, Literal):
            return self._literal(_fitting(expression.value, other.type))
        return self.term(expression)

    def _operation(self, operation: Operation, read: Callable[[Expression], Term]) -> Term:
        operator, operands = operation.operator, operation.operands
        if operator in ("AND", "OR"):
            return Term(_balanced(operator, [read(one).sql for one in operands]), "BOOLEAN")
        if operator == "NOT":
            return Term(f"(NOT {read(operands[0]).sql})", "BOOLEAN")
        if operator == "LIKE":
            escape = self.term(operands[2]).sql if len(operands) > 2 else "'\\'"
            liked = f"{self.term(operands[0]).sql} LIKE {self.term(operands[1]).sql} ESCAPE {escape}"
            return Term(f"({liked})", "BOOLEAN")
        if operator in _COMPARED:
            return self._comparison(operator, operands, read)
        terms = [read(one) for one in operands]
        if len(terms) == 1:
            return Term(f"(-{terms[0].sql})", terms[0].type)
        left, right = terms[0].sql, terms[1].sql
        is_whole = all(term.type in ("INTEGER", "DATE") for term in terms) and operator != "/"
        if operator == "/":
            left = f"CAST({left} AS REAL)"
        return Term(f"({left} {operator} {right})", "INTEGER" if is_whole else "DOUBLE")

    def _comparison(self, operator: str, operands: tuple[Expression, ...], read: Callable[[Expression], Term]) -> Term:
        left, right = operands
        if isinstance(left, Literal) and not isinstance(right, Literal):
            second = read(right)
            first = self._beside(left, second)
        else:
            first = read(left)
            second = self._beside(right, first) if isinstance(right, Literal) else read(right)
        sign = "IS" if operator == "<=>" else operator
        return Term(f"({first.sql} {sign} {second.sql})", "BOOLEAN")

    def _function(self, function: Function) -> Term:
        name = function.name
        if name == "CURRENT_USER":
            return Term(self._values.add(self._user), "USERID")
        if name in ("NOW", "CURRENT_TIMESTAMP", "UNIX_TIMESTAMP") and not function.arguments:
            return Term(self._values.add(self._now_ms // (1000 if name == "UNIX_TIMESTAMP" else 1)), "INTEGER")
        if name == "UNNEST":
            return self._unnest(function)
        if name == "COUNT" and function.arguments == (Star(),) and not function.is_distinct:
            return Term("count(*)", "INTEGER")
        terms = [self.term(one) for one in function.arguments]
        sql = self._call_sql(function, [term.sql for term in terms])
        return Term(sql, result_type(name, [term.type for term in terms]))

    def _call_sql(self, function: Function, arguments: list[str]) -> str:
        known = AGGREGATES | FUNCTIONS.keys()
        if function.name not in known:
            raise bad(f"Unknown function: {function.name[:100]}. One of {', '.join(sorted(known))}.")
        if function.name in AGGREGATES:
            if len(arguments) != 1:
                raise bad(f"{function.name} needs one argument.")
            distinct = "DISTINCT " if function.is_distinct else ""
            return f"{function.name.lower()}({distinct}{arguments[0]})"
        found = FUNCTIONS[function.name]
        if function.is_distinct or not found.least <= len(arguments) <= found.most:
            raise bad(f"{function.name} needs {found.least} to {found.most} arguments.")
        return found.sql(arguments)

    def _unnest(self, function: Function) -> Term:
        if len(function.arguments) != 1:
            raise bad("UNNEST needs one argument.")
        term = self.term(function.arguments[0])
        element = TYPES[term.type].element
        if element is None:
            raise bad("UNNEST needs a column of a list type.")
        label = self._unnested.setdefault(term.sql, f"u{self._first}_{len(self._unnested)}")
        return Term(f"{label}.value", element)

    def _among(self, among: Among) -> Term:
        term = self.term(among.subject)
        if among.operator != "IN":
            return self._has_any(among, term)
        not_in = "NOT " if among.is_negated else ""
        if all(isinstance(one, Literal) for one in among.choices):
            listed = [_fitting(one.value, term.type) for one in among.choices if isinstance(one, Literal)]
            mark = self._values.add(json.dumps(listed))
            return Term(f"({term.sql} {not_in}IN (SELECT value FROM json_each({mark})))", "BOOLEAN")
        choices = ", ".join(self._beside(one, term).sql for one in among.choices)
        return Term(f"({term.sql} {not_in}IN ({choices}))", "BOOLEAN")

    def _has_any(self, among: Among, term: Term) -> Term:
        element = TYPES[term.type].element
        if element is None:
            raise bad(f"{among.operator} needs a column of a list type.")
        if among.operator == "HAS":
            tests = ["value = " + self._beside(one, Term("", element)).sql for one in among.choices]
        else:
            tests = [f"value LIKE {self.term(one).sql} ESCAPE '\\'" for one in among.choices]
        negated = "NOT " if among.is_negated else ""
        return Term(
            f"({negated}EXISTS (SELECT 1 FROM json_each({term.sql}) WHERE {_balanced('OR', tests)}))", "BOOLEAN"
        )

    def _case(self, case: Case) -> Term:
        branches = [(self.term(condition).sql, self.term(value)) for condition, value in case.branches]
        otherwise = self.term(case.otherwise) if case.otherwise is not None else Term("NULL", "STRING")
        whens = " ".join(f"WHEN {condition} THEN {value.sql}" for condition, value in branches)
        return Term(f"(CASE {whens} ELSE {otherwise.sql} END)", branches[0][1].type)

    def _cast(self, term: Term, target: str) -> Term:
        kind = TYPES.get(target)
        if kind is None:
            raise bad(f"Unknown type: {target[:100]}. One of {', '.join(sorted(TYPES))}.")
        return Term(f"CAST({term.sql} AS {kind.affinity})", target)


def _place(columns: Sequence[Column], name: str) -> int | None:
    for place, column in enumerate(columns):
        if column["name"] == name:
            return place
    same = [place for place, column in enumerate(columns) if column["name"].lower() == name.lower()]
    return same[0] if len(same) == 1 else None


def _balanced(operator: str, parts: list[str]) -> str:
    """Join many parts as a shallow tree: SQLite refuses deep ones."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return f"({_balanced(operator, parts[:middle])} {operator} {_balanced(operator, parts[middle:])})"


def _fitting(value: Any, kind: str) -> Any:
    """A literal as cells of a type are kept; what is no such value stays as it is, and equals none of them."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return value
    text = str(value)
    try:
        if kind == "BOOLEAN" and text.lower() in ("true", "false"):
            return text.lower() == "true"
        if kind == "DATE" and isinstance(value, str):
            return date_cell(value)
        if kind == "ENTITYID":
            return entity_cell(text)
    except (ValueError, OverflowError):
        return value
    return value
