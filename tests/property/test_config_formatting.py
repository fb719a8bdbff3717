"""The formatter never changes what a document says, and is done after one run."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.config import format_text
from reconciler.config.nodes import to_json
from reconciler.config.reading import read_text

WORDS = st.text("ab -#:'", min_size=1, max_size=8) | st.sampled_from(
    ["two\nlines\n", "end \n\n", "  lead", "true", "12"]
)
VALUES = st.recursive(
    WORDS | st.integers(0, 99) | st.booleans() | st.none(),
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text("xyz", min_size=1, max_size=3), v, max_size=3),
    max_leaves=10,
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A document in a random layout, with comments, empty lines and white space at line ends."""
    value = {
        "apiVersion": "reconciler.dev/v1",
        "kind": "Collection",
        "metadata": {"name": "c"},
        "spec": draw(VALUES),
    }
    text = yaml.safe_dump(
        value, indent=draw(st.integers(2, 6)), default_flow_style=draw(st.sampled_from([False, None]))
    )
    lines: list[str] = []
    for line in str(text).split("\n"):
        lines.append(line)
        if draw(st.integers(0, 5)) == 0:
            lines.append(draw(st.sampled_from(["", "# note", "    # note  "])))
    return "\n".join(lines)


def said(text: str) -> Any:
    reading = read_text(text, "x.yaml")
    return [repr(to_json(node)) for node in reading.documents], reading.problems == ()


def comments(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip().startswith("#")]


@settings(deadline=None)
@given(documents())
def test_format_keeps_values_and_comments(text: str) -> None:
    before = read_text(text, "x.yaml")
    if before.failed:
        return
    after = format_text(text, "x.yaml")
    assert said(after)[0] == said(text)[0]
    assert comments(after) == comments(text)


@settings(deadline=None)
@given(documents())
def test_format_twice_is_the_same_as_once(text: str) -> None:
    if read_text(text, "x.yaml").failed:
        return
    once = format_text(text, "x.yaml")
    assert format_text(once, "x.yaml") == once
