"""Typed annotations ↔ metadata values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.providers.sage.values import from_wire, moment, moment_text, normal_meta, to_wire

DATES = st.integers(-(2**45), 2**46).map(moment_text)
KEYS = st.from_regex(r"[A-Za-z0-9_.]{1,9}", fullmatch=True)
TEXTS = st.text(min_size=1, max_size=40).map(lambda text: {"text": text} if moment(text) is not None else text)
SCALARS = st.one_of(
    st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), TEXTS, DATES
)


@pytest.mark.parametrize(
    ("value", "kind", "texts", "reason"),
    [
        (True, "BOOLEAN", ["true"], "a truth value is no number"),
        (7, "LONG", ["7"], "a whole number"),
        (7.0, "DOUBLE", ["7.0"], "a number with a point stays one"),
        ([1, 2.5], "DOUBLE", ["1.0", "2.5"], "whole and other numbers together"),
        ("a", "STRING", ["a"], "a text"),
        ("2024-05-06", "TIMESTAMP_MS", ["1714953600000"], "a date is midnight UTC"),
        ("2024-05-06T07:08:09+02:00", "TIMESTAMP_MS", ["1714972089000"], "a time with its zone"),
        ({"text": "2024-05-06"}, "STRING", ["2024-05-06"], "a text that looks like a date"),
        (["2024-05-06", "soon"], "STRING", ["2024-05-06", "soon"], "not all are dates"),
        ("2024-13-06", "STRING", ["2024-13-06"], "there is no such month"),
    ],
)
def test_to_wire_gives_the_type_that_is_written(value, kind, texts, reason):
    assert to_wire({"k": value}) == {"k": {"type": kind, "value": texts}}, reason


@pytest.mark.parametrize("value", [None, "", [], [None]])
def test_to_wire_of_nothing_is_no_annotation(value):
    assert to_wire({"k": value}) == {}


@given(st.dictionaries(KEYS, st.one_of(SCALARS, st.lists(SCALARS, max_size=4))))
def test_normal_meta_comes_back_from_the_wire_exactly(meta):
    normal, flaws = normal_meta(meta)
    if not flaws:
        assert from_wire(to_wire(normal)) == normal
        assert normal_meta(normal) == (normal, ())
        assert [type(v) for v in from_wire(to_wire(normal)).values()] == [type(v) for v in normal.values()]


@pytest.mark.parametrize(
    ("meta", "flaw"),
    [
        ({"a b": 1}, "meta.a b: a key may have letters"),
        ({"_accessRequirementIds": "x"}, "is reserved"),
        ({"k": 2**63}, "beyond 64 bits"),
        ({"k": ["x" * 300, "y" * 201]}, "501 characters"),
        ({"k": list(range(101))}, "101 values"),
        ({"k": [1, "a"]}, "several types"),
        ({"k": {"nested": 1}}, "no number, text"),
        ({f"k{n}": n for n in range(101)}, "101 keys"),
    ],
)
def test_normal_meta_names_what_the_service_cannot_hold(meta, flaw):
    assert any(flaw in text for text in normal_meta(meta)[1])


def test_from_wire_tells_a_text_from_a_date():
    wire = {"d": {"type": "TIMESTAMP_MS", "value": ["1714953600000"]}, "t": {"type": "STRING", "value": ["2024-05-06"]}}
    assert from_wire(wire) == {"d": "2024-05-06", "t": {"text": "2024-05-06"}}


def test_from_wire_keeps_numbers_that_json_has_not():
    wire = {"k": {"type": "DOUBLE", "value": ["NaN", "1.5"]}}
    assert from_wire(wire) == {"k": [{"double": "nan"}, 1.5]}
    assert to_wire(from_wire(wire)) == {"k": {"type": "DOUBLE", "value": ["nan", "1.5"]}}
