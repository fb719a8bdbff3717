"""Strict reading of YAML."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from reconciler.config.nodes import MapNode, find, to_json
from reconciler.config.reading import SIZE_LIMIT_BYTES, read_bytes
from reconciler.config.yaml_reader import MAX_ALIASED_NODES, MAX_DEPTH, read_yaml
from reconciler.errors import Location, Severity


def values(text: str) -> list[object]:
    reading = read_yaml(text, "x.yaml")
    assert reading.problems == ()
    return [to_json(node) for node in reading.documents]


def places(text: str) -> list[str]:
    return [f"{p.at.line}:{p.at.column} {p.summary}" for p in read_yaml(text, "x.yaml").problems if p.at]


def test_read_several_documents_gives_each() -> None:
    assert values("a: 1\n---\n- b\n---\nc\n") == [{"a": 1}, ["b"], "c"]


def test_read_empty_text_gives_nothing() -> None:
    assert values("# only a comment\n") == []


def test_read_windows_line_ends_gives_same_values() -> None:
    assert values("a: 1\r\nb: |\r\n  x\r\n  y\r\n") == [{"a": 1, "b": "x\ny\n"}]


def test_read_quoted_scalars_are_text() -> None:
    assert values("a: '1'\nb: \"true\"\nc: |\n  12\n") == [{"a": "1", "b": "true", "c": "12\n"}]


def test_read_anchor_and_alias_share_the_value() -> None:
    assert values("a: &x {p: 1}\nb: *x\n") == [{"a": {"p": 1}, "b": {"p": 1}}]


def test_read_merge_key_lets_own_keys_and_earlier_sources_win() -> None:
    text = "a: &a {p: 1, q: 1}\nb: &b {q: 2, r: 2}\nc: {<<: [*a, *b], p: 3}\n"
    assert find(read_yaml(text, "x").documents[0], "c", "q") is not None
    assert values(text)[0]["c"] == {"p": 3, "q": 1, "r": 2}  # type: ignore[index]


def test_read_quoted_merge_key_is_an_ordinary_key() -> None:
    assert values("'<<': 1\n") == [{"<<": 1}]


def test_read_standard_tags_that_fit_are_taken() -> None:
    assert values("a: !!str 12\nb: !!int '12'\nc: !!float 1\nd: !!bool 'true'\ne: !!map {}\nf: !!seq []\n") == [
        {"a": "12", "b": 12, "c": 1.0, "d": True, "e": {}, "f": []}
    ]


def test_read_standard_tag_that_does_not_fit_is_a_problem() -> None:
    assert places("a: !!int x\n") == ["1:4 'x' is not a value of type !!int"]


@pytest.mark.parametrize("tag", ["!Ref", "!!timestamp", "!!python/object:os.system", "!!binary", "!!set"])
def test_read_other_tag_is_a_problem(tag: str) -> None:
    (problem,) = read_yaml(f"a: {tag} x\n", "x.yaml").problems
    assert problem.summary == f"the tag {tag} is not allowed"


def test_read_positions_are_those_of_key_and_value() -> None:
    node = read_yaml("a:\n  - b: 'c'\n", "x.yaml").documents[0]
    inner = find(node, "a", 0)
    assert isinstance(inner, MapNode)
    assert inner.keys["b"] == Location("x.yaml", 2, 5)
    assert inner.entries["b"].at == Location("x.yaml", 2, 8)


def test_read_repeated_key_names_both_places_and_keeps_the_first() -> None:
    reading = read_yaml("a: 1\nb:\n  c: 1\n  c: 2\n", "x.yaml")
    (problem,) = reading.problems
    assert (problem.at, problem.detail) == (Location("x.yaml", 4, 3), "It stands at x.yaml:3:3 too.")
    assert to_json(reading.documents[0]) == {"a": 1, "b": {"c": 1}}


def test_read_leading_zero_warns_and_gives_the_number() -> None:
    reading = read_yaml("a: 012\n", "x.yaml")
    assert [p.severity for p in reading.problems] == [Severity.WARNING]
    assert to_json(reading.documents[0]) == {"a": 12}


def test_read_syntax_error_keeps_earlier_documents() -> None:
    reading = read_yaml("a: 1\n---\nb: [\n", "x.yaml")
    assert [to_json(node) for node in reading.documents] == [{"a": 1}]
    assert reading.failed


def test_read_collects_problems_of_one_document() -> None:
    assert places("1: a\nb: .inf\nc: !x y\n") == [
        "1:1 the key 1 is an integer, not text",
        "2:4 .inf is not a number that JSON can hold",
        "3:4 the tag !x is not allowed",
    ]


def test_read_depth_at_the_limit_is_taken_and_beyond_is_refused() -> None:
    fits = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert read_yaml(fits, "x").problems == ()
    assert places(f"[{fits}]") == [f"1:{MAX_DEPTH + 1} values are nested deeper than {MAX_DEPTH} levels"]


def test_read_alias_that_makes_the_value_too_deep_is_refused() -> None:
    text = "- &a " + "[" * 60 + "]" * 60 + "\n- " + "[" * 50 + "*a" + "]" * 50 + "\n"
    assert places(text) == [f"2:53 values are nested deeper than {MAX_DEPTH} levels"]


def test_read_hundred_thousand_brackets_does_not_end_the_process() -> None:
    code = "from reconciler.config.yaml_reader import read_yaml; print(read_yaml('[' * 200_000, 'x').failed)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "True\n")


def test_read_billion_laughs_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    (problem,) = read_yaml("\n".join(lines), "x").problems
    assert problem.summary == f"aliases expand to more than {MAX_ALIASED_NODES:,} values"


def test_read_alias_inside_its_own_anchor_is_refused() -> None:
    assert places("a: &x [*x]\n") == ["1:8 the alias *x contains itself"]


def test_read_anchor_of_another_document_is_unknown() -> None:
    assert places("a: &x 1\n---\nb: *x\n") == ["3:4 the alias *x has no anchor"]


def test_read_line_break_of_yaml_1_1_inside_text_is_refused() -> None:
    assert places("a: x\u2028y\n") == ["1:5 the character U+2028 is a line break for some readers and text for others"]


def test_read_bytes_byte_order_mark_is_skipped() -> None:
    assert [to_json(n) for n in read_bytes(b"\xef\xbb\xbfa: 1\n", "x.yaml").documents] == [{"a": 1}]


def test_read_bytes_of_another_encoding_names_the_place() -> None:
    (problem,) = read_bytes("a: 1\nb: \xe9t\xe9\n".encode("latin-1"), "x.yaml").problems
    assert (problem.summary, problem.at) == ("byte 0xe9 is not UTF-8", Location("x.yaml", 2, 4))


def test_read_bytes_beyond_the_size_limit_is_refused() -> None:
    (problem,) = read_bytes(b"#" * (SIZE_LIMIT_BYTES + 1), "x.yaml").problems
    assert problem.summary == "the file is larger than 16 MiB"


def test_read_without_the_c_parser_gives_the_same() -> None:
    """PyYAML may be built without libyaml; a fresh process hides it."""
    code = textwrap.dedent(
        """
        import yaml
        del yaml.CSafeLoader
        from reconciler.config.nodes import to_json
        from reconciler.config.yaml_reader import read_yaml
        ok = read_yaml("a: no\\nb: &x {c: 012, d: '1'}\\ne: {<<: *x, f: 1e3}\\n", "x")
        print([to_json(n) for n in ok.documents], [str(p.at) for p in read_yaml("a: [1\\n", "x").problems])
        """
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    expected = "[{'a': 'no', 'b': {'c': 12, 'd': '1'}, 'e': {'f': 1000.0, 'c': 12, 'd': '1'}}] ['x:2:1']\n"
    assert done.stdout == expected
