"""Words for the syntax errors of PyYAML's parser: what it means, and what to write instead."""

from __future__ import annotations

from typing import Any

from reconciler.errors import Location, Problem

# Texts of libyaml and of PyYAML's own scanner → (summary, fix). {char} is the character at the place.
_FAULTS: tuple[tuple[str, str, str], ...] = (
    (
        "mapping values are not allowed",
        "a ':' is not allowed here",
        "put the text in quotes if the colon belongs to it, else check the indentation",
    ),
    (
        "unknown escape character",
        "unknown escape '{pair}' in double quotes",
        "use single quotes, where a backslash is just a backslash, or write it twice",
    ),
    ("invalid Unicode character escape", "the escape is no character", "write the character itself"),
    (
        "block sequence entries are not allowed",
        "a list item '-' is not allowed here",
        "begin the list on a line of its own, below its key",
    ),
    ("did not find expected '-' indicator", "a list item '-' was expected", "check the indentation of this line"),
    (
        "expected <block end>, but found",
        "this does not belong to the block above",
        "check the indentation of this line",
    ),
    (
        "did not find expected key",
        "a key was expected",
        "check the indentation of this line, and the quotes and brackets above it",
    ),
    (
        "could not find expected ':'",
        "a key without ':'",
        "write 'key: value', or check quotes and indentation of the line above",
    ),
    (
        "did not find expected ','",
        "a list or object in brackets is not closed, or a ',' is missing",
        "close it, or quote texts that hold any of , [ ] {{ }}",
    ),
    (
        "expected ',' or",
        "a list or object in brackets is not closed, or a ',' is missing",
        "close it, or quote texts that hold any of , [ ] {{ }}",
    ),
    ("did not find expected node content", "a value was expected", "close the brackets, or write the value"),
    ("expected the node content", "a value was expected", "close the brackets, or write the value"),
    ("unexpected end of stream", "a quote is not closed", "close it"),
    (
        "expected alphabetic or numeric character",
        "'{first}' begins an alias or anchor, and no name follows",
        "put the text in quotes",
    ),
    ("unexpected document separator", "a quote is not closed before '---'", "close it"),
    ("duplicate %YAML directive", "two %YAML directives", "remove one"),
    ("incompatible YAML document", "the %YAML directive names a version that cannot be read", "remove the directive"),
    ("undefined tag handle", "the tag begins with an unknown '!' prefix", "remove the tag, or quote the text"),
)


def syntax_problem(exc: Exception, text: str, file: str) -> Problem:
    """Translate an error of the parser into a problem with a place and a fix."""
    mark = getattr(exc, "problem_mark", None)
    if mark is None:
        return _unreadable_character(exc, text, file)
    place = Location(file, mark.line + 1, mark.column + 1)
    raw = str(getattr(exc, "problem", "") or exc)
    if "cannot start any token" in raw:
        return _bad_start(text, mark, place)
    for needle, summary, fix in _FAULTS:
        if needle in raw:
            return _worded(exc, text, mark, place, summary, fix)
    return Problem(f"not valid YAML: {raw}", place, fix="check quotes, brackets and indentation")


def _worded(exc: Exception, text: str, mark: Any, place: Location, summary: str, fix: str) -> Problem:
    """Fill in the characters; an open quote or bracket is better shown where it begins."""
    context = getattr(exc, "context_mark", None)
    detail = ""
    if "not closed" in summary and context is not None:
        detail = f"It begins at {Location(place.file, context.line + 1, context.column + 1)}."
    pair = _characters(text, mark.line, mark.column, 2)
    first = _characters(text, context.line, context.column, 1) if context is not None else ""
    return Problem(summary.format(pair=pair, first=first), place, detail, fix.format())


def _bad_start(text: str, mark: Any, place: Location) -> Problem:
    char = _characters(text, mark.line, mark.column, 1)
    if char == "\t":
        return Problem("a tab is used for indentation", place, fix="indent with spaces")
    return Problem(f"a value cannot begin with '{char}'", place, fix="put the text in quotes")


def _unreadable_character(exc: Exception, text: str, file: str) -> Problem:
    """A control character: the parser gives an offset in UTF-8 bytes (C) or characters (Python), so search it."""
    code = getattr(exc, "character", None)
    number = ord(code) if isinstance(code, str) and len(code) == 1 else code if isinstance(code, int) else 0
    position = text.find(chr(number))
    before = text[: max(position, 0)]
    place = Location(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
    return Problem(
        f"the character U+{number:04X} is not allowed in YAML",
        place,
        fix=f'remove it, or write "\\u{number:04x}" in double quotes',
    )


def _characters(text: str, line: int, column: int, count: int) -> str:
    lines = text.split("\n")
    return lines[line][column : column + count] if line < len(lines) else ""
