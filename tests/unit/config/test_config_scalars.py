"""Plain scalars by the YAML 1.2 core schema."""

from __future__ import annotations

import pytest

from reconciler.config.scalars import NotJSON, has_leading_zero, resolve

CASES = [
    ("", None, "an empty value is null"),
    ("~", None, "tilde is null"),
    ("Null", None, "null in three spellings"),
    ("true", True, "boolean"),
    ("FALSE", False, "boolean in capitals"),
    ("no", "no", "YAML 1.1 booleans are text"),
    ("on", "on", "YAML 1.1 booleans are text"),
    ("Yes", "Yes", "YAML 1.1 booleans are text"),
    ("12", 12, "decimal"),
    ("-7", -7, "negative decimal"),
    ("+7", 7, "signed decimal"),
    ("012", 12, "a leading zero is no octal in YAML 1.2"),
    ("0o14", 12, "octal of YAML 1.2"),
    ("0x1F", 31, "hexadecimal"),
    ("0b11", "0b11", "binary is text"),
    ("1_000", "1_000", "underscores are text"),
    ("1e3", 1000.0, "exponent without a dot"),
    (".5", 0.5, "no digit before the dot"),
    ("5.", 5.0, "no digit after the dot"),
    ("-", "-", "a lone dash is text"),
    (".", ".", "a lone dot is text"),
    ("12:30:45", "12:30:45", "no sexagesimal numbers"),
    ("2026-01-01", "2026-01-01", "dates stay text"),
    ("1.2.3", "1.2.3", "versions are text"),
    ("nan", "nan", "only .nan is not a number"),
    ("=", "=", "the value key of YAML 1.1 is text"),
]


@pytest.mark.parametrize(("text", "expected", "reason"), CASES)
def test_resolve_plain_scalar_follows_core_schema(text: str, expected: object, reason: str) -> None:
    got = resolve(text)
    assert (type(got), got) == (type(expected), expected), reason


@pytest.mark.parametrize("text", [".inf", "-.INF", "+.Inf", ".nan", ".NaN", "1e999", "9" * 500])
def test_resolve_number_that_json_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(NotJSON):
        resolve(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("012", True), ("-007", True), ("0", False), ("0.5", False), ("10", False)]
)
def test_has_leading_zero_only_for_padded_integers(text: str, expected: bool) -> None:
    assert has_leading_zero(text) is expected
