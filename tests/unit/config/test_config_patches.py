"""JSON merge patches: the examples of RFC 7386, appendix A, and positions."""

from __future__ import annotations

import json

import pytest

from reconciler.config.nodes import MapNode, from_json, to_json
from reconciler.config.patches import merge
from reconciler.errors import Location

RFC_7386 = [
    ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
    ('{"a":"b"}', '{"a":null}', "{}"),
    ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
    ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
    ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
    ('["a","b"]', '["c","d"]', '["c","d"]'),
    ('{"a":"b"}', '["c"]', '["c"]'),
    ('{"a":"foo"}', "null", "null"),
    ('{"a":"foo"}', '"bar"', '"bar"'),
    ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
    ("[1,2]", '{"a":"b","c":null}', '{"a":"b"}'),
    ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
]


@pytest.mark.parametrize(("target", "patch", "expected"), RFC_7386)
def test_merge_follows_the_examples_of_the_rfc(target: str, patch: str, expected: str) -> None:
    here, there = Location("doc", 1, 1), Location("patch", 9, 9)
    got = merge(from_json(json.loads(target), here), from_json(json.loads(patch), there))
    assert to_json(got) == json.loads(expected)


def test_merge_keeps_places_of_target_and_patch() -> None:
    here, there = Location("doc", 1, 1), Location("patch", 9, 9)
    got = merge(from_json({"a": 1, "b": {"c": 2}}, here), from_json({"b": {"c": 3}, "d": 4}, there))
    assert isinstance(got, MapNode)
    inner = got.entries["b"]
    assert isinstance(inner, MapNode)
    assert (got.at, got.keys["a"], got.keys["b"], got.keys["d"]) == (here, here, here, there)
    assert (inner.keys["c"], inner.entries["c"].at) == (there, there)
    assert list(got.entries) == list(got.keys)
