from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest

from reconciler.providers.sage.cells import fit, observed


@pytest.mark.parametrize(
    ("column", "cell", "text", "reason"),
    [
        ({"type": "STRING"}, " a ", " a ", "text stays as it is"),
        ({"type": "STRING"}, 7.0, "7", "whole numbers of Parquet and sheets are whole"),
        ({"type": "STRING"}, "  ", None, "nothing but space is no value"),
        ({"type": "STRING", "defaultValue": "x"}, "", "x", "an empty cell is the default"),
        ({"type": "INTEGER"}, "+007", "7", "one way to write a number"),
        ({"type": "INTEGER"}, "5.0", "5", "whole all the same"),
        ({"type": "INTEGER"}, 5.0, "5", "whole floats are whole"),
        ({"type": "DOUBLE"}, "1e3", "1000.0", "one way to write a number"),
        ({"type": "DOUBLE"}, "nan", "NaN", "as the service writes it"),
        ({"type": "DOUBLE"}, float("-inf"), "-Infinity", "as the service writes it"),
        ({"type": "BOOLEAN"}, "TRUE", "true", "any case"),
        ({"type": "BOOLEAN"}, False, "false", "of Parquet"),
        ({"type": "DATE"}, "1970-01-02", "86400000", "midnight UTC"),
        ({"type": "DATE"}, "1970-01-01T01:00:00.5+01:00", "500", "zones count"),
        ({"type": "DATE"}, "1969-12-31T23:59:59Z", "-1000", "before the epoch"),
        ({"type": "DATE"}, "86400000", "86400000", "milliseconds"),
        ({"type": "DATE"}, date(1970, 1, 2), "86400000", "of Parquet"),
        ({"type": "DATE"}, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), "1000", "of Parquet"),
        ({"type": "ENTITYID"}, "123", "syn123", "with its prefix"),
        ({"type": "ENTITYID"}, "SYN7.2", "syn7.2", "versions stay"),
        ({"type": "USERID"}, "273950", "273950", "a number"),
        ({"type": "JSON"}, '{"b": 1, "a": [2]}', '{"a":[2],"b":1}', "one way to write it"),
        ({"type": "STRING_LIST"}, '["b", "a"]', '["b","a"]', "order counts"),
        ({"type": "INTEGER_LIST"}, [1, 2.0], '["1","2"]', "of Parquet"),
        ({"type": "STRING_LIST"}, "[]", None, "an empty list is no value"),
    ],
)
def test_cell_has_one_form(column, cell, text, reason):
    assert fit(column, cell) == text, reason


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ({"type": "STRING", "maximumSize": 3}, "abcd", "'abcd' has 4 characters; the column takes 3"),
        ({"type": "STRING"}, "x" * 51, "has 51 characters; the column takes 50"),
        ({"type": "STRING", "enumValues": ["a", "b"]}, "c", "'c' is none of a, b"),
        ({"type": "INTEGER"}, "1.5", "'1.5' is not a whole number"),
        ({"type": "INTEGER"}, str(2**63), "is not a whole number"),
        ({"type": "DOUBLE"}, "1_0", "'1_0' is not a number"),
        ({"type": "DOUBLE"}, True, "'True' is not a number"),
        ({"type": "BOOLEAN"}, "yes", "'yes' is not true or false"),
        ({"type": "DATE"}, "2026-02-30", "'2026-02-30' is not a date"),
        ({"type": "DATE"}, "6.5.2026", "is not a date"),
        ({"type": "ENTITYID"}, "file.txt", "is not the id of an entity"),
        ({"type": "JSON"}, "{", "is not JSON"),
        ({"type": "STRING_LIST"}, "a, b", "is not a list"),
        ({"type": "STRING_LIST"}, '["a", null]', "without null"),
        ({"type": "STRING_LIST", "maximumListLength": 1}, '["a", "b"]', "has 2 values; the column takes 1"),
        ({"type": "STRING_LIST", "maximumSize": 1}, '["ab"]', "'ab' has 2 characters; the column takes 1"),
    ],
)
def test_cell_that_a_column_cannot_hold_is_refused(column, cell, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        fit(column, cell)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("DOUBLE", "1.0E10", "10000000000.0"),
        ("STRING", "x" * 600, "x" * 600),
        ("STRING_LIST", '["a", "b"]', '["a","b"]'),
        ("INTEGER", "odd", "odd"),
        ("STRING", "", None),
    ],
)
def test_cell_of_the_service_has_the_same_form(kind, text, expected):
    assert observed(kind, text) == expected
