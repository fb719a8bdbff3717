"""Reading a table query: a recursive descent over its words. Whatever is not known is a 400.

query   := select (UNION [ALL] select)* [ORDER BY …] [LIMIT n [OFFSET m] | LIMIT m, n]
select  := SELECT [DISTINCT] item, … FROM source (join source ON expression)*
           [WHERE …] [GROUP BY …] [HAVING …]
source  := syn123[.version] [[AS] alias]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from reconciler.backend.sage.body import entity_reference
from reconciler.backend.sage.errors import bad
from reconciler.backend.sage.sql_tree import (
    Among,
    Between,
    Case,
    Cast,
    ColumnName,
    Expression,
    Function,
    Is,
    Item,
    Join,
    Literal,
    Operation,
    Order,
    Query,
    Select,
    Source,
    Star,
)
from reconciler.backend.sage.sql_words import Word, words_of

T = TypeVar("T")

_DEEPEST: Final = 60
_WIDEST_NUMBER: Final = 1 << 63
_COMPARISONS: Final = frozenset({"=", "<>", "!=", "<", ">", "<=", ">=", "<=>", "LIKE"})
_NILADIC: Final = frozenset({"CURRENT_USER", "CURRENT_DATE", "CURRENT_TIMESTAMP"})
_RESERVED: Final = frozenset(
    {
        "SELECT", "DISTINCT", "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "BY", "LIMIT", "OFFSET", "UNION", "ALL",
        "AS",
        "AND", "OR", "NOT", "IN", "HAS", "HAS_LIKE", "BETWEEN", "LIKE", "IS", "NULL", "TRUE", "FALSE", "CASE", "WHEN",
        "THEN", "ELSE", "END", "JOIN", "LEFT", "RIGHT", "INNER", "OUTER", "ON", "ASC", "DESC", "ESCAPE",
    }
)  # fmt: skip


def parse_query(sql: str) -> Query:
    """Read a query. Raises `ApiError` 400, naming the place."""
    parser = _Parser(sql)
    query = parser.query()
    parser.end()
    return query


class _Parser:
    def __init__(self, sql: str) -> None:
        self._sql = sql
        self._words = words_of(sql)
        self._at = 0
        self._depth = 0

    @property
    def _word(self) -> Word:
        return self._words[self._at]

    def _fail(self, wanted: str) -> Exception:
        word = self._word
        before = self._sql[: word.start]
        line, column = before.count("\n") + 1, word.start - (before.rfind("\n") + 1) + 1
        kind = " <regular_identifier>" if word.kind == "name" else ""
        found = f'{kind} "{word.value[:50]} "' if word.kind != "end" else "<EOF>"
        return bad(f'Encountered "{found}" at line {line}, column {column}.\nWas expecting one of:\n    {wanted}')

    def _take(self, *keywords: str) -> bool:
        """Step over these keywords or signs when all of them are next."""
        following = self._words[self._at : self._at + len(keywords)]
        if tuple(word.upper for word in following) != keywords:
            return False
        self._at += len(keywords)
        return True

    def _need(self, *keywords: str) -> None:
        if not self._take(*keywords):
            raise self._fail(" ".join(keywords))

    def _next(self) -> Word:
        word = self._word
        self._at += 1
        return word

    def end(self) -> None:
        self._take(";")
        if self._word.kind != "end":
            raise self._fail("the end")

    # Statements

    def query(self) -> Query:
        selects = [self._select()]
        doubles: list[bool] = []
        while self._take("UNION"):
            doubles.append(self._take("ALL"))
            selects.append(self._select())
        order = self._list(self._order) if self._take("ORDER", "BY") else ()
        limit, offset = self._limit()
        return Query(tuple(selects), tuple(doubles), order, limit, offset)

    def _select(self) -> Select:
        self._need("SELECT")
        is_distinct = self._take("DISTINCT")
        self._take("ALL")
        items = self._list(self._item)
        self._need("FROM")
        source, joins = self._source(), []
        while (kind := self._join_kind()) is not None:
            joined = self._source()
            self._need("ON")
            joins.append(Join(kind, joined, self._expression()))
        return Select(
            items,
            source,
            tuple(joins),
            where=self._expression() if self._take("WHERE") else None,
            group=self._list(self._expression) if self._take("GROUP", "BY") else (),
            having=self._expression() if self._take("HAVING") else None,
            is_distinct=is_distinct,
        )

    def _join_kind(self) -> str | None:
        for side in ("LEFT", "RIGHT"):
            if self._take(side, "OUTER", "JOIN") or self._take(side, "JOIN"):
                return f"{side} JOIN"
        return "JOIN" if self._take("INNER", "JOIN") or self._take("JOIN") else None

    def _list(self, read: Callable[[], T]) -> tuple[T, ...]:
        found = [read()]
        while self._take(","):
            found.append(read())
        return tuple(found)

    def _item(self) -> Item:
        first = self._word
        expression = self._expression(star=True)
        text = self._sql[first.start : self._words[self._at - 1].end]
        return Item(expression, self._alias(), text)

    def _alias(self) -> str | None:
        if self._take("AS"):
            return self._name("a name")
        return self._name("a name") if self._is_name() else None

    def _source(self) -> Source:
        word = self._next()
        if word.kind not in ("table", "number"):
            self._at -= 1
            raise self._fail("the id of a table or view, such as syn123")
        entity, version = entity_reference(word.value)
        return Source(entity, version, self._alias())

    def _order(self) -> Order:
        expression = self._expression()
        is_descending = self._take("DESC")
        if not is_descending:
            self._take("ASC")
        return Order(expression, is_descending)

    def _limit(self) -> tuple[int | None, int]:
        if not self._take("LIMIT"):
            return None, self._whole() if self._take("OFFSET") else 0
        first = self._whole()
        if self._take(","):
            return self._whole(), first
        return first, self._whole() if self._take("OFFSET") else 0

    def _whole(self) -> int:
        word = self._next()
        if word.kind != "number" or not word.value.isdigit() or len(word.value) > 15:
            self._at -= 1
            raise self._fail("a whole number")
        return int(word.value)

    # Expressions

    def _expression(self, *, star: bool = False) -> Expression:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise bad("The query is nested too deeply.")
        found: Expression | None = self._star() if star else None
        if found is None:
            found = self._chain("OR", self._conjunction)
        self._depth -= 1
        return found

    def _star(self) -> Star | None:
        if self._take("*"):
            return Star()
        names = self._words[self._at : self._at + 3]
        if [word.value for word in names[1:]] == [".", "*"] and names[1].kind == "sign":
            self._at += 3
            return Star(names[0].value)
        return None

    def _chain(self, operator: str, read: Callable[[], Expression]) -> Expression:
        found = [read()]
        while self._take(operator):
            found.append(read())
        return found[0] if len(found) == 1 else Operation(operator, tuple(found))

    def _conjunction(self) -> Expression:
        return self._chain("AND", self._negation)

    def _negation(self) -> Expression:
        count = 0
        while self._take("NOT"):
            count += 1
        inner = self._condition()
        return Operation("NOT", (inner,)) if count % 2 else inner

    def _condition(self) -> Expression:
        left = self._sum()
        while True:
            if self._word.upper in _COMPARISONS:
                left = self._comparison(left)
            elif self._take("IS"):
                left = self._is(left)
            else:
                is_negated = self._take("NOT")
                further = self._membership(left, is_negated)
                if further is None:
                    if is_negated:
                        raise self._fail("IN, HAS, LIKE or BETWEEN")
                    return left
                left = further

    def _comparison(self, left: Expression, operator: str | None = None) -> Expression:
        operator = operator or self._next().upper
        compared = Operation("<>" if operator == "!=" else operator, (left, self._sum()))
        if operator == "LIKE" and self._take("ESCAPE"):
            return Operation("LIKE", (*compared.operands, self._primary()))
        return compared

    def _is(self, left: Expression) -> Expression:
        is_negated = self._take("NOT")
        for what in ("NULL", "TRUE", "FALSE"):
            if self._take(what):
                return Is(left, what, is_negated)
        raise self._fail("NULL, TRUE or FALSE")

    def _membership(self, left: Expression, is_negated: bool) -> Expression | None:
        if self._take("LIKE"):
            liked = self._comparison(left, "LIKE")
            return Operation("NOT", (liked,)) if is_negated else liked
        if self._take("BETWEEN"):
            low = self._sum()
            self._need("AND")
            return Between(left, low, self._sum(), is_negated)
        for operator in ("IN", "HAS", "HAS_LIKE"):
            if self._take(operator):
                self._need("(")
                choices = self._list(self._sum)
                self._need(")")
                return Among(operator, left, choices, is_negated)
        return None

    def _sum(self) -> Expression:
        return self._arithmetic(("+", "-"), lambda: self._arithmetic(("*", "/", "%"), self._signed))

    def _arithmetic(self, operators: tuple[str, ...], read: Callable[[], Expression]) -> Expression:
        left = read()
        length = 0
        while self._word.kind == "sign" and self._word.upper in operators:
            length += 1
            if length > _DEEPEST:
                raise bad("The query is nested too deeply.")
            left = Operation(self._next().upper, (left, read()))
        return left

    def _signed(self) -> Expression:
        is_negative = False
        while self._word.kind == "sign" and self._word.upper in ("-", "+"):
            is_negative ^= self._next().upper == "-"
        inner = self._primary()
        if not is_negative:
            return inner
        if isinstance(inner, Literal) and isinstance(inner.value, int | float):
            return Literal(-inner.value)
        return Operation("-", (inner,))

    def _primary(self) -> Expression:
        word = self._word
        if self._take("("):
            inner = self._expression()
            self._need(")")
            return inner
        if word.kind in ("text", "number"):
            self._at += 1
            return Literal(word.value if word.kind == "text" else _number(word.value))
        if word.upper in ("TRUE", "FALSE", "NULL"):
            self._at += 1
            return Literal(None if word.upper == "NULL" else word.upper == "TRUE")
        if self._take("CASE"):
            return self._case()
        if word.kind == "name" and self._words[self._at + 1].upper == "(" and word.upper not in _RESERVED:
            self._at += 2
            return self._call(word.upper)
        if word.upper in _NILADIC:
            self._at += 1
            return Function(word.upper, ())
        return self._column()

    def _column(self) -> ColumnName:
        name = self._name("a column")
        return ColumnName(self._name("a column"), name) if self._take(".") else ColumnName(name)

    def _is_name(self) -> bool:
        word = self._word
        return word.kind in ("quoted", "table") or (word.kind == "name" and word.upper not in _RESERVED)

    def _name(self, what: str) -> str:
        if not self._is_name():
            raise self._fail(what)
        return self._next().value

    def _call(self, name: str) -> Expression:
        if name == "CAST":
            return self._cast()
        is_distinct = self._take("DISTINCT")
        if self._take(")"):
            return Function(name, ())
        arguments = self._list(lambda: self._expression(star=True))
        self._need(")")
        return Function(name, arguments, is_distinct)

    def _cast(self) -> Cast:
        subject = self._expression()
        self._need("AS")
        word = self._next()
        if word.kind not in ("name", "number"):
            self._at -= 1
            raise self._fail("a type of columns or the id of a column")
        self._need(")")
        return Cast(subject, word.upper or word.value)

    def _case(self) -> Case:
        branches = []
        while self._take("WHEN"):
            condition = self._expression()
            self._need("THEN")
            branches.append((condition, self._expression()))
        if not branches:
            raise self._fail("WHEN")
        otherwise = self._expression() if self._take("ELSE") else None
        self._need("END")
        return Case(tuple(branches), otherwise)


def _number(text: str) -> int | float:
    if text.isdigit():
        if len(text) > 19 or int(text) >= _WIDEST_NUMBER:
            raise bad(f"The number {text[:30]} is too large.")
        return int(text)
    return float(text)
