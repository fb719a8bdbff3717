from __future__ import annotations

import pytest

from reconciler.errors import Invalid
from reconciler.providers.sage.columns import completed, danger, from_wire, pairs, settled, to_wire


def column(name, kind="STRING", **more):
    return {"name": name, "type": kind, **more}


def test_definition_goes_to_the_service_and_back():
    wire = {"name": "a", "columnType": "STRING", "maximumSize": 5, "enumValues": ["x"], "facetType": "enumeration"}
    assert to_wire(from_wire({**wire, "id": "7", "jsonSubColumns": None})) == wire


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (column("a", "INTEGER"), column("a", "STRING"), None),
        (column("a", "INTEGER"), column("a", "STRING", maximumSize=5), "changes its type from INTEGER to STRING"),
        (column("a", "STRING", maximumSize=100), column("a", "MEDIUMTEXT"), None),
        (column("a", "LARGETEXT"), column("a", "MEDIUMTEXT"), "changes its type from LARGETEXT to MEDIUMTEXT"),
        (column("a", "DOUBLE"), column("a", "INTEGER"), "changes its type from DOUBLE to INTEGER"),
        (column("a", "STRING"), column("a", "STRING_LIST"), None),
        (column("a", "STRING_LIST"), column("a", "LARGETEXT"), "changes its type from STRING_LIST to LARGETEXT"),
        (column("a", maximumSize=9), column("a", maximumSize=10), None),
        (column("a", maximumSize=9), column("a"), None),
        (column("a", enumValues=["x"]), column("a", enumValues=["x", "y"]), None),
        (column("a"), column("a", enumValues=["x"]), "admits fewer values (enumValues)"),
    ],
)
def test_change_of_a_column_is_a_danger_when_values_may_not_fit(before, after, says):
    assert danger(before, after) == says


@pytest.mark.parametrize(("old", "new"), [("JSON", "STRING"), ("STRING", "FILEHANDLEID"), ("STRING_LIST", "INTEGER")])
def test_change_that_the_service_refuses_is_refused(old, new):
    with pytest.raises(Invalid, match=f"from {old} to {new}"):
        danger(column("a", old), column("a", new))


def test_previous_name_counts_only_while_the_rename_is_open():
    wanted = [column("b", previousName="a")]
    assert settled(wanted, [column("a")]) == wanted
    assert settled(wanted, [column("b")]) == [column("b")]
    assert settled(wanted, []) == [column("b")]


def test_previous_name_that_stays_a_column_is_refused():
    with pytest.raises(Invalid, match="stays a column"):
        settled([column("a"), column("b", previousName="a")], [column("a")])


def test_columns_are_paired_by_name_then_by_the_name_before():
    wanted = [column("b", previousName="a"), column("c"), column("d")]
    found = list(pairs(wanted, [column("c"), column("a"), column("x")]))
    assert [(o and o["name"], n and n["name"]) for o, n in found] == [("a", "b"), ("c", "c"), (None, "d"), ("x", None)]


def test_what_a_column_does_not_say_stays_unless_the_type_changes():
    before = column("a", maximumSize=9, facetType="enumeration")
    assert completed(before, column("b", previousName="a")) == column("b", maximumSize=9, facetType="enumeration")
    assert completed(before, column("a"), ["facetType"]) == column("a", maximumSize=9)
    assert completed(before, column("a", "INTEGER")) == column("a", "INTEGER")
