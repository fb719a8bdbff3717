import jsonschema
import pytest

from reconciler.providers.datamaker.schema_widening import narrow, widen

MARKER = {"reconciler": {"set": "scans", "key": "a"}}

SCHEMAS = [
    ({"type": "object"}, "open"),
    (True, "boolean"),
    ({"additionalProperties": False}, "closed, nothing allowed"),
    ({"properties": {}, "additionalProperties": False}, "closed, empty properties"),
    ({"properties": {"age": {"type": "integer"}}, "additionalProperties": False}, "closed"),
    ({"properties": {"age": {}}, "unevaluatedProperties": False}, "closed for the unevaluated"),
    ({"additionalProperties": {"type": "integer"}}, "others must be numbers"),
    ({"maxProperties": 1}, "limited number"),
    ({"maxProperties": 0}, "no property"),
    ({"propertyNames": {"maxLength": 3}}, "limited names"),
    ({"propertyNames": False}, "no name"),
    ({"patternProperties": {"^.": {"type": "integer"}, "^x": {}}}, "patterns that match the marker"),
    ({"properties": {"reconciler": {"type": "integer"}}}, "our key declared by others"),
    ({"allOf": [{"properties": {"age": {}}, "additionalProperties": False}]}, "closed in a branch"),
    ({"anyOf": [{"required": ["x"]}, {"maxProperties": 1, "oneOf": [{"additionalProperties": False}]}]}, "nested"),
    ({"if": {"maxProperties": 0}, "then": {"additionalProperties": False}, "else": {"maxProperties": 1}}, "if"),
    ({"not": {"minProperties": 9}, "dependentSchemas": {"age": {"maxProperties": 1}}}, "dependent"),
    (
        {"$ref": "#/$defs/unit", "$defs": {"unit": {"additionalProperties": False, "properties": {"age": {}}}}},
        "generated schemas start with a reference",
    ),
    (
        {
            "allOf": [{"$ref": "#/definitions/a"}],
            "definitions": {"a": {"$ref": "#/definitions/b"}, "b": {"maxProperties": 1, "$ref": "#/definitions/a2"},
                            "a2": {"propertyNames": {"maxLength": 3}}, "other": {"additionalProperties": False}},
        },
        "references of references",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "reason"), SCHEMAS)
def test_narrow_gives_back_what_was_widened(schema, reason):
    assert narrow(widen(schema)) == schema, reason


@pytest.mark.parametrize(("schema", "reason"), SCHEMAS)
@pytest.mark.parametrize("meta", [{}, {"age": 4}, {"age": "x", "site": 1}])
def test_widened_schema_judges_a_marked_unit_as_the_declared_one_judges_it_unmarked(schema, reason, meta):
    declared = jsonschema.Draft202012Validator(schema).is_valid(meta)
    assert jsonschema.Draft202012Validator(widen(schema)).is_valid(meta | MARKER) == declared, reason


def test_widen_leaves_an_open_schema_alone():
    schema = {"type": "object", "required": ["age"], "properties": {"age": {"additionalProperties": False}}}
    assert widen(schema) == schema


def test_widen_does_not_change_its_argument():
    schema = {"properties": {"age": {}}, "additionalProperties": False}
    widen(schema)
    assert schema == {"properties": {"age": {}}, "additionalProperties": False}
