"""The fast validator and the explaining one agree, so that a refused document always gets a problem."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema
import jsonschema_rs
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.config.documents import Document, classify
from reconciler.config.kinds import KINDS
from reconciler.config.nodes import from_json
from reconciler.config.schema import load_schema
from reconciler.config.schema_check import check_schema
from reconciler.errors import Location

JUNK = st.sampled_from(
    [None, True, 0, -1, 1.5, 10**30, "", "x", "a b", [], ["x"], [1, 1], {}, {"id": 1}, {"id": "", "x": 2}]
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in _places(item, (*path, key)))]


def _known_keys(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [key for item in schema for key in _known_keys(item)]
    if not isinstance(schema, dict):
        return []
    own = schema["properties"] if isinstance(schema.get("properties"), dict) else {}
    return [*own, *(key for item in schema.values() for key in _known_keys(item))]


@st.composite
def mutants(draw: st.DrawFn) -> tuple[str, Any]:
    """An example of a kind with parts replaced, removed or added."""
    kind = draw(st.sampled_from(KINDS))
    schema = load_schema(kind)
    value = copy.deepcopy(schema["examples"][0])
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from([p for p in _places(value) if p and p[0] in ("spec", "metadata")]))
        parent = value
        for step in place[:-1]:
            parent = parent[step]
        if isinstance(parent, dict) and draw(st.booleans()):
            parent[draw(st.sampled_from(sorted(set(_known_keys(schema)))))] = copy.deepcopy(draw(JUNK))
        else:
            parent[place[-1]] = copy.deepcopy(draw(JUNK))
    return kind, value


@settings(deadline=None)
@given(mutants())
def test_validators_agree_and_every_refusal_has_a_placed_problem(mutant: tuple[str, Any]) -> None:
    kind, value = mutant
    schema: Any = load_schema(kind)
    is_valid = jsonschema_rs.Draft202012Validator(schema).is_valid(value)
    assert jsonschema.Draft202012Validator(schema).is_valid(value) == is_valid
    document = classify(from_json(value, Location("x.yaml", 1, 1)), "x.yaml", None)  # type: ignore[arg-type]
    problems = check_schema(document) if isinstance(document, Document) else [document]
    assert is_valid or problems
    assert all(problem.at and problem.fix for problem in problems)
