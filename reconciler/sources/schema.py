"""Checks unit metadata against the collection's JSON Schema, compiled once for the whole population."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

from reconciler.errors import Problem, SourceError
from reconciler.model.json import JSON, JSONObject


class MetaValidator:
    """A compiled schema.

    Raises:
        SourceError: the schema is invalid, or refers to something outside itself.
    """

    def __init__(self, schema: JSONObject, address: str) -> None:
        import jsonschema_rs

        try:
            self._validator: Any = jsonschema_rs.validator_for(dict(schema), retriever=_refuse)
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            what = "the unit metadata schema is not a valid JSON Schema"
            raise SourceError([Problem(what, detail=str(error).splitlines()[0], address=address)]) from error

    def is_valid(self, meta: dict[str, JSON]) -> bool:
        """True when the metadata fits."""
        return bool(self._validator.is_valid(meta))

    def violations(self, meta: dict[str, JSON]) -> Iterator[tuple[str, str]]:
        """Yield (path of the field such as "age" or "scan.kv", what is wrong with it), sorted.

        A field that must not be there is told by its own path.
        """
        return iter(sorted((_path(error), error.message) for error in self._validator.iter_errors(meta)))


def _path(error: Any) -> str:
    unexpected = getattr(error.kind, "unexpected", ())
    return ".".join(map(str, (*error.instance_path, *unexpected[:1])))


def _refuse(uri: str) -> NoReturn:
    raise ValueError(f"{uri} lies outside the schema; write it into '$defs'")
