"""Globs over "/"-separated paths: `*`, `?` stay in one folder, `**` crosses folders, `{a,b}` and `[abc]` choose."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reconciler.sources.names import nfc


def translate(pattern: str) -> str:
    """Return the regular expression (for `fullmatch`) of one glob.

    `**/x` also matches `x` at the top, `a/**` everything below `a`. Raises ValueError on an unbalanced brace.
    """
    text = nfc(pattern).removeprefix("./")
    out, i, depth = [], 0, 0
    while i < len(text):
        piece, i, depth = _next(text, i, depth)
        out.append(piece)
    if depth:
        raise ValueError(f"unbalanced '{{' in glob {pattern!r}")
    return "".join(out)


def _next(text: str, i: int, depth: int) -> tuple[str, int, int]:
    """Translate the token at `i`; returns its expression, the next position and the brace depth."""
    char = text[i]
    if text.startswith("**/", i):
        return "(?:[^/]+/)*", i + 3, depth
    if text.startswith("**", i):
        return ".*", i + 2, depth
    if char == "*":
        return "[^/]*", i + 1, depth
    if char == "?":
        return "[^/]", i + 1, depth
    if char == "[" and (end := text.find("]", i + 2)) > 0:
        return _character_class(text[i + 1 : end]), end + 1, depth
    if char == "{":
        return "(?:", i + 1, depth + 1
    if char == "}" and depth:
        return ")", i + 1, depth - 1
    if char == "," and depth:
        return "|", i + 1, depth
    return re.escape(char), i + 1, depth


def _character_class(body: str) -> str:
    negated = body[0] in "!^"
    inner = body[1:] if negated else body
    escaped = (
        inner.replace("\\", "\\\\").replace("[", "\\[").replace("^", "\\^").replace("&", "\\&").replace("~", "\\~")
    )
    return f"[^/{escaped}]" if negated else f"[{escaped}]"


def compile_glob(pattern: str) -> re.Pattern[str]:
    """Compile one glob; use `.fullmatch` on NFC paths."""
    return re.compile(translate(pattern), re.S)


def compile_globs(patterns: Iterable[str]) -> re.Pattern[str] | None:
    """Compile several globs into one alternative; None when there are none."""
    parts = [f"(?:{translate(pattern)})" for pattern in patterns]
    return re.compile("|".join(parts), re.S) if parts else None
