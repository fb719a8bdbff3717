"""diff_fields: only what is declared is compared, by rules that are data."""

from __future__ import annotations

import pytest

from reconciler.diff.fields import diff_fields, same
from reconciler.diff.rules import RULES, Rules
from reconciler.model.change import MISSING, FieldChange

COLLECTION = RULES["Collection"]


@pytest.mark.parametrize(
    ("desired", "observed", "expected", "reason"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, (), "undeclared keys are someone else's"),
        ({"a": 1}, {"a": 2}, (FieldChange(("a",), 2, 1),), "a declared value differs"),
        ({"a": 1}, {}, (FieldChange(("a",), MISSING, 1),), "a declared value is not there"),
        ({"a": True}, {"a": 1}, (FieldChange(("a",), 1, True),), "True is not 1"),
        ({"a": 1}, {"a": 1.0}, (), "1 is 1.0"),
        ({"a": "e\u0301"}, {"a": "\u00e9"}, (), "text is compared in NFC"),
        ({"a": None}, {"a": 1}, (FieldChange(("a",), 1, None),), "None is a value"),
        ({"m": {"x": 1}}, {"m": {"x": 1, "y": 2}}, (), "mappings are open"),
        ({"l": [1, 2]}, {"l": [2, 1]}, (FieldChange(("l",), [2, 1], [1, 2]),), "plain lists are compared whole"),
        ({"m": {}}, {}, (FieldChange(("m",), MISSING, {}),), "an empty mapping is not absence"),
    ],
)
def test_diff_fields_plain_values(desired, observed, expected, reason):
    assert diff_fields(desired, observed, Rules()) == expected, reason


def test_diff_fields_key_declared_before_and_not_now_is_removed():
    changes = diff_fields({"meta": {"a": 1}}, {"meta": {"a": 1, "b": 2, "c": 3}}, Rules(), owned={"meta": {"b": 2}})
    assert changes == (FieldChange(("meta", "b"), 2, MISSING),)


def test_diff_fields_keyed_list_matches_items_by_name():
    desired = {"fileSpecifications": [{"name": "x", "required": True}, {"name": "y"}]}
    observed = {"fileSpecifications": [{"name": "x", "required": False, "id": 7}, {"name": "y", "id": 8}]}
    changes = diff_fields(desired, observed, COLLECTION)
    assert changes == (FieldChange(("fileSpecifications", "x", "required"), False, True),)


def test_diff_fields_keyed_list_item_not_listed_is_removed():
    desired = {"fileSpecifications": [{"name": "x"}]}
    observed = {"fileSpecifications": [{"name": "x"}, {"name": "old"}]}
    assert diff_fields(desired, observed, COLLECTION) == (
        FieldChange(("fileSpecifications", "old"), {"name": "old"}, MISSING),
    )


def test_diff_fields_keyed_list_order_is_one_change():
    desired = {"fileSpecifications": [{"name": "x"}, {"name": "y"}]}
    observed = {"fileSpecifications": [{"name": "y"}, {"name": "x"}]}
    assert diff_fields(desired, observed, COLLECTION) == (
        FieldChange(("fileSpecifications", "(order)"), ["y", "x"], ["x", "y"]),
    )


def test_diff_fields_unordered_list_ignores_order():
    desired = {"fileSpecifications": [{"name": "x", "extensions": [".b", ".a"]}]}
    observed = {"fileSpecifications": [{"name": "x", "extensions": [".a", ".b"]}]}
    assert diff_fields(desired, observed, COLLECTION) == ()


def test_same_nested_values_compare_whole():
    assert same({"a": [1, {"b": "é"}]}, {"a": [1.0, {"b": "é"}]})
    assert not same({"a": 1}, {"a": 1, "b": 2})


def test_open_mapping_that_is_declared_no_more_loses_only_what_we_applied():
    observed = {"meta": {"ours": 1, "theirs": 2}}
    changes = diff_fields({}, observed, Rules(), owned={"meta": {"ours": 1}})
    assert changes == (FieldChange(("meta", "ours"), 1, MISSING),)


def test_items_of_an_open_mapping_go_whole():
    rules = Rules(open=frozenset({"block", "block.*"}))
    tags = {"urgent": {"text": "First"}, "theirs": {"text": ""}}
    changes = diff_fields(
        {}, {"block": {"tags": tags}}, rules, owned={"block": {"tags": {"urgent": {"text": "First"}}}}
    )
    assert changes == (FieldChange(("block", "tags", "urgent"), {"text": "First"}, MISSING),)
