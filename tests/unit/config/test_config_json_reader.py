"""Strict reading of JSON with positions."""

from __future__ import annotations

import pytest

from reconciler.config.json_reader import MAX_DEPTH, read_json
from reconciler.config.nodes import MapNode, to_json
from reconciler.config.reading import read_text
from reconciler.errors import Location

BROKEN = [
    ('{"a": 1,}', "1:9", "a comma before the end"),
    ("[1, 2,, 3]", "1:7", "two commas"),
    ("{'a': 1}", "1:2", "single quotes"),
    ('{"a": tru}', "1:7", "a misspelt word"),
    ('{"a" 1}', "1:6", "no colon"),
    ('{"a": 01}', "1:7", "a leading zero"),
    ('{"a": .5}', "1:7", "no digit before the dot"),
    ('{"a": NaN}', "1:7", "not a number"),
    ('{"a": 1e999}', "1:7", "an infinite number"),
    ('{"a": "\\ud83d"}', "1:7", "half a surrogate pair"),
    ('{"a": "\\q"}', "1:8", "an unknown escape"),
    ('{"a": "x\ny"}', "1:9", "a line end inside a text"),
    ('{"a": "b', "1:7", "an open quote"),
    ("[1\n2]", "2:1", "no comma"),
    ('{"a": 1', "1:8", "an open object"),
    ("[1] x", "1:5", "text after the value"),
    ("// c\n{}", "1:1", "a comment"),
    ("", "1:1", "nothing"),
]


@pytest.mark.parametrize(("text", "place", "reason"), BROKEN)
def test_read_broken_json_names_the_place(text: str, place: str, reason: str) -> None:
    reading = read_json(text, "x.json")
    (problem,) = reading.problems
    assert (str(problem.at), reading.documents) == (f"x.json:{place}", ()), reason
    assert problem.summary


def test_read_json_positions_are_those_of_key_and_value() -> None:
    node = read_json('{\n  "a": [1,\n  true]\n}', "x.json").documents[0]
    assert isinstance(node, MapNode)
    assert (node.keys["a"], node.entries["a"].at) == (Location("x.json", 2, 3), Location("x.json", 2, 8))


def test_read_json_repeated_key_is_a_problem() -> None:
    (problem,) = read_json('{"a": 1, "a": 2}', "x.json").problems
    assert (problem.summary, problem.detail) == ("the key 'a' is there twice", "It stands at x.json:1:2 too.")


def test_read_json_escaped_surrogate_pair_is_one_character() -> None:
    assert to_json(read_json('"\\ud83d\\ude00"', "x.json").documents[0]) == "\U0001f600"


def test_read_json_too_deep_is_refused() -> None:
    assert read_json("[" * MAX_DEPTH + "]" * MAX_DEPTH, "x").problems == ()
    assert read_json("[" * 100_000, "x").failed


def test_read_text_from_standard_input_takes_json_and_yaml() -> None:
    for text in ('{"a": "\\ud83d\\ude00"}', "{a: \U0001f600}", "a: \U0001f600"):
        assert [to_json(n) for n in read_text(text, "-").documents] == [{"a": "\U0001f600"}]
