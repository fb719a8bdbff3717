"""The JSON Schema that a collection's meta may hold for the meta of its units, compiled once and used many times."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from reconciler.backend.wire import FieldError

META_SCHEMA_KEY: Final = "data_unit_meta_schema"


def schema_problem(meta: Any) -> str | None:
    """Why the schema within a collection's meta is no JSON Schema; None when it is fine or absent."""
    schema = meta.get(META_SCHEMA_KEY) if isinstance(meta, Mapping) else None
    if schema is None:
        return None
    if not isinstance(schema, Mapping | bool):
        return "must be a JSON Schema"
    import jsonschema_rs

    try:
        _compile(schema)
    except (ValueError, jsonschema_rs.ReferencingError) as exc:
        return f"is not a valid JSON Schema: {str(exc).splitlines()[0]}"
    return None


@lru_cache(maxsize=64)
def unit_validator(meta_text: str) -> Any:
    """The compiled schema within a collection's meta (as stored text); None when there is none."""
    meta = json.loads(meta_text)
    schema = meta.get(META_SCHEMA_KEY) if isinstance(meta, Mapping) else None
    return None if schema is None else _compile(schema)


def unit_meta_errors(validator: Any, meta: Any, where: str) -> list[FieldError]:
    """Everything that a unit's meta violates, each with its place below `where`."""
    if validator is None or validator.is_valid(meta):
        return []
    return [FieldError(where + _place(error.instance_path), error.message) for error in validator.iter_errors(meta)]


def _compile(schema: Any) -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for(schema, retriever=_refuse)


def _refuse(uri: str) -> Any:
    """Schemas come from callers: following their references to files or hosts would read on their behalf."""
    raise ValueError(f"references to {uri} are not followed")


def _place(path: list[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
