"""What the readers give for any value, and that no text makes them fail otherwise than with problems."""

from __future__ import annotations

import json
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.config.nodes import MapNode, ScalarNode, find, to_json
from reconciler.config.reading import read_bytes, read_text
from reconciler.config.scalars import NotJSON, resolve
from reconciler.config.yaml_reader import read_yaml

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PRINTABLE = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\x85\u2028\u2029\ufeff\ufffe\uffff")
)
NUMBERS = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)


def json_values(text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | NUMBERS | text
    return st.recursive(leaves, lambda v: st.lists(v, max_size=4) | st.dictionaries(text, v, max_size=4), max_leaves=12)


def same(left: Any, right: Any) -> bool:
    """Equal, and of the same types all the way down."""
    return json.dumps(left) == json.dumps(right)


@settings(deadline=None)
@given(json_values(TEXT), st.sampled_from([None, 1, "\t"]), st.booleans())
def test_json_text_gives_the_value_back(value: Any, indent: Any, ascii_only: bool) -> None:
    reading = read_text(json.dumps(value, indent=indent, ensure_ascii=ascii_only), "x.json")
    assert reading.problems == ()
    assert same(to_json(reading.documents[0]), value)


@settings(deadline=None)
@given(json_values(PRINTABLE))
def test_json_text_read_as_yaml_gives_the_value_back(value: Any) -> None:
    reading = read_yaml(json.dumps(value, ensure_ascii=False), "x.yaml")
    assert reading.problems == ()
    assert same(to_json(reading.documents[0]), value)


@settings(deadline=None)
@given(json_values(PRINTABLE), st.booleans())
def test_yaml_written_with_quotes_gives_the_value_back(value: Any, flow: bool) -> None:
    """PyYAML decides the layout; texts are quoted, since its rules for plain ones are those of YAML 1.1."""
    reading = read_yaml(_dump(value, flow=flow), "x.yaml")
    assert reading.problems == ()
    assert to_json(reading.documents[0]) == value


def _dump(value: Any, *, flow: bool) -> str:
    class Quoting(yaml.SafeDumper):
        def ignore_aliases(self, _: Any) -> bool:
            return True

    Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))
    return str(yaml.dump(value, Dumper=Quoting, default_flow_style=flow, allow_unicode=True, sort_keys=False))


@settings(deadline=None)
@given(st.text(alphabet="0123456789+-.eExXoOabnulltruefsINF_:~ ", max_size=8))
def test_plain_scalar_is_what_json_makes_of_it_or_documented(text: str) -> None:
    """Whatever JSON reads as a number or word, we read as the same value of the same type."""
    try:
        expected = json.loads(text, parse_constant=_no_constant)
    except ValueError:
        return
    try:
        got = resolve(text.strip())
    except NotJSON:
        assert isinstance(expected, float)
        return
    assert same(got, expected)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_documents_or_problems(content: bytes) -> None:
    for name in ("x.yaml", "x.json", "-"):
        reading = read_bytes(content, name)
        assert all(problem.at is not None and problem.summary for problem in reading.problems)


@settings(deadline=None)
@given(st.text(alphabet="ab: -[]{},'\"\n\t#&*!|>%@`<?012.", max_size=60))
def test_any_yaml_like_text_gives_documents_or_placed_problems(text: str) -> None:
    reading = read_yaml(text, "x.yaml")
    lines = text.count("\n") + 2
    assert all(p.at is not None and 1 <= p.at.line <= lines and p.at.column >= 1 for p in reading.problems)


@settings(deadline=None)
@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(0, 9), min_size=1, max_size=5))
def test_positions_point_at_the_value(value: dict[str, int]) -> None:
    text = "".join(f"{key}:  {number}\n" for key, number in value.items())
    (document,) = read_yaml(text, "x.yaml").documents
    lines = text.split("\n")
    assert isinstance(document, MapNode)
    for key, number in value.items():
        node = find(document, key)
        assert isinstance(node, ScalarNode)
        assert lines[node.at.line - 1][node.at.column - 1 :] == str(number)
        assert lines[document.keys[key].line - 1].startswith(key)
