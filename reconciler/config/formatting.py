"""Tidy the white space of documents: never a comment, a value or an order. What cannot be done safely is left alone.

Lines get LF endings, no white space at their ends, and steps of two spaces; a file begins with its first line, has at
most two empty lines in a row, and ends with one line end.
"""

from __future__ import annotations

from pathlib import Path

from reconciler.config.documents import Document, classify
from reconciler.config.indentation import Outline, outline_of
from reconciler.config.nodes import to_json
from reconciler.config.reading import Reading, read_text
from reconciler.errors import ConfigError

_MOST_EMPTY_LINES = 2


def check_format(text: str, name: str) -> bool:
    """Whether `format_text` would leave the text as it is. Raises what `format_text` raises."""
    return format_text(text, name) == text


def format_text(text: str, name: str) -> str:
    """Tidy the documents of one file. name: the file's name, for messages and to tell JSON from YAML.

    A text without documents of ours, and one whose tidied form would read differently, is returned unchanged.

    Raises:
        ConfigError: the text cannot be read.
    """
    before = read_text(text, name)
    if before.failed:
        raise ConfigError(before.problems)
    if not any(isinstance(classify(node, name, Path()), Document) for node in before.documents):
        return text
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    is_json = name.lower().endswith(".json") or plain.lstrip().startswith("{")
    candidates = (_trimmed(plain, Outline()),) if is_json else _tidied(plain)
    return next((candidate for candidate in candidates if _reads_equal(candidate, name, before)), text)


def _tidied(text: str) -> tuple[str, ...]:
    """Candidates, the tidiest first."""
    outline = outline_of(text)
    indented = "\n".join(outline.indented(text.split("\n")))
    return _trimmed(indented, outline), _trimmed(text, outline)


def _trimmed(text: str, outline: Outline) -> str:
    """Remove white space at line ends and surplus empty lines, outside of multi-line values."""
    kept: list[str] = []
    empty = 0
    for number, line in enumerate(text.split("\n")):
        if number in outline.inside:
            kept.append(line)
            empty = 0
            continue
        stripped = line.rstrip(" \t")
        empty = 0 if stripped else empty + 1
        if empty <= _MOST_EMPTY_LINES and (stripped or kept):
            kept.append(stripped)
    return "\n".join(kept).rstrip("\n") + "\n"


def _reads_equal(text: str, name: str, before: Reading) -> bool:
    after = read_text(text, name)
    return not after.failed and _written(after) == _written(before)


def _written(reading: Reading) -> list[str]:
    """Values in a form where 1, 1.0 and true differ, and so does the order of keys."""
    return [repr(to_json(node)) for node in reading.documents]
