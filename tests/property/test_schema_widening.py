"""Widening a unit meta schema for our marker is undone exactly, and changes no verdict on a unit."""

import jsonschema
from hypothesis import given
from hypothesis import strategies as st

from reconciler.providers.datamaker.schema_widening import narrow, widen

MARKER = {"reconciler": {"set": "scans", "key": "a"}}
NAMES = st.sampled_from(["a", "b", "reconcile", "recon"])
LEAVES = st.sampled_from([{}, True, False, {"type": "integer"}, {"type": "string", "maxLength": 2}, {"const": "a"}])


def _levels(inner):
    branches = st.lists(inner, min_size=1, max_size=2)
    return st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(NAMES, LEAVES, max_size=2),
            "patternProperties": st.dictionaries(st.sampled_from(["^r", "^a", "."]), LEAVES, max_size=2),
            "additionalProperties": LEAVES,
            "unevaluatedProperties": LEAVES,
            "propertyNames": st.sampled_from([True, False, {"maxLength": 1}, {"pattern": "^a"}]),
            "maxProperties": st.integers(0, 3),
            "required": st.lists(NAMES, max_size=1),
            "allOf": branches,
            "anyOf": branches,
            "if": inner,
            "then": inner,
            "else": inner,
            "$ref": st.sampled_from(["#/$defs/one", "#/$defs/two", "#/$defs/none"]),
        },
    )


SCHEMAS = st.recursive(LEAVES, _levels, max_leaves=6).flatmap(
    lambda top: st.fixed_dictionaries({"$defs": st.fixed_dictionaries({"one": LEAVES, "two": _levels(LEAVES)})}).map(
        lambda defs: {**top, **defs} if isinstance(top, dict) else top
    )
)


@given(SCHEMAS)
def test_narrow_undoes_widen(schema):
    assert narrow(widen(schema)) == schema


def _resolvable(schema):
    text = str(schema)
    recursive = "$defs/two" in str(schema.get("$defs", {}).get("two", {})) if isinstance(schema, dict) else False
    return "$defs/none" not in text and not recursive


@given(SCHEMAS.filter(_resolvable), st.dictionaries(NAMES, st.sampled_from([1, "a", "long"]), max_size=3))
def test_widened_schema_gives_the_same_verdict(schema, meta):
    declared = jsonschema.Draft202012Validator(schema).is_valid(meta)
    assert jsonschema.Draft202012Validator(widen(schema)).is_valid(meta | MARKER) == declared
