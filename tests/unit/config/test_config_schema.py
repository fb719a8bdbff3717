"""The JSON Schemas: whole, consistent with each other and with the rest of the code."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest

import reconciler
from reconciler.config.checks.exports import FILTERS
from reconciler.config.kinds import KINDS
from reconciler.config.schema import combined_schema, load_schema, schema_text
from reconciler.errors import UsageError
from reconciler.formats.writers import OPTION_SCHEMAS

SPECS = Path(reconciler.__file__).parents[1] / "specs"


def properties(schema: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every property of a schema with its path."""
    if isinstance(schema, dict):
        for name, value in schema.get("properties", {}).items() if isinstance(schema.get("properties"), dict) else ():
            yield f"{path}.{name}", value
        for key, value in schema.items():
            if key not in ("examples", "default", "if", "allOf"):
                yield from properties(value, f"{path}/{key}")


@pytest.mark.parametrize("kind", KINDS)
def test_schema_is_valid_and_its_examples_are(kind: str) -> None:
    schema = load_schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["examples"]
    for example in schema["examples"]:
        jsonschema.Draft202012Validator(schema).validate(example)


@pytest.mark.parametrize("kind", KINDS)
def test_schema_describes_every_property(kind: str) -> None:
    schema = load_schema(kind)
    bare = [path for path, value in properties(schema) if "description" not in value and "$ref" not in value]
    assert [path for path in bare if "/skeletons/" not in path] == []
    assert all("description" in definition for definition in schema["$defs"].values())


@pytest.mark.parametrize("kind", KINDS)
def test_schema_uses_every_definition(kind: str) -> None:
    text = schema_text(kind)
    assert [name for name in load_schema(kind)["$defs"] if f'"#/$defs/{name}"' not in text] == []


def test_combined_schema_is_made_of_the_others() -> None:
    path = SPECS / "reconciler.v1.schema.json"
    text = json.dumps(combined_schema({kind: load_schema(kind) for kind in KINDS}), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("RECONCILER_REWRITE_GOLDENS"):
        path.write_text(text)
    assert schema_text() == text


@pytest.mark.parametrize("kind", KINDS)
def test_combined_schema_judges_as_the_single_one(kind: str) -> None:
    combined = jsonschema_rs.Draft202012Validator(json.loads(schema_text()))
    (example, *_) = load_schema(kind)["examples"]
    assert combined.is_valid(example)
    assert not combined.is_valid({**example, "spec": {**example["spec"], "unknown": 1}})
    assert not combined.is_valid({**example, "kind": "Other"})


def test_there_is_a_schema_file_for_every_kind_and_no_other() -> None:
    expected = {f"{kind.lower()}.v1.schema.json" for kind in KINDS} | {"reconciler.v1.schema.json"}
    assert {path.name for path in SPECS.glob("*.json")} == expected


def test_schema_text_takes_any_case() -> None:
    assert schema_text("assetset") == schema_text("AssetSet")


def test_schema_text_of_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(UsageError) as error:
        schema_text("AsetSet")
    assert error.value.fix == "did you mean 'AssetSet'?"


def test_export_schema_has_the_options_of_the_writers() -> None:
    schema = load_schema("Export")
    named = {
        "coco": "cocoOptions",
        "csv": "csvOptions",
        "custom": "customOptions",
        "jsonl": "tableOptions",
        "parquet": "tableOptions",
        "cvat": "cvatOptions",
        "imagefolder": "imagefolderOptions",
        "labelme": "labelmeOptions",
        "labelstudio": "labelstudioOptions",
        "synapse-json": "synapseJsonOptions",
        "voc": "vocOptions",
        "yolo": "yoloOptions",
    }
    assert schema["properties"]["spec"]["properties"]["format"]["enum"] == sorted(OPTION_SCHEMAS)
    for name, definition in named.items():
        found = {key: value for key, value in schema["$defs"][definition].items() if key != "description"}
        assert found == OPTION_SCHEMAS[name]


def test_export_filters_of_schema_and_checks_agree() -> None:
    schema = load_schema("Export")["properties"]["spec"]["properties"]["filter"]["properties"]
    assert set(schema) == {name for names in FILTERS.values() for name in names}


@pytest.mark.parametrize(
    ("name", "options", "is_valid"),
    [
        ("csv", {"spreadsheetSafe": True}, True),
        ("voc", {"origin": 1, "imageSet": "train"}, True),
        ("yolo", {"task": "pose"}, True),
        ("coco", {}, True),
        ("coco", {"task": "pose"}, False),
        ("voc", {"task": "pose"}, False),
        ("parquet", {"spreadsheetSafe": True}, False),
    ],
)
def test_reader_options_belong_to_the_format_that_has_them(name: str, options: dict[str, Any], is_valid: bool) -> None:
    schema = load_schema("TaskSet")
    block = {**schema["properties"]["spec"]["properties"]["annotations"], "$defs": schema["$defs"]}
    annotations = {"format": name, "url": "x", "specification": "image_1", "formatOptions": options}
    assert jsonschema.Draft202012Validator(block).is_valid(annotations) is is_valid
