"""The JSON Schemas of all kinds: where they lie, their text, and the one that covers all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from reconciler.config.kinds import KINDS
from reconciler.config.suggestion import did_you_mean, listed
from reconciler.errors import UsageError
from reconciler.model.json import JSON, JSONObject

_ALL = "reconciler.v1.schema.json"


def schema_text(kind: str | None = None) -> str:
    """The JSON Schema (2020-12) of a kind, or the one of all kinds, as it ships.

    Raises:
        UsageError: there is no such kind.
    """
    if kind is None:
        return _text(_ALL)
    by_folded = {name.casefold(): name for name in KINDS}
    found = by_folded.get(kind.casefold())
    if found is None:
        fix = did_you_mean(kind, KINDS, f"kinds: {listed(KINDS)}")
        raise UsageError(f"the kind {kind!r} does not exist", fix=fix)
    return _text(_name(found))


@cache
def load_schema(kind: str) -> JSONObject:
    """The schema of a kind as JSON."""
    schema: JSONObject = json.loads(schema_text(kind))
    return schema


def combined_schema(schemas: Mapping[str, JSONObject]) -> JSON:
    """One schema for documents of any kind, selected by `kind`; definitions are named KIND.NAME, so it stands alone."""
    definitions: dict[str, JSON] = {}
    for kind, schema in schemas.items():
        for name, definition in schema["$defs"].items():
            definitions[f"{kind}.{name}"] = _renamed(definition, kind)
        body = {key: value for key, value in schema.items() if key not in ("$schema", "$id", "$defs")}
        definitions[kind] = _renamed(body, kind)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://reconciler.dev/schemas/{_ALL}",
        "title": "Document of reconciler",
        "description": "Any document; `kind` selects the schema.",
        "type": "object",
        "required": ["apiVersion", "kind"],
        "properties": {"kind": {"enum": list(schemas), "description": "Kind of document."}},
        "allOf": [_when(kind) for kind in schemas],
        "$defs": definitions,
    }


def _when(kind: str) -> JSON:
    condition = {"properties": {"kind": {"const": kind}}, "required": ["kind"]}
    return {"if": condition, "then": {"$ref": f"#/$defs/{kind}"}}


def _renamed(value: Any, kind: str) -> Any:
    """Point local references to the renamed definitions."""
    if isinstance(value, list):
        return [_renamed(item, kind) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: item.replace("#/$defs/", f"#/$defs/{kind}.") if key == "$ref" else _renamed(item, kind)
        for key, item in value.items()
    }


def _name(kind: str) -> str:
    return f"{kind.lower()}.v1.schema.json"


def _text(name: str) -> str:
    """A schema of the installed package, or beside it in a checkout; from inside an archive as the last resort."""
    here = Path(__file__)
    for folder in (here.parents[1] / "specs", here.parents[2] / "specs"):
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8")
    from importlib.resources import files  # slow to import, so only where there is no folder

    return (files("reconciler") / "specs" / name).read_text(encoding="utf-8")
