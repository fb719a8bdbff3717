import pytest

from reconciler.model.change import MISSING, FieldChange
from reconciler.render.shown import detail_line, field_lines, safe_text, value_text


@pytest.mark.parametrize(
    ("value", "text", "reason"),
    [
        ({"$ref": "Collection/a"}, "Collection/a", "a reference is its address"),
        ({"$id": "12"}, "id 12", "a remote object is its id"),
        ("ab" * 16, '"abababababab…"', "a checksum is shortened"),
        ("é\n", '"é\\n"', "text is JSON, readable"),
        ("\x1b[31m", '"\\u001b[31m"', "escape sequences never reach the terminal"),
        ("a\u202eb", '"a\\u202eb"', "nor do marks that turn the writing direction"),
        (None, "null", "null is a value"),
        ("(known after apply)", "(known after apply)", "what comes later is said so"),
    ],
)
def test_value_shown_in_one_line(value: object, text: str, reason: str) -> None:
    assert value_text(value) == text, reason


def test_value_longer_than_the_limit_is_cut() -> None:
    assert value_text("x" * 100, limit=10) == '"xxxxxxxx…'


def test_safe_text_keeps_line_ends_and_tabs() -> None:
    assert safe_text("a\n\tb\x00\x9b") == "a\n\tb\\u0000\\u009b"


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        (MISSING, "T", [(0, "+", 'a.b = "T"')]),
        (None, MISSING, [(0, "-", "a.b = null")]),
        (1, None, [(0, "~", "a.b = 1 -> null")]),
        (
            MISSING,
            [{"name": "x"}, {"name": "y"}],
            [(0, "+", "a.b:"), (1, "+", '{"name": "x"}'), (1, "+", '{"name": "y"}')],
        ),
    ],
)
def test_field_change_lines(before: object, after: object, lines: list[tuple[int, str, str]]) -> None:
    assert field_lines(FieldChange(("a", "b"), before, after)) == lines


def test_detail_line_with_one_side_says_added_or_removed() -> None:
    assert detail_line("meta.age", None, 4) == "meta.age: 4 is added"
    assert detail_line("meta.age", 4, None) == "meta.age: 4 is removed"
