"""Queries of tables in the Sage dialect: what they mean, and what they can never do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.backend.sage.conftest import P, Sage
from tests.unit.backend.sage.table_session import append, column, query, refused, table, values


@pytest.fixture
def people(sage: Sage) -> str:
    """A table of four people, of whom one has no age."""
    owner = sage.owner
    project = owner.entity("Project", "atlas")["id"]
    name, age = column(owner, "name", facetType="enumeration"), column(owner, "age", "INTEGER", facetType="range")
    score, tags = column(owner, "my score", "DOUBLE"), column(owner, "tags", "STRING_LIST", maximumSize=10)
    made = str(table(owner, project, name, age, score, tags)["id"])
    rows: list[dict[str, Any]] = [
        {name["id"]: "Ann", age["id"]: "30", score["id"]: "1.5", tags["id"]: '["a","b"]'},
        {name["id"]: "Bob", age["id"]: "20", score["id"]: "NaN", tags["id"]: '["b"]'},
        {name["id"]: "Ann", age["id"]: "40", score["id"]: "Infinity"},
        {name["id"]: "O'Neil", age["id"]: None, score["id"]: "-2"},
    ]
    append(owner, made, [{"cells": cells} for cells in rows])
    return made


CASES = (
    ("SELECT name FROM {t} WHERE age > 25", [["Ann"], ["Ann"]], "a comparison with a number"),
    ("SELECT name FROM {t} WHERE age = '20'", [["Bob"]], "a number may be in quotes"),
    ("SELECT name FROM {t} WHERE name = 'O''Neil'", [["O'Neil"]], "a doubled quote is one"),
    (r"SELECT name FROM {t} WHERE name = 'O\'Neil'", [["O'Neil"]], "an escaped quote is one"),
    ("SELECT name FROM {t} WHERE name = 'ann'", [], "equality minds the case"),
    ("SELECT name FROM {t} WHERE name LIKE 'a%'", [["Ann"], ["Ann"]], "LIKE does not mind the case"),
    ("SELECT name FROM {t} WHERE name IN ('Bob', 'Eve')", [["Bob"]], "one of a list"),
    ("SELECT name FROM {t} WHERE name NOT IN ('Bob', 'Ann')", [["O'Neil"]], "none of a list"),
    ("SELECT name FROM {t} WHERE age IS NULL", [["O'Neil"]], "no value"),
    ("SELECT name FROM {t} WHERE age BETWEEN 20 AND 30 AND name <> 'Bob'", [["Ann"]], "a range and more"),
    ("SELECT name FROM {t} WHERE NOT (age > 25 OR age IS NULL)", [["Bob"]], "a negated group"),
    ('SELECT "my score" FROM {t} WHERE "my score" < 0', [["-2.0"]], "names in quotes"),
    ('SELECT name FROM {t} WHERE ISNAN("my score")', [["Bob"]], "not a number"),
    ('SELECT age FROM {t} WHERE ISINFINITY("my score")', [["40"]], "infinity"),
    ("SELECT age AS years FROM {t} ORDER BY years DESC LIMIT 1", [["40"]], "an alias in the order"),
    ("SELECT age FROM {t} ORDER BY age LIMIT 2 OFFSET 1", [["20"], ["30"]], "a part of the result"),
    ("SELECT age FROM {t} ORDER BY age LIMIT 1, 2", [["20"], ["30"]], "the other way to say so"),
    ("SELECT name, COUNT(*) FROM {t} GROUP BY name ORDER BY 2 DESC, name LIMIT 1", [["Ann", "2"]], "groups"),
    ("SELECT name FROM {t} GROUP BY name HAVING COUNT(*) > 1", [["Ann"]], "a condition on groups"),
    ("SELECT COUNT(DISTINCT name), SUM(age), AVG(age), MIN(age), MAX(age) FROM {t}", [["3", "90", "30.0", "20", "40"]],
     "aggregates"),
    ("SELECT DISTINCT name FROM {t} ORDER BY name", [["Ann"], ["Bob"], ["O'Neil"]], "each once"),
    ("SELECT name FROM {t} WHERE tags HAS ('a')", [["Ann"]], "an element of a list"),
    ("SELECT name FROM {t} WHERE tags HAS_LIKE ('B%') ORDER BY name", [["Ann"], ["Bob"]], "like an element"),
    ("SELECT UNNEST(tags), COUNT(*) FROM {t} WHERE tags IS NOT NULL GROUP BY UNNEST(tags) ORDER BY UNNEST(tags)",
     [["a", "1"], ["b", "2"]], "the elements of lists as rows"),
    ("SELECT CONCAT(UPPER(name), '!') FROM {t} WHERE ROW_ID = 1", [["ANN!"]], "functions of texts, and ids of rows"),
    ("SELECT CASE WHEN age > 25 THEN 'old' ELSE 'young' END FROM {t} WHERE age IS NOT NULL",
     [["old"], ["young"], ["old"]], "cases"),
    ("SELECT age * 2 + 1, age / 8 FROM {t} WHERE name = 'Bob'", [["41", "2.5"]], "arithmetic"),
    ("SELECT t.name FROM {t} t WHERE t.age = 20", [["Bob"]], "an alias of the table"),
    ("select Name from {t} where AGE = 20", [["Bob"]], "names in another case"),
    ("SELECT CAST(age AS STRING) FROM {t} WHERE age = 20", [["20"]], "a cast"),
    ("SELECT name FROM {t} WHERE CURRENT_USER() = 3000001 AND age = 20", [["Bob"]], "who asks"),
)  # fmt: skip


@pytest.mark.parametrize(("sql", "expected", "reason"), CASES)
def test_query_gives_what_it_says(sage: Sage, people: str, sql: str, expected: list[Any], reason: str) -> None:
    assert values(sage.owner, sql.format(t=people), people) == expected, reason


HOSTILE = (
    ("SELECT * FROM sqlite_master", "a table of the engine"),
    ("SELECT * FROM sage_tokens", "a table of the store"),
    ("SELECT * FROM {t}; DROP TABLE r0", "two statements"),
    ("SELECT * FROM {t} UNION SELECT * FROM sage_tokens", "a union with a table of the store"),
    ("SELECT (SELECT hash FROM sage_tokens) FROM {t}", "a subquery"),
    ("SELECT * FROM {t} WHERE name IN (SELECT hash FROM sage_tokens)", "a subquery in a list"),
    ("SELECT load_extension('x') FROM {t}", "a function of the engine"),
    ("SELECT readfile('/etc/passwd') FROM {t}", "another one"),
    ("SELECT randomblob(1000000000) FROM {t}", "a function that takes memory"),
    ("SELECT c0 FROM {t}", "the name of a column of the copy"),
    ("SELECT r0.c0 FROM {t}", "the name of the copy"),
    ("ATTACH DATABASE 'x' AS y", "no query"),
    ("PRAGMA table_list", "no query either"),
    ("DELETE FROM {t}", "a statement that writes"),
    ("SELECT * FROM {t} -- comment", "a comment"),
    ("SELECT /* x */ * FROM {t}", "another comment"),
    ("SELECT \"name\" \"x\"\"; DROP\" FROM {t} WHERE \"a\"\"b\" = 1", "quotes within names"),
    ("SELECT name FROM {t} WHERE name = 'a' || (1", "brackets that do not end"),
    ("SELECT name FROM {t} WHERE name = 'a", "a text that does not end"),
    ("SELECT " + "(" * 5000 + "1" + ")" * 5000 + " FROM {t}", "nesting without end"),
    ("SELECT " + "-" * 5000 + "name FROM {t} WHERE x", "signs without end"),
    ("SELECT name FROM {t} WHERE " + " AND ".join(["nope = 1"] * 3000), "a long chain with an unknown column"),
    ("SELECT name FROM {t} WHERE age = 99999999999999999999999999", "a number that is too large"),
    ("SELECT name FROM {t} LIMIT -1", "a negative limit"),
    ("SELECT name FROM {t} LIMIT 99999999999999999999", "a limit that is too large"),
    ("SELECT SUM(COUNT(age)) FROM {t}", "an aggregate in an aggregate"),
    ("SELECT name FROM {t} WHERE COUNT(*) > 1", "an aggregate in WHERE"),
    ("SELECT name FROM {t} HAVING age > 1", "HAVING without groups"),
    ("SELECT ROUND() FROM {t}", "too few arguments"),
    ("SELECT UNNEST(age) FROM {t}", "UNNEST of what is no list"),
    ("SELECT name FROM {t} WHERE age HAS ('a')", "HAS of what is no list"),
    ("SELECT name FROM {t} LIKE 'x'", "LIKE in the wrong place"),
    ("SELECT x.* FROM {t} t", "an unknown table"),
    ("SELECT CAST(age AS BLOB) FROM {t}", "an unknown type"),
    ("SELECT REPLACE(" * 30 + "name" + ", '', 'xxxxxxxxxx')" * 30 + " FROM {t}", "nested functions"),
    ("SELECT * FROM syn99999999999999", "a table that does not exist"),
    ("", "nothing"),
    ("\u0665", "a digit of another script"),
)  # fmt: skip


@pytest.mark.parametrize(("sql", "reason"), HOSTILE)
def test_hostile_query_is_refused_and_harms_nothing(sage: Sage, people: str, sql: str, reason: str) -> None:
    body = {"concreteType": f"{P}.table.QueryBundleRequest", "entityId": people, "query": {"sql": sql.format(t=people)}}
    token = sage.owner.ok("POST", f"/entity/{people}/table/query/async/start", 201, json=body)["token"]
    answer = sage.owner.send("GET", f"/entity/{people}/table/query/async/get/{token}")
    assert answer.status_code in (400, 404) or "REPLACE" in sql, (reason, answer.text)
    assert values(sage.owner, f"SELECT COUNT(*) FROM {people}", people) == [["4"]]


def test_query_without_the_right_to_read_is_refused(sage: Sage, people: str) -> None:
    assert query(sage.other, people, f"SELECT * FROM {people}", 403)["reason"].startswith("You lack READ access")


def test_query_of_what_is_no_table_says_so(sage: Sage, people: str) -> None:
    project = sage.owner.entity("Project", "other")["id"]
    assert "is not a table or view" in refused(sage.owner, f"SELECT * FROM {project}", people)


def test_bundle_has_the_parts_that_are_asked_for(sage: Sage, people: str) -> None:
    found = query(sage.owner, people, f"SELECT name FROM {people}", mask=None)
    assert found["queryCount"] == 4
    assert [one["name"] for one in found["selectColumns"]] == ["name"]
    assert [one["name"] for one in found["columnModels"]] == ["name", "age", "my score", "tags"]
    assert set(query(sage.owner, people, f"SELECT * FROM {people}", mask=2)) == {"concreteType", "queryCount"}


def test_facets_count_values_and_give_ranges(sage: Sage, people: str) -> None:
    name, age = query(sage.owner, people, f"SELECT * FROM {people}", mask=32)["facets"]
    assert [(one["value"], one["count"]) for one in name["facetValues"]] == [("Ann", 2), ("Bob", 1), ("O'Neil", 1)]
    assert (age["columnMin"], age["columnMax"]) == ("20", "40")


def test_selected_facet_limits_rows_but_not_its_own_values(sage: Sage, people: str) -> None:
    chosen = [{"concreteType": f"{P}.table.FacetColumnValuesRequest", "columnName": "name", "facetValues": ["Bob"]}]
    found = query(sage.owner, people, f"SELECT * FROM {people}", mask=34, selectedFacets=chosen)
    assert found["queryCount"] == 1
    assert [one["isSelected"] for one in found["facets"][0]["facetValues"]] == [False, True, False]
    assert found["facets"][1]["columnMax"] == "20"


def test_facet_of_a_column_without_one_is_refused(sage: Sage, people: str) -> None:
    chosen = [{"concreteType": f"{P}.table.FacetColumnValuesRequest", "columnName": "tags", "facetValues": ["a"]}]
    found = query(sage.owner, people, f"SELECT * FROM {people}", 400, selectedFacets=chosen)
    assert found["errorCode"] == "INVALID_TABLE_QUERY_FACET_COLUMN_REQUEST"


def test_filters_and_sort_of_the_request_are_added(sage: Sage, people: str) -> None:
    like = {
        "concreteType": f"{P}.table.ColumnSingleValueQueryFilter",
        "columnName": "name", "operator": "LIKE", "values": ["A%"],
    }  # fmt: skip
    sort = [{"column": "age", "direction": "DESC"}]
    found = values(sage.owner, f"SELECT age FROM {people}", people, additionalFilters=[like], sort=sort)
    assert found == [["40"], ["30"]]


def test_pages_follow_each_other_until_the_end(sage: Sage) -> None:
    owner = sage.owner
    project = owner.entity("Project", "atlas")["id"]
    wide = [column(owner, f"w{number}", maximumSize=1000) for number in range(15)]
    made = str(table(owner, project, *wide)["id"])
    append(owner, made, [{"cells": {wide[0]["id"]: str(number)}} for number in range(20)])
    page = query(owner, made, f"SELECT w0 FROM {made}")["queryResult"]
    seen = [row["values"][0] for row in page["queryResults"]["rows"]]
    while token := page.get("nextPageToken"):
        start = owner.ok("POST", f"/entity/{made}/table/query/nextPage/async/start", 201, json=token)["token"]
        page = owner.ok("GET", f"/entity/{made}/table/query/nextPage/async/get/{start}", 201)
        seen += [row["values"][0] for row in page["queryResults"]["rows"]]
    assert seen == [str(number) for number in range(20)]


@pytest.mark.parametrize("token", ["", "x", "AAAA", "bnVsbA==", "W10=", "eyJzcWwiOiAiUFJBR01BIHgifQ=="])
def test_forged_token_of_a_page_is_refused(sage: Sage, people: str, token: str) -> None:
    body = {"concreteType": f"{P}.table.QueryNextPageToken", "entityId": people, "token": token}
    start = sage.owner.ok("POST", f"/entity/{people}/table/query/nextPage/async/start", 201, json=body)["token"]
    sage.owner.fails("GET", f"/entity/{people}/table/query/nextPage/async/get/{start}", 400)
