from collections.abc import Sequence

import pytest

from reconciler.errors import Location, Problem, Severity
from reconciler.render.problems import diagnostic, problem_text, validation_document

TEXT = ["kind: AssetSet", "  token: abc", "\tfiles: lable_1"]


def lines(file: str) -> Sequence[str] | None:
    return TEXT if file == "a.yaml" else None


def test_problem_with_a_readable_line_shows_it_with_a_caret() -> None:
    problem = Problem("unknown 'lable_1'", Location("a.yaml", 3, 9), "Known: label_1.", "did you mean 'label_1'?")
    assert problem_text(problem, lines=lines).splitlines() == [
        "Error: a.yaml:3:9: unknown 'lable_1'",
        "  3 |  files: lable_1",
        "    |         ^",
        "  Known: label_1.",
        "  fix: did you mean 'label_1'?",
    ]


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        (Location("b.yaml", 1, 1), "the file cannot be read"),
        (Location("a.yaml", 9, 1), "the line is not there any more"),
        (Location("a.yaml", 2, 3), "the line may hold a secret"),
        (Location("a.yaml"), "there is no line"),
    ],
)
def test_problem_without_a_line_to_show_shows_none(at: Location, reason: str) -> None:
    assert problem_text(Problem("wrong", at), lines=lines) == f"Error: {at}: wrong", reason


def test_problem_text_escapes_control_characters() -> None:
    assert problem_text(Problem("name '\x1b[2J'")) == "Error: name '\\u001b[2J'"


def test_diagnostic_has_terraforms_members() -> None:
    got = diagnostic(Problem("wrong", Location("a.yaml", 3, 2), "why", "do this", Severity.WARNING), lines=lines)
    assert got["severity"] == "warning"
    assert got["detail"] == "why\ndo this"
    assert got["range"]["start"] == {"line": 3, "column": 2, "byte": 29}
    assert got["snippet"]["code"] == "\tfiles: lable_1".replace("\t", "\t")


def test_validation_document_counts_errors_and_warnings_apart() -> None:
    document = validation_document([Problem("a"), Problem("b", severity=Severity.WARNING)])
    assert (document["valid"], document["error_count"], document["warning_count"]) == (False, 1, 1)
    assert validation_document([Problem("b", severity=Severity.WARNING)])["valid"] is True
