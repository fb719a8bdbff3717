import io
import json
import os
from collections.abc import Mapping

import pytest

from reconciler.cli.console import Console


class Terminal(io.StringIO):
    """A stream that a person looks at."""

    def isatty(self) -> bool:
        return True


def console(environ: Mapping[str, str] | None = None, *, terminal: bool = True, no_color: bool = False) -> Console:
    make = Terminal if terminal else io.StringIO
    return Console(make(), make(), environ or {}, no_color)


@pytest.mark.parametrize(
    ("environ", "terminal", "no_color", "color", "reason"),
    [
        ({}, True, False, True, "a terminal has colours"),
        ({}, False, False, False, "a pipe has none"),
        ({"NO_COLOR": "1"}, True, False, False, "NO_COLOR"),
        ({"NO_COLOR": ""}, True, False, True, "an empty NO_COLOR says nothing"),
        ({"CI": "true"}, True, False, False, "pipelines keep logs"),
        ({"TERM": "dumb"}, True, False, False, "a terminal without colours"),
        ({}, True, True, False, "--no-color"),
        ({"FORCE_COLOR": "1"}, False, False, True, "FORCE_COLOR"),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False, False, "NO_COLOR is stronger"),
    ],
)
def test_console_has_colours_only_where_they_are_wanted(
    environ: Mapping[str, str], terminal: bool, no_color: bool, color: bool, reason: str
) -> None:
    assert console(environ, terminal=terminal, no_color=no_color).style.color is color, reason


def test_console_hides_secrets_on_both_streams() -> None:
    out = console()
    out.hide(["s3cret-token"])
    out.print("token s3cret-token")
    out.tell("s3cret-token again")
    assert (out.out.getvalue(), out.err.getvalue()) == ("token ***\n", "*** again\n")  # type: ignore[attr-defined]


def test_console_hides_secrets_inside_json_text() -> None:
    out = console()
    out.hide(['q"uote\\é'])
    out.print_json({"token": 'q"uote\\é'})
    out.print(json.dumps('q"uote\\é'))
    assert "uote" not in out.out.getvalue()  # type: ignore[attr-defined]


def test_console_hides_the_longer_of_two_secrets_whole() -> None:
    out = console()
    out.hide(["abcd", "abcdefgh"])
    assert out.redact("abcdefgh") == "***"


def test_console_does_not_hide_what_occurs_everywhere() -> None:
    out = console()
    out.hide(["a", ""])
    assert out.redact("banana") == "banana"


def test_console_takes_a_live_line_away_before_it_writes() -> None:
    out = console()
    out.show_live("50 %")
    out.print("done")
    assert out.err.getvalue() == "50 %\r\x1b[K"  # type: ignore[attr-defined]


def test_console_whose_reader_went_away_goes_on() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        out = Console(stream, io.StringIO(), {})
        out.print("x" * 100_000)
        out.print("more")
        assert out.redact("still working") == "still working"
