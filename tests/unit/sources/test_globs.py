"""Globs."""

from __future__ import annotations

import pytest

from reconciler.sources.globs import compile_glob, compile_globs


@pytest.mark.parametrize(
    ("pattern", "path", "matches", "reason"),
    [
        ("**", "a/b/c.png", True, "everything"),
        ("*.png", "a.png", True, "at the top"),
        ("*.png", "d/a.png", False, "* stays in one folder"),
        ("**/*.png", "a.png", True, "**/ may be nothing"),
        ("**/*.png", "x/y/a.png", True, "any depth"),
        ("**/img/*.png", "p1/img/a.png", True, "folder in the middle"),
        ("**/img/*.png", "img/a.png", True, "folder at the top"),
        ("**/thumbs/**", "x/thumbs/y/a.png", True, "everything below"),
        ("**/thumbs/**", "x/thumbs.png", False, "a file of that beginning"),
        ("a?.png", "ab.png", True, "one sign"),
        ("a?.png", "a/.png", False, "? is no slash"),
        ("[ab].png", "b.png", True, "class"),
        ("[!ab].png", "b.png", False, "negated class"),
        ("*.{png,jpg}", "x.jpg", True, "choice"),
        ("*.{png,jpg}", "x.gif", False, "no choice"),
        ("a+b(1).png", "a+b(1).png", True, "signs of regular expressions are plain"),
        ("./a.png", "a.png", True, "leading ./ is dropped"),
        ("e\u0301.png", "\u00e9.png", True, "decomposed pattern, composed path"),
    ],
)
def test_glob_against_path_matches_as_documented(pattern: str, path: str, matches: bool, reason: str) -> None:
    assert bool(compile_glob(pattern).fullmatch(path)) == matches, reason


def test_glob_with_open_brace_is_refused() -> None:
    with pytest.raises(ValueError, match="unbalanced"):
        compile_glob("*.{png")


def test_globs_none_given_gives_none() -> None:
    assert compile_globs([]) is None
